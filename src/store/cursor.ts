// Walking through sorted rows: of one array, of the blocks of a segment, and of several such at once. Where a key stands
// in several, it is the same row at different times; the one that was retracted is the later one.

import type { Texts } from './block-codec.ts'
import { quadColumns, quadWidth, type Shape } from './tables.ts'

export interface Cursor {
  readonly shape: Shape
  /** The current row begins at `at` in `values`; undefined after the last. */
  values: Float64Array | undefined
  at: number
  /** Its text, in the table of terms. */
  text(): string
  next(): void
}

/** Compares the first `columns` numbers of two rows: below 0, 0 or above. */
export function compareRows(
  a: ArrayLike<number>,
  atA: number,
  b: ArrayLike<number>,
  atB: number,
  columns: number,
): number {
  for (let column = 0; column < columns; column++) {
    const difference = (a[atA + column] as number) - (b[atB + column] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** Number of rows that sort before `key`, which may be shorter than a row's key; with `through`, also those that begin with it. */
export function rowsBefore(values: Float64Array, width: number, key: readonly number[], through = false): number {
  let low = 0
  let high = values.length / width
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareRows(values, middle * width, key, 0, key.length)
    if (order < 0 || (through && order === 0)) low = middle + 1
    else high = middle
  }
  return low
}

/** Over the sorted rows of one array, from the first that does not sort before `from`. */
export class ArrayCursor implements Cursor {
  readonly shape: Shape
  values: Float64Array | undefined
  at: number
  readonly #texts: Texts

  constructor(shape: Shape, values: Float64Array, from: readonly number[], texts: Texts = []) {
    this.shape = shape
    this.#texts = texts
    this.at = from.length === 0 ? 0 : rowsBefore(values, shape.width, from) * shape.width
    this.values = this.at < values.length ? values : undefined
  }

  text(): string {
    return this.#texts.at(this.at / this.shape.width) as string
  }

  next(): void {
    this.at += this.shape.width
    if (this.values !== undefined && this.at >= this.values.length) this.values = undefined
  }
}

/** Over several cursors at once, each key once. */
export class MergeCursor implements Cursor {
  readonly shape: Shape
  values: Float64Array | undefined
  at = 0
  /** Those that are not at their end, the one with the least key first. */
  readonly #cursors: Cursor[] = []
  /** Whether the second one stands at the same key as the first. */
  #tied = false

  constructor(shape: Shape, cursors: readonly Cursor[]) {
    this.shape = shape
    for (const cursor of cursors) {
      if (cursor.values === undefined) continue
      this.#cursors.push(cursor)
      for (let place = this.#cursors.length - 2; place >= 0; place--) this.#order(place)
    }
    this.#show()
  }

  text(): string {
    return (this.#cursors[0] as Cursor).text()
  }

  next(): void {
    // Behind the current row stands every other version of it.
    while (this.#tied) {
      this.#advance(1)
      this.#tied = this.#compare(0) === 0
    }
    this.#advance(0)
    this.#show()
  }

  #show(): void {
    const first = this.#cursors[0]
    this.values = first?.values
    if (first === undefined) return
    this.at = first.at
    this.#tied = this.#compare(0) === 0
    if (!this.#tied || this.shape.width !== quadWidth) return
    for (let place = 1; place < this.#cursors.length && this.#isLike(place); place++) {
      const other = this.#cursors[place] as Cursor
      if ((other.values as Float64Array)[other.at + quadColumns.retracted] !== 0) {
        this.values = other.values
        this.at = other.at
      }
    }
  }

  /** Moves one cursor on and puts it back into order. */
  #advance(place: number): void {
    const cursor = this.#cursors[place] as Cursor
    cursor.next()
    if (cursor.values === undefined) this.#cursors.splice(place, 1)
    else for (let at = place; at + 1 < this.#cursors.length && this.#compare(at) > 0; at++) this.#order(at)
  }

  /** A cursor with the one behind it; below 0 where there is none. */
  #compare(place: number): number {
    const first = this.#cursors[place]
    const second = this.#cursors[place + 1]
    if (first === undefined || second === undefined) return -1
    const { keys } = this.shape
    return compareRows(first.values as Float64Array, first.at, second.values as Float64Array, second.at, keys)
  }

  #isLike(place: number): boolean {
    const [first, other] = [this.#cursors[0] as Cursor, this.#cursors[place] as Cursor]
    const { keys } = this.shape
    return compareRows(first.values as Float64Array, first.at, other.values as Float64Array, other.at, keys) === 0
  }

  #order(place: number): void {
    if (this.#compare(place) <= 0) return
    const [first, second] = [this.#cursors[place] as Cursor, this.#cursors[place + 1] as Cursor]
    this.#cursors[place] = second
    this.#cursors[place + 1] = first
  }
}
