// A start from the journal: own votes are found byte for byte, so that none is ever contradicted, and whatever a
// VIEW-CHANGE must show is at hand again. The journal may lag behind what was executed, or hold what was not.

import type { ResultCertificate } from '../consensus/certificate.ts'
import type { Mandate, RoundReason, Setup } from '../consensus/contract.ts'
import { countResult } from './checkpoint.ts'
import { restoreEntered } from './entering.ts'
import { epochRecord, takeMandate } from './epochs.ts'
import { newState } from './new-state.ts'
import { extend, keepBatch, voteKey } from './normal.ts'
import { remember, save } from './out.ts'
import { settle } from './pool.ts'
import { restartReads } from './reads.ts'
import { askForOwn, resume, tellForgotten } from './recall.ts'
import { epochOfRecord, type PbftRecord, readRecord } from './records.ts'
import { leaderOf, lowWatermark, type Slot, type State, slotAt } from './state.ts'
import { count } from './tally.ts'
import { restoreChanging } from './views.ts'

type EpochBegun = Extract<PbftRecord, { type: 'epoch' }>

/**
 * The machine may have executed the last block of an epoch whose end this replica has not seen proven: it goes on in that
 * epoch, so that it does what is left to do there.
 */
export function start(setup: Setup): State {
  const records = setup.journal.map(readRecord)
  const before = unfinished(setup, records)
  const epoch = before?.roster.epoch ?? setup.roster.epoch
  const rest = { ...setup, journal: setup.journal.filter((_, i) => epochOfRecord(records[i] as PbftRecord) > epoch) }
  const state =
    before === undefined
      ? newState(rest, endingOf(setup, records))
      : newState({ ...rest, ...mandateOf(before, setup) }, before.ending[0])
  const { roster, parameters, since, until } = setup
  if (before !== undefined) takeMandate(state, { roster, parameters, since, until })
  restoreFrom(state, records)
  state.out.length = 0
  return state
}

/** Undefined when the epoch of the next block has begun for this replica, too. */
function unfinished({ roster, applied, since }: Setup, records: readonly PbftRecord[]): EpochBegun | undefined {
  const isPast =
    applied.sequence > since ||
    records.some((record) => epochOfRecord(record) >= roster.epoch) ||
    records.some((record) => record.type === 'stable' && record.certificate.result.sequence === since)
  if (isPast) return undefined
  const begun = records.filter((record) => record.type === 'epoch')
  return begun.find((record) => record.roster.epoch === roster.epoch - 1)
}

function endingOf({ roster, since }: Setup, records: readonly PbftRecord[]): ResultCertificate | undefined {
  for (const record of records) {
    if (record.type === 'stable' && record.certificate.result.sequence === since) return record.certificate
    if (record.type === 'epoch' && record.roster.epoch === roster.epoch) return record.ending[0]
  }
  return undefined
}

function mandateOf({ roster, parameters, since }: EpochBegun, setup: Setup): Mandate {
  return { roster, parameters, since, until: setup.since }
}

/** An epoch began: the journal as it was found may know it, when the machine was lost and it was not. */
export function restore(state: State): void {
  restoreFrom(state, state.setup.journal.map(readRecord))
}

function restoreFrom(state: State, records: readonly PbftRecord[]): void {
  restoreVotes(
    state,
    records.filter((record) => epochOfRecord(record) === state.epoch),
  )
  // This epoch is over, and what was signed in it is forgotten.
  if (records.some((record) => epochOfRecord(record) > state.epoch)) state.voting = 'follows'
}

/** The last view and checkpoint first: they say what the other records mean. */
function restoreVotes(state: State, records: readonly PbftRecord[]): void {
  for (const record of records) if (record.type === 'stable') restoreStable(state, record.certificate)
  for (const record of records) {
    if (record.type === 'changing') restoreChanging(state, record)
    if (record.type === 'entered') restoreEntered(state, record)
    if (record.type === 'fenced') state.fenced = record.certificate
    if (record.type === 'repaired') [state.fenced, state.disowned] = [undefined, record.disowned]
    if (record.type === 'epoch') restoreEpoch(state, record)
  }
  for (const record of records) restoreRecord(state, record)
  for (const slot of state.slots.values()) remind(state, slot)
  extend(state)
}

function restoreEpoch(state: State, { forgot }: EpochBegun): void {
  state.recorded = true
  if (forgot) state.voting = 'forgot'
}

function restoreStable(state: State, certificate: ResultCertificate): void {
  if (certificate.result.sequence <= lowWatermark(state)) return
  state.stable = certificate
  const executed = certificate.result.sequence <= state.applied.sequence
  state.final = executed ? certificate : undefined
  state.ahead = executed ? undefined : certificate
}

function restoreRecord(state: State, record: PbftRecord): void {
  if (record.type === 'accepted') restoreAccepted(state, record)
  if (record.type === 'prepared') restorePrepared(state, record)
  if (record.type === 'result' && record.signed.result.sequence <= state.applied.sequence) {
    countResult(state, record.signed)
  }
}

/** Of an older view, only the batch matters still. */
function restoreAccepted(state: State, record: Extract<PbftRecord, { type: 'accepted' }>): void {
  const { proposal, batch, prepare } = record
  const slot = slotAt(state, proposal.sequence)
  if (slot === undefined) return
  if (proposal.signer === state.setup.self) remember(state, 'pre-prepare', proposal)
  for (const vote of prepare) remember(state, 'prepare', vote)
  const [found] = batch
  const message = found && { type: 'pre-prepare' as const, vote: proposal, batch: found }
  if (found !== undefined) keepBatch(state, found, proposal, message).recordedAt = proposal.sequence
  if (proposal.view !== state.view) return
  const first = slot.proposal?.first ?? true
  slot.proposal = {
    vote: proposal,
    first,
    verdict: 'unasked',
    recorded: true,
  }
  if (proposal.signer === state.setup.self) {
    slot.proposal.verdict = 'valid'
    if (proposal.sequence > state.proposed) state.proposed = proposal.sequence
  }
  const [own] = prepare
  if (own === undefined) return
  slot.proposal.verdict = 'valid'
  slot.ownPrepare = { type: 'prepare', vote: own }
  count(slot.prepares, own.signer, own.view, voteKey(own), own)
}

function restorePrepared(state: State, record: Extract<PbftRecord, { type: 'prepared' }>): void {
  const { certificate, commit } = record
  const slot = slotAt(state, certificate.sequence)
  if (slot === undefined) return
  remember(state, 'commit', commit)
  if (slot.prepared === undefined || slot.prepared.view <= certificate.view) slot.prepared = certificate
  count(slot.commits, commit.signer, commit.view, voteKey(commit), commit)
  if (commit.view !== state.view) return
  slot.ownCommit = { type: 'commit', vote: commit }
}

/** Requests of batches that were executed: not to be proposed again soon. */
function remind(state: State, slot: Slot): void {
  if (slot.sequence > state.applied.sequence || slot.proposal === undefined) return
  const known = state.batches.get(slot.proposal.vote.digest)
  if (known !== undefined) settle(state, slot.sequence, known.ids)
}

/** On the first tick, at the beginning of an epoch, and with a state that is to be trusted again. */
export function begin(state: State, reason: RoundReason = 'started'): void {
  if (!state.recorded) save(state, state.setup.since, epochRecord(state))
  state.recorded = true
  if (state.voting === 'forgot') tellForgotten(state, new Uint8Array())
  if (state.proposed < state.delivered) state.proposed = state.delivered
  resume(state)
  askForOwn(state)
  if (state.active) state.out.push({ type: 'lead', round: state.view, leader: leaderOf(state, state.view), reason })
  restartReads(state)
}
