// The index as readers and writers see it: the memory table and the segments together, without the rows of erased items.
// When rows move from memory into segments, and segments into larger ones, is the affair of upkeep.ts; nothing here waits.

import { LedgerError } from '../base/errors.ts'
import type { ItemId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Block } from './block-codec.ts'
import { type Cursor, compareRows, MergeCursor, rowsBefore } from './cursor.ts'
import { MemoryTables } from './memory-tables.ts'
import type { Segment } from './segment.ts'
import {
  type LocalId,
  lookupColumns,
  lookupTable,
  lookupWidth,
  matches,
  type PatternIds,
  placesOf,
  type QuadIds,
  quadColumns,
  quadWidth,
  type Range,
  rangeOf,
  type Shape,
  shapes,
  termTable,
} from './tables.ts'

/** A row that asserts a quad. */
export interface IndexRow {
  readonly quad: QuadIds
  readonly item: LocalId
  readonly row: number
  readonly asserted: number
  /** 0: still holds. */
  readonly retracted: number
}

export interface Page {
  /** Rows of the first order, one after another, eight numbers each. */
  readonly rows: Float64Array
  /** The key to go on from; undefined at the end. */
  readonly next: readonly number[] | undefined
}

/** What a look-up by hash found. */
export interface Found {
  readonly id: LocalId
  /** Whether its text stands in the shared dictionary, and not only with the items that use it. */
  readonly shared: boolean
}

export class QuadIndex {
  memory: MemoryTables = new MemoryTables()
  /** On its way into a segment; no more rows come. */
  frozen: MemoryTables | undefined
  segments: readonly Segment[] = []
  /** Items whose rows may still stand in the tables, but are given to nobody. */
  readonly erased: Map<LocalId, ItemId> = new Map()
  /** Blocks with erasures since the store was opened. */
  erasures = 0
  closed = false
  /** Where the last term was found: what is read together was mostly written together. Terms never change. */
  #terms: Block = { width: 1, values: new Float64Array(), texts: [] }

  /**
   * All rows of a table from the first that does not sort before `from`, those of erased items included. Rows behind those
   * that begin with `through` may be left out.
   */
  cursor(table: number, from: readonly number[] = [], through: readonly number[] = []): Cursor {
    if (this.closed) throw new LedgerError('STORAGE_FAILED', { reason: 'the store is closed' })
    const cursors = [...this.memory.cursors(table, from), ...(this.frozen?.cursors(table, from) ?? [])]
    for (const segment of this.segments) {
      if (!segment.isOutside(table, from, through)) cursors.push(segment.cursor(table, from))
    }
    const within = cursors.filter(
      ({ values, at }) => values !== undefined && compareRows(values, at, through, 0, through.length) <= 0,
    )
    const [first, second] = within
    return first !== undefined && second === undefined ? first : new MergeCursor(shapes[table] as Shape, within)
  }

  /**
   * Up to `limit` rows whose quads match and that held at `height`, from the key `from` on; equal quads may come more than
   * once, side by side. Looks at a bounded number of rows, so a page may be empty before the end.
   */
  page(range: Range, pattern: PatternIds, height: number, from: readonly number[], limit: number): Page {
    const { order, prefix, filtered, through } = range
    const [s, p, o, g] = placesOf(order)
    const cursor = this.cursor(order, from, through ?? prefix)
    const rows = new Float64Array(limit * quadWidth)
    let end = 0
    for (let looked = 0; ; cursor.next(), looked++) {
      const { values, at } = cursor
      if (values === undefined || !beginsWith(values, at, prefix))
        return { rows: rows.subarray(0, end), next: undefined }
      if (through !== undefined && compareRows(values, at, through, 0, through.length) > 0) {
        return { rows: rows.subarray(0, end), next: undefined }
      }
      if (end === rows.length || looked === limits.scanLooksMax) {
        return { rows: rows.subarray(0, end), next: keyAt(values, at) }
      }
      const asserted = values[at + quadColumns.asserted] as number
      const retracted = values[at + quadColumns.retracted] as number
      if (asserted > height || (retracted !== 0 && retracted <= height)) continue
      const item = values[at + quadColumns.item] as number
      if (this.erased.size > 0 && this.erased.has(item)) continue
      rows[end] = values[at + s] as number
      rows[end + 1] = values[at + p] as number
      rows[end + 2] = values[at + o] as number
      rows[end + 3] = values[at + g] as number
      if (filtered && !matches(rows, end, pattern)) continue
      rows[end + quadColumns.item] = item
      rows[end + quadColumns.row] = values[at + quadColumns.row] as number
      rows[end + quadColumns.asserted] = asserted
      rows[end + quadColumns.retracted] = retracted
      end += quadWidth
    }
  }

  /** Whether some row asserts the quad at `height`. */
  holds(quad: QuadIds, height: number): boolean {
    const range = rangeOf(quad)
    return this.page(range, quad, height, range.prefix, 1).rows.length > 0
  }

  /** Every row that ever asserted the quad, but for erased ones, until `visit` says that it saw enough. */
  visit(quad: QuadIds, visit: (item: LocalId, row: number, retracted: number) => boolean): void {
    const { order, prefix } = rangeOf(quad)
    const cursor = this.cursor(order, prefix, prefix)
    for (; cursor.values !== undefined && beginsWith(cursor.values, cursor.at, prefix); cursor.next()) {
      const { values, at } = cursor
      const item = values[at + quadColumns.item] as number
      if (this.erased.has(item)) continue
      if (visit(item, values[at + quadColumns.row] as number, values[at + quadColumns.retracted] as number)) return
    }
  }

  /** Height of the first retraction of a row; 0 when it holds. @throws LedgerError RECORD_TAMPERED when it is not there. */
  retractedAt(quad: QuadIds, item: LocalId, row: number): number {
    const key = [...quad, item, row]
    const { values, at } = this.cursor(0, key, key)
    if (values === undefined || !beginsWith(values, at, key)) {
      throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'absent' })
    }
    return values[at + quadColumns.retracted] as number
  }

  lookup(high: number, low: number): Found | undefined {
    let found: Found | undefined
    const take = (values: ArrayLike<number>, at: number): void => {
      const item = values[at + lookupColumns.item] as number
      if (found?.shared !== true && !this.erased.has(item)) {
        found = { id: values[at + lookupColumns.id] as number, shared: item === 0 }
      }
    }
    for (const memory of this.frozen === undefined ? [this.memory] : [this.memory, this.frozen]) {
      const rows = memory.lookups(high)
      for (let at = 0; at < rows.length; at += lookupWidth) if (rows[at + lookupColumns.low] === low) take(rows, at)
    }
    const key = [high, low]
    for (const segment of this.segments) {
      if (found?.shared === true || !segment.mayHold(high, low)) continue
      const cursor = segment.cursor(lookupTable, key)
      for (; cursor.values !== undefined && beginsWith(cursor.values, cursor.at, key); cursor.next()) {
        take(cursor.values, cursor.at)
      }
    }
    return found
  }

  /** The text of a term of the shared dictionary. */
  text(id: LocalId): string | undefined {
    const known = this.memory.text(id) ?? this.frozen?.text(id)
    if (known !== undefined) return known
    const near = textIn(this.#terms, id)
    if (near !== undefined) return near
    for (const segment of this.segments) {
      if (segment.isOutside(termTable, [id], [id])) continue
      const last = segment.blockCount(termTable) - 1
      const block = segment.block(termTable, Math.min(last, segment.blockBefore(termTable, [id + 1])))
      const text = textIn(block, id)
      if (text === undefined) continue
      this.#terms = block
      return text
    }
    return undefined
  }
}

function textIn({ values, texts }: Block, id: LocalId): string | undefined {
  const place = rowsBefore(values, 1, [id])
  return values[place] === id ? texts.at(place) : undefined
}

function beginsWith(values: ArrayLike<number>, at: number, prefix: readonly number[]): boolean {
  for (let column = 0; column < prefix.length; column++) if (values[at + column] !== prefix[column]) return false
  return true
}

function keyAt(values: Float64Array, at: number): readonly number[] {
  return [...values.subarray(at, at + (shapes[0] as Shape).keys)]
}
