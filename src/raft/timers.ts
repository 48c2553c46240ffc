// Time, which reaches a server as ticks; and what it waits for, in words.

import type { Time } from '../base/ids.ts'
import { resendRead, resendRequests } from './clients.ts'
import { tickElection } from './election.ts'
import { forgetDoubtful } from './pool.ts'
import { resendAppends } from './replication.ts'
import { begin } from './restart.ts'
import { resendResults } from './results.ts'
import { clock, type State } from './state.ts'

/** Clocks may jump: backwards is no time at all. */
export function onTick(state: State, now: Time): void {
  const first = state.now === undefined
  state.now = Math.max(now, clock(state)) as Time
  if (first) {
    state.proposedAt = state.now
    begin(state)
  }
  tickElection(state)
  resendAppends(state)
  resendRequests(state)
  resendRead(state)
  resendResults(state)
  forgetDoubtful(state)
}

/** For people: one sentence, or nothing. */
export function note(state: State): string {
  if (state.fenced) return 'The state here is another than that of a majority.'
  if (state.role === 'candidate' || state.role === 'pre-candidate') return 'Waiting for the votes of a majority.'
  if (state.leader === undefined) return 'Waiting for a leader.'
  if (state.fetching !== undefined) return `Fetching blocks up to ${state.fetching.sequence}.`
  return ''
}
