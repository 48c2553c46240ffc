// Section 3.4, leader election, with what keeps removed and cut-off servers from disturbing: a candidate asks first whether it
// could win (9.6), nobody who hears a leader votes (4.2.3), and a leader that hears no majority steps down (6.2).

import type { NodeId, Sequence, Term, Time } from '../base/ids.ts'
import { nullBatch } from '../consensus/batch.ts'
import { append } from './appending.ts'
import { lastIndex, lastTerm } from './log.ts'
import type { RaftMessageOf } from './messages.ts'
import { broadcast, saveTerm, send } from './out.ts'
import { dropForwarded } from './pool.ts'
import { clock, configuration, elapsed, isQuorum, mayStand, others, type Progress, type State } from './state.ts'

/** Until it stands for election: drawn anew each time from [suspectMs, 2 suspectMs), so that few stand at once (3.4). */
export function resetElection(state: State, ms: number = state.parameters.suspectMs): void {
  state.electionAt = (clock(state) + ms * (1 + state.setup.random())) as Time
}

/** Also within a term, when its leader becomes known. */
export function becomeFollower(state: State, term: Term, leader: NodeId | undefined): void {
  if (term > state.term) {
    state.term = term
    state.vote = undefined
    saveTerm(state)
  }
  if (leader !== undefined && (leader !== state.leader || state.role !== 'follower')) {
    state.out.push({ type: 'lead', round: term, leader, reason: 'others moved' })
  }
  if (state.role === 'leader') {
    state.progress.clear()
    state.acknowledged.clear()
    state.asked = []
    state.transfer = undefined
    dropForwarded(state)
    resetElection(state)
  }
  if (state.leader !== leader) state.held = []
  state.role = 'follower'
  state.leader = leader
}

/** On ticks. */
export function tickElection(state: State): void {
  if (state.role === 'leader') {
    checkQuorum(state)
    return
  }
  if (clock(state) < state.electionAt) return
  resetElection(state)
  if (mayStand(state)) preVote(state)
  else becomeFollower(state, state.term, undefined)
}

function preVote(state: State): void {
  state.role = 'pre-candidate'
  state.leader = undefined
  state.granted.clear()
  ask(state, (state.term + 1) as Term, true, false)
  countVote(state, state.setup.self)
}

/** `transfer`: the leader asked for it, so that voters need not wait until they miss it. */
export function campaign(state: State, transfer: boolean): void {
  state.role = 'candidate'
  state.leader = undefined
  state.term = (state.term + 1) as Term
  state.vote = state.setup.self
  saveTerm(state)
  resetElection(state)
  state.granted.clear()
  ask(state, state.term, false, transfer)
  countVote(state, state.setup.self)
}

function ask(state: State, term: Term, pre: boolean, transfer: boolean): void {
  broadcast(state, { type: 'vote', term, pre, transfer, last: lastIndex(state.log), lastTerm: lastTerm(state.log) })
}

/** Whoever asks is answered, a member of the own configuration or not (section 4.2.2; R7). */
export function onVote(state: State, from: NodeId, message: RaftMessageOf<'vote'>): void {
  const { term, pre, transfer } = message
  if (term < state.term || (hearsLeader(state) && !transfer)) {
    send(state, from, { type: 'voted', term: state.term, pre, granted: false })
    return
  }
  if (pre) {
    const granted = term > state.term && isUpToDate(state, message)
    send(state, from, { type: 'voted', term: granted ? term : state.term, pre, granted })
    return
  }
  if (term > state.term) becomeFollower(state, term, undefined)
  const free = state.vote === undefined || state.vote === from
  const granted = state.role === 'follower' && free && isUpToDate(state, message)
  if (granted) {
    if (state.vote === undefined) {
      state.vote = from
      saveTerm(state)
    }
    resetElection(state)
  }
  send(state, from, { type: 'voted', term: state.term, pre, granted })
}

function hearsLeader(state: State): boolean {
  if (state.role === 'leader') return true
  return state.leader !== undefined && !elapsed(state, state.heardAt, state.parameters.suspectMs)
}

/** Section 3.6.1: the log with the later last term, then the longer one. */
function isUpToDate({ log }: State, { last, lastTerm: term }: RaftMessageOf<'vote'>): boolean {
  const own = lastTerm(log)
  return term > own || (term === own && last >= lastIndex(log))
}

export function onVoted(state: State, from: NodeId, { term, pre, granted }: RaftMessageOf<'voted'>): void {
  if (!granted) {
    if (term > state.term) becomeFollower(state, term, undefined)
    return
  }
  const asked = pre ? state.role === 'pre-candidate' && term === state.term + 1 : isCandidateOf(state, term)
  if (asked) countVote(state, from)
}

function isCandidateOf(state: State, term: Term): boolean {
  return state.role === 'candidate' && term === state.term
}

function countVote(state: State, from: NodeId): void {
  state.granted.add(from)
  if (!isQuorum(configuration(state), (node) => state.granted.has(node))) return
  if (state.role === 'pre-candidate') campaign(state, false)
  else becomeLeader(state)
}

/** An entry of its own at once: only with it are older ones committed, and reads answered (sections 3.6.2 and 6.4). */
function becomeLeader(state: State): void {
  state.role = 'leader'
  state.leader = state.setup.self
  state.held = []
  state.installing = undefined
  state.progress.clear()
  state.acknowledged.clear()
  state.asked = []
  state.round = 0
  state.roundSent = 0
  state.termStart = (lastIndex(state.log) + 1) as Sequence
  state.out.push({ type: 'lead', round: state.term, leader: state.setup.self, reason: 'elected' })
  append(state, nullBatch, [])
}

/** What is known of another server; a new one is probed from the end of the log. */
export function progressOf(state: State, node: NodeId): Progress {
  const known = state.progress.get(node)
  if (known !== undefined) return known
  const progress: Progress = {
    match: 0 as Sequence,
    next: Math.max(state.termStart, state.log.base.index + 1) as Sequence,
    mode: 'probing',
    inflight: [],
    sentAt: 0 as Time,
    heardAt: clock(state),
    round: 0,
    told: 0 as Sequence,
  }
  state.progress.set(node, progress)
  return progress
}

/** Section 6.2: a leader that no majority answers is none, and must not keep clients waiting. */
function checkQuorum(state: State): void {
  const { suspectMs } = state.parameters
  for (const node of others(state)) progressOf(state, node)
  const heard = (node: NodeId): boolean =>
    node === state.setup.self || !elapsed(state, progressOf(state, node).heardAt, suspectMs)
  if (!isQuorum(configuration(state), heard)) becomeFollower(state, state.term, undefined)
}
