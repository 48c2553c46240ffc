// What must hold after every step, in production too: a server that finds one of these broken stops before it signs anything
// else. All are cheap.

import { invariant } from '../base/errors.ts'
import { lastIndex } from './log.ts'
import { finalSequence, type State } from './state.ts'

/** @throws InvariantError */
export function checkInvariants(state: State): void {
  const { log, role, setup } = state
  invariant(state.applied.sequence <= state.commit, 'executed more than was committed')
  invariant(finalSequence(state) <= state.applied.sequence, 'final before it was executed')
  invariant(log.base.index <= state.applied.sequence || state.applied.sequence === 0, 'forgot what was not executed')
  invariant(lastIndex(log) <= state.recorded || log.entries.length === 0, 'an entry that no record is about')
  invariant(state.settled >= log.base.index && state.settled <= lastIndex(log), 'committed and not in the log')
  invariant(role !== 'leader' || state.leader === setup.self, 'leads and follows another')
  invariant(role !== 'leader' || lastIndex(log) >= state.commit, 'a leader lacks what is committed')
  invariant(role !== 'candidate' || state.vote === setup.self, 'stands for election and votes for another')
}
