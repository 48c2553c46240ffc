// The tables of the blocks that no segment holds yet. Rows are taken as they come; the first reading of an order sorts
// what was added since the last one into it. The same rows stand in the pending records (change.ts), so a start finds them.

import { ArrayCursor, type Cursor, compareRows } from './cursor.ts'
import {
  lookupColumns,
  lookupTable,
  lookupWidth,
  orders,
  quadWidth,
  reorder,
  type Shape,
  shapes,
  termTable,
} from './tables.ts'

/** What one block adds to the tables. */
export interface Addition {
  /** Rows of the first order, eight numbers each; one that stands there already comes again when it is retracted. */
  readonly quads: readonly number[]
  /** Rows of the look-up table. */
  readonly lookups: readonly number[]
  /** Terms of the shared dictionary. */
  readonly terms: readonly { readonly id: number; readonly text: string }[]
}

/** Sorted rows of one order, in arrays each at least so many times as long as the next: few to ask, and few to merge. */
interface Sorted {
  runs: readonly Float64Array[]
  /** How many of the rows, as they came, are in them. */
  rows: number
}

const runGrowth = 4

export class MemoryTables {
  /** Sequence of the last block in it. */
  sequence = 0
  #quads: Float64Array = new Float64Array(1_024 * quadWidth)
  #quadRows = 0
  readonly #sorted: Sorted[] = orders.map(() => ({ runs: [], rows: 0 }))
  /** By the first half of the hash, mostly one row each. */
  readonly #lookups: Map<number, number[]> = new Map()
  readonly #terms: Map<number, string> = new Map()
  #characters = 0

  get rows(): number {
    return this.#quadRows
  }

  get isEmpty(): boolean {
    return this.#quadRows + this.#lookups.size + this.#terms.size === 0
  }

  /** Roughly what it holds in memory, bytes. */
  get weight(): number {
    return 5 * 8 * quadWidth * this.#quadRows + 150 * this.#lookups.size + 100 * this.#terms.size + 2 * this.#characters
  }

  add({ quads, lookups, terms }: Addition, sequence: number): void {
    this.sequence = sequence
    const end = this.#quadRows * quadWidth
    if (end + quads.length > this.#quads.length) {
      const larger = new Float64Array(2 * (end + quads.length))
      larger.set(this.#quads.subarray(0, end))
      this.#quads = larger
    }
    this.#quads.set(quads, end)
    this.#quadRows += quads.length / quadWidth
    for (let at = 0; at < lookups.length; at += lookupWidth) {
      const row = lookups.slice(at, at + lookupWidth)
      const high = row[lookupColumns.high] as number
      const known = this.#lookups.get(high)
      if (known === undefined) this.#lookups.set(high, row)
      else known.push(...row)
    }
    for (const { id, text } of terms) {
      this.#terms.set(id, text)
      this.#characters += text.length
    }
  }

  text(id: number): string | undefined {
    return this.#terms.get(id)
  }

  /** The look-up rows of hashes that begin with this half, one after another. */
  lookups(high: number): readonly number[] {
    return this.#lookups.get(high) ?? []
  }

  /** Cursors that together go over the rows of a table. */
  cursors(table: number, from: readonly number[]): readonly Cursor[] {
    if (table >= orders.length) return [this.#cursor(table, from)]
    return this.#sort(table).map((run) => new ArrayCursor(shapes[table] as Shape, run, from))
  }

  #cursor(table: number, from: readonly number[]): Cursor {
    const shape = shapes[table] as Shape
    if (table === lookupTable) {
      const rows = Float64Array.from([...this.#lookups.values()].flat())
      return new ArrayCursor(shape, sortRows(rows, shape), from)
    }
    const ids = Float64Array.from(this.#terms.keys()).sort()
    const texts = Array.from(ids, (id) => this.#terms.get(id) as string)
    return new ArrayCursor(shapes[termTable] as Shape, ids, from, texts)
  }

  #sort(order: number): readonly Float64Array[] {
    const sorted = this.#sorted[order] as Sorted
    if (sorted.rows === this.#quadRows) return sorted.runs
    const shape = shapes[order] as Shape
    const added = this.#quads.slice(sorted.rows * quadWidth, this.#quadRows * quadWidth)
    const runs = [...sorted.runs]
    let last = sortRows(reorder(added, order), shape)
    for (let run = runs.at(-1); run !== undefined && run.length < runGrowth * last.length; run = runs.at(-1)) {
      last = mergeRows(run, last, shape)
      runs.pop()
    }
    sorted.runs = [...runs, last]
    sorted.rows = this.#quadRows
    return sorted.runs
  }
}

function sortRows(rows: Float64Array, { width, keys }: Shape): Float64Array {
  const places = Array.from({ length: rows.length / width }, (_, row) => row * width)
  // Of equal keys the later one stands first. Blocks bring rows that are sorted in part, which an array's sort makes use of.
  places.sort((a, b) => {
    for (let column = 0; column < keys; column++) {
      const difference = (rows[a + column] as number) - (rows[b + column] as number)
      if (difference !== 0) return difference
    }
    return b - a
  })
  const sorted = new Float64Array(rows.length)
  let end = 0
  for (const [rank, place] of places.entries()) {
    if (rank > 0 && compareRows(rows, places[rank - 1] as number, rows, place, keys) === 0) continue
    sorted.set(rows.subarray(place, place + width), end)
    end += width
  }
  return sorted.subarray(0, end)
}

/** Of equal keys the row of `later` stays. */
function mergeRows(earlier: Float64Array, later: Float64Array, { width, keys }: Shape): Float64Array {
  if (earlier.length === 0) return later
  const merged = new Float64Array(earlier.length + later.length)
  let [a, b, end] = [0, 0, 0]
  while (a < earlier.length && b < later.length) {
    const order = compareRows(earlier, a, later, b, keys)
    if (order < 0) {
      for (let column = 0; column < width; column++) merged[end++] = earlier[a++] as number
      continue
    }
    if (order === 0) a += width
    for (let column = 0; column < width; column++) merged[end++] = later[b++] as number
  }
  merged.set(earlier.subarray(a), end)
  end += earlier.length - a
  merged.set(later.subarray(b), end)
  return merged.subarray(0, end + later.length - b)
}
