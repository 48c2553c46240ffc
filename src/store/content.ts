// The record of what one item says: the term ids of its rows, and the texts of those of its terms that are in no shared
// dictionary, its partition. It is sealed under the item's own key when the item can be erased.

import { joinBlocks, splitBlocks } from './block-codec.ts'
import type { LocalId, QuadIds } from './tables.ts'

export interface Content {
  readonly rows: readonly QuadIds[]
  readonly partition: ReadonlyMap<LocalId, string>
}

export function contentRecord({ rows, partition }: Content, compress: boolean): Uint8Array {
  const values = new Float64Array(4 * rows.length)
  rows.forEach((quad, row) => {
    values.set(quad, 4 * row)
  })
  const ids = { width: 4, values, texts: [] }
  const texts = { width: 1, values: Float64Array.from(partition.keys()), texts: [...partition.values()] }
  return joinBlocks(partition.size === 0 ? [ids] : [ids, texts], compress)
}

/** @throws LedgerError RECORD_TAMPERED */
export function contentOf(record: Uint8Array): Content {
  const [ids, texts] = splitBlocks(record)
  const rows: QuadIds[] = []
  const values = ids?.values ?? new Float64Array()
  for (let at = 0; at < values.length; at += 4) {
    const [s, p, o, g] = values.subarray(at, at + 4)
    rows.push([s as LocalId, p as LocalId, o as LocalId, g as LocalId])
  }
  const partition = new Map<LocalId, string>()
  for (const [place, id] of (texts?.values ?? []).entries()) partition.set(id, texts?.texts.at(place) as string)
  return { rows, partition }
}
