// Time, which reaches a replica as ticks: what is sent again, who is suspected, and when an idle leader proposes.

import type { Time } from '../base/ids.ts'
import { fetchAhead } from './checkpoint.ts'
import { resendVotes, sendStatus } from './help.ts'
import { prepare } from './normal.ts'
import { resendToken } from './reads.ts'
import { resendRequests } from './requests.ts'
import { begin } from './restart.ts'
import { clock, isLeader, leaderOf, type State } from './state.ts'

export function onTick(state: State, now: Time): void {
  const first = state.now === undefined
  state.now = Math.max(now, clock(state)) as Time
  if (first) {
    for (const name of ['progressAt', 'proposedAt', 'resultsAt'] as const) state[name] = state.now
    begin(state)
  }
  resendRequests(state)
  resendToken(state)
  resendVotes(state)
  sendStatus(state)
  fetchAhead(state)
  for (const slot of state.slots.values()) prepare(state, slot)
}

/** What this replica waits for in vain, and since when; undefined when there is nothing to complain about. */
export function complaint(state: State): { readonly what: string; readonly since: Time } | undefined {
  if (!state.active || isLeader(state)) return undefined
  const wanted = oldestWish(state)
  if (wanted === undefined) return undefined
  return { what: wanted.what, since: Math.max(wanted.since, state.progressAt) as Time }
}

function oldestWish(state: State): { readonly what: string; readonly since: Time } | undefined {
  for (const request of state.waiting.values()) {
    if (!request.doubtful) return { what: 'executed a request', since: request.since }
  }
  if (state.ownToken !== undefined) return { what: 'ordered a read', since: state.ownToken.since }
  for (const slot of state.slots.values()) {
    if (slot.sequence > state.delivered && slot.proposal !== undefined) {
      return { what: 'finished a proposal', since: state.progressAt }
    }
  }
  const { idleBatchMs } = state.setup.parameters
  return { what: 'proposed anything', since: (state.progressAt + idleBatchMs) as Time }
}

/** For people: one sentence, or nothing. */
export function note(state: State): string {
  const suspect = complaint(state)
  const seconds = suspect === undefined ? 0 : (clock(state) - suspect.since) / 1000
  if (suspect !== undefined && seconds * 1000 >= state.setup.parameters.suspectMs) {
    return `The leader ${leaderOf(state, state.view)} has not ${suspect.what} for ${Math.floor(seconds)} s.`
  }
  if (state.fetching !== undefined) return `Fetching blocks up to ${state.fetching.sequence}.`
  return ''
}
