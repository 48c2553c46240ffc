// How records stand in an append-only file: each behind its length (4 bytes, big-endian) and the first 8 bytes of SHA-256
// over length and record. Finds the whole records from the beginning, and whole records behind a broken one. What a
// broken record means is the affair of append-file.ts.

import { sha256 } from '#crypto'
import { equal } from './bytes.ts'
import { limits } from './limits.ts'

export const frameBytes = 12
const windowBytes = 1_048_576
/** A possible record up to this is hashed at once; random bytes look like a longer one more often than that is worth. */
const shortBytes = 65_536

/** The bytes of a file from `offset`, valid until the next call. */
export type Reader = (offset: number, length: number) => Promise<Uint8Array>

export function frameOf(record: Uint8Array): Uint8Array {
  const frame = new Uint8Array(frameBytes)
  new DataView(frame.buffer).setUint32(0, record.length)
  frame.set(sha256(frame.subarray(0, 4), record).subarray(0, 8), 4)
  return frame
}

const emptyFrame = frameOf(new Uint8Array())

/** Offsets of the whole records from `start` on, and of the end of the last. */
export async function scan(read: Reader, start: number, size: number, recordBytesMax: number): Promise<number[]> {
  const offsets = [start]
  let offset = start
  while (offset + frameBytes <= size) {
    const frame = (await read(offset, frameBytes)).slice()
    const length = lengthOf(frame)
    if (length > recordBytesMax || offset + frameBytes + length > size) break
    if (!equal(frame, frameOf(await read(offset + frameBytes, length)))) break
    offset += frameBytes + length
    offsets.push(offset)
  }
  return offsets
}

/**
 * Whether a whole record begins anywhere behind the broken one at `broken`: its length may be what broke, so every byte
 * is tried. Gives up, with false, after hashing as much as bytes that are not made to look like lengths never need.
 */
export async function recordBehind(
  read: Reader,
  broken: number,
  size: number,
  recordBytesMax: number,
): Promise<boolean> {
  let left: number = limits.damageSearchBytesMax
  for (let start = broken + 1; start + frameBytes <= size; start += windowBytes) {
    const window = (await read(start, Math.min(windowBytes + frameBytes - 1, size - start))).slice()
    const view = new DataView(window.buffer)
    for (let at = 0; at + frameBytes <= window.length; at++) {
      const length = view.getUint32(at)
      const end = start + at + frameBytes + length
      if (length > recordBytesMax || end > size) continue
      const frame = window.subarray(at, at + frameBytes)
      if (length === 0) {
        // Zeros, which file systems leave behind, look like empty records everywhere.
        if (equal(frame, emptyFrame)) return true
        continue
      }
      if (length > shortBytes && !(await mayFollow(read, end, size, recordBytesMax))) continue
      left -= length + frameBytes
      if (left < 0) return false
      if (equal(frame, frameOf(await read(end - length, length)))) return true
    }
  }
  return false
}

/** Whether a record, whole or torn, may begin at `offset`. */
async function mayFollow(read: Reader, offset: number, size: number, recordBytesMax: number): Promise<boolean> {
  return offset + frameBytes > size || lengthOf(await read(offset, frameBytes)) <= recordBytesMax
}

function lengthOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(0)
}
