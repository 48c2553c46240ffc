// Chapter 6, clients: requests go to the leader, each once in the log as far as it reaches; reads are answered from an index that
// the leader confirms with a round of heartbeats (ReadIndex, section 6.4). There are no leases: no clock is trusted.

import { equal, fromHex } from '../base/bytes.ts'
import type { NodeId, Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { mayBatch } from '../consensus/batching.ts'
import type { ReadId } from '../consensus/contract.ts'
import { append } from './appending.ts'
import { lastIndex } from './log.ts'
import type { RaftMessage, RaftMessageOf } from './messages.ts'
import { send } from './out.ts'
import { admit, takeTransactions } from './pool.ts'
import { clock, configuration, elapsed, isQuorum, mayStand, others, type State, type Waiting } from './state.ts'

export function onRequest(state: State, id: RequestId, bytes: Uint8Array): void {
  const admitted = admit(state, state.setup.self, id, bytes)
  if (admitted === 'full') state.out.push({ type: 'reject', id, code: 'TOO_BUSY' })
  if (admitted === 'new') forward(state, [{ id, bytes }])
}

/** Only a leader holds others' requests: who forwards sends again. */
export function onForwarded(state: State, from: NodeId, { transactions }: RaftMessageOf<'request'>): void {
  if (state.role !== 'leader') return
  for (const bytes of transactions) admit(state, from, requestId(bytes), bytes)
}

/** To the leader. Who does not vote, or was left behind, may know of none: whoever leads among the others will take it. */
function sendToLeader(state: State, message: RaftMessage, carries: readonly RequestId[] = []): void {
  const { leader } = state
  if (leader !== undefined) send(state, leader, message, carries)
  else if (!mayStand(state)) for (const to of others(state)) send(state, to, message, carries)
}

function forward(state: State, requests: readonly Pick<Waiting, 'id' | 'bytes'>[]): void {
  if (state.role === 'leader') return
  let part: Pick<Waiting, 'id' | 'bytes'>[] = []
  let room = state.parameters.batchBytesMax
  const flush = (): void => {
    const transactions = part.map(({ bytes }) => bytes)
    const carries = part.map(({ id }) => id)
    if (part.length > 0) sendToLeader(state, { type: 'request', transactions }, carries)
    part = []
    room = state.parameters.batchBytesMax
  }
  for (const request of requests) {
    if (room < request.bytes.length || part.length >= limits.batchTransactionsMax) flush()
    part.push(request)
    room -= request.bytes.length
  }
  flush()
}

/** On ticks: what stands in no entry of the log is sent again. */
export function resendRequests(state: State): void {
  const { resendMs, batchTransactionsMax } = state.parameters
  const again: Waiting[] = []
  for (const id of state.queue) {
    const request = state.waiting.get(id)
    if (request === undefined || !elapsed(state, request.sentAt, resendMs)) continue
    if (again.length >= batchTransactionsMax) break
    again.push(request)
    request.sentAt = clock(state)
  }
  forward(state, again)
}

/**
 * After each step of a leader: batches while the pipeline has room, so that what is not committed stays bounded (R19). Once the
 * end of the epoch is known, everybody waits for it: empty ones too.
 */
export function propose(state: State): void {
  if (state.role !== 'leader' || state.now === undefined || state.transfer !== undefined) return
  const { idleBatchMs } = state.parameters
  while (mayAppend(state)) {
    const transactions = takeTransactions(state)
    const ends = state.until !== undefined && lastIndex(state.log) < state.until
    if (transactions.length === 0 && !ends && !elapsed(state, state.proposedAt, idleBatchMs)) return
    append(state, { time: state.now, tokens: [], transactions }, [])
  }
}

function mayAppend({ log, queue, commit, applied, parameters }: State): boolean {
  const last = lastIndex(log)
  if (last >= applied.sequence + parameters.window) return false
  const underWay = { waiting: queue.size, unagreed: last - commit, unexecuted: last - applied.sequence }
  return mayBatch(underWay, parameters)
}

export function onRead(state: State, id: ReadId): void {
  state.reads.push(id)
  nextRead(state)
}

/** One question at a time: reads that come while one is open are covered by the next. Its name is the first read's. */
function nextRead(state: State): void {
  const [first] = state.reads
  if (state.ownRead !== undefined || first === undefined) return
  state.ownRead = { id: fromHex(first), reads: state.reads, index: undefined }
  state.reads = []
  askToRead(state)
}

function askToRead(state: State): void {
  const { ownRead, setup } = state
  if (ownRead === undefined) return
  state.readSentAt = clock(state)
  const message: RaftMessageOf<'read'> = { type: 'read', id: ownRead.id }
  if (state.role === 'leader') onReadAsked(state, setup.self, message)
  else sendToLeader(state, message)
}

export function resendRead(state: State): void {
  const { ownRead } = state
  if (ownRead === undefined || ownRead.index !== undefined) return
  if (elapsed(state, state.readSentAt, state.parameters.resendMs)) askToRead(state)
}

/** For the leader. The same question again is the same question: its index was taken after it was asked first. */
export function onReadAsked(state: State, from: NodeId, { id }: RaftMessageOf<'read'>): void {
  if (state.role !== 'leader') return
  if (state.asked.some((each) => each.from === from && equal(each.id, id))) return
  state.asked = [...state.asked.filter((each) => each.from !== from), { from, id, index: undefined, round: 0 }]
}

/** After each step of a leader: the index is the commit index once an entry of this term is committed, and it is answered once a
 * majority has answered a heartbeat that was sent later (R15, R16). */
export function confirmReads(state: State): void {
  if (state.role !== 'leader' || state.commit < state.termStart) return
  for (const each of state.asked) {
    if (each.index !== undefined) continue
    each.index = state.commit
    each.round = state.round + 1
  }
  if (state.asked.some(({ round }) => round > state.round)) state.round++
  const rosters = configuration(state)
  const open: typeof state.asked = []
  for (const each of state.asked) {
    const answered = (node: NodeId): boolean =>
      node === state.setup.self || (state.progress.get(node)?.round ?? 0) >= each.round
    if (isQuorum(rosters, answered)) answerRead(state, each.from, each.id, each.index as Sequence)
    else open.push(each)
  }
  state.asked = open
}

function answerRead(state: State, to: NodeId, id: Uint8Array, index: Sequence): void {
  const message: RaftMessageOf<'read-index'> = { type: 'read-index', id, index }
  if (to === state.setup.self) onReadIndex(state, message)
  else send(state, to, message)
}

export function onReadIndex(state: State, { id, index }: RaftMessageOf<'read-index'>): void {
  const { ownRead } = state
  if (ownRead === undefined || ownRead.index !== undefined || !equal(ownRead.id, id)) return
  ownRead.index = index
}

/** After each step: a read waits until what it must see is here. */
export function answerOwnReads(state: State): void {
  const { ownRead } = state
  if (ownRead?.index === undefined || ownRead.index > state.commit) return
  for (const id of ownRead.reads) state.out.push({ type: 'readable', id, sequence: ownRead.index })
  state.ownRead = undefined
  nextRead(state)
}
