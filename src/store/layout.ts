// Where everything stands in LevelDB. Keys survive in files that are never sealed (MANIFEST, LOG), so they hold nothing
// but a table's number and opaque parts: node-local numbers in order of first use, or keyed hashes.

import { concat } from '../base/bytes.ts'

export const tables = {
  /** One record: sequence, counters, meta. */
  root: 0x01,
  /** Keyed hash of a state key -> the key and its value. */
  record: 0x02,
  /** Keyed hash of a request id -> the payload that waits for its block. */
  staged: 0x03,
  /** Keyed hash of an item id -> local number, height, whether it was erased. */
  item: 0x20,
  /** Local number of an item -> its payload. */
  payload: 0x21,
  /** Local number of an item -> the term ids of its rows, and the texts of those terms that are in no shared dictionary. */
  content: 0x22,
  /** Local number of an item that was erased and is not purged yet -> its id. */
  erased: 0x23,
  /** Sequence of a block -> what it added to the tables, until a segment has it. */
  pending: 0x30,
  /** Reference -> details that a leaf of the local log must not hold. */
  details: 0x50,
  /** No key of LevelDB: what the records of segment files are bound to begins with it. */
  segment: 0x40,
} as const

/** Table number, then `ids` as 64-bit big-endian numbers: sorts as the tuple does. */
export function localKey(table: number, ...ids: readonly number[]): Uint8Array {
  const key = new Uint8Array(1 + 8 * ids.length)
  key[0] = table
  const view = new DataView(key.buffer)
  for (const [place, id] of ids.entries()) writeId(view, 1 + 8 * place, id)
  return key
}

/** Table number, then 16 bytes of a keyed hash. */
export function hashedKey(table: number, digest: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(table), digest.subarray(0, 16))
}

/** The first key after all keys that begin with `prefix`. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice()
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] as number
    if (byte < 0xff) {
      end[i] = byte + 1
      return end.subarray(0, i + 1)
    }
  }
  throw new RangeError('no key comes after a prefix of 0xff')
}

export function writeId(view: DataView, offset: number, id: number): void {
  view.setUint32(offset, Math.floor(id / 0x1_0000_0000))
  view.setUint32(offset + 4, id >>> 0)
}

export function readId(view: DataView, offset: number): number {
  return view.getUint32(offset) * 0x1_0000_0000 + view.getUint32(offset + 4)
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
