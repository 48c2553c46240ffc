// A start from the journal: own votes are found byte for byte, so that none is ever contradicted, and whatever a
// VIEW-CHANGE must show is at hand again. The journal may lag behind what was executed, or hold what was not.

import type { ResultCertificate } from '../consensus/certificate.ts'
import type { JournalRecord } from '../consensus/contract.ts'
import { countResult, signReached } from './checkpoint.ts'
import { restoreEntered } from './entering.ts'
import { extend, keepBatch, proceed, voteKey } from './normal.ts'
import { settle } from './pool.ts'
import { type PbftRecord, readRecord } from './records.ts'
import { leaderOf, lowWatermark, type Slot, type State, slotAt } from './state.ts'
import { count } from './tally.ts'
import { restoreChanging } from './views.ts'

/** The last view and checkpoint first: they say what the other records mean. */
export function restore(state: State, journal: readonly JournalRecord[]): void {
  const records = journal.map(readRecord)
  for (const record of records) if (record.type === 'stable') restoreStable(state, record.certificate)
  for (const record of records) {
    if (record.type === 'changing') restoreChanging(state, record)
    if (record.type === 'entered') restoreEntered(state, record)
    if (record.type === 'fenced') state.fenced = record.certificate
    if (record.type === 'repaired') [state.fenced, state.disowned] = [undefined, record.disowned]
  }
  for (const record of records) restoreRecord(state, record)
  for (const slot of state.slots.values()) remember(state, slot)
  extend(state)
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
  if (slot.prepared === undefined || slot.prepared.view <= certificate.view) slot.prepared = certificate
  count(slot.commits, commit.signer, commit.view, voteKey(commit), commit)
  if (commit.view !== state.view) return
  slot.ownCommit = { type: 'commit', vote: commit }
}

/** Requests of batches that were executed: not to be proposed again soon. */
function remember(state: State, slot: Slot): void {
  if (slot.sequence > state.applied.sequence || slot.proposal === undefined) return
  const known = state.batches.get(slot.proposal.vote.digest)
  if (known !== undefined) settle(state, slot.sequence, known.ids)
}

/** On the first tick: what was executed and not yet signed when the node stopped, and proposals not yet looked at. */
export function begin(state: State): void {
  signReached(state)
  if (state.proposed < state.delivered) state.proposed = state.delivered
  if (!state.active) return
  state.out.push({ type: 'lead', round: state.view, leader: leaderOf(state, state.view), reason: 'started' })
  for (const slot of state.slots.values()) proceed(state, slot)
}
