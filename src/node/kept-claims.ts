// What validators say is left of one payload, until enough of them say that the same items are erased.

import type { NodeId } from '../base/ids.ts'
import type { KeptPayload } from '../ledger/kept-payload.ts'

export class KeptClaims {
  readonly #claims: Map<NodeId, KeptPayload> = new Map()

  /** A node that says something else later is believed in that. */
  put(from: NodeId, payload: KeptPayload): void {
    this.#claims.set(from, payload)
  }

  /** Nodes that said something. */
  get size(): number {
    return this.#claims.size
  }

  /**
   * Claims of which each erased item is erased in the claims of at least `needed` nodes. A liar's may be among them and open
   * nothing: whoever asks tries them all.
   */
  settled(needed: number): readonly KeptPayload[] {
    const claims = [...this.#claims.values()]
    const agreed = (index: number): boolean =>
      claims.filter(({ items }) => items[index]?.type === 'erased').length >= needed
    return claims.filter(({ items }) => items.every(({ type }, index) => type === 'whole' || agreed(index)))
  }
}
