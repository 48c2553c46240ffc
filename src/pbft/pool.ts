// The requests that wait: each once, whoever asked; a queue for each origin, so that a flood from one does not starve the
// others. Delivered ones are remembered for as long as a batch that holds them could come again; the ledger, which remembers
// longer, drops what is proposed twice all the same.

import type { Digest, NodeId, Sequence } from '../base/ids.ts'
import type { Batch, RequestId } from '../consensus/batch.ts'
import { clock, type State, type Waiting } from './state.ts'

export type Admitted = 'new' | 'known' | 'full'

export function admit(state: State, origin: NodeId, id: RequestId, bytes: Uint8Array): Admitted {
  if (state.recent.has(id) || state.waiting.has(id)) return 'known'
  const held = state.held.get(origin) ?? 0
  if (held >= state.setup.parameters.requestsMax) return 'full'
  const now = clock(state)
  // A proposal may come before its requests.
  const proposed = state.underway.has(id)
  const flags = { relayed: false, proposed, doubtful: false }
  state.waiting.set(id, { id, bytes, origin, since: now, sentAt: now, ...flags })
  state.held.set(origin, held + 1)
  if (!proposed) queueOf(state, origin).add(id)
  return 'new'
}

/** Any node of the ledger may have clients. */
function queueOf({ queues }: State, origin: NodeId): Set<RequestId> {
  const known = queues.get(origin)
  if (known !== undefined) return known
  const queue = new Set<RequestId>()
  queues.set(origin, queue)
  return queue
}

export function forget(state: State, request: Waiting): void {
  state.waiting.delete(request.id)
  state.queues.get(request.origin)?.delete(request.id)
  state.held.set(request.origin, (state.held.get(request.origin) ?? 1) - 1)
}

/** The requests of this batch stand in a proposal of the current view. */
export function markProposed(state: State, digest: Digest): void {
  for (const id of state.batches.get(digest)?.ids ?? []) {
    state.underway.add(id)
    const request = state.waiting.get(id)
    if (request === undefined) continue
    request.proposed = true
    state.queues.get(request.origin)?.delete(id)
  }
}

/** The requests of this batch are delivered. */
export function settle(state: State, sequence: Sequence, ids: readonly RequestId[]): void {
  for (const id of ids) {
    const request = state.waiting.get(id)
    if (request !== undefined) forget(state, request)
    state.underway.delete(id)
    state.recent.set(id, sequence)
  }
  if (ids.length > 0) state.recentAt.set(sequence, ids)
}

/** Forgets what was delivered at or before `sequence`. */
export function forgetDelivered(state: State, upTo: Sequence): void {
  for (const [sequence, ids] of state.recentAt) {
    if (sequence > upTo) continue
    state.recentAt.delete(sequence)
    for (const id of ids) if (state.recent.get(id) === sequence) state.recent.delete(id)
  }
}

/** A new view: nothing is proposed in it yet, and everybody's patience begins anew. */
export function requeue(state: State): void {
  state.underway.clear()
  for (const request of state.waiting.values()) {
    request.proposed = false
    request.relayed = false
    request.since = clock(state)
    request.sentAt = 0 as Waiting['sentAt']
    queueOf(state, request.origin).add(request.id)
  }
}

/** Into the next epoch: own requests and reads, and what was delivered lately. Peers send again what is theirs. */
export function carryOver(from: State, to: State): void {
  for (const { id, bytes, origin } of from.waiting.values()) {
    if (origin === from.setup.self) admit(to, origin, id, bytes)
  }
  for (const [id, sequence] of from.recent) to.recent.set(id, sequence)
  for (const [sequence, ids] of from.recentAt) to.recentAt.set(sequence, ids)
  to.reads = [...(from.ownToken?.reads ?? []), ...from.reads]
}

/** Requests that stand in no proposal. */
export function queued({ queues }: State): number {
  let count = 0
  for (const queue of queues.values()) count += queue.size
  return count
}

/** Takes turns between origins until the batch is full. Empty when nothing waits. */
export function takeTransactions(state: State): Batch['transactions'] {
  const { batchTransactionsMax, batchBytesMax } = state.setup.parameters
  const taken: Uint8Array[] = []
  let room = batchBytesMax
  const origins = [...state.queues.values()].filter((queue) => queue.size > 0)
  const start = state.turn++
  while (origins.length > 0 && taken.length < batchTransactionsMax) {
    const place = (start + taken.length) % origins.length
    const [id] = origins[place] as Set<RequestId>
    const request = id === undefined ? undefined : state.waiting.get(id)
    if (id === undefined || request === undefined) {
      origins.splice(place, 1)
      continue
    }
    if (request.bytes.length > room) break
    room -= request.bytes.length
    taken.push(request.bytes)
    origins[place]?.delete(id)
    request.proposed = true
    state.underway.add(id)
  }
  return taken
}

/**
 * Blocks were fetched, and what stands in them does not show here. What waits may be in them: peers will send again what is
 * theirs, own requests suspect nobody any more. Proposals above the blocks are still under way.
 */
export function doubt(state: State): void {
  for (const request of [...state.waiting.values()]) {
    if (request.origin !== state.setup.self) forget(state, request)
    // From the first doubt on: one who is always late would otherwise ask for it again for ever.
    if (!request.doubtful) request.since = clock(state)
    request.doubtful = true
    request.proposed = false
    if (request.origin === state.setup.self) queueOf(state, request.origin).add(request.id)
  }
  state.tokens.clear()
  state.relayed.clear()
  state.underway.clear()
  for (const { sequence, proposal } of state.slots.values()) {
    if (sequence > state.delivered && proposal !== undefined) markProposed(state, proposal.vote.digest)
  }
}
