// Writing a segment from sorted rows: blocks of 128 rows, sealed as they fill, a fence for each, one filter for look-ups.
// The work is done in short slices, so that what else the process does goes on meanwhile. The file counts for nothing
// before the root record names it.

import { type FileHandle, open, rm } from 'node:fs/promises'
import { randomBytes } from '#crypto'
import { concat } from '../base/bytes.ts'
import { syncDirectory } from '../base/files.ts'
import { limits } from '../base/limits.ts'
import type { SealingKey } from '../base/seal.ts'
import { type Block, encodeBlock } from './block-codec.ts'
import type { Cursor } from './cursor.ts'
import { stored } from './failure.ts'
import type { Pace } from './pace.ts'
import {
  fenceColumns,
  filterPlaces,
  type SegmentEntry,
  type SegmentParts,
  segmentEnd,
  segmentPath,
  segmentRecordKey,
  tailRecords,
} from './segment.ts'
import { lookupColumns, lookupTable, quadColumns, shapes, tableCount, termTable } from './tables.ts'

export interface SegmentSource {
  /** The rows of one table, sorted. */
  cursor(table: number): Cursor
  /** Rows that name such an item are left out. */
  isErased(item: number): boolean
}

export interface SegmentKeys {
  readonly index: SealingKey
  readonly dictionary: SealingKey
}

/** Bits of the filter for each look-up row: about one in a hundred absent terms passes it. */
const filterBitsPerRow = 10
const writeBytes = 262_144
const rowsPerSlice = 64

/** Writes a new segment; it and its name are durable when this resolves. Undefined when no row was left. */
export async function writeSegment(
  source: SegmentSource,
  parts: SegmentParts,
  keys: SegmentKeys,
  pace: Pace,
): Promise<SegmentEntry | undefined> {
  const name = randomBytes(16)
  const path = segmentPath(parts.directory, { name })
  const file = await stored(open(path, 'wx', 0o600))
  try {
    const writer = new SegmentWriter(file, name, parts, keys, pace)
    for (let table = 0; table < tableCount; table++) await writer.table(table, source)
    const entry = await writer.finish()
    await file.close()
    if (writer.rows > 0) {
      await stored(syncDirectory(parts.directory))
      return entry
    }
    await rm(path)
    return undefined
  } catch (error) {
    await file.close()
    await rm(path, { force: true })
    throw error
  }
}

class SegmentWriter {
  /** Of all tables. */
  rows = 0
  readonly #file: FileHandle
  readonly #name: Uint8Array
  readonly #parts: SegmentParts
  readonly #keys: SegmentKeys
  readonly #pace: Pace
  readonly #tail: Uint8Array[] = []
  readonly #hashes: number[] = []
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #written = 0
  #quads = 0
  #itemsFrom: number = Number.MAX_SAFE_INTEGER
  #itemsTo = 0

  constructor(file: FileHandle, name: Uint8Array, parts: SegmentParts, keys: SegmentKeys, pace: Pace) {
    this.#file = file
    this.#name = name
    this.#parts = parts
    this.#keys = keys
    this.#pace = pace
  }

  async table(table: number, source: SegmentSource): Promise<void> {
    const { width, keys, item } = shapes[table] as (typeof shapes)[number]
    const fences: number[] = []
    const cursor = source.cursor(table)
    let values = new Float64Array(limits.blockRows * width)
    let texts: string[] = []
    let filled = 0
    let characters = 0
    let blocks = 0
    let last: readonly number[] = []
    const end = async (): Promise<void> => {
      last = [...values.subarray((filled - 1) * width, (filled - 1) * width + keys)]
      const block = { width, values: values.subarray(0, filled * width), texts }
      const sealed = this.#seal(table, blocks, block)
      fences.push(...values.subarray(0, keys), this.#written + this.#waitingBytes, sealed.length)
      await this.#put(sealed)
      blocks += 1
      filled = 0
      characters = 0
      values = new Float64Array(limits.blockRows * width)
      texts = []
      await this.#pace()
    }
    for (let met = 1; cursor.values !== undefined; cursor.next(), met++) {
      if (met % rowsPerSlice === 0) await this.#pace()
      const { values: from, at } = cursor
      if (item !== undefined && source.isErased(from[at + item] as number)) continue
      for (let column = 0; column < width; column++) values[filled * width + column] = from[at + column] as number
      if (table === termTable) {
        const text = cursor.text()
        texts.push(text)
        characters += text.length
      }
      this.#note(table, from, at)
      filled += 1
      if (filled === limits.blockRows || characters >= limits.blockCharacters) await end()
    }
    if (filled > 0) await end()
    if (blocks > 0) fences.push(...last, this.#written + this.#waitingBytes, 0)
    this.#tail.push(this.#seal(table, -1, { width: keys + fenceColumns, values: Float64Array.from(fences), texts: [] }))
  }

  async finish(): Promise<SegmentEntry> {
    const key = segmentRecordKey(this.#name, tableCount, -1)
    this.#tail.push(this.#parts.sealer.seal(this.#keys.dictionary, key, await this.#filter()))
    const lengths = new Uint8Array(4 * tailRecords)
    for (const [place, { length }] of this.#tail.entries()) new DataView(lengths.buffer).setUint32(4 * place, length)
    await this.#put(concat(...this.#tail, lengths, segmentEnd))
    await this.#flush()
    await stored(this.#file.sync())
    return {
      name: this.#name,
      fileBytes: this.#written,
      rows: this.#quads,
      itemsFrom: Math.min(this.#itemsFrom, this.#itemsTo),
      itemsTo: this.#itemsTo,
      keys: [this.#keys.index.id, this.#keys.dictionary.id],
    }
  }

  #note(table: number, values: Float64Array, at: number): void {
    this.rows += 1
    let item: number | undefined = 0
    if (table === lookupTable) {
      this.#hashes.push(values[at + lookupColumns.high] as number, values[at + lookupColumns.low] as number)
      item = values[at + lookupColumns.item]
    } else if (table === 0) {
      this.#quads += 1
      item = values[at + quadColumns.item]
    }
    if (item === undefined || item === 0) return
    this.#itemsFrom = Math.min(this.#itemsFrom, item)
    this.#itemsTo = Math.max(this.#itemsTo, item)
  }

  async #filter(): Promise<Uint8Array> {
    const filter = new Uint8Array(Math.ceil((filterBitsPerRow * this.#hashes.length) / 2 / 8))
    for (let at = 0; at < this.#hashes.length; at += 2) {
      const [high, low] = [this.#hashes[at] as number, this.#hashes[at + 1] as number]
      for (const place of filterPlaces(high, low, 8 * filter.length)) {
        const byte = Math.floor(place / 8)
        filter[byte] = (filter[byte] as number) | (1 << (place % 8))
      }
      if (at % rowsPerSlice === 0) await this.#pace()
    }
    return filter
  }

  /** Hashes do not compress. */
  #seal(table: number, number: number, block: Block): Uint8Array {
    const key = table === termTable ? this.#keys.dictionary : this.#keys.index
    const { sealer } = this.#parts
    return sealer.seal(
      key,
      segmentRecordKey(this.#name, table, number),
      encodeBlock(block, sealer.compress && table !== lookupTable),
    )
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes >= writeBytes) await this.#flush()
  }

  async #flush(): Promise<void> {
    const bytes = concat(...this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await stored(this.#file.write(bytes, done, bytes.length - done, this.#written + done))
      done += bytesWritten
    }
    this.#written += bytes.length
  }
}
