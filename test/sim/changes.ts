// What changes in a run, beside the weather: validators join, leave and change their keys, numbers change, and disks are lost.
// Whichever of the acts are carried out, and in whatever order, those who fail stay few enough for those who vote.

import type { NodeId } from '../../src/base/ids.ts'
import type { Parameters } from '../../src/consensus/contract.ts'
import { type FaultModel, faultsMax, validatorsMinOf } from '../../src/consensus/quorum.ts'
import { type Act, actBytes } from './acts.ts'
import type { Random } from './random.ts'
import { simValidator } from './roster.ts'

export interface Changes {
  /** Nodes that do not vote in the first epoch. */
  readonly learners: number
  readonly acts: readonly Uint8Array[]
  /** Correct nodes that lose their disks: they count among those who fail. */
  readonly forgetful: ReadonlySet<NodeId>
  /** All sets of validators that there may be. */
  readonly rosters: readonly ReadonlySet<NodeId>[]
}

export interface Cast {
  readonly faults: FaultModel
  readonly nodes: number
  readonly liars: readonly NodeId[]
  readonly parameters: Parameters
}

const nodeAt = (place: number): NodeId => simValidator(place).node

export function noChanges(nodes: number): Changes {
  return { learners: 0, acts: [], forgetful: new Set(), rosters: [rosterAfter(nodes, [])] }
}

export function drawChanges(random: Random, { faults, nodes, liars, parameters }: Cast): Changes {
  const founders = Array.from({ length: nodes }, (_, place) => nodeAt(place))
  const honest = random.shuffle(founders.filter((node) => !liars.includes(node)))
  // A server of Raft never comes back without its log: it would be another one.
  const room = faults === 'byzantine' ? faultsMax(nodes) - liars.length : 0
  const forgetful = new Set(honest.slice(0, random.chance(0.5) ? random.below(room + 1) : 0))
  const faulty = new Set([...liars, ...forgetful])
  const learners = random.below(3)
  const wanted = random.pick([0, 0, 1, 2, 3])
  const acts: Partial<Act>[] = []
  for (const place of random.shuffle(Array.from({ length: nodes + learners + 1 }, (_, i) => i))) {
    if (acts.length >= wanted) break
    const more = [...acts, drawAct(random, place, nodes, learners, parameters)]
    if (subsets(more).every((some) => survives(rosterAfter(nodes, some), faulty, faults))) acts.push(...more.slice(-1))
  }
  return {
    learners,
    acts: acts.map(actBytes),
    forgetful,
    rosters: subsets(acts).map((some) => rosterAfter(nodes, some)),
  }
}

/** About one place, which no other act is about; the last one stands for the numbers. */
function drawAct(random: Random, place: number, nodes: number, learners: number, before: Parameters): Partial<Act> {
  if (place === nodes + learners) {
    const checkpointInterval = before.checkpointInterval * random.pick([1, 2])
    return { parameters: { checkpointInterval, window: checkpointInterval * random.pick([2, 4]) } }
  }
  if (place >= nodes) return { join: [[place, place + 1]] }
  return random.chance(0.5) ? { leave: [place] } : { join: [[place, 100 + place]] }
}

function rosterAfter(nodes: number, acts: readonly Partial<Act>[]): ReadonlySet<NodeId> {
  const roster = new Set(Array.from({ length: nodes }, (_, place) => nodeAt(place)))
  for (const { join = [], leave = [] } of acts) {
    for (const [place] of join) roster.add(nodeAt(place))
    for (const place of leave) roster.delete(nodeAt(place))
  }
  return roster
}

function survives(roster: ReadonlySet<NodeId>, faulty: ReadonlySet<NodeId>, faults: FaultModel): boolean {
  const voting = [...faulty].filter((node) => roster.has(node)).length
  return roster.size >= validatorsMinOf(faults) && voting <= faultsMax(roster.size)
}

function subsets<T>(all: readonly T[]): readonly (readonly T[])[] {
  const [first, ...rest] = all
  if (first === undefined) return [[]]
  return subsets(rest).flatMap((some) => [some, [first, ...some]])
}
