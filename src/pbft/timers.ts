// Time, which reaches a replica as ticks: what is sent again, who is suspected, and when an idle leader proposes.

import { type Sequence, type Time, viewOf } from '../base/ids.ts'
import type { RoundReason } from '../consensus/contract.ts'
import { fetchAhead, isBehindOthers } from './checkpoint.ts'
import { resendWants } from './entering.ts'
import { isDelivered } from './epochs.ts'
import { resendVotes, sendStatus } from './help.ts'
import { prepare } from './normal.ts'
import { elapsed } from './out.ts'
import { resendToken } from './reads.ts'
import { askAgain } from './recall.ts'
import { resendRequests } from './requests.ts'
import { begin } from './restart.ts'
import { clock, isLeader, leaderOf, type State } from './state.ts'
import { changeView, resendChange } from './views.ts'

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
  resendChange(state)
  resendWants(state)
  askAgain(state)
  for (const slot of state.slots.values()) prepare(state, slot)
  suspect(state)
}

/** A NEW-VIEW is one message where a request takes four: its leader has this part of the time. */
const newViewPart = 1 / 2

/** A leader that failed lately has this part of the time, for so many times `suspectMs`. */
const shortLeash = { part: 1 / 4, factor: 30 }

/**
 * Section 4.5.2: how long a leader has. Of f+1 leaders in a row one is correct: when all failed, the time was too short, and it
 * doubles. Progress resets it. Leaders that failed lately are all but passed over: passing them over outright would let replicas
 * that remember different failures wait in different views.
 */
export function patience(state: State): number {
  const { suspectMs, suspectMsMax } = state.setup.parameters
  const doublings = Math.floor(state.fruitless / (state.f + 1))
  const time = Math.min(suspectMs * 2 ** Math.min(doublings, 30), suspectMsMax)
  if (state.active) return time
  return isLeashed(state) ? time * shortLeash.part : time * newViewPart
}

/** When more than f failed lately, it was not for their faults. */
function isLeashed(state: State): boolean {
  const within = shortLeash.factor * state.setup.parameters.suspectMs
  for (const [leader, at] of state.failed) if (elapsed(state, at, within)) state.failed.delete(leader)
  return state.failed.size <= state.f && state.failed.has(leaderOf(state, state.view))
}

/** Leaves a view whose leader has had its time. */
function suspect(state: State): void {
  // What nobody may do is no leader's fault.
  if (state.voting !== 'votes' || state.split !== undefined) return
  const wish = state.active ? complaint(state) : undefined
  const since = state.active ? wish?.since : state.quorumAt
  const late = since !== undefined && elapsed(state, since, patience(state))
  if (!late && !state.unjustified) return
  const reason = late ? (wish?.reason ?? 'leader late') : 'round unjustified'
  state.unjustified = false
  state.failed.set(leaderOf(state, state.view), clock(state))
  changeView(state, viewOf(state.view + 1), reason)
}

/** A request that waits for so many times `suspectMs` is being ignored, or the leader is too slow, whatever else it does. */
const starvationFactor = 8

interface Wish {
  /** What the leader has not done, for people. */
  readonly what: string
  readonly reason: RoundReason
  readonly since: Time
}

/** What this replica waits for in vain, and since when; undefined when there is nothing to complain about. */
export function complaint(state: State): Wish | undefined {
  if (!state.active || isLeader(state) || isBehindOthers(state) || isDelivered(state)) return undefined
  const { what, reason, since } = oldestWish(state)
  const starving = elapsed(state, since, starvationFactor * state.setup.parameters.suspectMs)
  return { what, reason, since: starving ? since : (Math.max(since, state.progressAt) as Time) }
}

function oldestWish(state: State): Wish {
  for (const request of state.waiting.values()) {
    if (!request.doubtful) return { what: 'executed a request', reason: 'request ignored', since: request.since }
  }
  if (state.ownToken !== undefined)
    return { what: 'ordered a read', reason: 'read ignored', since: state.ownToken.since }
  for (const { since } of state.relayed.values())
    return { what: "ordered another's read", reason: 'read ignored', since }
  for (const slot of state.slots.values()) {
    if (slot.sequence > state.delivered && slot.proposal !== undefined) {
      return { what: 'finished a proposal', reason: 'proposal unfinished', since: state.progressAt }
    }
  }
  if (state.until !== undefined) {
    return { what: 'finished the epoch', reason: 'leader silent', since: state.progressAt }
  }
  const { idleBatchMs } = state.setup.parameters
  return { what: 'proposed anything', reason: 'leader silent', since: (state.progressAt + idleBatchMs) as Time }
}

function splitNote({ results }: State, sequence: Sequence): string {
  const groups = [...(results.get(sequence)?.groups.values() ?? [])].map((group) => [...group.keys()].join(' and '))
  return `Nothing is written: block ${sequence} led to different results at ${groups.join(', at ')}.`
}

/** A block that is long not final, because some who answer have another result and others do not answer. */
function disputed({ results, applied, final, setup, progressAt, now }: State): string | undefined {
  for (const [sequence, { groups }] of results) {
    if (groups.size < 2 || sequence <= (final?.result.sequence ?? 0) || sequence > applied.sequence) continue
    if ((now ?? 0) - progressAt < setup.parameters.suspectMs) continue
    const said = [...groups.values()].map((group) => [...group.keys()].join(' and '))
    return `Block ${sequence} is not final: it led to different results at ${said.join(', at ')}.`
  }
  return undefined
}

/** For people: one sentence, or nothing. */
export function note(state: State): string {
  if (state.split !== undefined) return splitNote(state, state.split)
  if (state.voting === 'forgot')
    return 'This validator forgot votes that it gave: it follows, and votes again in the next epoch.'
  if (state.voting === 'asking') {
    return `Waiting for ${state.q - 1 - state.answered.size} more validators to say what this one signed before.`
  }
  if (isDelivered(state)) return `Waiting for a quorum to prove the last checkpoint of epoch ${state.epoch}.`
  if (!state.active) {
    const leader = leaderOf(state, state.view)
    const wanting = [...state.changes.values()].filter(({ change }) => change.view >= state.view).length
    if (wanting < state.q) return `Waiting for ${state.q - wanting} more validators to leave for view ${state.view}.`
    return `Waiting for ${leader} to begin view ${state.view}.`
  }
  const suspect = complaint(state)
  const seconds = suspect === undefined ? 0 : (clock(state) - suspect.since) / 1000
  if (suspect !== undefined && seconds * 1000 >= state.setup.parameters.suspectMs) {
    return `The leader ${leaderOf(state, state.view)} has not ${suspect.what} for ${Math.floor(seconds)} s.`
  }
  const doubted = disputed(state)
  if (doubted !== undefined) return doubted
  if (state.fetching !== undefined) return `Fetching blocks up to ${state.fetching.sequence}.`
  return ''
}
