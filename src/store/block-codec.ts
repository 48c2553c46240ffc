// A block: up to some hundred rows of whole numbers, each row as wide as its table, and in the table of terms a text for
// each row. Numbers are written column by column (columns.ts), then deflate takes what repeats in the texts. Sealing, and
// what the columns mean, is the affair of others.

import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { concat, fromUtf8, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { NumberReader, NumberWriter } from './columns.ts'

/** The texts of a block's rows; a plain array is one. */
export interface Texts {
  readonly length: number
  at(place: number): string | undefined
}

export interface Block {
  readonly width: number
  /** Row after row; safe integers from 0, below 2^52, and at most 2^48 apart from those of the same 2^48. */
  readonly values: Float64Array
  /** As many as rows, or none. */
  readonly texts: Texts
}

/** A block's size on disk tells its content's size only to this step. */
const stepBytes = 64
const headBytes = 4
/** Below it, deflate costs more time than it saves bytes. */
const deflatedBytesMin = 192
/** Of the length in a block's head. */
const deflatedBit = 0x4000_0000
/** Columns as `NumberWriter` writes them; before, every difference stood by itself and all was deflated. */
const runsBit = 0x2000_0000

export function rowCount({ values, width }: Block): number {
  return values.length / width
}

/** `compress` false leaves texts readable: only for the test that shows what sealing hides. */
export function encodeBlock(block: Block, compress: boolean): Uint8Array {
  const plain = plainBytes(block)
  const deflates = compress && block.texts.length > 0 && plain.length >= deflatedBytesMin
  // Level 1 with a small window: texts are few, and what deflate finds in them it finds near.
  const body = deflates ? deflateRawSync(plain, { level: 1, windowBits: 12, memLevel: 6 }) : plain
  const padded = new Uint8Array(Math.ceil((headBytes + body.length) / stepBytes) * stepBytes)
  new DataView(padded.buffer).setUint32(0, body.length | runsBit | (deflates ? deflatedBit : 0))
  padded.set(body, headBytes)
  return padded
}

/** @throws LedgerError RECORD_TAMPERED for bytes that `encodeBlock` did not make. */
export function decodeBlock(bytes: Uint8Array): Block {
  try {
    const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0)
    const body = bytes.subarray(headBytes, headBytes + (head & ~(deflatedBit | runsBit)))
    const plain = (head & deflatedBit) === 0 ? body : inflateRawSync(body)
    return parse(plain, (head & runsBit) === 0 ? differences : runs)
  } catch (cause) {
    throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'block' }, cause)
  }
}

/** Bytes that it takes in memory, roughly. */
export function weightOf({ values, texts }: Block): number {
  return 512 + 8 * values.length + (texts instanceof Utf8Texts ? texts.weight : 0)
}

/** Several blocks as one record. */
export function joinBlocks(blocks: readonly Block[], compress: boolean): Uint8Array {
  return concat(
    ...blocks.flatMap((block) => {
      const bytes = encodeBlock(block, compress)
      const length = new Uint8Array(headBytes)
      new DataView(length.buffer).setUint32(0, bytes.length)
      return [length, bytes]
    }),
  )
}

/** @throws LedgerError RECORD_TAMPERED */
export function splitBlocks(bytes: Uint8Array): readonly Block[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const blocks: Block[] = []
  for (let at = 0; at + headBytes <= bytes.length; ) {
    const end = at + headBytes + view.getUint32(at)
    blocks.push(decodeBlock(bytes.subarray(at + headBytes, end)))
    at = end
  }
  return blocks
}

const writer = new NumberWriter()

/** The block uncompressed. */
export function plainBytes({ width, values, texts }: Block): Uint8Array {
  writer.put(width)
  writer.put(values.length / width)
  writer.put(texts.length)
  for (let column = 0; column < width; column++) writer.column(values, column, width)
  const encoded = Array.from({ length: texts.length }, (_, place) => utf8(texts.at(place) as string))
  for (const text of encoded) writer.put(text.length)
  for (const text of encoded) writer.bytes(text)
  return writer.take()
}

/** Reads a column. */
type ColumnReader = (numbers: NumberReader, values: Float64Array, column: number, width: number) => void

const runs: ColumnReader = (numbers, values, column, width) => numbers.column(values, column, width)

const differences: ColumnReader = (numbers, values, column, width) => {
  let last = 0
  for (let place = column; place < values.length; place += width) {
    const zigzag = numbers.number()
    const half = Math.floor(zigzag / 2)
    last += zigzag === 2 * half ? half : -half - 1
    values[place] = last
  }
}

function parse(bytes: Uint8Array, readColumn: ColumnReader): Block {
  const numbers = new NumberReader(bytes)
  const width = numbers.number()
  const rows = numbers.number()
  const textCount = numbers.number()
  const values = new Float64Array(width * rows)
  for (let column = 0; column < width; column++) readColumn(numbers, values, column, width)
  if (textCount === 0) {
    if (numbers.at !== bytes.length) throw new RangeError(`${bytes.length} bytes, ${numbers.at} of them a block`)
    return { width, values, texts: [] }
  }
  const ends = new Uint32Array(textCount)
  let end = 0
  for (let place = 0; place < textCount; place++) {
    end += numbers.number()
    ends[place] = end
  }
  if (numbers.at + end !== bytes.length) throw new RangeError(`${bytes.length} bytes, ${end} of them texts`)
  return { width, values, texts: new Utf8Texts(Uint8Array.from(bytes.subarray(numbers.at)), ends) }
}

/** Decoded as they are asked for: of a block that was read for one text, the others mostly are not. */
class Utf8Texts implements Texts {
  readonly length: number
  readonly #bytes: Uint8Array
  readonly #ends: Uint32Array

  constructor(bytes: Uint8Array, ends: Uint32Array) {
    this.length = ends.length
    this.#bytes = bytes
    this.#ends = ends
  }

  /** In memory, bytes. */
  get weight(): number {
    return 256 + this.#bytes.length + 4 * this.#ends.length
  }

  at(place: number): string | undefined {
    const end = this.#ends[place]
    return end === undefined ? undefined : fromUtf8(this.#bytes.subarray(this.#ends[place - 1] ?? 0, end))
  }
}
