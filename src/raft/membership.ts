// Chapter 4, changes of the cluster: by joint consensus always (4.3), whatever the change, with learners first (4.2.1). The act
// that asks for it was agreed and executed like any other; `applied` brings what follows from it. A configuration is in force as
// soon as it stands in the log, and gone again with its entry (4.1): log.ts looks it up each time.

import { invariant } from '../base/errors.ts'
import type { NodeId, Sequence } from '../base/ids.ts'
import { nullBatch } from '../consensus/batch.ts'
import type { Mandate } from '../consensus/contract.ts'
import type { Roster } from '../consensus/roster.ts'
import { append } from './appending.ts'
import { becomeFollower } from './election.ts'
import { configurationAt, lastIndex } from './log.ts'
import { isQuorum, isVoter, nextRoster, type State } from './state.ts'
import { handOver } from './transfer.ts'

/** What the ledger's state says after a block that was executed here. A set of validators is to take over: the latest counts. */
export function onMandate(state: State, { roster, parameters, until }: Mandate): void {
  if (roster.epoch < (state.next?.epoch ?? 0)) return
  state.next = roster
  state.parameters = parameters
  state.until = until
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
    if (hasLearned(state, next) && isLatest(state)) propose(state, old, next)
  } else if (!isVoter(rosters, state.setup.self)) leave(state)
}

/** With proof that the block that ended the epoch is committed: whoever has this entry can prove it without this entry. */
function propose(state: State, old: Roster, next: Roster): void {
  const { proof } = state
  invariant(proof !== undefined && proof.index === state.commit, 'a commitment of this term without its proof')
  append(state, nullBatch, [old, next], [proof])
}

/** No block of the log that is not executed here ends another epoch: an auditor then expects this very roster. */
function isLatest({ log, until, applied, parameters }: State): boolean {
  const last = lastIndex(log)
  return until === undefined ? last <= applied.sequence + parameters.window : last < until
}

/** A majority of the new ones is as far as what is committed, but for what is under way (section 4.2.1). */
function hasLearned(state: State, next: Roster): boolean {
  const enough = (state.commit - state.parameters.pipelineMax) as Sequence
  const knows = (node: NodeId): boolean =>
    node === state.setup.self || (state.progress.get(node)?.match ?? 0) >= Math.max(enough, 1)
  return isQuorum([next], knows)
}

/** Section 4.2.2: a leader that is not in the new configuration leads until that is committed, and no longer (R9). */
function leave(state: State): void {
  handOver(state)
  becomeFollower(state, state.term, undefined)
}
