// Chapter 5, log compaction: what was executed is in blocks, which are durable on their own, so the log keeps a window of it for
// followers that are a little behind, and forgets the rest. Who lacks more fetches blocks, as in PBFT, and takes the log up
// from there.

import type { NodeId, Sequence } from '../base/ids.ts'
import type { Input } from '../consensus/contract.ts'
import { becomeFollower } from './election.ts'
import { follows } from './following.ts'
import { type Base, configurationAt, hashAt, rebase, termAt } from './log.ts'
import type { RaftMessageOf } from './messages.ts'
import { save, saveTerm, send } from './out.ts'
import { doubt, forgetCommitted } from './pool.ts'
import type { State } from './state.ts'

/** At each checkpoint that is executed. */
export function compact(state: State): void {
  const { window, checkpointInterval } = state.parameters
  const index = (Math.min(state.applied.sequence, state.settled) - window) as Sequence
  if (index < state.log.base.index + checkpointInterval) return
  const term = termAt(state.log, index)
  const hash = hashAt(state.log, index)
  if (term === undefined || hash === undefined) return
  takeBase(state, { index, term, hash, configuration: configurationAt(state.log, index) }, true)
}

/** Records from before are not needed: term and base are written anew. */
function takeBase(state: State, base: Base, keeps: boolean): void {
  save(state, { type: 'base', ...base, keeps }, base.index)
  saveTerm(state)
  rebase(state.log, base, keeps)
  if (base.index > state.settled) state.settled = base.index
  state.out.push({ type: 'cut', before: base.index })
  forgetCommitted(state, base.index - state.parameters.window)
}

/** InstallSnapshot: the leader's log begins above what is here. */
export function onInstall(state: State, from: NodeId, message: RaftMessageOf<'install'>): void {
  if (!follows(state, from, message.term)) return
  state.installing = message
  if (settleInstall(state, from) || state.fetching !== undefined) return
  const { index } = message
  const token = state.nextToken++
  state.fetching = { token, sequence: index }
  state.out.push({ type: 'fetch', token, from: [from], sequence: index, checkpoint: [] })
}

/** True when the log begins where the leader said, or lies above it already. */
function settleInstall(state: State, from: NodeId): boolean {
  const { installing, log } = state
  if (installing === undefined) return true
  const { index, indexTerm, hash, configuration } = installing
  if (index > state.applied.sequence) return false
  if (index > log.base.index) {
    const keeps = hashAt(log, index) === hash
    if (!keeps) takeBase(state, { index, term: indexTerm, hash, configuration }, false)
  }
  state.installing = undefined
  send(state, from, { type: 'acknowledge', signer: state.setup.self, term: state.term, index, acknowledgements: [] })
  return true
}

/** Certified blocks were fetched, checked and executed: all that were asked for, or less. A fetch goes no further than an epoch. */
export function onInstalled(
  state: State,
  { outcome, checkpoint, mandate }: Extract<Input<unknown>, { type: 'installed' }>,
): void {
  const ended = mandate.roster.epoch > (state.next?.epoch ?? 0)
  if (ended || outcome.sequence >= (state.fetching?.sequence ?? 0)) state.fetching = undefined
  if (outcome.sequence <= state.applied.sequence) return
  state.applied = outcome
  state.checkpoint = checkpoint
  if (outcome.sequence > state.commit) state.commit = outcome.sequence
  doubt(state)
  if (state.leader !== undefined && state.leader !== state.setup.self) settleInstall(state, state.leader)
  else if (state.role !== 'follower') becomeFollower(state, state.term, undefined)
}

export function onFetchFailed(state: State, token: number): void {
  if (state.fetching?.token === token) state.fetching = undefined
}
