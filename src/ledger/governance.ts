// Governance as rules. An act that changes members, nodes, thresholds or parameters is applied at a height s and comes into
// force after e, the first checkpoint at or above s + window: what was under way is decided by those who began it, and there
// is one set of validators, one set of keys and one set of parameters for each sequence, for everybody (P23). Acts that are
// applied before e join it. Until then the state holds them as planned.

import type { ErrorCode } from '../base/errors.ts'
import { keyId } from '../base/hash.ts'
import type { Epoch, KeyId, LedgerId, NodeId, Sequence } from '../base/ids.ts'
import { verify } from '../base/signature.ts'
import type { Moment } from './delivery.ts'
import type { LedgerParameters } from './genesis.ts'
import { type Change, type GovernanceAct, type Proposal, proposalBytes, type RosterChange } from './governance-acts.ts'
import {
  heldKeys,
  keysAdded,
  type Members,
  membersAfter,
  plannedMembers,
  rosterChangeFault,
  validatorsOf,
} from './members.ts'
import { parameterFaults } from './parameters.ts'
import type { State } from './state.ts'

type ActOf<Type extends GovernanceAct['type']> = Extract<GovernanceAct, { readonly type: Type }>

/** Why a proposal is not carried out; undefined when it is. What is cheap to find out comes first. */
export function governFault(
  state: State,
  ledger: LedgerId,
  { proposal, ballots }: ActOf<'govern'>,
  moment: Moment,
): ErrorCode | undefined {
  const { number, closes, change } = proposal
  if (number !== state.governance.proposals + 1) return 'PROPOSAL_OUTDATED'
  if (moment.time > closes) return 'PROPOSAL_CLOSED'
  const { thresholds } = state.rules
  const needed = change.type === 'roster' ? thresholds.roster : thresholds.rules
  if (ballots.length < needed) return 'THRESHOLD_NOT_MET'
  const signed = proposalBytes({ ledger, proposal })
  for (const { organisation, signature } of ballots) {
    const member = state.organisations.get(organisation)
    if (member === undefined) return 'NOT_PERMITTED'
    if (!verify('proposal', signed, signature, member.key)) return 'SIGNATURE_INVALID'
  }
  return changeFault(state, ledger, change, moment)
}

function changeFault(state: State, ledger: LedgerId, change: Change, moment: Moment): ErrorCode | undefined {
  switch (change.type) {
    case 'roster':
      return rosterFault(state, ledger, change)
    case 'parameters':
      return parametersFault(state, change.parameters)
    case 'rules': {
      const { rules, governance } = state
      const isNext = change.version > rules.rulesVersion && governance.activation.length === 0
      if (!isNext || change.height < moment.sequence + rules.parameters.window) return 'ACTIVATION_INVALID'
      return announcedFault(state, plannedMembers(state), change.version)
    }
  }
}

function rosterFault(state: State, ledger: LedgerId, change: RosterChange): ErrorCode | undefined {
  const before = plannedMembers(state)
  const fault = rosterChangeFault(ledger, state.faults, before, change)
  if (fault !== undefined) return fault
  const after = membersAfter(before, change)
  const held = new Set(heldKeys(before).map(({ key }) => keyId(key)))
  const isTaken = (id: KeyId): boolean =>
    held.has(id) || state.keyTerms.get(id) !== undefined || state.applicationKeys.get(id) !== undefined
  if (keysAdded(before, after).some(({ key }) => isTaken(keyId(key)))) return 'KEY_TAKEN'
  const [activation] = state.governance.activation
  return activation === undefined ? undefined : announcedFault(state, after, activation.version)
}

/** One interval divides the other, so that the last height of the epoch is a checkpoint under both. */
function parametersFault(state: State, parameters: LedgerParameters): ErrorCode | undefined {
  const before = state.rules.parameters.checkpointInterval
  const after = parameters.checkpointInterval
  const [ends] = state.governance.ends
  const fits = Math.max(before, after) % Math.min(before, after) === 0 && (ends === undefined || ends % after === 0)
  return parameterFaults(parameters).length === 0 && fits ? undefined : 'PARAMETERS_INVALID'
}

/** Those who vote now and those who will must all have software that knows the version. */
function announcedFault(state: State, after: Members, version: number): ErrorCode | undefined {
  const validators = [...validatorsOf(state.nodes.values()), ...validatorsOf(after.nodes.values())]
  const all = validators.every(({ id }) => (state.announcements.get(id)?.version ?? 0) >= version)
  return all ? undefined : 'VERSION_NOT_ANNOUNCED'
}

/** The effects of a proposal that has no fault. */
export function carryOutProposal(state: State, { change, number }: Proposal, moment: Moment): void {
  const before = { ...state.governance, proposals: number }
  if (change.type === 'rules') {
    const { version, height } = change
    state.governance = { ...before, activation: [{ version, height }] }
    return
  }
  const interval = change.type === 'parameters' ? change.parameters.checkpointInterval : 1
  const ends = before.ends[0] ?? epochEnd(state.rules.parameters, interval, moment.sequence)
  if (change.type === 'parameters') {
    state.governance = { ...before, ends: [ends], parameters: [change.parameters] }
    return
  }
  plan(state, change, ends)
  state.governance = { ...before, ends: [ends], thresholds: [change.thresholds] }
}

/** The first checkpoint at or above sequence + window, under both intervals. */
function epochEnd({ checkpointInterval, window }: LedgerParameters, interval: number, sequence: Sequence): Sequence {
  const step = Math.max(checkpointInterval, interval)
  return (Math.ceil((sequence + window) / step) * step) as Sequence
}

function plan(state: State, change: RosterChange, ends: Sequence): void {
  const before = plannedMembers(state)
  const after = membersAfter(before, change)
  for (const id of change.leaving) state.plannedOrganisations.set(id, { record: [] })
  for (const id of change.leavingNodes) state.plannedNodes.set(id, { record: [] })
  for (const { organisation } of [...change.members, ...change.cards]) {
    state.plannedOrganisations.set(organisation.id, { record: [organisation] })
  }
  for (const { node } of change.cards) state.plannedNodes.set(node.id, { record: [node] })
  for (const { key, ...holder } of keysAdded(after, before)) {
    const term = state.keyTerms.get(keyId(key)) ?? { ...holder, from: 0 as Sequence }
    state.keyTerms.set(keyId(key), { ...term, until: [ends] })
  }
  for (const { key, ...holder } of keysAdded(before, after)) {
    state.keyTerms.set(keyId(key), { ...holder, from: (ends + 1) as Sequence, until: [] })
  }
}

/**
 * After the last block of an epoch: what was planned comes into force. All members are written anew, so that from the first
 * change on the records of a state hold them all and nothing of the genesis shines through.
 */
export function turnEpoch(state: State): void {
  const { organisations, nodes } = plannedMembers(state)
  for (const { id } of state.organisations.values()) if (!organisations.has(id)) state.organisations.delete(id)
  for (const { id } of state.nodes.values()) if (!nodes.has(id)) state.nodes.delete(id)
  for (const [id, record] of organisations) state.organisations.set(id, record)
  for (const [id, record] of nodes) state.nodes.set(id, record)
  for (const [id] of state.plannedOrganisations.entries()) state.plannedOrganisations.delete(id)
  for (const [id] of state.plannedNodes.entries()) state.plannedNodes.delete(id)
  const { rules, governance } = state
  const { epoch, thresholds, parameters } = governance
  state.rules = {
    ...rules,
    thresholds: thresholds[0] ?? rules.thresholds,
    parameters: parameters[0] ?? rules.parameters,
  }
  state.governance = { ...governance, epoch: (epoch + 1) as Epoch, ends: [], thresholds: [], parameters: [] }
}

/** At the height of an activation, before its first transaction. */
export function activate(state: State, { sequence }: Moment): void {
  const { rules, governance } = state
  const [activation] = governance.activation
  if (activation === undefined || sequence < activation.height) return
  state.rules = { ...rules, rulesVersion: activation.version }
  state.governance = { ...governance, activation: [] }
}

/** Announcements only rise: an activation relies on them. */
export function announceFault(
  state: State,
  node: NodeId | undefined,
  { version }: ActOf<'announce'>,
): ErrorCode | undefined {
  if (node === undefined) return 'NOT_PERMITTED'
  return version > (state.announcements.get(node)?.version ?? 0) ? undefined : 'ANNOUNCED_BEFORE'
}

export function announce(state: State, node: NodeId, { version }: ActOf<'announce'>): void {
  state.announcements.set(node, { version })
}
