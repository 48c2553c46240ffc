// How many different quads hold: a quad counts once however many rows assert it. What a block does to that number follows
// from the quads that it touches; one with a new term (most of an ingest) needs no look at the index.

import type { QuadIndex } from './quad-index.ts'
import type { LocalId, QuadIds } from './tables.ts'

interface Touched {
  /** The same quad under each number that its object goes by. */
  readonly quads: readonly QuadIds[]
  /** Rows that the block asserts and leaves. */
  added: number
  /** Rows from before the block that it ends, as "item row". */
  readonly ended: Set<string>
}

export interface TermNumbers {
  /** Whether the block brought the term. */
  isFresh(id: LocalId): boolean
  /** The same number for whichever the term goes by. */
  canonical(id: LocalId): LocalId
  /** All numbers that the term with this canonical one goes by. */
  twins(canonical: LocalId): readonly LocalId[]
}

/** What one block does to the number of quads that hold. */
export class Tally {
  readonly #index: QuadIndex
  readonly #numbers: TermNumbers
  readonly #touched: Map<string, Touched> = new Map()

  constructor(index: QuadIndex, numbers: TermNumbers) {
    this.#index = index
    this.#numbers = numbers
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
    for (const touched of this.#touched.values()) {
      const { held, stays } = this.#before(touched)
      more += Number(stays || touched.added > 0) - Number(held)
    }
    return more
  }

  /** Whether a row from before the block held, and whether one that held stays. */
  #before({ quads, ended }: Touched): { readonly held: boolean; readonly stays: boolean } {
    let held = false
    let stays = false
    for (const quad of quads) {
      if (stays || quad.some(this.#numbers.isFresh)) continue
      this.#index.visit(quad, (item, row, retracted) => {
        if (retracted !== 0) return false
        held = true
        stays = !ended.has(`${item} ${row}`)
        return stays
      })
    }
    return { held, stays }
  }

  #touch([subject, predicate, object, graph]: QuadIds): Touched {
    const fresh = [subject, predicate, graph].some(this.#numbers.isFresh)
    // A quad with a new term has no other rows to be found, under whatever number.
    const canonical = this.#numbers.canonical(object)
    const name = `${subject} ${predicate} ${canonical} ${graph}`
    const known = this.#touched.get(name)
    if (known !== undefined) return known
    const objects = fresh ? [canonical] : this.#numbers.twins(canonical)
    const quads = objects.map((id): QuadIds => [subject, predicate, id, graph])
    const touched = { quads, added: 0, ended: new Set<string>() }
    this.#touched.set(name, touched)
    return touched
  }
}
