// The sorted tables that every segment holds: four orders of the quads, the keyed hashes of terms, the terms. A row of a
// table is a tuple of whole numbers; the first ones are its key and sort it.

/** A term, or an item, of this store: a whole number from 1 in order of first use. Term 0 is the default graph. */
export type LocalId = number

/** Term ids in the order subject, predicate, object, graph. */
export type QuadIds = readonly [LocalId, LocalId, LocalId, LocalId]
export type PatternIds = readonly (LocalId | undefined)[]

/** Columns (0 subject, 1 predicate, 2 object, 3 graph) in the order in which each table of quads sorts. */
export const orders: readonly (readonly number[])[] = [
  [0, 1, 2, 3],
  [1, 2, 0, 3],
  [2, 0, 1, 3],
  [3, 0, 1, 2],
]

/** One column for each term of the quad, then which row of which item asserts it and the heights at which it came and went. */
export const quadColumns = { item: 4, row: 5, asserted: 6, retracted: 7 } as const
export const quadWidth = 8
/** Two halves of a 96-bit keyed hash, the item whose partition has the text (0: the shared dictionary), the term's id. */
export const lookupColumns = { high: 0, low: 1, item: 2, id: 3 } as const
export const lookupWidth = 4

export const lookupTable: number = orders.length
export const termTable: number = orders.length + 1
export const tableCount: number = orders.length + 2

export interface Shape {
  readonly width: number
  /** Columns of the key. */
  readonly keys: number
  /** The column that names an item, so that erasing it drops the row. */
  readonly item: number | undefined
}

const quadShape: Shape = { width: quadWidth, keys: 6, item: quadColumns.item }

export const shapes: readonly Shape[] = [
  ...orders.map(() => quadShape),
  { width: lookupWidth, keys: 3, item: lookupColumns.item },
  { width: 1, keys: 1, item: undefined },
]

/** A row of the first order as one of another. */
export function reorder(rows: Float64Array, order: number): Float64Array {
  if (order === 0) return rows
  const [a, b, c, d] = orders[order] as readonly [number, number, number, number]
  const result = new Float64Array(rows.length)
  for (let at = 0; at < rows.length; at += quadWidth) {
    result[at] = rows[at + a] as number
    result[at + 1] = rows[at + b] as number
    result[at + 2] = rows[at + c] as number
    result[at + 3] = rows[at + d] as number
    for (let column = 4; column < quadWidth; column++) result[at + column] = rows[at + column] as number
  }
  return result
}

/** Where subject, predicate, object and graph stand in a row of this order. */
export function placesOf(order: number): readonly [number, number, number, number] {
  return places[order] as unknown as readonly [number, number, number, number]
}

const places = orders.map((columns) => [0, 1, 2, 3].map((column) => columns.indexOf(column)))

export interface Range {
  readonly order: number
  /** What the keys of all matches begin with. */
  readonly prefix: readonly number[]
  /** Rows that sort before it are not wanted. */
  readonly from?: readonly number[]
  /** Rows that sort behind it, as far as it goes, are not wanted. */
  readonly through?: readonly number[]
  /** Whether a row in the range may still not match. */
  readonly filtered: boolean
}

/** The order that covers most of the pattern's bound columns from its start; the first of equals. */
export function rangeOf(pattern: PatternIds): Range {
  const covered = orders.map((columns) => {
    const open = columns.findIndex((column) => pattern[column] === undefined)
    return open === -1 ? columns.length : open
  })
  const most = Math.max(...covered)
  const order = covered.indexOf(most)
  const columns = (orders[order] as readonly number[]).slice(0, most)
  const prefix = columns.map((column) => pattern[column] as LocalId)
  return { order, prefix, filtered: pattern.filter((id) => id !== undefined).length > most }
}

/** Whether the row of the first order that begins at `at` matches. */
export function matches(rows: ArrayLike<number>, at: number, pattern: PatternIds): boolean {
  return (
    (pattern[0] === undefined || pattern[0] === rows[at]) &&
    (pattern[1] === undefined || pattern[1] === rows[at + 1]) &&
    (pattern[2] === undefined || pattern[2] === rows[at + 2]) &&
    (pattern[3] === undefined || pattern[3] === rows[at + 3])
  )
}
