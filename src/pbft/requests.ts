// Section 4.1, requests: what clients of this node ask, what peers forward, and the leader's batches. A backup forwards to
// the leader; a request that stays undone goes to everybody, so that a leader which ignores it is replaced.

import type { NodeId, Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { mayBatch } from '../consensus/batching.ts'
import type { PbftMessageOf } from './messages.ts'
import { prePrepare } from './normal.ts'
import { broadcast, elapsed, send } from './out.ts'
import { admit, forget, queued, takeTransactions } from './pool.ts'
import { takeTokens } from './reads.ts'
import { clock, isLeader, leaderOf, mayVote, type State, type Waiting } from './state.ts'

export function onRequest(state: State, id: RequestId, bytes: Uint8Array): void {
  if (state.split !== undefined) {
    state.out.push({ type: 'reject', id, code: 'RESULTS_SPLIT' })
    return
  }
  const admitted = admit(state, state.setup.self, id, bytes)
  if (admitted === 'full') state.out.push({ type: 'reject', id, code: 'TOO_BUSY' })
  if (admitted === 'new') forward(state, [{ id, bytes }])
}

export function onForwarded(state: State, from: NodeId, message: PbftMessageOf<'request'>): void {
  const fresh = message.transactions
    .map((bytes) => ({ id: requestId(bytes), bytes }))
    .filter(({ id, bytes }) => admit(state, from, id, bytes) === 'new')
  if (fresh.length > 0) forward(state, fresh)
}

type Request = Pick<Waiting, 'id' | 'bytes'>

function forward(state: State, requests: readonly Request[]): void {
  if (!state.active || isLeader(state)) return
  const leader = leaderOf(state, state.view)
  for (const part of parts(requests)) send(state, leader, ...message(part))
}

function message(part: readonly Request[]): [PbftMessageOf<'request'>, readonly RequestId[]] {
  return [{ type: 'request', transactions: part.map(({ bytes }) => bytes) }, part.map(({ id }) => id)]
}

/** Messages of bounded size. */
function parts(requests: readonly Request[]): readonly (readonly Request[])[] {
  const made: Request[][] = []
  let room = 0
  for (const request of requests) {
    const last = made[made.length - 1]
    if (last === undefined || room < request.bytes.length || last.length >= limits.batchTransactionsMax) {
      made.push([request])
      room = limits.batchBytesMax - request.bytes.length
    } else {
      last.push(request)
      room -= request.bytes.length
    }
  }
  return made
}

/**
 * On ticks: sends what stays undone again, first to the leader, then to everybody (L1, L2): the others forward it, and wait for
 * it too. Between views one does not know who leads the others.
 */
export function resendRequests(state: State): void {
  const { resendMs, suspectMs, batchTransactionsMax } = state.setup.parameters
  const again: Waiting[] = []
  const all: Waiting[] = []
  for (const request of state.waiting.values()) {
    if (again.length + all.length >= batchTransactionsMax) break
    if (request.doubtful && elapsed(state, request.since, 2 * suspectMs)) forget(state, request)
    else if (request.proposed || request.origin !== state.setup.self || !elapsed(state, request.sentAt, resendMs))
      continue
    else if (!state.active || (!request.relayed && elapsed(state, request.since, suspectMs / 2))) all.push(request)
    else again.push(request)
  }
  for (const request of [...again, ...all]) request.sentAt = clock(state)
  for (const request of all) request.relayed = true
  forward(state, again)
  for (const part of parts(all)) broadcast(state, ...message(part))
}

/** The leader proposes while its pipeline and the window have room. */
export function propose(state: State): void {
  if (!state.active || state.fenced || state.now === undefined || !isLeader(state)) return
  const { idleBatchMs } = state.setup.parameters
  while (mayPropose(state)) {
    const transactions = takeTransactions(state)
    const tokens = takeTokens(state)
    // Once the end of the epoch is known, everybody waits for it.
    const idle = state.until !== undefined || elapsed(state, state.proposedAt, idleBatchMs)
    if (transactions.length === 0 && tokens.length === 0 && !idle) return
    prePrepare(state, { time: state.now, tokens, transactions })
  }
}

function mayPropose(state: State): boolean {
  const { proposed, delivered, applied, setup } = state
  if (!mayVote(state, (proposed + 1) as Sequence)) return false
  const underWay = {
    waiting: queued(state),
    unagreed: proposed - delivered,
    unexecuted: proposed - applied.sequence,
  }
  return mayBatch(underWay, setup.parameters)
}
