// The report of an erasure: who ordered what and when, who was obliged to purge it, and what each node attested. All of it
// stands in the blocks, so whoever holds an audit export makes the same report and compares.

import { toHex } from '../base/bytes.ts'
import {
  type ItemId,
  itemIdOf,
  type LedgerId,
  ledgerIdOf,
  type NodeId,
  nodeIdOf,
  type OrganisationId,
  type Sequence,
  type Time,
  type TxId,
  txIdOf,
} from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bool, id, list, record, type Schema, text, timestamp, uint, word } from '../base/schema.ts'
import type { ErasureActOf } from '../ledger/erasure.ts'
import { countsSchema, type ErasureReason, type PurgeCounts, reasonSchema } from '../ledger/erasure-acts.ts'
import { organisationIdSchema } from '../ledger/records.ts'

/** What one node attested: that it searched its files for the bytes that it had noted and found none. */
export interface Attestation {
  readonly node: NodeId
  readonly height: Sequence
  readonly tx: TxId
  readonly counts: PurgeCounts
  /** SHA-256 over its program files. */
  readonly software: string
  /** Unlock provider: with a key file or a passphrase, an old image of the disk together with it still opens what it held. */
  readonly unlock: string
  /** When the last backup of this node that may hold the items ends. */
  readonly backupsEnd: Time
}

export interface Obligation {
  readonly node: NodeId
  /** As people know it now. */
  readonly name: string
  readonly attestations: readonly Attestation[]
}

export interface ErasureReport {
  readonly format: 'quadrille-erasure-report/1'
  readonly ledger: LedgerId
  readonly order: TxId
  /** The controller. */
  readonly organisation: OrganisationId
  readonly height: Sequence
  readonly time: Time
  readonly reason: ErasureReason
  /** What the controller's case file knows it by. */
  readonly reference: string
  /** Items that the order named. */
  readonly items: readonly ItemId[]
  /** How many of them no earlier order had erased. */
  readonly erased: number
  /** Of each node that was part of the ledger at the order's height. */
  readonly obligations: readonly Obligation[]
  readonly complete: boolean
  /** Height up to which attestations are counted. */
  readonly asOf: Sequence
}

const hex = (length: number): Schema<string> =>
  id(length, (value) => {
    const text = typeof value === 'string' ? value : toHex(value)
    if (!/^[0-9a-f]*$/.test(text) || text.length !== 2 * length) throw new RangeError(`${length} bytes in hexadecimal`)
    return text
  })

export const attestationSchema: Schema<Attestation> = record<Attestation>({
  node: id(16, nodeIdOf),
  height: uint<Sequence>(),
  tx: id(32, txIdOf),
  counts: countsSchema,
  software: hex(32),
  unlock: text(32),
  backupsEnd: timestamp,
})

export const erasureReportSchema: Schema<ErasureReport> = record<ErasureReport>({
  format: word('quadrille-erasure-report/1'),
  ledger: id(32, ledgerIdOf),
  order: id(32, txIdOf),
  organisation: organisationIdSchema,
  height: uint<Sequence>(),
  time: timestamp,
  reason: reasonSchema,
  reference: hex(16),
  items: list(id(32, itemIdOf), limits.placesPerActMax),
  erased: uint(),
  obligations: list(
    record<Obligation>({
      node: id(16, nodeIdOf),
      name: text(limits.nameBytesMax),
      attestations: list(attestationSchema, 1),
    }),
    limits.validatorsMax,
  ),
  complete: bool,
  asOf: uint<Sequence>(),
})

/** An order as its block has it. */
export interface OrderFacts {
  readonly ledger: LedgerId
  readonly order: TxId
  readonly organisation: OrganisationId
  readonly height: Sequence
  readonly time: Time
  readonly act: ErasureActOf<'erase'>
  readonly items: readonly ItemId[]
  readonly erased: number
  readonly obliged: readonly Pick<Obligation, 'node' | 'name'>[]
}

export function attestationOf(
  node: NodeId,
  height: Sequence,
  tx: TxId,
  { counts, software, unlock, backupsEnd }: ErasureActOf<'erasure-attest'>,
): Attestation {
  return { node, height, tx, counts, software: toHex(software), unlock, backupsEnd }
}

/** Counts attestations up to and including height `asOf`. */
export function reportOf(facts: OrderFacts, attestations: readonly Attestation[], asOf: Sequence): ErasureReport {
  const { act, obliged, ...rest } = facts
  const obligations = obliged.map(({ node, name }): Obligation => {
    const own = attestations.filter((each) => each.node === node && each.height <= asOf)
    return { node, name, attestations: own.slice(0, 1) }
  })
  return {
    format: 'quadrille-erasure-report/1',
    ...rest,
    reason: act.reason,
    reference: toHex(act.reference),
    obligations,
    complete: obligations.every(({ attestations: own }) => own.length > 0),
    asOf,
  }
}

/** Nodes that have not attested, by name. */
export function missingOf({ obligations }: ErasureReport): readonly string[] {
  return obligations.filter(({ attestations }) => attestations.length === 0).map(({ name }) => name)
}

/** Whether two reports say the same of the chain; names of nodes are only for people. */
export function sameReport(one: ErasureReport, other: ErasureReport): boolean {
  const bare = (report: ErasureReport): unknown => ({
    ...(erasureReportSchema.toJson(report) as object),
    obligations: report.obligations.map(({ node, attestations }) => ({ node, attestations })),
  })
  return JSON.stringify(bare(one)) === JSON.stringify(bare(other))
}
