// Organisations and nodes as one set: as they are, as they are planned to be, and what a change of the roster would make of
// them. A set is judged as a whole, whatever the order of its parts.

import { equal, toHex } from '../base/bytes.ts'
import type { ErrorCode } from '../base/errors.ts'
import { keyId } from '../base/hash.ts'
import type { LedgerId, NodeId, OrganisationId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { verify } from '../base/signature.ts'
import { type FaultModel, toleratedOf, validatorsMinOf } from '../consensus/quorum.ts'
import { cardFault } from './card.ts'
import type { Thresholds } from './genesis.ts'
import { memberProofBytes, type RosterChange } from './governance-acts.ts'
import type { KeyUse } from './governance-records.ts'
import { mayEnrol } from './keys.ts'
import { thresholdFaults } from './parameters.ts'
import type { Node, Organisation } from './records.ts'
import type { State } from './state.ts'

export interface Members {
  readonly organisations: ReadonlyMap<OrganisationId, Organisation>
  readonly nodes: ReadonlyMap<NodeId, Node>
}

/** A key and whose it is. */
export interface HeldKey {
  readonly organisation: OrganisationId
  readonly node: readonly NodeId[]
  readonly use: KeyUse
  readonly key: Uint8Array
}

/** Members and nodes as they will be when everything that is planned is in force. */
export function plannedMembers(state: State): Members {
  const organisations = new Map(state.organisations.values().map((each) => [each.id, each]))
  for (const [id, { record }] of state.plannedOrganisations.entries()) overlay(organisations, id, record)
  const nodes = new Map(state.nodes.values().map((each) => [each.id, each]))
  for (const [id, { record }] of state.plannedNodes.entries()) overlay(nodes, id, record)
  return { organisations, nodes }
}

function overlay<Id, T>(onto: Map<Id, T>, id: Id, [record]: readonly T[]): void {
  if (record === undefined) onto.delete(id)
  else onto.set(id, record)
}

/** What a change makes of `before`. */
export function membersAfter(before: Members, { leaving, leavingNodes, members, cards }: RosterChange): Members {
  const organisations = new Map(before.organisations)
  const nodes = new Map(before.nodes)
  for (const id of leaving) organisations.delete(id)
  for (const id of leavingNodes) nodes.delete(id)
  for (const { organisation } of [...members, ...cards]) organisations.set(organisation.id, organisation)
  for (const { node } of cards) nodes.set(node.id, node)
  return { organisations, nodes }
}

/** Why a change may not be made: ROSTER_INVALID, ORGANISATION_TOO_LARGE, or what is wrong with a card or key. */
export function rosterChangeFault(
  ledger: LedgerId,
  faults: FaultModel,
  before: Members,
  change: RosterChange,
): ErrorCode | undefined {
  const { leaving, leavingNodes, members, cards, thresholds } = change
  const areHere =
    leaving.every((id) => before.organisations.has(id)) &&
    leavingNodes.every((id) => before.nodes.has(id)) &&
    members.every(({ organisation }) => before.organisations.has(organisation.id))
  const contradict =
    [...members, ...cards].some(({ organisation }) => leaving.includes(organisation.id)) ||
    cards.some(({ node }) => leavingNodes.includes(node.id))
  if (!areHere || contradict) return 'ROSTER_INVALID'
  for (const { organisation, proof } of members) {
    if (!mayEnrol(organisation.key)) return 'KEY_WEAK'
    const proven = memberProofBytes({ ledger, organisation })
    if (!verify('proof-of-possession', proven, proof, organisation.key)) return 'SIGNATURE_INVALID'
  }
  const after = membersAfter(before, change)
  const described = new Map([
    ...before.organisations,
    ...members.map(({ organisation }) => [organisation.id, organisation] as const),
  ])
  for (const card of cards) {
    const { node, organisation } = card
    const known = described.get(organisation.id) ?? organisation
    described.set(organisation.id, known)
    const isSame = equal(known.key, organisation.key) && known.name === organisation.name
    if (!isSame || (before.nodes.get(node.id) ?? node).organisation !== node.organisation) return 'CARD_INVALID'
    const fault = cardFault(card)
    if (fault !== undefined) return fault
  }
  return membersFault(after, thresholds, faults)
}

/** Why these cannot run a ledger together; undefined when they can. */
function membersFault(
  { organisations, nodes }: Members,
  thresholds: Thresholds,
  faults: FaultModel,
): ErrorCode | undefined {
  const keys = [
    ...[...organisations.values()].map(({ key }) => key),
    ...[...nodes.values()].flatMap(({ keys: { consensus, transport, payload, checkpoint } }) => [
      consensus,
      transport,
      payload,
      checkpoint,
    ]),
  ].map(toHex)
  const validators = validatorsOf(nodes.values())
  if (
    organisations.size > limits.validatorsMax ||
    nodes.size > limits.validatorsMax ||
    validators.length < validatorsMinOf(faults) ||
    [...nodes.values()].some(({ organisation }) => !organisations.has(organisation)) ||
    new Set(keys).size < keys.length ||
    thresholdFaults(thresholds, organisations.size).length > 0
  ) {
    return 'ROSTER_INVALID'
  }
  const most = toleratedOf(faults, validators.length)
  return organisationsAbove(validators, most).length > 0 ? 'ORGANISATION_TOO_LARGE' : undefined
}

export function validatorsOf(nodes: Iterable<Node>): readonly Node[] {
  return [...nodes].filter(({ role }) => role === 'validator')
}

/** Organisations that run more than `most` of these validators. */
export function organisationsAbove(validators: readonly Node[], most: number): readonly OrganisationId[] {
  const counts = new Map<OrganisationId, number>()
  for (const { organisation } of validators) counts.set(organisation, (counts.get(organisation) ?? 0) + 1)
  return [...counts].filter(([, count]) => count > most).map(([organisation]) => organisation)
}

/** Keys that sign, of all members and nodes. */
export function heldKeys({ organisations, nodes }: Members): readonly HeldKey[] {
  return [
    ...[...organisations.values()].map(
      ({ id, key }): HeldKey => ({ organisation: id, node: [], use: 'organisation', key }),
    ),
    ...[...nodes.values()].flatMap(({ id, organisation, keys }) =>
      (['consensus', 'transport', 'checkpoint'] as const).map(
        (use): HeldKey => ({ organisation, node: [id], use, key: keys[use] }),
      ),
    ),
  ]
}

/** Keys of `after` that `before` did not hold in the same use. */
export function keysAdded(before: Members, after: Members): readonly HeldKey[] {
  const held = new Set(heldKeys(before).map(nameOf))
  return heldKeys(after).filter((key) => !held.has(nameOf(key)))
}

function nameOf({ organisation, node, use, key }: HeldKey): string {
  return `${organisation} ${node[0] ?? ''} ${use} ${keyId(key)}`
}
