// Section 3.5, log replication, a follower's side. A batch is checked before it is appended: its payloads must be here and
// durable before this server acknowledges that it would survive the leader. Appends wait for that in the order in which they
// came, and are judged against the log as it is when their turn comes.

import { invariant } from '../base/errors.ts'
import type { NodeId, Sequence, Term } from '../base/ids.ts'
import { batchDigest } from '../consensus/batch.ts'
import { acknowledge, writeLog } from './appending.ts'
import { onProof } from './commit.ts'
import { becomeFollower, resetElection } from './election.ts'
import { lastOfTerm, termAt } from './log.ts'
import type { Acknowledgement, Entry, RaftMessageOf } from './messages.ts'
import { refuse, send } from './out.ts'
import { clock, type State } from './state.ts'

/** Appends that wait for their checks: what a leader sends ahead, twice. */
const heldMax = 32

/** Whether `from` leads the highest term known here; a leader of an older one is told so. */
export function follows(state: State, from: NodeId, term: Term): boolean {
  if (term < state.term) {
    send(state, from, { type: 'alive', term: state.term, round: 0 })
    return false
  }
  invariant(term > state.term || state.role !== 'leader', 'two leaders in one term')
  becomeFollower(state, term, from)
  state.heardAt = clock(state)
  resetElection(state)
  return true
}

export function onHeartbeat(state: State, from: NodeId, { term, round, proof }: RaftMessageOf<'heartbeat'>): void {
  if (!follows(state, from, term)) return
  for (const each of proof) onProof(state, from, each)
  send(state, from, { type: 'alive', term, round })
}

export function onAppend(state: State, from: NodeId, message: RaftMessageOf<'append'>): void {
  if (!follows(state, from, message.term)) return
  const again = state.held.findIndex((held) => held.message.previous === message.previous)
  if (again >= 0 && message.entries.length > 0) state.held.splice(again, 1, { from, message })
  else if (state.held.length < heldMax) state.held.push({ from, message })
  for (const entry of unknown(state, message)) check(state, entry)
  takeHeld(state)
}

/** What this message would append, were it the next. */
function unknown({ log }: State, message: RaftMessageOf<'append'>): readonly Entry[] {
  const { previous, entries } = aboveBase(log, message)
  return entries.filter((entry, i) => termAt(log, (previous + i + 1) as Sequence) !== entry.term)
}

/** What is below the base is committed, and so the same everywhere. */
function aboveBase({ base }: State['log'], message: RaftMessageOf<'append'>): RaftMessageOf<'append'> {
  const below = base.index - message.previous
  if (below <= 0) return message
  return { ...message, previous: base.index, previousTerm: base.term, entries: message.entries.slice(below) }
}

function check(state: State, { batch }: Entry): void {
  if (batch.transactions.length === 0) return
  const digest = batchDigest(batch)
  if (state.verdicts.has(digest)) return
  const token = state.nextToken++
  state.verdicts.set(digest, 'asked')
  state.checks.set(token, digest)
  state.out.push({ type: 'check', token, batch })
}

export function onChecked(state: State, token: number, verdict: 'valid' | 'invalid'): void {
  const digest = state.checks.get(token)
  if (digest === undefined) return
  state.checks.delete(token)
  state.verdicts.set(digest, verdict)
  takeHeld(state)
}

/** Appends what is ready, in order, and nothing of an older term (R18); and forgets verdicts that nothing waits for. */
function takeHeld(state: State): void {
  for (let next = state.held[0]; next !== undefined; next = state.held[0]) {
    const current = next.message.term === state.term
    const verdicts = current ? unknown(state, next.message).map((entry) => verdictOf(state, entry)) : []
    if (verdicts.includes('asked')) return
    state.held.shift()
    if (verdicts.includes('invalid')) refuse(state, next.from, 'PROPOSAL_INVALID')
    else if (current) take(state, next.from, aboveBase(state.log, next.message))
  }
  state.verdicts.clear()
  state.checks.clear()
}

function verdictOf(state: State, { batch }: Entry): 'asked' | 'valid' | 'invalid' {
  if (batch.transactions.length === 0) return 'valid'
  return state.verdicts.get(batchDigest(batch)) ?? 'asked'
}

function take(state: State, from: NodeId, message: RaftMessageOf<'append'>): void {
  const { previous, previousTerm, entries, proof } = message
  if (termAt(state.log, previous) !== previousTerm) {
    // Where the logs may still agree: one probe for each term that they differ in (section 3.5).
    const hint = lastOfTerm(state.log, previous, previousTerm)
    const hintTerm = termAt(state.log, hint) as Term
    send(state, from, { type: 'mismatch', term: state.term, previous, hint, hintTerm })
    return
  }
  const first = entries.findIndex((entry, i) => termAt(state.log, (previous + i + 1) as Sequence) !== entry.term)
  if (first >= 0) writeLog(state, (previous + first) as Sequence, entries.slice(first))
  acknowledgeUpTo(state, from, (previous + entries.length) as Sequence, previous)
  for (const each of proof) onProof(state, from, each)
}

/** Signs the entries of this term after `after` that are not known to be committed. */
function acknowledgeUpTo(state: State, to: NodeId, index: Sequence, after: Sequence): void {
  const acknowledgements: Acknowledgement[] = []
  for (let at = (Math.max(after, state.commit) + 1) as Sequence; at <= index; at++) {
    if (termAt(state.log, at) === state.term) acknowledgements.push(...acknowledge(state, at))
  }
  send(state, to, { type: 'acknowledge', signer: state.setup.self, term: state.term, index, acknowledgements })
}
