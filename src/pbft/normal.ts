// Section 4.2, the normal case: PRE-PREPARE, PREPARE, COMMIT. A batch is prepared here when the leader and q-1 others said so in
// one view, and committed when q said so in one view. Batches are made in requests.ts and delivered in delivery.ts.

import type { NodeId, Sequence, View } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { type Batch, batchDigest, requestId } from '../consensus/batch.ts'
import { sortedSignatures } from '../consensus/certificate.ts'
import { agreementOf } from './claims.ts'
import { accuse } from './evidence.ts'
import type { PbftMessageOf, PreparedCertificate, Vote } from './messages.ts'
import { broadcast, drop, refuse, save, send, signedVote } from './out.ts'
import { markProposed } from './pool.ts'
import {
  clock,
  isLeader,
  type KnownBatch,
  leaderOf,
  lowWatermark,
  mayVote,
  type Slot,
  type State,
  slotAt,
} from './state.ts'
import { count, supporters } from './tally.ts'

/** What votes are grouped by: view and digest, so that a certificate never mixes views. */
export function voteKey(vote: Pick<Vote, 'view' | 'digest'>): string {
  return `${vote.view}/${vote.digest}`
}

export function onPrePrepare(state: State, from: NodeId, message: PbftMessageOf<'pre-prepare'>): void {
  const { vote, batch } = message
  if (vote.epoch !== state.epoch || vote.signer === state.setup.self) return
  if (vote.signer !== leaderOf(state, vote.view)) {
    refuse(state, from, 'NOT_LEADER')
    return
  }
  if (!withinReach(state, vote.sequence)) {
    dropVote(state, from, vote)
    return
  }
  const slot = slotAt(state, vote.sequence)
  if (slot === undefined) return
  if (vote.view !== state.view || !state.active) {
    if (vote.view < state.view || isFarAhead(state, vote.view)) dropVote(state, from, vote)
    hear(state, slot, message)
    return
  }
  const known = slot.proposal
  if (known !== undefined) {
    if (known.vote.digest !== vote.digest) accuse(state, 'pre-prepare', known.vote, vote)
    return
  }
  if (batchDigest(batch) !== vote.digest || !fits(state, batch)) {
    refuse(state, from, 'PROPOSAL_INVALID')
    return
  }
  keepBatch(state, batch, vote, message)
  slot.proposal = { vote, first: true, verdict: 'unasked', recorded: false }
  for (const { vote: prepare } of slot.prepares.votes.values()) confront(state, slot, prepare)
  markProposed(state, vote.digest)
  proceed(state, slot)
}

/**
 * Whoever prepares another batch than this replica was told to has another proposal of the same leader, or lies. It gets the
 * leader's own words: a leader that tells each half its own convicts itself at both.
 */
function confront(state: State, { proposal }: Slot, prepare: Vote): void {
  const contradicts = prepare.view === proposal?.vote.view && prepare.digest !== proposal.vote.digest
  const message = contradicts ? state.batches.get(proposal.vote.digest)?.message : undefined
  if (message !== undefined) send(state, prepare.signer, message)
}

/**
 * Of another view than this replica's: nothing to vote on now, but others may agree on it, or its view be entered soon. Each
 * validator leads one of the next n views; what is further ahead would only push that out.
 */
function hear(state: State, slot: Slot, message: PbftMessageOf<'pre-prepare'>): void {
  if (isFarAhead(state, message.vote.view)) return
  if (slot.heard === undefined || slot.heard.vote.view < message.vote.view) slot.heard = message
  if (slot.certificate !== undefined) findBatch(state, slot)
}

function isFarAhead(state: State, view: View): boolean {
  return view > state.view + state.validators.size
}

/** Of a view that was left, or of a sequence that was settled; else from further ahead than this replica looks. */
function dropVote(state: State, from: NodeId, { view, sequence }: Pick<Vote, 'view' | 'sequence'>): void {
  const isStale = view < state.view || sequence <= Math.max(state.delivered, lowWatermark(state))
  drop(state, from, isStale ? 'STALE_MESSAGE' : 'OUTSIDE_WINDOW')
}

/** The batch that was agreed here, from what was heard; else it must be asked for. */
function findBatch(state: State, { certificate, heard, sequence }: Slot): void {
  const digest = certificate?.agreement.digest
  if (digest === undefined || state.batches.has(digest)) return
  if (heard?.vote.digest === digest && batchDigest(heard.batch) === digest) keepBatch(state, heard.batch, heard.vote)
  else state.missing.set(digest, sequence)
}

/**
 * A leader is at most a pipeline ahead of what it delivered. What is further above the last proposal without a gap is not
 * kept: either this replica is behind and will be helped, or the leader jumps (which would exhaust the window).
 */
function withinReach(state: State, sequence: Sequence): boolean {
  const reach = Math.max(state.contiguous, state.delivered) + 2 * state.setup.parameters.pipelineMax
  return sequence > state.delivered && sequence > lowWatermark(state) && sequence <= reach
}

function fits(state: State, batch: Batch): boolean {
  const { batchTransactionsMax, batchBytesMax } = state.setup.parameters
  const size = batch.transactions.reduce((sum, transaction) => sum + transaction.length, 0)
  return (
    batch.transactions.length <= batchTransactionsMax &&
    size <= batchBytesMax &&
    batch.tokens.length <= state.roster.validators.length
  )
}

export function keepBatch(
  state: State,
  batch: Batch,
  at: Pick<Vote, 'sequence' | 'digest'>,
  message?: PbftMessageOf<'pre-prepare'>,
): KnownBatch {
  const known = state.batches.get(at.digest)
  if (known !== undefined) {
    if (at.sequence > known.sequence) known.sequence = at.sequence
    if (message !== undefined) known.message = message
    return known
  }
  state.missing.delete(at.digest)
  const fresh: KnownBatch = {
    batch,
    ids: batch.transactions.map(requestId),
    sequence: at.sequence,
    recordedAt: 0 as Sequence,
    message,
  }
  state.batches.set(at.digest, fresh)
  return fresh
}

/** After a proposal came to `slot`: all that it lets happen, here and in the slots after it. */
export function proceed(state: State, slot: Slot): void {
  extend(state)
  ask(state, slot)
  for (let at = slot.sequence; at <= state.contiguous; at++) {
    const next = state.slots.get(at as Sequence)
    if (next !== undefined) prepare(state, next)
  }
  advance(state, slot)
}

/** Moves `contiguous` up over what is proposed or delivered. */
export function extend(state: State): void {
  if (state.contiguous < state.delivered) state.contiguous = state.delivered
  while (state.slots.get((state.contiguous + 1) as Sequence)?.proposal !== undefined) state.contiguous++
}

function ask(state: State, slot: Slot): void {
  const { proposal, sequence } = slot
  if (proposal === undefined || !proposal.first || proposal.verdict !== 'unasked') return
  const batch = state.batches.get(proposal.vote.digest)?.batch
  if (batch === undefined) return
  if (batch.transactions.length === 0 || proposal.vote.signer === state.setup.self) {
    proposal.verdict = 'valid'
    return
  }
  proposal.verdict = 'asked'
  const token = state.nextToken++
  state.checks.set(token, { view: state.view, sequence })
  state.out.push({ type: 'check', token, batch })
}

export function onChecked(state: State, token: number, verdict: 'valid' | 'invalid'): void {
  const asked = state.checks.get(token)
  state.checks.delete(token)
  if (asked === undefined || asked.view !== state.view) return
  const slot = state.slots.get(asked.sequence)
  if (slot?.proposal === undefined || slot.proposal.verdict !== 'asked') return
  slot.proposal.verdict = verdict
  if (verdict === 'invalid') {
    refuse(state, slot.proposal.vote.signer, 'PROPOSAL_INVALID')
    return
  }
  prepare(state, slot)
}

/** Signs PREPARE when all conditions hold: a proposal without a gap below it, good by static rules, of about this time. */
export function prepare(state: State, slot: Slot): void {
  const { proposal, sequence } = slot
  if (proposal === undefined || slot.ownPrepare !== undefined || !state.active || isLeader(state)) return
  if (!mayVote(state, sequence) || sequence > state.contiguous) return
  if (proposal.first && (proposal.verdict !== 'valid' || !isTimely(state, proposal.vote))) return
  const vote = signedVote(state, 'prepare', sequence, proposal.vote.digest)
  record(state, slot, [vote])
  slot.ownPrepare = { type: 'prepare', vote }
  slot.sentAt = clock(state)
  broadcast(state, slot.ownPrepare)
  count(slot.prepares, vote.signer, vote.view, voteKey(vote), vote)
  advance(state, slot)
}

function isTimely(state: State, vote: Vote): boolean {
  const batch = state.batches.get(vote.digest)?.batch
  return state.now !== undefined && batch !== undefined && Math.abs(batch.time - state.now) <= limits.clockSkewMsMax
}

/** Writes the proposal down, its batch once, and the own PREPARE when there is one. */
export function record(state: State, slot: Slot, prepared: readonly Vote[]): void {
  if (slot.proposal === undefined) return
  const { vote } = slot.proposal
  const known = state.batches.get(vote.digest)
  const batch = known !== undefined && known.recordedAt < slot.sequence ? [known.batch] : []
  save(state, slot.sequence, { type: 'accepted', proposal: vote, batch, prepare: prepared })
  slot.proposal.recorded = true
  if (known !== undefined && known.recordedAt < slot.sequence) known.recordedAt = slot.sequence
}

export function onVote(state: State, from: NodeId, phase: 'prepare' | 'commit', vote: Vote): void {
  if (vote.epoch !== state.epoch) return
  if (!state.validators.has(vote.signer)) {
    refuse(state, from, 'QUORUM_NOT_MET')
    return
  }
  if (phase === 'prepare' && vote.signer === leaderOf(state, vote.view)) {
    refuse(state, from, 'NOT_LEADER')
    return
  }
  // Keeping votes for this view and the next ones; an old view's COMMITs still prove what was agreed there.
  const slot = phase === 'prepare' && vote.view < state.view ? undefined : slotAt(state, vote.sequence)
  if (slot === undefined) {
    dropVote(state, from, vote)
    return
  }
  if (slot.certificate !== undefined && vote.view < state.view) return
  const tally = phase === 'prepare' ? slot.prepares : slot.commits
  const counted = count(tally, vote.signer, vote.view, voteKey(vote), vote)
  if (counted.type === 'contradiction') accuse(state, phase, counted.before, vote)
  if (counted.type !== 'counted') return
  if (phase === 'prepare') confront(state, slot, vote)
  advance(state, slot, phase === 'commit' ? vote : undefined)
}

/** Prepared, then committed, as far as the votes go. `voted`: a COMMIT that came, maybe of another view. */
export function advance(state: State, slot: Slot, voted?: Vote): void {
  if (becomesPrepared(state, slot)) commit(state, slot)
  const about = voted ?? slot.proposal?.vote
  if (about === undefined || slot.certificate !== undefined) return
  const group = supporters(slot.commits, voteKey(about))
  if (group.size < state.q) return
  slot.certificate = {
    type: 'pbft',
    agreement: agreementOf(state.setup.ledger, about),
    signatures: signaturesOf(group),
  }
  findBatch(state, slot)
}

/** prepared(m, v, n, i): the predicate of section 4.2. */
function becomesPrepared(state: State, slot: Slot): boolean {
  const { proposal } = slot
  if (proposal === undefined || !state.active || slot.ownCommit !== undefined) return false
  if (!mayVote(state, slot.sequence)) return false
  return supporters(slot.prepares, voteKey(proposal.vote)).size >= state.q - 1
}

function commit(state: State, slot: Slot): void {
  if (slot.proposal === undefined || state.fenced) return
  const { view, digest, signer, signature } = slot.proposal.vote
  const prepares = signaturesOf(supporters(slot.prepares, voteKey(slot.proposal.vote))).slice(0, state.q - 1)
  const certificate: PreparedCertificate = {
    view,
    sequence: slot.sequence,
    digest,
    proposal: { node: signer, signature },
    prepares,
  }
  const vote = signedVote(state, 'commit', slot.sequence, digest)
  if (!slot.proposal.recorded) record(state, slot, [])
  save(state, slot.sequence, { type: 'prepared', certificate, commit: vote })
  slot.prepared = certificate
  slot.ownCommit = { type: 'commit', vote }
  slot.sentAt = clock(state)
  broadcast(state, slot.ownCommit)
  count(slot.commits, vote.signer, vote.view, voteKey(vote), vote)
}

function signaturesOf(group: ReadonlyMap<NodeId, Vote>): PreparedCertificate['prepares'] {
  return sortedSignatures([...group].map(([node, { signature }]) => ({ node, signature })))
}

/** The leader's own PRE-PREPARE of a batch at the next sequence. */
export function prePrepare(state: State, batch: Batch): void {
  const sequence = (state.proposed + 1) as Sequence
  const slot = slotAt(state, sequence)
  if (slot === undefined) return
  const vote = signedVote(state, 'pre-prepare', sequence, batchDigest(batch))
  const message: PbftMessageOf<'pre-prepare'> = { type: 'pre-prepare', vote, batch }
  const { ids } = keepBatch(state, batch, vote, message)
  slot.proposal = { vote, first: true, verdict: 'valid', recorded: false }
  state.proposed = sequence
  state.proposedAt = clock(state)
  slot.sentAt = state.proposedAt
  record(state, slot, [])
  broadcast(state, message, ids)
  extend(state)
  advance(state, slot)
}
