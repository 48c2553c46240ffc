// Reading a segment: an immutable file of sorted tables in sealed blocks. Where each block begins and with which key (its
// fences) stays in memory; blocks are read when they are needed and kept in a cache with a bound in bytes. A block is bound
// to its place: store, segment, table, number. Who wrote it: segment-writer.ts.
//
// File: the blocks of one table after another; then one record of fences for each table and the filter of the look-up
// table; then their lengths as 32-bit numbers, and "quadseg" with a version byte.

import { readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { concat, equal, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { bytes, list, record, type Schema, uint } from '../base/schema.ts'
import { type Block, decodeBlock, rowCount, type Texts } from './block-codec.ts'
import { type Cursor, compareRows, rowsBefore } from './cursor.ts'
import { stored } from './failure.ts'
import { localKey, tables, viewOf } from './layout.ts'
import type { RecentMap } from './recent-map.ts'
import type { Sealer } from './sealer.ts'
import { lookupTable, shapes, tableCount } from './tables.ts'

/** What the root record says of a segment, so that none is swapped, lost or taken back to an older one. */
export interface SegmentEntry {
  /** 16 random bytes; its file's name in hexadecimal. */
  readonly name: Uint8Array
  readonly fileBytes: number
  /** Rows of the first order. */
  readonly rows: number
  /** Lowest and highest number of an item that has rows in it. */
  readonly itemsFrom: number
  readonly itemsTo: number
  /** Ids of the data keys that it is sealed under. */
  readonly keys: readonly Uint8Array[]
}

export const segmentEntrySchema: Schema<SegmentEntry> = record<SegmentEntry>({
  name: bytes(16),
  fileBytes: uint(),
  rows: uint(),
  itemsFrom: uint(),
  itemsTo: uint(),
  keys: list(bytes(8), 2),
})

export interface SegmentParts {
  readonly directory: string
  readonly sealer: Sealer
  /** Decoded blocks by place. */
  readonly cache: RecentMap<number, Block>
}

export const segmentEnd: Uint8Array = concat(utf8('quadseg'), Uint8Array.of(1))
/** Fences of each table, then the filter. */
export const tailRecords: number = tableCount + 1
export const tailBytes: number = 4 * tailRecords + segmentEnd.length
/**
 * A fence has the key of a block's first row, where the block begins in the file, and its length. Behind the last one
 * stands the key of the table's last row.
 */
export const fenceColumns = 2

/** Whether a filter may hold the key whose two halves these are (Bloom, CACM 1970; the halves are hashes already). */
export function filterPlaces(high: number, low: number, bits: number): readonly number[] {
  return [0, 1, 2, 3, 4].map((turn) => (high + turn * low) % bits)
}

/** What a record of a segment is bound to. Table `tableCount` is the filter; block -1 are the fences. */
export function segmentRecordKey(name: Uint8Array, table: number, block: number): Uint8Array {
  return concat(Uint8Array.of(tables.segment), name, localKey(table, block + 1))
}

export function segmentPath(directory: string, { name }: Pick<SegmentEntry, 'name'>): string {
  return join(directory, toHex(name))
}

/** Of one table of one segment: two thousand million rows. */
const blocksMax = 2 ** 24
let serials = 0

export class Segment {
  readonly entry: SegmentEntry
  readonly #parts: SegmentParts
  readonly #file: FileHandle
  readonly #fences: readonly Float64Array[]
  readonly #filter: Uint8Array
  /** Tells its blocks from those of other segments in the cache. */
  readonly #serial: number

  /** @throws LedgerError RECORD_TAMPERED when the file is not the one that `entry` tells of, KEY_MISSING, STORAGE_FAILED */
  static async open(entry: SegmentEntry, parts: SegmentParts): Promise<Segment> {
    const file = await stored(openSegmentFile(parts.directory, entry))
    try {
      const { size } = await file.stat()
      if (size !== entry.fileBytes) throw tampered(entry)
      const tail = readExactly(file.fd, size - tailBytes, tailBytes, entry)
      if (!equal(tail.subarray(4 * tailRecords), segmentEnd)) throw tampered(entry)
      const lengths = Array.from({ length: tailRecords }, (_, place) => viewOf(tail).getUint32(4 * place))
      let at = size - tailBytes - lengths.reduce((sum, length) => sum + length, 0)
      if (at < 0) throw tampered(entry)
      const fences: Float64Array[] = []
      let filter = new Uint8Array()
      for (const [table, length] of lengths.entries()) {
        const plain = parts.sealer.open(
          segmentRecordKey(entry.name, table, -1),
          readExactly(file.fd, at, length, entry),
        )
        at += length
        if (table < tableCount) fences.push(decodeBlock(plain).values)
        else filter = new Uint8Array(plain)
        // Of a large segment each takes some milliseconds.
        await new Promise(setImmediate)
      }
      return new Segment(entry, parts, file, fences, filter)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  private constructor(
    entry: SegmentEntry,
    parts: SegmentParts,
    file: FileHandle,
    fences: readonly Float64Array[],
    filter: Uint8Array,
  ) {
    this.entry = entry
    this.#parts = parts
    this.#file = file
    this.#fences = fences
    this.#filter = filter
    serials += 1
    this.#serial = serials
  }

  /** The rows of a table from the first that does not sort before `from`. */
  cursor(table: number, from: readonly number[]): Cursor {
    return new SegmentCursor(this, table, from)
  }

  blockCount(table: number): number {
    return Math.max(0, (this.#fences[table] as Float64Array).length / fenceWidth(table) - 1)
  }

  /** Number of the first block that may hold a row that does not sort before `key`. */
  blockBefore(table: number, key: readonly number[]): number {
    return Math.max(0, rowsBefore(this.#fences[table] as Float64Array, fenceWidth(table), key) - 1)
  }

  /** Whether it surely holds no row from `from` on that begins with `through` or sorts before it, as far as the fences tell. */
  isOutside(table: number, from: readonly number[], through: readonly number[]): boolean {
    const fences = this.#fences[table] as Float64Array
    const width = fenceWidth(table)
    if (fences.length === 0) return true
    if (compareRows(fences, 0, through, 0, through.length) > 0) return true
    return compareRows(fences, fences.length - width, from, 0, from.length) < 0
  }

  mayHold(high: number, low: number): boolean {
    const bits = 8 * this.#filter.length
    if (bits === 0) return this.blockCount(lookupTable) > 0
    return filterPlaces(high, low, bits).every(
      (place) => ((this.#filter[Math.floor(place / 8)] as number) & (1 << (place % 8))) !== 0,
    )
  }

  /** Reads at once: a few microseconds while the system has the file in memory. */
  block(table: number, number: number): Block {
    const { cache, sealer } = this.#parts
    const name = (this.#serial * tableCount + table) * blocksMax + number
    const known = cache.get(name)
    if (known !== undefined) return known
    const sealed = this.sealedBlock(table, number)
    const block = decodeBlock(sealer.open(segmentRecordKey(this.entry.name, table, number), sealed))
    if (rowCount(block) === 0) throw tampered(this.entry)
    cache.set(name, block)
    return block
  }

  /** The bytes of a block as they stand in the file. */
  sealedBlock(table: number, number: number): Uint8Array {
    const fences = this.#fences[table] as Float64Array
    const width = fenceWidth(table)
    const start = fences[number * width + width - 2] as number
    return readExactly(this.#file.fd, start, fences[number * width + width - 1] as number, this.entry)
  }

  close(): Promise<void> {
    return stored(this.#file.close())
  }
}

function fenceWidth(table: number): number {
  return (shapes[table]?.keys ?? 0) + fenceColumns
}

/** Goes from block to block. */
class SegmentCursor implements Cursor {
  readonly shape: (typeof shapes)[number]
  values: Float64Array | undefined
  at = 0
  readonly #segment: Segment
  readonly #table: number
  #number: number
  #texts: Texts = []

  constructor(segment: Segment, table: number, from: readonly number[]) {
    this.shape = shapes[table] as (typeof shapes)[number]
    this.#segment = segment
    this.#table = table
    this.#number = segment.blockBefore(table, from)
    this.#load()
    if (this.values === undefined) return
    this.at = rowsBefore(this.values, this.shape.width, from) * this.shape.width
    if (this.at >= this.values.length) this.#turn()
  }

  text(): string {
    return this.#texts.at(this.at / this.shape.width) as string
  }

  next(): void {
    this.at += this.shape.width
    if (this.values !== undefined && this.at >= this.values.length) this.#turn()
  }

  #turn(): void {
    this.#number += 1
    this.at = 0
    this.#load()
  }

  #load(): void {
    if (this.#number >= this.#segment.blockCount(this.#table)) {
      this.values = undefined
      return
    }
    const { values, texts } = this.#segment.block(this.#table, this.#number)
    this.values = values
    this.#texts = texts
  }
}

async function openSegmentFile(directory: string, entry: SegmentEntry): Promise<FileHandle> {
  try {
    return await open(segmentPath(directory, entry), 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw tampered(entry)
    throw error
  }
}

function readExactly(fd: number, start: number, length: number, entry: SegmentEntry): Uint8Array {
  const result = new Uint8Array(length)
  let done = 0
  try {
    while (done < length) {
      const read = readSync(fd, result, done, length - done, start + done)
      if (read === 0) break
      done += read
    }
  } catch (error) {
    throw new LedgerError('STORAGE_FAILED', {}, error)
  }
  if (done < length) throw tampered(entry)
  return result
}

function tampered(entry: SegmentEntry): LedgerError {
  return new LedgerError('RECORD_TAMPERED', { store: 'quads', segment: toHex(entry.name) })
}
