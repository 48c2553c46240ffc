// A block: up to some hundred rows of whole numbers, each row as wide as its table, and in the table of terms a text for
// each row. Columns are written one after another as differences from row to row, so sorted rows shrink to a few bytes
// each; then deflate takes what repeats. Sealing, and what the columns mean, is the affair of others.

import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { concat, fromUtf8, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'

export interface Block {
  readonly width: number
  /** Row after row; safe integers from 0, below 2^52. */
  readonly values: Float64Array
  /** As many as rows, or none. */
  readonly texts: readonly string[]
}

/** A block's size on disk tells its content's size only to this step. */
const stepBytes = 64
const headBytes = 4
/** Below it, deflate costs more time than it saves bytes. */
const deflatedBytesMin = 192
/** Of the length in a block's head. */
const deflatedBit = 0x4000_0000

export function rowCount({ values, width }: Block): number {
  return values.length / width
}

/** `compress` false leaves texts readable: only for the test that shows what sealing hides. */
export function encodeBlock(block: Block, compress: boolean): Uint8Array {
  const plain = plainBytes(block)
  const deflates = compress && plain.length >= deflatedBytesMin
  // Level 1 with a small window: rows are few, and what deflate finds in them it finds near.
  const body = deflates ? deflateRawSync(plain, { level: 1, windowBits: 12, memLevel: 6 }) : plain
  const padded = new Uint8Array(Math.ceil((headBytes + body.length) / stepBytes) * stepBytes)
  new DataView(padded.buffer).setUint32(0, body.length | (deflates ? deflatedBit : 0))
  padded.set(body, headBytes)
  return padded
}

/** @throws LedgerError RECORD_TAMPERED for bytes that `encodeBlock` did not make. */
export function decodeBlock(bytes: Uint8Array): Block {
  try {
    const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0)
    const body = bytes.subarray(headBytes, headBytes + (head & ~deflatedBit))
    return parse((head & deflatedBit) === 0 ? body : inflateRawSync(body))
  } catch (cause) {
    throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'block' }, cause)
  }
}

/** Bytes that it takes in memory, roughly. */
export function weightOf({ values, texts }: Block): number {
  return 512 + 8 * values.length + texts.reduce((sum, text) => sum + 32 + 2 * text.length, 0)
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

let scratch = new Uint8Array(65_536)

/** The block uncompressed. */
export function plainBytes({ width, values, texts }: Block): Uint8Array {
  const encoded = texts.map(utf8)
  const room = 24 + 8 * values.length + encoded.reduce((sum, text) => sum + text.length + 5, 0)
  if (scratch.length < room) scratch = new Uint8Array(2 * room)
  let at = putNumber(0, width)
  at = putNumber(at, values.length / width)
  at = putNumber(at, encoded.length)
  for (let column = 0; column < width; column++) {
    let last = 0
    for (let place = column; place < values.length; place += width) {
      const value = values[place] as number
      const difference = value - last
      at = putNumber(at, difference < 0 ? -2 * difference - 1 : 2 * difference)
      last = value
    }
  }
  for (const text of encoded) at = putNumber(at, text.length)
  for (const text of encoded) {
    scratch.set(text, at)
    at += text.length
  }
  return scratch.slice(0, at)
}

/** Seven bits a byte, the lowest first. */
function putNumber(start: number, number: number): number {
  let at = start
  let rest = number
  while (rest >= 0x1000_0000) {
    scratch[at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  while (rest >= 0x80) {
    scratch[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  scratch[at++] = rest
  return at
}

function parse(bytes: Uint8Array): Block {
  let at = 0
  const number = (): number => {
    let byte = bytes[at++] as number
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let factor = 128; ; factor *= 128) {
      byte = bytes[at++] as number
      value += (byte & 0x7f) * factor
      if (!(byte >= 0x80)) return value
    }
  }
  const width = number()
  const rows = number()
  const textCount = number()
  const values = new Float64Array(width * rows)
  at = parseColumns(bytes, at, values, width)
  const lengths = Array.from({ length: textCount }, number)
  const texts = lengths.map((length) => {
    const text = fromUtf8(bytes.subarray(at, at + length))
    at += length
    return text
  })
  if (at !== bytes.length) throw new RangeError(`${bytes.length} bytes, ${at} of them a block`)
  return { width, values, texts }
}

/** Where it ended. Most of the time that reading takes goes here, so nothing is called for a number. */
function parseColumns(bytes: Uint8Array, start: number, values: Float64Array, width: number): number {
  let at = start
  for (let column = 0; column < width; column++) {
    let last = 0
    for (let place = column; place < values.length; place += width) {
      let byte = bytes[at++] as number
      let zigzag = byte & 0x7f
      for (let factor = 128; byte >= 0x80; factor *= 128) {
        byte = bytes[at++] as number
        zigzag += (byte & 0x7f) * factor
      }
      const half = Math.floor(zigzag / 2)
      last += zigzag === 2 * half ? half : -half - 1
      values[place] = last
    }
  }
  return at
}
