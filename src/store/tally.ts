// How many different quads hold: a quad counts once however many rows assert it. What a block does to that number follows
// from the quads that it touches; one with a new term (most of an ingest) needs no look at the index.

import type { QuadIndex } from './quad-index.ts'
import type { LocalId, QuadIds } from './tables.ts'

interface Touched {
  readonly quad: QuadIds
  /** Whether it may have rows from before this block. */
  readonly mayBeOld: boolean
  /** Rows that the block asserts and leaves. */
  added: number
  /** Rows from before the block that it ends, as "item row". */
  readonly ended: Set<string>
}

export class Tally {
  readonly #index: QuadIndex
  readonly #isFresh: (id: LocalId) => boolean
  readonly #touched: Map<string, Touched> = new Map()

  /** `isFresh`: whether the block brought the term. */
  constructor(index: QuadIndex, isFresh: (id: LocalId) => boolean) {
    this.#index = index
    this.#isFresh = isFresh
  }

  asserted(quad: QuadIds): void {
    this.#touch(quad).added += 1
  }

  /** A row that held until now, from this block or from before it. */
  ended(quad: QuadIds, item: LocalId, row: number, fresh: boolean): void {
    const touched = this.#touch(quad)
    if (fresh) touched.added -= 1
    else touched.ended.add(`${item} ${row}`)
  }

  /** How many more quads hold after the block; below 0 for fewer. */
  settle(): number {
    let more = 0
    for (const { quad, mayBeOld, added, ended } of this.#touched.values()) {
      let before = false
      let stays = false
      if (mayBeOld) {
        this.#index.visit(quad, (item, row, retracted) => {
          if (retracted !== 0) return false
          before = true
          stays = !ended.has(`${item} ${row}`)
          return stays
        })
      }
      more += Number(stays || added > 0) - Number(before)
    }
    return more
  }

  #touch(quad: QuadIds): Touched {
    const name = quad.join(' ')
    const known = this.#touched.get(name)
    if (known !== undefined) return known
    const touched = { quad, mayBeOld: !quad.some(this.#isFresh), added: 0, ended: new Set<string>() }
    this.#touched.set(name, touched)
    return touched
  }
}
