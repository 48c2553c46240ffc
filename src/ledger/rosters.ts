// The validators that a state leads to: those of its epoch, and those that are planned to follow.

import type { Epoch } from '../base/ids.ts'
import type { Roster } from '../consensus/roster.ts'
import { plannedMembers, validatorsOf } from './members.ts'
import type { Node } from './records.ts'
import type { State } from './state.ts'

/** Validators of the next block's epoch. */
export function rosterOf({ governance, nodes }: State): Roster {
  return rosterIn(governance.epoch, nodes.values())
}

/** Of the next block's epoch, then of the next one as far as it is planned by now: acts that follow may change it. */
export function knownRosters(state: State): readonly [Roster, ...Roster[]] {
  const { ends, epoch } = state.governance
  if (ends.length === 0) return [rosterOf(state)]
  return [rosterOf(state), rosterIn((epoch + 1) as Epoch, plannedMembers(state).nodes.values())]
}

function rosterIn(epoch: Epoch, nodes: Iterable<Node>): Roster {
  const validators = validatorsOf(nodes)
    .map(({ id, organisation, keys }) => ({ node: id, organisation, key: keys.consensus }))
    .sort((a, b) => (a.node < b.node ? -1 : 1))
  return { epoch, validators }
}
