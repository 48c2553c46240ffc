// The requests that wait: each once. Those in uncommitted entries are not sent or proposed again while they stand there;
// committed ones are remembered for a while, and the ledger, which remembers longer, drops what is ordered twice.

import type { NodeId, Sequence } from '../base/ids.ts'
import type { Batch, RequestId } from '../consensus/batch.ts'
import { entryAt } from './log.ts'
import { clock, elapsed, type State } from './state.ts'

export type Admitted = 'new' | 'known' | 'full'

/** Bounded for each origin (R19). */
export function admit(state: State, origin: NodeId, id: RequestId, bytes: Uint8Array): Admitted {
  if (state.recent.has(id) || state.waiting.has(id)) return 'known'
  const held = origin === state.setup.self ? state.waiting.size : countOf(state, origin)
  if (held >= state.parameters.requestsMax) return 'full'
  const now = clock(state)
  state.waiting.set(id, { id, bytes, origin, since: now, sentAt: now, doubtful: false })
  if (!state.underway.has(id)) state.queue.add(id)
  return 'new'
}

function countOf(state: State, origin: NodeId): number {
  let count = 0
  for (const request of state.waiting.values()) if (request.origin === origin) count++
  return count
}

function forget(state: State, id: RequestId): void {
  state.waiting.delete(id)
  state.queue.delete(id)
}

/** The requests of this entry stand in the log. */
export function markUnderway(state: State, index: Sequence): void {
  for (const id of entryAt(state.log, index)?.ids ?? []) {
    state.underway.add(id)
    state.queue.delete(id)
  }
}

/** An entry was truncated: what it held waits again. */
export function requeue(state: State, ids: readonly RequestId[]): void {
  for (const id of ids) {
    state.underway.delete(id)
    const request = state.waiting.get(id)
    if (request === undefined) continue
    request.sentAt = 0 as typeof request.sentAt
    state.queue.add(id)
  }
}

/** The requests of this entry are committed. */
export function settle(state: State, index: Sequence, ids: readonly RequestId[]): void {
  for (const id of ids) {
    forget(state, id)
    state.underway.delete(id)
    state.recent.set(id, index)
  }
  if (ids.length > 0) state.recentAt.set(index, ids)
}

/** Forgets what was committed at or before `upTo`. */
export function forgetCommitted(state: State, upTo: number): void {
  for (const [index, ids] of state.recentAt) {
    if (index > upTo) break
    state.recentAt.delete(index)
    for (const id of ids) if (state.recent.get(id) === index) state.recent.delete(id)
  }
}

/** No longer leader: those who forwarded send again, to the next one. */
export function dropForwarded(state: State): void {
  for (const { id, origin } of state.waiting.values()) if (origin !== state.setup.self) forget(state, id)
}

/**
 * Blocks were fetched, and what stands in them does not show here: what waits may be in them. Who gets all blocks in this way
 * doubts a request once.
 */
export function doubt(state: State): void {
  for (const request of state.waiting.values()) {
    if (request.doubtful) continue
    request.doubtful = true
    request.since = clock(state)
  }
}

/** On ticks: what was perhaps in fetched blocks, and was not ordered since. */
export function forgetDoubtful(state: State): void {
  for (const { id, doubtful, since } of state.waiting.values()) {
    if (doubtful && elapsed(state, since, 2 * state.parameters.suspectMs)) forget(state, id)
  }
}

/** The next batch's, oldest first. */
export function takeTransactions(state: State): Batch['transactions'] {
  const { batchTransactionsMax, batchBytesMax } = state.parameters
  const taken: Uint8Array[] = []
  let room = batchBytesMax
  for (const id of state.queue) {
    const bytes = state.waiting.get(id)?.bytes
    if (bytes === undefined || taken.length >= batchTransactionsMax || bytes.length > room) break
    room -= bytes.length
    taken.push(bytes)
  }
  return taken
}
