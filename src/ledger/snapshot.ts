// The state in pieces that verify alone. A snapshot begins with the hashes of all buckets, which hash to the state hash of a
// checkpoint; each chunk is a range of buckets and verifies against those, so that it may come from anybody, in any order.

import { equal } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import type { Digest } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytesUpTo, decode, encode, list, named, record, type Schema, uint } from '../base/schema.ts'
import { bucketCount, bucketHash, type StateRecord, stateHashOf } from './buckets.ts'
import type { Ledger } from './ledger.ts'

/** Consecutive buckets from number `first` on, each with all its records. */
export interface StateChunk {
  readonly first: number
  readonly buckets: readonly (readonly StateRecord[])[]
}

const stateRecordSchema: Schema<StateRecord> = named(
  'state-record',
  record<StateRecord>({ key: bytesUpTo(limits.stateKeyBytesMax), value: bytesUpTo(limits.stateValueBytesMax) }),
)

export const stateChunkSchema: Schema<StateChunk> = named(
  'state-chunk',
  record<StateChunk>({
    first: uint(bucketCount - 1),
    buckets: list(list(stateRecordSchema, limits.stateRecordsPerBucketMax), bucketCount, 1),
  }),
)

/** The hashes of all 4 096 buckets: 131 072 bytes. @throws LedgerError STATE_CHUNK_INVALID unless they are of `state`. */
export function requireBucketHashes(hashes: Uint8Array, state: Digest): void {
  if (hashes.length !== 32 * bucketCount || stateHashOf(hashes) !== state) {
    throw new LedgerError('STATE_CHUNK_INVALID', { part: 'bucket hashes' })
  }
}

/** Encoded chunk of buckets from `first` on, as many as fit into `bytesMax`, but at least one. */
export function stateChunk(ledger: Ledger, first: number, bytesMax: number): Uint8Array {
  const buckets: (readonly StateRecord[])[] = []
  let size = 0
  for (let bucket = first; bucket < bucketCount; bucket++) {
    const records = ledger.bucketRecords(bucket)
    size += records.reduce((sum, { key, value }) => sum + key.length + value.length + 12, 6)
    if (buckets.length > 0 && size > bytesMax) break
    buckets.push(records)
  }
  return encode(stateChunkSchema, { first, buckets })
}

/**
 * The chunk in `bytes`, checked against the hashes of all buckets.
 * @throws LedgerError MALFORMED, NON_CANONICAL, STATE_CHUNK_INVALID naming the bucket.
 */
export function openStateChunk(bytes: Uint8Array, hashes: Uint8Array): StateChunk {
  const chunk = decode(stateChunkSchema, bytes)
  for (const [place, records] of chunk.buckets.entries()) {
    const bucket = chunk.first + place
    const expected = hashes.subarray(32 * bucket, 32 * bucket + 32)
    if (!equal(bucketHash(records), expected)) throw new LedgerError('STATE_CHUNK_INVALID', { bucket })
  }
  return chunk
}
