// Linearizable reads by ordered tokens: a token made after the read was asked stands in a batch, so when that batch is
// delivered here, all that was acknowledged before the read is at or below it. No claim of another replica is believed.

import { equal, fromHex, toHex } from '../base/bytes.ts'
import type { NodeId, Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Batch } from '../consensus/batch.ts'
import type { ReadId } from '../consensus/contract.ts'
import type { PbftMessage, PbftMessageOf } from './messages.ts'
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

/** To the leader; when that did not help, or between views, to everybody: the leader owes it to all of them then. */
function sendToken(state: State): void {
  const own = state.ownToken
  if (own === undefined) return
  const message: PbftMessage = { type: 'token', owner: state.setup.self, token: own.token }
  const late = elapsed(state, own.since, state.setup.parameters.suspectMs / 2)
  if (late || !state.active) broadcast(state, message)
  else if (!isLeader(state)) send(state, leaderOf(state, state.view), message)
  if (isLeader(state)) order(state, state.setup.self, state.setup.self, own.token)
}

export function onToken(state: State, from: NodeId, { owner, token }: PbftMessageOf<'token'>): void {
  if (!state.validators.has(owner) && !hasRoom(state, from)) return
  if (isLeader(state)) order(state, from, owner, token)
  else if (owner === from) relay(state, owner, token)
}

/** Nodes that do not vote read, too, and a leader that hears of it from others only owes it all the same: as many as may be. */
function hasRoom({ tokens }: State, from: NodeId): boolean {
  let places = 0
  for (const place of tokens.keys()) if (place.startsWith(`${from}/`)) places++
  return places < limits.validatorsMax
}

/** For the leader: the last token of each validator, and the last that each passes on of each. */
function order(state: State, from: NodeId, owner: NodeId, token: Uint8Array): void {
  const place = `${from}/${owner}`
  const known = state.tokens.get(place)
  if (known === undefined || !equal(known.token, token)) state.tokens.set(place, { owner, token, proposed: false })
}

/** Passed on, and waited for like a request: one for each owner. */
function relay(state: State, owner: NodeId, token: Uint8Array): void {
  const known = state.relayed.get(owner)
  if (known === undefined || !equal(known.token, token)) state.relayed.set(owner, { token, since: clock(state) })
  if (state.active) send(state, leaderOf(state, state.view), { type: 'token', owner, token })
}

/** At most one for each validator, each token once. */
export function takeTokens(state: State): Batch['tokens'] {
  const taken = new Map<string, Uint8Array>()
  for (const [place, { owner, token, proposed }] of state.tokens) {
    if (proposed || taken.size >= state.validators.size) continue
    taken.set(toHex(token), token)
    state.tokens.set(place, { owner, token, proposed: true })
  }
  return [...taken.values()]
}

/**
 * A batch is delivered. Who asked this replica itself, has a token in it, and would not hear of it otherwise? Nodes that do not
 * vote, and validators that asked more than the leader: they may be between views. Of others it knows only hearsay.
 */
export function settleTokens(state: State, sequence: Sequence, batch: Batch): readonly NodeId[] {
  if (batch.tokens.length === 0) return []
  const ordered = new Set(batch.tokens.map(toHex))
  const owners = new Set<NodeId>()
  for (const [place, { owner, token }] of state.tokens) {
    if (!ordered.has(toHex(token)) || !state.tokens.delete(place)) continue
    if (place === `${owner}/${owner}` && !state.validators.has(owner)) owners.add(owner)
  }
  for (const [owner, { token }] of state.relayed) {
    if (ordered.has(toHex(token)) && state.relayed.delete(owner)) owners.add(owner)
  }
  settleOwn(state, sequence, ordered)
  owners.delete(state.setup.self)
  return [...owners]
}

function settleOwn(state: State, sequence: Sequence, ordered: ReadonlySet<string>): void {
  const own = state.ownToken
  if (own === undefined || !ordered.has(toHex(own.token))) return
  for (const id of own.reads) state.out.push({ type: 'readable', id, sequence })
  state.ownToken = undefined
  nextToken(state)
}

/** Reads that wait from before. */
export function restartReads(state: State): void {
  nextToken(state)
}

export function resendToken(state: State): void {
  const own = state.ownToken
  if (own === undefined || !elapsed(state, own.sentAt, state.setup.parameters.resendMs)) return
  own.sentAt = clock(state)
  sendToken(state)
}

/** A new view: its leader is asked, for others too. */
export function restartToken(state: State): void {
  state.tokens.clear()
  const leader = leaderOf(state, state.view)
  for (const [owner, relayed] of state.relayed) {
    relayed.since = clock(state)
    if (isLeader(state)) order(state, owner, owner, relayed.token)
    else send(state, leader, { type: 'token', owner, token: relayed.token })
  }
  if (state.ownToken === undefined) return
  state.ownToken.since = clock(state)
  sendToken(state)
}
