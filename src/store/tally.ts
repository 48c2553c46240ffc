// How many different quads hold: a quad counts once however many rows assert it. What a block does to that number follows
// from the quads that it touches; one with a new term (most of an ingest) needs no look at the index.

import type { QuadIndex } from './quad-index.ts'
import type { LocalId, QuadIds } from './tables.ts'

interface Touched {
  readonly canonical: QuadIds
  /** The same quad under each number that its object goes by. */
  readonly quads: readonly QuadIds[]
  /** Rows that the block asserts and leaves. */
  added: number
  /** Rows from before the block that it ends, as "item row". */
  ended: Set<string> | undefined
  /** Another one with the same hash. */
  readonly next: Touched | undefined
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
  /** By a hash of the quad: text of four numbers would cost more than everything else here. */
  readonly #touched: Map<number, Touched> = new Map()

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
    else {
      touched.ended ??= new Set()
      touched.ended.add(`${item} ${row}`)
    }
  }

  /** How many more quads hold after the block; below 0 for fewer. */
  settle(): number {
    let more = 0
    for (const first of this.#touched.values()) {
      for (let touched: Touched | undefined = first; touched !== undefined; touched = touched.next) {
        const { held, stays } = this.#before(touched)
        more += Number(stays || touched.added > 0) - Number(held)
      }
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
        stays = ended?.has(`${item} ${row}`) !== true
        return stays
      })
    }
    return { held, stays }
  }

  #touch([subject, predicate, object, graph]: QuadIds): Touched {
    const canonical: QuadIds = [subject, predicate, this.#numbers.canonical(object), graph]
    const hash = hashOf(canonical)
    const first = this.#touched.get(hash)
    for (let known = first; known !== undefined; known = known.next) {
      if (canonical.every((id, column) => id === known?.canonical[column])) return known
    }
    // A quad with a new term has no other rows to be found, under whatever number.
    const fresh = [subject, predicate, graph].some(this.#numbers.isFresh)
    const objects = fresh ? [canonical[2]] : this.#numbers.twins(canonical[2])
    const quads = objects.map((id): QuadIds => [subject, predicate, id, graph])
    const touched: Touched = { canonical, quads, added: 0, ended: undefined, next: first }
    this.#touched.set(hash, touched)
    return touched
  }
}

/** 32 bits; the low ones of numbers tell most quads of one block apart. */
function hashOf([subject, predicate, object, graph]: QuadIds): number {
  let hash = Math.imul(subject | 0, 0x9e37_79b1) ^ Math.imul(predicate | 0, 0x85eb_ca6b)
  hash =
    Math.imul(hash ^ (hash >>> 15) ^ ((object % 0x1_0000_0000) | 0), 0xc2b2_ae35) ^ Math.imul(graph | 0, 0x27d4_eb2f)
  return hash ^ (hash >>> 13)
}
