// Epochs (no part of the paper): an act that was executed sets the last sequence of its epoch; nobody votes above it. When that
// checkpoint, which names the next roster, is stable under the quorum of this epoch, the next one begins as the ledger began:
// view 0, nothing voted on, and that checkpoint for a genesis.

import type { Epoch, NodeId, Sequence } from '../base/ids.ts'
import type { Mandate } from '../consensus/contract.ts'
import { newState } from './new-state.ts'
import { send } from './out.ts'
import { carryOver } from './pool.ts'
import type { PbftRecord } from './records.ts'
import type { State } from './state.ts'

/** What the ledger's state says after a block that was executed here. */
export function takeMandate(state: State, mandate: Mandate): void {
  if (mandate.roster.epoch === state.epoch) state.until = mandate.until
  if (mandate.roster.epoch <= state.epoch) return
  state.until ??= mandate.since
  state.successor = mandate
}

/**
 * The next epoch may begin. Where the proof is not at hand: blocks above, which a quorum of the next epoch agreed on, or f+1
 * who are there, prove that somebody had it.
 */
function isOver({ successor, applied, stable, later, f }: State): boolean {
  if (successor === undefined || applied.sequence < successor.since) return false
  return stable?.result.sequence === successor.since || applied.sequence > successor.since || later.size > f
}

/** The same record, or that of the next epoch. What clients of this node wait for goes on waiting. */
export function succeed(state: State): State {
  const { successor, stable, setup, applied, checkpoint } = state
  if (successor === undefined || !isOver(state)) return state
  const ending = stable?.result.sequence === successor.since ? stable : undefined
  const next = newState({ ...setup, ...successor, applied, checkpoint }, ending)
  next.out = state.out
  next.now = state.now
  next.nextToken = state.nextToken
  if (state.now !== undefined) {
    for (const name of ['progressAt', 'proposedAt', 'resultsAt'] as const) next[name] = state.now
  }
  // What was remembered through a whole epoch is not forgotten at its end.
  if (state.voting === 'votes' && next.voting === 'asking') next.voting = 'votes'
  carryOver(state, next)
  return next
}

/** What must be known of this epoch after a crash, whatever the machine has executed by then. */
export function epochRecord({ setup, ending, voting }: State): PbftRecord {
  const { roster, parameters, since } = setup
  const known = ending === undefined ? [] : [ending]
  return { type: 'epoch', roster, parameters, since, ending: known, forgot: voting === 'forgot' }
}

/** To one who is in an earlier epoch: how far this replica is, and the proof that the epoch before this one ended. */
export function showEnding(state: State, to: NodeId, epoch: Epoch): void {
  const { ending } = state
  if (ending !== undefined && epoch === state.epoch - 1) send(state, to, { type: 'certified', certificate: ending })
}

/** A validator of this epoch says that it is in a later one. */
export function hearLater(state: State, from: NodeId, delivered: Sequence): void {
  if (state.validators.has(from)) state.later.set(from, delivered)
}

/** How far at least one of the correct is who are in later epochs; 0 when it may be none. */
export function laterHeight({ later, f }: State): Sequence {
  return ([...later.values()].sort((a, b) => b - a)[f] ?? 0) as Sequence
}

/** Everything that this epoch may decide is delivered. */
export function isDelivered({ until, delivered }: Pick<State, 'until' | 'delivered'>): boolean {
  return until !== undefined && delivered >= until
}
