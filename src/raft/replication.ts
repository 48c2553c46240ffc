// Section 3.5, log replication, the leader's side: batches of entries sent ahead to each follower that keeps up, one probe at a
// time to one whose log is not known, and blocks to be fetched by one that lacks what the log no longer has (5.3). Flow control
// and pipelining as in section 10.2.1.

import type { NodeId, Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { RequestId } from '../consensus/batch.ts'
import { becomeFollower, progressOf } from './election.ts'
import { configuredAt, entriesAfter, lastIndex, lastOfTerm, termAt } from './log.ts'
import type { CommitProof, Entry, RaftMessageOf } from './messages.ts'
import { send } from './out.ts'
import { clock, elapsed, others, type Progress, type State } from './state.ts'

/** Appends under way to one follower. */
const inflightMax = 16
/** Heartbeats within the time after which a leader is suspected. */
const heartbeatsMin = 4

/** After each step of a leader: whatever may be sent now. */
export function replicate(state: State): void {
  if (state.role !== 'leader' || state.now === undefined) return
  const beat = state.round > state.roundSent || elapsed(state, state.heartbeatAt, heartbeatMs(state))
  for (const node of others(state)) {
    const progress = progressOf(state, node)
    fill(state, node, progress)
    if (beat || (progress.mode === 'replicating' && hasNews(state, progress))) heartbeat(state, node, progress)
  }
  if (!beat) return
  state.heartbeatAt = clock(state)
  state.roundSent = state.round
}

function heartbeatMs(state: State): number {
  const { resendMs, suspectMs } = state.parameters
  return Math.min(resendMs, suspectMs / heartbeatsMin)
}

function heartbeat(state: State, node: NodeId, progress: Progress): void {
  const proof = tell(state, progress)
  send(state, node, { type: 'heartbeat', term: state.term, round: state.round, proof })
}

/** Whether a follower may be told of a commitment: it must know whose signatures prove it. */
function understands({ proof, log }: State, { match }: Progress): boolean {
  return proof !== undefined && match >= configuredAt(log, proof.index)
}

function hasNews(state: State, progress: Progress): boolean {
  return understands(state, progress) && progress.told < (state.proof?.index ?? 0)
}

function tell(state: State, progress: Progress): readonly CommitProof[] {
  const { proof } = state
  if (proof === undefined || !understands(state, progress)) return []
  progress.told = proof.index
  return [proof]
}

function fill(state: State, node: NodeId, progress: Progress): void {
  if (progress.mode === 'installing') return
  if (progress.mode === 'probing') {
    if (progress.inflight.length === 0) sendEntries(state, node, progress)
    return
  }
  while (progress.next <= lastIndex(state.log) && progress.inflight.length < inflightMax) {
    if (!sendEntries(state, node, progress)) return
  }
}

/** False when nothing can be sent ahead, or when the log does not reach back so far: then blocks must be fetched. */
function sendEntries(state: State, node: NodeId, progress: Progress): boolean {
  const previous = (progress.next - 1) as Sequence
  const previousTerm = termAt(state.log, previous)
  if (previousTerm === undefined) {
    progress.sentAt = clock(state)
    install(state, node, progress)
    return false
  }
  const entries: Entry[] = []
  const carries: RequestId[] = []
  let room = state.parameters.batchBytesMax
  for (const { entry, ids } of entriesAfter(state.log, previous, limits.entriesPerAppendMax)) {
    // What it shows is signed by those of the configuration before: the follower must have that.
    const [shown] = entry.proof
    if (shown !== undefined && progress.match < configuredAt(state.log, shown.index)) break
    room -= entry.batch.transactions.reduce((sum, { length }) => sum + length, 0)
    if (room < 0 && entries.length > 0) break
    entries.push(entry)
    carries.push(...ids)
  }
  if (progress.mode === 'replicating' && entries.length === 0) return false
  progress.sentAt = clock(state)
  const last = (previous + entries.length) as Sequence
  const { term } = state
  const proof = hasNews(state, progress) ? tell(state, progress) : []
  send(state, node, { type: 'append', term, previous, previousTerm, entries, proof }, carries)
  progress.inflight.push(last)
  if (progress.mode === 'replicating') progress.next = (last + 1) as Sequence
  return true
}

/** The log begins above what this follower needs. */
function install(state: State, node: NodeId, progress: Progress): void {
  const { index, term: indexTerm, hash, configuration } = state.log.base
  progress.mode = 'installing'
  progress.inflight = []
  send(state, node, { type: 'install', term: state.term, index, indexTerm, hash, configuration })
}

export function onAlive(state: State, from: NodeId, { term, round }: RaftMessageOf<'alive'>): void {
  const progress = heard(state, from, term)
  if (progress !== undefined && round > progress.round) progress.round = round
}

/** The progress of a follower that answers this term; undefined when nothing follows from its answer. */
export function heard(state: State, from: NodeId, term: State['term']): Progress | undefined {
  if (term > state.term) becomeFollower(state, term, undefined)
  if (term < state.term || state.role !== 'leader') return undefined
  const progress = progressOf(state, from)
  progress.heardAt = clock(state)
  return progress
}

/** Its log is ours up to `index`. */
export function advance(state: State, progress: Progress, index: Sequence): void {
  if (index > lastIndex(state.log)) return
  progress.inflight = progress.inflight.filter((last) => last > index)
  if (index > progress.match) progress.match = index
  if (progress.mode === 'installing' && progress.match < state.log.base.index) return
  if (progress.mode !== 'replicating') {
    progress.mode = 'replicating'
    progress.inflight = []
    progress.next = (progress.match + 1) as Sequence
  } else if (progress.next <= progress.match) progress.next = (progress.match + 1) as Sequence
}

/** One probe for each term that the logs differ in, at most (section 3.5). What is known to match is never doubted (R10). */
export function onMismatch(state: State, from: NodeId, message: RaftMessageOf<'mismatch'>): void {
  const progress = heard(state, from, message.term)
  const { previous, hint, hintTerm } = message
  if (progress === undefined || previous <= progress.match || progress.mode === 'installing') return
  if (progress.mode === 'probing' && previous !== progress.next - 1) return
  const agrees = Math.max(lastOfTerm(state.log, hint, hintTerm), progress.match)
  probe(progress, (Math.min(agrees, previous - 1) + 1) as Sequence)
}

function probe(progress: Progress, next: Sequence): void {
  progress.mode = 'probing'
  progress.inflight = []
  progress.next = next
}

/** On ticks: what was not answered is sent again from where the logs are known to agree. */
export function resendAppends(state: State): void {
  if (state.role !== 'leader') return
  const { resendMs } = state.parameters
  for (const node of others(state)) {
    const progress = progressOf(state, node)
    if (!elapsed(state, progress.sentAt, resendMs)) continue
    if (progress.mode === 'installing') {
      progress.sentAt = clock(state)
      install(state, node, progress)
    } else if (progress.inflight.length > 0) {
      probe(progress, progress.mode === 'probing' ? progress.next : ((progress.match + 1) as Sequence))
    }
  }
}
