// What must hold after every step, in production too: a replica that finds one of these broken stops before it signs anything
// else. All are cheap: counters, and the two slots at the front.

import { invariant } from '../base/errors.ts'
import type { Sequence } from '../base/ids.ts'
import { finalSequence, highWatermark, lowWatermark, type State } from './state.ts'

/** @throws InvariantError */
export function checkInvariants(state: State): void {
  const { parameters } = state.setup
  const low = lowWatermark(state)
  const reach = highWatermark(state) + parameters.window
  invariant(state.applied.sequence <= state.delivered, 'executed more than was delivered')
  invariant(finalSequence(state) <= state.applied.sequence, 'final before it was executed')
  invariant(low <= state.applied.sequence || state.ahead !== undefined, 'stable before it was executed')
  invariant(state.contiguous >= state.delivered, 'delivered without a place in the order')
  invariant(state.contiguous <= Math.max(reach, state.delivered), 'accepted a proposal outside the window')
  invariant(state.slots.size <= 2 * parameters.window, 'more slots than the window allows')
  invariant(state.changes.size <= state.validators.size, 'more than one view change of a validator')
  const next = state.slots.get((state.delivered + 1) as Sequence)
  const own = next?.ownCommit?.vote
  if (next === undefined || own === undefined) return
  invariant(next.prepared !== undefined && next.prepared.digest === own.digest, 'a COMMIT without its proof')
  invariant(own.view === state.view, 'a vote of another view')
}
