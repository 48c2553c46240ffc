// Keeping up (sections 4.2, 4.6 of TOCS): every unmet vote is sent again, byte for byte; everybody says how far it is; and
// whoever sees another behind helps with proofs that need no trust: commit certificates, result certificates, new views.

import type { NodeId, Sequence } from '../base/ids.ts'
import { batchDigest } from '../consensus/batch.ts'
import type { CommitCertificate } from '../consensus/certificate.ts'
import { mayAsk } from './entering.ts'
import { hearLater, showEnding } from './epochs.ts'
import type { PbftMessage, PbftMessageOf, Vote } from './messages.ts'
import { keepBatch, voteKey } from './normal.ts'
import { broadcast, elapsed, mayHelp, refuse, send } from './out.ts'
import {
  clock,
  finalSequence,
  highWatermark,
  isLeader,
  isQuorum,
  lowWatermark,
  type PeerView,
  type Slot,
  type State,
  slotAt,
} from './state.ts'

/** Batches that one answer holds at most: the asker says how far it came and gets more. */
const batchesPerAnswer = 16
/** So many times `resendMs` pass between words from a replica that lacks nothing. */
const idleStatusFactor = 5

export function onStatus(state: State, from: NodeId, message: PbftMessageOf<'status'>): void {
  if (message.epoch !== state.epoch) {
    onOtherEpoch(state, from, message)
    return
  }
  const known = state.validators.has(from) ? state.peers : state.followers
  const before = known.get(from)
  const { view, active, delivered, final, stable } = message
  const peer: PeerView = {
    ...{ view, active, delivered, final, stable },
    helpedAt: before?.helpedAt ?? (0 as PeerView['helpedAt']),
    helpedTo: before?.helpedTo ?? (0 as Sequence),
  }
  known.set(from, peer)
  if (state.fenced || !mayHelp(state, peer) || !isBehind(state, peer)) return
  peer.helpedAt = clock(state)
  peer.helpedTo = peer.delivered
  help(state, from, peer, message.help)
  // Nobody tells those who do not vote by himself.
  if (known === state.followers) tell(state, from, false)
}

function onOtherEpoch(state: State, from: NodeId, { epoch, delivered }: PbftMessageOf<'status'>): void {
  if (epoch > state.epoch) {
    hearLater(state, from, delivered)
  } else if (mayAsk(state, from)) {
    showEnding(state, from, epoch)
    tell(state, from, false)
  }
}

function isBehind(state: State, peer: PeerView): boolean {
  return (
    peer.delivered < state.delivered ||
    peer.final < state.applied.sequence ||
    peer.stable < lowWatermark(state) ||
    peer.view < state.view ||
    (peer.view === state.view && !peer.active && state.active)
  )
}

function help(state: State, to: NodeId, peer: PeerView, batches: boolean): void {
  const { stable, final, newView } = state
  if (stable !== undefined && peer.stable < stable.result.sequence)
    send(state, to, { type: 'certified', certificate: stable })
  if (final !== undefined && peer.final < final.result.sequence && final !== stable) {
    send(state, to, { type: 'certified', certificate: final })
  }
  if (peer.view < state.view || (peer.view === state.view && !peer.active)) {
    if (state.active && newView !== undefined) send(state, to, { type: 'new-view', newView })
  }
  if (peer.final < state.applied.sequence) sendOwnResults(state, [to])
  if (batches) sendDecided(state, to, peer)
}

function sendDecided(state: State, to: NodeId, peer: PeerView): void {
  // Whatever a peer claims: numbers end, and whoever counts on from the last one never gets further.
  const first = Math.min(Math.max(peer.delivered, lowWatermark(state)), highWatermark(state)) + 1
  let bytes = 0
  for (let at = first; at < first + batchesPerAnswer && bytes < state.setup.parameters.batchBytesMax; at++) {
    const slot = state.slots.get(at as Sequence)
    const known = slot?.certificate && state.batches.get(slot.certificate.agreement.digest)
    if (slot?.certificate === undefined || known === undefined) {
      sendOwnVotes(state, to, slot)
      continue
    }
    const { certificate } = slot
    bytes += known.batch.transactions.reduce((sum, transaction) => sum + transaction.length, 0)
    send(state, to, { type: 'decided', certificate, batch: known.batch }, known.ids)
  }
}

/** After a restart no certificate is at hand for what was executed before: the votes of that time must do. */
function sendOwnVotes(state: State, to: NodeId, slot: Slot | undefined): void {
  if (slot?.ownPrepare !== undefined) send(state, to, slot.ownPrepare)
  if (slot?.ownCommit !== undefined) send(state, to, slot.ownCommit)
}

/** The last own result, and those of checkpoints that are not stable. A later result covers earlier ones. */
function sendOwnResults(state: State, to: readonly NodeId[]): void {
  for (const [sequence, { votes }] of state.results) {
    const own = votes.get(state.setup.self)
    if (own === undefined) continue
    if (sequence !== state.applied.sequence && own.vote.result.checkpoint.length === 0) continue
    const message: PbftMessage = { type: 'result', signed: own.vote }
    for (const node of to) send(state, node, message)
  }
}

export function onDecided(state: State, from: NodeId, message: PbftMessageOf<'decided'>): void {
  const { certificate, batch } = message
  if (certificate.agreement.epoch !== state.epoch) return
  if (!isCommitCertificate(state, certificate)) {
    refuse(state, from, 'QUORUM_NOT_MET')
    return
  }
  const { sequence, digest } = certificate.agreement
  if (sequence <= state.delivered) return
  const slot = slotAt(state, sequence)
  if (slot === undefined) return
  if (batchDigest(batch) !== digest) {
    refuse(state, from, 'PROPOSAL_INVALID')
    return
  }
  keepBatch(state, batch, { sequence, digest })
  slot.certificate ??= certificate
}

function isCommitCertificate(state: State, { type, agreement, signatures }: CommitCertificate): boolean {
  return type === 'pbft' && agreement.ledger === state.setup.ledger && isQuorum(state, signatures)
}

/** On ticks: own votes that did not lead to a delivery, and own results that are not final everywhere as far as one knows. */
export function resendVotes(state: State): void {
  const { resendMs } = state.setup.parameters
  for (const slot of state.slots.values()) {
    if (slot.sequence <= state.delivered || !elapsed(state, slot.sentAt, resendMs)) continue
    slot.sentAt = clock(state)
    if (state.active) resendSlot(state, slot)
  }
  if (elapsed(state, state.resultsAt, resendMs) && resultsUnmet(state)) {
    state.resultsAt = clock(state)
    sendOwnResults(state, state.others)
  }
}

function resultsUnmet(state: State): boolean {
  return finalSequence(state) < state.applied.sequence || state.results.size > 0
}

function resendSlot(state: State, slot: Slot): void {
  const { proposal } = slot
  if (proposal !== undefined && isLeader(state) && proposal.first) resendProposal(state, proposal.vote, slot)
  if (slot.ownPrepare !== undefined) broadcast(state, slot.ownPrepare)
  if (slot.ownCommit !== undefined) broadcast(state, slot.ownCommit)
}

/** The batch goes only to those who did not answer it. */
function resendProposal(state: State, vote: Vote, slot: Slot): void {
  const known = state.batches.get(vote.digest)
  if (known?.message === undefined) return
  for (const to of state.others) {
    if (slot.prepares.votes.get(to)?.key !== voteKey(vote)) send(state, to, known.message, known.ids)
  }
}

/** On ticks: says how far this replica is, often while it lacks something. */
export function sendStatus(state: State): void {
  const { resendMs } = state.setup.parameters
  const lacking = isLacking(state)
  if (!elapsed(state, state.statusAt, lacking ? resendMs : idleStatusFactor * resendMs)) return
  state.statusAt = clock(state)
  const helpers = lacking ? nextHelpers(state) : []
  const told = state.voting === 'follows' ? helpers : state.others
  for (const to of told) tell(state, to, helpers.includes(to))
}

function tell(state: State, to: NodeId, help: boolean): void {
  const { epoch, view, active, delivered } = state
  const [final, stable] = [finalSequence(state), lowWatermark(state)]
  send(state, to, { type: 'status', epoch, view, active, delivered, final, stable, help })
}

/** f+1 others in turn are asked for batches: one of them is correct, and not all send the same. */
function nextHelpers(state: State): readonly NodeId[] {
  const { others, f } = state
  const start = state.statusRound++ * (f + 1)
  return Array.from({ length: f + 1 }, (_, i) => others[(start + i) % others.length] as NodeId)
}

function isLacking(state: State): boolean {
  const { resendMs } = state.setup.parameters
  if (!state.active || state.fetching !== undefined || state.statusRound === 0) return true
  if (state.voting === 'follows') return true
  if (!elapsed(state, state.progressAt, resendMs)) return false
  if (finalSequence(state) < state.applied.sequence || state.ahead !== undefined) return true
  for (const slot of state.slots.values()) if (slot.sequence > state.delivered) return true
  for (const peer of state.peers.values()) {
    if (peer.delivered > state.delivered || peer.view > state.view || peer.stable > lowWatermark(state)) return true
  }
  return false
}
