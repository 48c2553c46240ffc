// Section 3.10, leadership transfer: no new batches, the follower that has everything is told to stand for election at once, and
// its request is heard although a leader lives.

import type { NodeId } from '../base/ids.ts'
import { campaign } from './election.ts'
import { lastIndex } from './log.ts'
import type { RaftMessageOf } from './messages.ts'
import { send } from './out.ts'
import { clock, configuration, elapsed, isVoter, mayStand, type State } from './state.ts'

/** To the voter that has most; at once when it has everything, else when it has. */
export function handOver(state: State): void {
  if (state.role !== 'leader' || state.transfer !== undefined) return
  let best: NodeId | undefined
  for (const [node, { match }] of state.progress) {
    if (isVoter(configuration(state), node) && match > (best === undefined ? 0 : matchOf(state, best))) best = node
  }
  if (best === undefined) return
  state.transfer = { to: best, since: clock(state) }
  continueTransfer(state)
}

function matchOf(state: State, node: NodeId): number {
  return state.progress.get(node)?.match ?? 0
}

/** After each step of a leader. Within the time of an election it worked, or everything goes on as before. */
export function continueTransfer(state: State): void {
  const { transfer } = state
  if (state.role !== 'leader' || transfer === undefined) return
  if (matchOf(state, transfer.to) >= lastIndex(state.log)) {
    send(state, transfer.to, { type: 'take-over', term: state.term })
  }
  if (elapsed(state, transfer.since, state.parameters.suspectMs)) state.transfer = undefined
}

export function onTakeOver(state: State, { term }: RaftMessageOf<'take-over'>): void {
  if (term === state.term && state.role !== 'leader' && mayStand(state)) campaign(state, true)
}
