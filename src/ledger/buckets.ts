// The state as bytes: records in 4 096 buckets by hashed key, and one hash over all of them. Only buckets that were touched
// since are hashed again, so the cost of a checkpoint goes with what changed and not with what there is. What records mean
// stands in state.ts.

import { compare } from '../base/bytes.ts'
import { hash, hashBytes } from '../base/hash.ts'
import type { Digest } from '../base/ids.ts'

export const bucketCount = 4096

export interface StateRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** One record of the state, for as long as the state has it. */
export interface Slot {
  readonly key: Uint8Array
  readonly bucket: number
  value: Uint8Array
}

/** The first 12 bits of H('state-key', key). */
export function bucketOf(key: Uint8Array): number {
  const digest = hashBytes('state-key', key)
  return ((digest[0] as number) << 4) | ((digest[1] as number) >> 4)
}

/** Hash of a bucket's records: CBOR [* [key, value]] in ascending order of keys, which is theirs already. */
export function bucketHash(records: readonly StateRecord[]): Uint8Array {
  return hashBytes('bucket', bucketBytes(records))
}

/** Written by hand into one array: a bucket is encoded whole whenever one of its records changes. */
function bucketBytes(records: readonly StateRecord[]): Uint8Array {
  let length = headLengthMax
  for (const { key, value } of records) length += 1 + 2 * headLengthMax + key.length + value.length
  const out = new Uint8Array(length)
  let end = writeHead(out, 0, array, records.length)
  for (const { key, value } of records) {
    end = writeHead(out, end, array, 2)
    for (const part of [key, value]) {
      end = writeHead(out, end, byteString, part.length)
      out.set(part, end)
      end += part.length
    }
  }
  return out.subarray(0, end)
}

// CBOR's major types (RFC 8949, section 3.1), and the most bytes that a head of ours has: lengths stay below 2^32.
const byteString = 2
const array = 4
const headLengthMax = 5

/** The shortest head. Returns where it ends. */
function writeHead(out: Uint8Array, at: number, major: number, value: number): number {
  const width = value < 24 ? 0 : value < 256 ? 1 : value < 65_536 ? 2 : 4
  out[at] = (major << 5) | (width === 0 ? value : 24 + Math.log2(width))
  for (let place = 0; place < width; place++) out[at + 1 + place] = value >>> (8 * (width - 1 - place))
  return at + 1 + width
}

const emptyHashes = new Uint8Array(32 * bucketCount)
for (let bucket = 0; bucket < bucketCount; bucket++) emptyHashes.set(bucketHash([]), 32 * bucket)

export class Buckets {
  readonly #slots = new Map<number, Slot[]>()
  /** The buckets' hashes, one after another: what the state hash is over. */
  readonly #hashes = emptyHashes.slice()
  readonly #touched = new Set<number>()

  /** A record that was not there before. */
  add(key: Uint8Array, value: Uint8Array): Slot {
    const slot = { key, bucket: bucketOf(key), value }
    const slots = this.#slots.get(slot.bucket)
    if (slots === undefined) this.#slots.set(slot.bucket, [slot])
    else slots.push(slot)
    this.#touched.add(slot.bucket)
    return slot
  }

  replace(slot: Slot, value: Uint8Array): void {
    slot.value = value
    this.#touched.add(slot.bucket)
  }

  remove(slot: Slot): void {
    const slots = this.#slots.get(slot.bucket) ?? []
    slots.splice(slots.indexOf(slot), 1)
    this.#touched.add(slot.bucket)
  }

  /** The hashes of all buckets: 4 096 times 32 bytes. A snapshot begins with them, and each bucket verifies against its own. */
  hashes(): Uint8Array {
    for (const bucket of this.#touched) this.#hashes.set(bucketHash(this.#sorted(bucket)), 32 * bucket)
    this.#touched.clear()
    return this.#hashes
  }

  /** Hash of the whole state. */
  hash(): Digest {
    return stateHashOf(this.hashes())
  }

  /** In ascending order of keys. */
  records(bucket: number): readonly StateRecord[] {
    return [...this.#sorted(bucket)]
  }

  /** In place: what was sorted before is sorted again in no time. */
  #sorted(bucket: number): readonly Slot[] {
    return (this.#slots.get(bucket) ?? []).sort((a, b) => compare(a.key, b.key))
  }
}

/** The state hash of these bucket hashes. */
export function stateHashOf(bucketHashes: Uint8Array): Digest {
  return hash('buckets', bucketHashes)
}
