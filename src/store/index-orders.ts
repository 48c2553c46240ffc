// The index: each assertion of a quad stands in four orders of its term ids, so that every pattern is one range of keys
// with at most one column left to filter. A row's value says when it began to hold and when it was retracted, so the
// past stays readable and a scan needs no other record to know what held at a height.

import { type LocalId, localKey, readId, tables, viewOf, writeId } from './layout.ts'

/** Term ids in the order subject, predicate, object, graph. */
export type QuadIds = readonly [LocalId, LocalId, LocalId, LocalId]
export type PatternIds = readonly (LocalId | undefined)[]

/** Columns (0 subject, 1 predicate, 2 object, 3 graph) in the order in which each index sorts. */
export const orders: readonly (readonly number[])[] = [
  [0, 1, 2, 3],
  [1, 2, 0, 3],
  [2, 0, 1, 3],
  [3, 0, 1, 2],
]

const keyBytes = 1 + 4 * 8 + 8 + 4

export interface IndexRow {
  readonly quad: QuadIds
  readonly asserted: number
  /** 0: still holds. */
  readonly retracted: number
}

export function indexKey(order: number, quad: QuadIds, item: LocalId, row: number): Uint8Array {
  const key = new Uint8Array(keyBytes)
  key[0] = tables.index + order
  const view = new DataView(key.buffer)
  const columns = orders[order] as readonly number[]
  for (let place = 0; place < 4; place++) writeId(view, 1 + 8 * place, quad[columns[place] as number] as LocalId)
  writeId(view, 33, item)
  view.setUint32(41, row)
  return key
}

/** What the keys of all rows of a quad begin with in the first order. */
export function quadKey(quad: QuadIds): Uint8Array {
  return localKey(tables.index, ...quad)
}

/**
 * What the value of an assertion is bound to, the same in all orders: its key in the first. So one sealed value serves
 * all four, and still opens nowhere but under a key of this very assertion.
 */
export function assertionKey(key: Uint8Array): Uint8Array {
  if (key[0] === tables.index) return key
  const view = viewOf(key)
  return indexKey(0, quadOf(key), readId(view, 33), view.getUint32(41))
}

export function indexValue(asserted: number, retracted: number): Uint8Array {
  const value = new Uint8Array(16)
  const view = new DataView(value.buffer)
  writeId(view, 0, asserted)
  writeId(view, 8, retracted)
  return value
}

/** The heights of an index value: asserted, retracted. */
export function heightsOf(value: Uint8Array): readonly [number, number] {
  const view = viewOf(value)
  return [readId(view, 0), readId(view, 8)]
}

export function quadOf(key: Uint8Array): QuadIds {
  const view = viewOf(key)
  const columns = orders[(key[0] as number) - tables.index] as readonly number[]
  const ids: [LocalId, LocalId, LocalId, LocalId] = [0, 0, 0, 0]
  for (let place = 0; place < 4; place++) ids[columns[place] as 0 | 1 | 2 | 3] = readId(view, 1 + 8 * place)
  return ids
}

export interface Range {
  /** Every match's key begins with this. */
  readonly prefix: Uint8Array
  /** Whether a key in the range may still not match. */
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
  const prefix = new Uint8Array(1 + 8 * most)
  prefix[0] = tables.index + order
  const view = new DataView(prefix.buffer)
  for (const [place, column] of columns.entries()) writeId(view, 1 + 8 * place, pattern[column] as LocalId)
  return { prefix, filtered: pattern.filter((id) => id !== undefined).length > most }
}

export function matches(quad: QuadIds, pattern: PatternIds): boolean {
  return (
    (pattern[0] === undefined || pattern[0] === quad[0]) &&
    (pattern[1] === undefined || pattern[1] === quad[1]) &&
    (pattern[2] === undefined || pattern[2] === quad[2]) &&
    (pattern[3] === undefined || pattern[3] === quad[3])
  )
}
