// How rules speak to the world: they append effects to the step's list. Saves stand before what rests on them.

import type { ErrorCode } from '../base/errors.ts'
import type { NodeId, Sequence } from '../base/ids.ts'
import type { RequestId } from '../consensus/batch.ts'
import type { RaftMessage } from './messages.ts'
import { journalRecord, type RaftRecord } from './records.ts'
import { others, type State } from './state.ts'

const none: readonly RequestId[] = []

/** Kept until the log begins above everything that any record so far is about. */
export function save(state: State, record: RaftRecord, upTo: Sequence = state.recorded): void {
  if (upTo > state.recorded) state.recorded = upTo
  state.out.push({ type: 'save', record: journalRecord(state.recorded, record) })
}

/** Term and vote are durable before anything that follows from them leaves (R13). */
export function saveTerm(state: State): void {
  save(state, { type: 'term', term: state.term, vote: state.vote === undefined ? [] : [state.vote] })
}

export function send(state: State, to: NodeId, message: RaftMessage, carries: readonly RequestId[] = none): void {
  if (to !== state.setup.self) state.out.push({ type: 'send', to, message, carries })
}

export function broadcast(state: State, message: RaftMessage): void {
  for (const to of others(state)) send(state, to, message)
}

/** For what no correct peer sends. */
export function refuse(state: State, from: NodeId, code: ErrorCode): void {
  state.out.push({ type: 'refuse', from, code })
}
