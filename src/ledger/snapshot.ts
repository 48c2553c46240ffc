// A snapshot: what a node needs beside the blocks to go on from a stable checkpoint. Its head is checked against the result
// that a quorum signed there; the state follows in pieces that verify alone, each a range of buckets, so that it may come from
// anybody, in any order. Every block up to the checkpoint is fetched too and checked against the log root: only then is a
// snapshot installed. Payloads follow item by item.

import { equal } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { type Digest, digestOf, idBytes } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { Frontier, verifyInclusion } from '../base/merkle.ts'
import { bytes, bytesUpTo, decode, encode, id, list, named, record, type Schema, uint } from '../base/schema.ts'
import { type BlockHeader, blockHash, blockHeaderSchema } from '../consensus/block.ts'
import type { Result } from '../consensus/statements.ts'
import { bucketCount, bucketHash, type StateRecord, stateHashOf } from './buckets.ts'
import type { Genesis } from './genesis.ts'
import { type ItemReader, Ledger } from './ledger.ts'

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

/** The right edge of everything that grows: where the chain, the log and the state are after a checkpoint. */
export interface SnapshotHead {
  /** Of the checkpoint's block: gives its hash and the time of the last block. */
  readonly header: BlockHeader
  /** Of the consortium log, as base/merkle.ts writes it. */
  readonly logFrontier: Uint8Array
  /** RFC 6962 hash of the log's last leaf, which the next leaf names, and its inclusion proof. */
  readonly lastLeaf: Digest
  readonly lastLeafProof: readonly Uint8Array[]
}

export const snapshotHeadSchema: Schema<SnapshotHead> = named(
  'snapshot-head',
  record<SnapshotHead>({
    header: blockHeaderSchema,
    logFrontier: bytesUpTo(2048),
    lastLeaf: id(32, digestOf),
    lastLeafProof: list(bytes(32), 53),
  }),
)

/**
 * The head in `encoded`, if it is the one of this result, which must be a checkpoint that a quorum signed.
 * @throws LedgerError MALFORMED, NON_CANONICAL, SNAPSHOT_INVALID naming the part.
 */
export function openSnapshotHead(encoded: Uint8Array, result: Result): SnapshotHead {
  const head = decode(snapshotHeadSchema, encoded)
  const { header, lastLeaf, lastLeafProof } = head
  const require = (holds: boolean, part: string): void => {
    if (!holds) throw new LedgerError('SNAPSHOT_INVALID', { part })
  }
  require(result.checkpoint.length > 0, 'result')
  require(blockHash(header) === result.block && header.sequence === result.sequence, 'header')
  const frontier = Frontier.fromBytes(head.logFrontier)
  require(frontier.size === result.logSize && digestOf(frontier.root()) === result.logRoot, 'log')
  const last = result.logSize - 1
  const root = idBytes(result.logRoot)
  require(verifyInclusion(idBytes(lastLeaf), last, result.logSize, lastLeafProof, root), 'last leaf')
  return head
}

/**
 * The ledger after a snapshot whose head and chunks were opened against `hashes`, with all buckets in any order.
 * @throws LedgerError STATE_CHUNK_INVALID when buckets are missing; SOFTWARE_TOO_OLD
 */
export function ledgerFromSnapshot(
  genesis: Genesis,
  { header }: SnapshotHead,
  hashes: Uint8Array,
  chunks: readonly StateChunk[],
  items: ItemReader,
): Ledger {
  const records = chunks.flatMap((chunk) => chunk.buckets.flat())
  const ledger = Ledger.fromRecords(genesis, records, { header }, items)
  requireBucketHashes(hashes, ledger.stateHash())
  return ledger
}

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
 * The chunk in `encoded`, checked against the hashes of all buckets.
 * @throws LedgerError MALFORMED, NON_CANONICAL, STATE_CHUNK_INVALID naming the bucket.
 */
export function openStateChunk(encoded: Uint8Array, hashes: Uint8Array): StateChunk {
  const chunk = decode(stateChunkSchema, encoded)
  for (const [place, records] of chunk.buckets.entries()) {
    const bucket = chunk.first + place
    const expected = hashes.subarray(32 * bucket, 32 * bucket + 32)
    if (!equal(bucketHash(records), expected)) throw new LedgerError('STATE_CHUNK_INVALID', { bucket })
  }
  return chunk
}
