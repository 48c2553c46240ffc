// Who the members are, as a node tells it to people who want to change that: the ledger as it will be when everything that is
// planned is in force, and how far each node is by its own word.

import { type Epoch, type NodeId, nodeIdOf, type Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { id, list, record, type Schema, uint } from '../base/schema.ts'
import { type LedgerParameters, parametersSchema, type Thresholds, thresholdsSchema } from '../ledger/genesis.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type Node, nodeSchema, type Organisation, organisationSchema } from '../ledger/records.ts'

export interface MembersView {
  /** Number of the next proposal. */
  readonly proposal: number
  readonly epoch: Epoch
  /** The last height of the epoch, once something is planned that ends it. */
  readonly ends: readonly Sequence[]
  readonly rulesVersion: number
  readonly thresholds: Thresholds
  readonly parameters: LedgerParameters
  readonly organisations: readonly Organisation[]
  readonly nodes: readonly Node[]
  readonly height: Sequence
  /** What nodes told this one last. */
  readonly heights: readonly { readonly node: NodeId; readonly height: Sequence }[]
}

export const membersViewSchema: Schema<MembersView> = record<MembersView>({
  proposal: uint(),
  epoch: uint<Epoch>(),
  ends: list(uint<Sequence>(), 1),
  rulesVersion: uint(),
  thresholds: thresholdsSchema,
  parameters: parametersSchema,
  organisations: list(organisationSchema, limits.validatorsMax),
  nodes: list(nodeSchema, limits.validatorsMax),
  height: uint<Sequence>(),
  heights: list(
    record<{ node: NodeId; height: Sequence }>({ node: id(16, nodeIdOf), height: uint<Sequence>() }),
    limits.validatorsMax,
  ),
})

/** `heightOf`: what a node told last. */
export function membersView(ledger: Ledger, heightOf: (node: NodeId) => number | undefined): MembersView {
  const { organisations, nodes } = ledger.plannedMembers()
  const { number, ends } = ledger.governance()
  const listed = [...nodes.values()]
  return {
    proposal: number,
    epoch: ledger.roster().epoch,
    ends: ends === undefined ? [] : [ends],
    rulesVersion: ledger.rulesVersion(),
    thresholds: ledger.thresholds(),
    parameters: ledger.parameters(),
    organisations: [...organisations.values()],
    nodes: listed,
    height: ledger.height,
    heights: listed.flatMap(({ id: node }) => {
      const height = heightOf(node)
      return height === undefined ? [] : [{ node, height: height as Sequence }]
    }),
  }
}
