// Linearizable reads by ordered tokens: a token made after the read was asked stands in a batch, so when that batch is
// delivered here, all that was acknowledged before the read is at or below it. No claim of another replica is believed.

import { equal, fromHex } from '../base/bytes.ts'
import type { NodeId, Sequence } from '../base/ids.ts'
import type { Batch } from '../consensus/batch.ts'
import type { ReadId } from '../consensus/contract.ts'
import { broadcast, elapsed, send } from './out.ts'
import { clock, isLeader, leaderOf, type State } from './state.ts'

export function onRead(state: State, id: ReadId): void {
  state.reads.push(id)
  nextToken(state)
}

/** One token at a time: reads that come while one is under way are covered by the next. */
function nextToken(state: State): void {
  const [first] = state.reads
  if (state.ownToken !== undefined || first === undefined) return
  state.ownToken = { token: fromHex(first), reads: state.reads, since: clock(state), sentAt: clock(state) }
  state.reads = []
  sendToken(state)
}

/** To the leader; between views, to whoever may lead the others. */
function sendToken(state: State): void {
  if (state.ownToken === undefined) return
  const { token } = state.ownToken
  onToken(state, state.setup.self, token)
  if (!state.active) broadcast(state, { type: 'token', token })
  else if (!isLeader(state)) send(state, leaderOf(state, state.view), { type: 'token', token })
}

/** For the leader: at most one token of each validator. */
export function onToken(state: State, from: NodeId, token: Uint8Array): void {
  const known = state.tokens.get(from)
  if (known === undefined || !equal(known.token, token)) state.tokens.set(from, { token, proposed: false })
}

export function takeTokens(state: State): Batch['tokens'] {
  const taken: Uint8Array[] = []
  for (const [node, { token, proposed }] of state.tokens) {
    if (proposed) continue
    taken.push(token)
    state.tokens.set(node, { token, proposed: true })
  }
  return taken
}

/** A batch is delivered. */
export function settleTokens(state: State, sequence: Sequence, batch: Batch): void {
  if (batch.tokens.length === 0) return
  for (const [node, { token }] of state.tokens) {
    if (batch.tokens.some((each) => equal(each, token))) state.tokens.delete(node)
  }
  const own = state.ownToken
  if (own === undefined || !batch.tokens.some((token) => equal(token, own.token))) return
  for (const id of own.reads) state.out.push({ type: 'readable', id, sequence })
  state.ownToken = undefined
  nextToken(state)
}

export function resendToken(state: State): void {
  const own = state.ownToken
  if (own === undefined || !elapsed(state, own.sentAt, state.setup.parameters.resendMs)) return
  own.sentAt = clock(state)
  sendToken(state)
}

/** A new view: its leader is asked. */
export function restartToken(state: State): void {
  state.tokens.clear()
  if (state.ownToken === undefined) return
  state.ownToken.since = clock(state)
  sendToken(state)
}
