// The records that are not RDF: the root record with the height, and the node's state, opaque keys with opaque values.

import { concat, utf8 } from '../base/bytes.ts'
import type { Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytesUpTo, decode, encode, list, record, type Schema, uint } from '../base/schema.ts'
import { keyedHash } from '../base/seal.ts'
import type { BagMark } from './key-bag.ts'
import type { KeyRing } from './key-ring.ts'
import { hashedKey, localKey, tables, viewOf } from './layout.ts'
import { type SegmentEntry, segmentEntrySchema } from './segment.ts'

export interface Root {
  /** Last committed block; 0 at first. */
  readonly sequence: Sequence
  /** Highest term id and item number given so far. */
  readonly terms: number
  readonly items: number
  /** Different quads that hold. */
  readonly quads: number
  /** Notes of the key bag that were durable, and in which generation: a bag that has fewer has lost keys. */
  readonly bag: BagMark
  readonly meta: Uint8Array
  /** The last block whose rows stand in segments; those of later ones stand in pending records. */
  readonly flushed: number
  /** All segments: a file that is none of them counts for nothing, one that is missing is noticed. */
  readonly segments: readonly SegmentEntry[]
}

const rootSchema: Schema<Root> = record<Root>({
  sequence: uint<Sequence>(),
  terms: uint(),
  items: uint(),
  quads: uint(),
  bag: record<BagMark>({ generation: uint(), notes: uint() }),
  meta: bytesUpTo(limits.fileRecordBytesMax),
  flushed: uint(),
  segments: list(segmentEntrySchema, limits.segmentsMax),
})

export const emptyRoot: Root = {
  sequence: 0 as Sequence,
  terms: 0,
  items: 0,
  quads: 0,
  bag: { generation: 0, notes: 0 },
  meta: new Uint8Array(),
  flushed: 0,
  segments: [],
}

export const rootKey: Uint8Array = localKey(tables.root)

export function rootValue(root: Root): Uint8Array {
  return encode(rootSchema, root)
}

export function rootOf(value: Uint8Array): Root {
  return decode(rootSchema, value)
}

/** Keys of state records name organisations and graphs, so only their keyed hash is a key here. */
export function recordKey(keys: KeyRing, key: Uint8Array): Uint8Array {
  return hashedKey(tables.record, keyedHash(keys.active('lookup').secret, utf8('record '), key))
}

/** Length of the key, key, value. */
export function recordValue(key: Uint8Array, value: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  viewOf(length).setUint32(0, key.length)
  return concat(length, key, value)
}

export function recordOf(stored: Uint8Array): { readonly key: Uint8Array; readonly value: Uint8Array } {
  const end = 4 + viewOf(stored).getUint32(0)
  return { key: stored.slice(4, end), value: stored.slice(end) }
}
