// Blocks that the protocol does not bring: to a node that does not vote, and to one that was left behind across epochs, whose
// votes nobody counts any more. Heights that peers tell show it, and the blocks are fetched.

import type { NodeId, Sequence } from '../base/ids.ts'
import { validatorOf } from '../consensus/roster.ts'
import type { Succession } from '../consensus/succession.ts'

/** A voter that got no block for so long, while others have some, is helped, ms. */
const stuckMs = 4_000

export interface Lagging {
  readonly self: NodeId
  readonly succession: Succession
  readonly applied: Sequence
  /** Reached by others: some of them are correct. */
  readonly reached: number
  /** ms. */
  readonly now: number
}

export class Lag {
  #applied = -1
  #since = 0

  /** Whether to fetch what others have. Asked whenever a peer told its height. */
  isToFetch({ self, succession, applied, reached, now }: Lagging): boolean {
    if (applied !== this.#applied || reached <= applied) [this.#applied, this.#since] = [applied, now]
    if (reached <= applied) return false
    const votes = [...succession.inForce, ...succession.known].some((roster) => validatorOf(roster, self) !== undefined)
    return !votes || now - this.#since >= stuckMs
  }
}
