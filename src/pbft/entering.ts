// Section 4.4, entering a view: a NEW-VIEW is believed when what it carries over follows from the view changes that it names,
// or when f+1 peers entered it (one of them is correct and has checked). What it names and is not here is asked for.

import { hash } from '../base/hash.ts'
import type { Digest, NodeId, Sequence, View } from '../base/ids.ts'
import { batchDigest } from '../consensus/batch.ts'
import { certified } from './checkpoint.ts'
import { newViewBytes } from './claims.ts'
import type { NewView, PbftMessageOf, ViewChange } from './messages.ts'
import { computeO } from './new-view.ts'
import { advance, extend, keepBatch, onPrePrepare, prepare } from './normal.ts'
import { broadcast, drop, elapsed, refuse, remember, save, send } from './out.ts'
import { markProposed, requeue } from './pool.ts'
import { restartToken } from './reads.ts'
import type { PbftRecord } from './records.ts'
import {
  clock,
  highWatermark,
  leaderOf,
  lowWatermark,
  nullDigest,
  type PendingView,
  type State,
  slotAt,
} from './state.ts'

export function onNewView(state: State, from: NodeId, newView: NewView): void {
  if (newView.epoch !== state.epoch) return
  if (!isLater(state, newView.view)) {
    if (newView.view < state.view) drop(state, from, 'STALE_MESSAGE')
    return
  }
  if (newView.signer !== leaderOf(state, newView.view) || !isShaped(state, newView)) {
    refuse(state, from, 'VIEW_UNJUSTIFIED')
    return
  }
  state.pending.set(from, { newView, key: hash('view-change', newViewBytes(state.setup.ledger, newView)) })
  tryPending(state)
  if (isLater(state, newView.view)) wantChanges(state, [from])
}

function isLater(state: State, view: View): boolean {
  return view > state.view || (view === state.view && !state.active)
}

function isShaped(state: State, { changes, proposals }: NewView): boolean {
  let last = ''
  for (const { node } of changes) {
    if (node <= last || !state.validators.has(node)) return false
    last = node
  }
  return (
    changes.length >= state.q && proposals.every(({ sequence }, i) => sequence === (proposals[0]?.sequence ?? 0) + i)
  )
}

/** Enters the latest NEW-VIEW that can be believed by now; what turns out unjustified ends its view. */
export function tryPending(state: State): void {
  for (const [peer, pending] of [...state.pending]) {
    if (!isLater(state, pending.newView.view)) state.pending.delete(peer)
    else if (countSenders(state, pending) > state.f) enterView(state, pending.newView, [])
    else tryJustify(state, peer, pending)
  }
}

function countSenders(state: State, { key }: PendingView): number {
  return [...state.pending.values()].filter((other) => other.key === key).length
}

function tryJustify(state: State, peer: NodeId, { newView }: PendingView): void {
  const changes = newView.changes.flatMap(({ node, digest }) => {
    const change = changeNamed(state, node, digest)
    return change === undefined ? [] : [change]
  })
  if (changes.length < newView.changes.length) return
  if (follows(state, newView, changes)) {
    enterView(state, newView, changes)
    return
  }
  state.pending.delete(peer)
  refuse(state, newView.signer, 'VIEW_UNJUSTIFIED')
  if (newView.view === state.view) state.unjustified = true
}

function changeNamed(state: State, node: NodeId, digest: Digest): ViewChange | undefined {
  const latest = state.changes.get(node)
  const change = latest?.digest === digest ? latest.change : state.found.get(digest)
  return change?.signer === node ? change : undefined
}

/** Whether O is what follows from V. */
function follows(state: State, newView: NewView, changes: readonly ViewChange[]): boolean {
  if (!changes.every(({ view }) => view === newView.view)) return false
  const { proposals } = computeO(changes, nullDigest, state.setup.since)
  return (
    proposals.length === newView.proposals.length &&
    proposals.every(({ sequence, digest }, i) => {
      const claimed = newView.proposals[i]
      return claimed?.sequence === sequence && claimed.digest === digest
    })
  )
}

/** `changes`: what justifies it, in the order of its names, or none when others vouch for it. */
export function enterView(state: State, newView: NewView, changes: readonly ViewChange[]): void {
  save(state, lowWatermark(state), { type: 'entered', newView })
  adopt(state, newView)
  for (const [i, change] of changes.entries()) {
    const digest = newView.changes[i]?.digest
    if (digest !== undefined) state.justification.set(digest, change)
  }
  state.progressAt = clock(state)
  state.quorumAt = undefined
  state.unjustified = false
  state.pending.clear()
  state.found.clear()
  const { stable, from } = computeO(changes, nullDigest, state.setup.since)
  if (stable !== undefined) certified(state, stable)
  startOrder(state, newView, from)
  requeue(state)
  for (const { digest } of newView.proposals) markProposed(state, digest)
  restartToken(state)
  state.out.push({ type: 'lead', round: newView.view, leader: newView.signer, reason: state.leaving })
  state.leaving = 'others moved'
  for (const { sequence } of newView.proposals) {
    const slot = state.slots.get(sequence)
    if (slot === undefined) continue
    prepare(state, slot)
    advance(state, slot)
  }
  for (const { heard } of [...state.slots.values()]) {
    if (heard?.vote.view === newView.view) onPrePrepare(state, heard.vote.signer, heard)
  }
  wantBatches(state)
}

/** The view's proposals take their slots. */
function adopt(state: State, newView: NewView): void {
  const { view, epoch, signer } = newView
  state.view = view
  state.active = true
  state.newView = newView
  state.justification.clear()
  state.checks.clear()
  for (const slot of state.slots.values()) {
    slot.proposal = undefined
    slot.ownPrepare = undefined
    slot.ownCommit = undefined
  }
  for (const { sequence, digest, signature } of newView.proposals) {
    const slot = slotAt(state, sequence)
    if (slot === undefined) continue
    const vote = { signer, epoch, view, sequence, digest, signature }
    slot.proposal = { vote, first: false, verdict: 'valid', recorded: false }
    slot.sentAt = clock(state)
    const known = state.batches.get(digest)
    if (known === undefined) state.missing.set(digest, sequence)
    else if (known.sequence < sequence) known.sequence = sequence
  }
}

/** Everything up to `from` is stable somewhere: the order of this view begins after it, and what it carries over. */
function startOrder(state: State, newView: NewView, from: Sequence): void {
  const first = newView.proposals[0]?.sequence
  const base = first === undefined ? from : ((first - 1) as Sequence)
  const last = newView.proposals[newView.proposals.length - 1]?.sequence ?? base
  const reach = highWatermark(state) + state.setup.parameters.window
  state.contiguous = Math.max(state.delivered, lowWatermark(state), Math.min(base, reach)) as Sequence
  extend(state)
  state.proposed = Math.max(state.delivered, last, lowWatermark(state)) as Sequence
  state.proposedAt = clock(state)
}

/** A view that the journal tells of; own votes in it follow from later records. */
export function restoreEntered(state: State, record: Extract<PbftRecord, { type: 'entered' }>): void {
  const { newView } = record
  if (newView.view < state.view) return
  if (newView.signer === state.setup.self) {
    for (const proposal of newView.proposals) remember(state, 'pre-prepare', { ...proposal, view: newView.view })
  }
  adopt(state, newView)
  startOrder(state, newView, lowWatermark(state))
}

/** Asks for the view changes that pending NEW-VIEWs name. */
function wantChanges(state: State, from: readonly NodeId[]): void {
  const names = [...state.pending.values()].flatMap(({ newView }) => newView.changes)
  const lacking = names.filter(({ node, digest }) => changeNamed(state, node, digest) === undefined)
  const changes = [...new Set(lacking.map(({ digest }) => digest))].slice(0, state.validators.size)
  if (changes.length > 0) for (const to of from) send(state, to, { type: 'want', changes, batches: [] })
}

function wantBatches(state: State): void {
  const batches = [...state.missing.keys()].slice(0, state.setup.parameters.window)
  if (batches.length > 0) broadcast(state, { type: 'want', changes: [], batches })
}

/** On ticks: asks again. */
export function resendWants(state: State): void {
  if (!elapsed(state, state.wantedAt, state.setup.parameters.resendMs)) return
  state.wantedAt = clock(state)
  wantChanges(state, state.others)
  wantBatches(state)
}

export function onWant(state: State, from: NodeId, message: PbftMessageOf<'want'>): void {
  if (!mayAsk(state, from)) return
  // Each once, however often it stands there: what is sent is much larger.
  for (const digest of new Set(message.changes)) {
    const change = changeOf(state, digest)
    if (change !== undefined) send(state, from, { type: 'view-change', change })
  }
  let room = state.setup.parameters.batchBytesMax
  for (const digest of new Set(message.batches)) {
    const known = state.batches.get(digest)
    if (known === undefined || room <= 0) continue
    room -= known.batch.transactions.reduce((sum, { length }) => sum + length, 0)
    send(state, from, { type: 'batch', batch: known.batch }, known.ids)
  }
}

/** A few questions from each peer between two resends: answers are much larger than questions. */
const questionsMax = 4

export function mayAsk(state: State, from: NodeId): boolean {
  const asked = state.asked.get(from)
  if (asked === undefined || elapsed(state, asked.since, state.setup.parameters.resendMs)) {
    state.asked.set(from, { since: clock(state), count: 1 })
    return true
  }
  return asked.count++ < questionsMax
}

function changeOf(state: State, digest: Digest): ViewChange | undefined {
  const justified = state.justification.get(digest) ?? state.found.get(digest)
  if (justified !== undefined) return justified
  for (const known of state.changes.values()) if (known.digest === digest) return known.change
  return undefined
}

export function onBatch(state: State, message: PbftMessageOf<'batch'>): void {
  const digest = batchDigest(message.batch)
  const sequence = state.missing.get(digest)
  if (sequence === undefined) return
  keepBatch(state, message.batch, { sequence, digest })
  if (state.active) markProposed(state, digest)
}
