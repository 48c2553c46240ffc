// Chapter 4, changes of the cluster: by joint consensus always (4.3), whatever the change, with learners first (4.2.1). The act
// that asks for it was agreed and executed like any other; `applied` brings what follows from it. A configuration is in force as
// soon as it stands in the log, and gone again with its entry (4.1): log.ts looks it up each time.

import type { NodeId, Sequence } from '../base/ids.ts'
import { nullBatch } from '../consensus/batch.ts'
import type { Roster } from '../consensus/roster.ts'
import { append } from './appending.ts'
import { becomeFollower } from './election.ts'
import { configurationAt, lastIndex } from './log.ts'
import { isQuorum, isVoter, nextRoster, type State } from './state.ts'
import { handOver } from './transfer.ts'

/** A set of validators is to take over: the latest counts. */
export function onNext(state: State, next: Roster): void {
  if (next.epoch > (state.next?.epoch ?? 0)) state.next = next
}

/** After each step of a leader: the next configuration entry, when its time has come; one change at a time (R5). */
export function changeMembers(state: State): void {
  if (state.role !== 'leader' || state.commit < state.termStart) return
  const last = lastIndex(state.log)
  const rosters = configurationAt(state.log, last)
  // Nothing follows from a configuration that is not committed.
  if (configurationAt(state.log, state.commit) !== rosters) return
  const [old, joint] = rosters
  if (joint !== undefined) {
    append(state, nullBatch, [joint])
    return
  }
  const next = nextRoster(state)
  if (next !== undefined && old !== undefined) {
    if (hasLearned(state, next)) append(state, nullBatch, [old, next])
  } else if (!isVoter(rosters, state.setup.self)) leave(state)
}

/** A majority of the new ones is as far as what is committed, but for what is under way (section 4.2.1). */
function hasLearned(state: State, next: Roster): boolean {
  const enough = (state.commit - state.setup.parameters.pipelineMax) as Sequence
  const knows = (node: NodeId): boolean =>
    node === state.setup.self || (state.progress.get(node)?.match ?? 0) >= Math.max(enough, 1)
  return isQuorum([next], knows)
}

/** Section 4.2.2: a leader that is not in the new configuration leads until that is committed, and no longer (R9). */
function leave(state: State): void {
  handOver(state)
  becomeFollower(state, state.term, undefined)
}
