// Whether this node may answer from its copy. A node that was away, or whose folder is an old one, may still hold what was
// erased meanwhile: it answers nothing from its copy before it has executed what others have, and nothing while it lags far.

import type { NodeId } from '../base/ids.ts'
import { type FaultModel, oneCorrect, quorumOf } from '../consensus/quorum.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'

/** What stands on the ledger now. */
export interface Standing {
  readonly self: NodeId
  readonly roster: Roster
  readonly faults: FaultModel
  /** Height of the last block that this node executed. */
  readonly height: number
  readonly checkpointInterval: number
}

/** Behind by more than so many checkpoint intervals, a node that had caught up does not answer any more. */
const intervalsBehindMax = 2

export class Freshness {
  readonly #heights: Map<NodeId, number> = new Map()
  #caughtUp = false

  /** `from`, as authenticated, says that it executed the block of this height. A member that is no validator has no say. */
  heard(from: NodeId, height: number): void {
    this.#heights.set(from, height)
  }

  /** The height that this peer told last; undefined before it did. */
  heightOf(node: NodeId): number | undefined {
    return this.#heights.get(node)
  }

  /** What others have executed by the word of so many that one of them is correct; until then by the word of whoever told. */
  reached({ self, roster, faults }: Pick<Standing, 'self' | 'roster' | 'faults'>): number {
    const told = this.#told(self, roster)
    return told[oneCorrect(faults, roster.validators.length) - 1] ?? Math.max(0, ...this.#heights.values())
  }

  /** Heights of the other validators, the highest first. */
  #told(self: NodeId, roster: Roster): readonly number[] {
    return roster.validators
      .flatMap(({ node }) => (node === self ? [] : (this.#heights.get(node) ?? [])))
      .toSorted((a, b) => b - a)
  }

  /**
   * True once a quorum's worth of validators, this one included, told their heights and this node has executed as much as the
   * (f+1)-th highest: liars cannot raise that above what a correct one has. Afterwards two checkpoint intervals of lag are borne.
   */
  serves({ self, roster, faults, height, checkpointInterval }: Standing): boolean {
    const n = roster.validators.length
    const told = this.#told(self, roster)
    const others = quorumOf(faults, n) - (validatorOf(roster, self) === undefined ? 0 : 1)
    if (told.length < others) return this.#caughtUp
    const reached = told[oneCorrect(faults, n) - 1] ?? 0
    if (height >= reached) this.#caughtUp = true
    return this.#caughtUp && height >= reached - intervalsBehindMax * checkpointInterval
  }
}
