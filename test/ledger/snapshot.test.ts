// The state in chunks, from one ledger to another.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { digestOf, sequenceOf } from '../../src/base/ids.ts'
import { Frontier, inclusionProof, leafHash, readerOf } from '../../src/base/merkle.ts'
import { encode } from '../../src/base/schema.ts'
import { rosterHash } from '../../src/consensus/roster.ts'
import type { Result } from '../../src/consensus/statements.ts'
import { bucketCount } from '../../src/ledger/buckets.ts'
import { Ledger, type StateRecord } from '../../src/ledger/ledger.ts'
import {
  ledgerFromSnapshot,
  openSnapshotHead,
  openStateChunk,
  requireBucketHashes,
  type SnapshotHead,
  snapshotHeadSchema,
  stateChunk,
  stateChunkSchema,
} from '../../src/ledger/snapshot.ts'
import { app, batch, data, events, genesis, keyAdd, ledgerId, right } from './world.ts'

const live = Ledger.fromGenesis(genesis)

/** All chunks of at most so many bytes. */
function chunksOf(ledger: Ledger, bytesMax: number): readonly Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let first = 0; first < bucketCount; ) {
    const bytes = stateChunk(ledger, first, bytesMax)
    chunks.push(bytes)
    first += openStateChunk(bytes, ledger.bucketHashes()).buckets.length
  }
  return chunks
}

describe('A snapshot of the state', () => {
  before(async () => {
    live.apply(sequenceOf(1), batch([await keyAdd('acme', 1, app, [right(events)])]))
  })

  it('carries a ledger over, chunk by chunk in any order, to the same future', async () => {
    const { header } = live.apply(sequenceOf(2), batch([(await data(app, 1)).bytes]))
    const hashes = live.bucketHashes()
    requireBucketHashes(hashes, live.stateHash())
    const chunks = chunksOf(live, 4096)
    assert.ok(chunks.length > 3)
    const records = chunks.toReversed().flatMap((bytes) => openStateChunk(bytes, hashes).buckets.flat())
    const other = Ledger.fromRecords(genesis, records, { header })
    assert.equal(other.stateHash(), live.stateHash())
    const next = batch([(await data(app, 2)).bytes, (await data(app, 1)).bytes])
    assert.deepEqual(other.apply(sequenceOf(3), next), live.apply(sequenceOf(3), next))
    assert.equal(other.stateHash(), live.stateHash())
  })

  it('L20 refuses every changed, missing, moved or added record, and hashes of another state', () => {
    const hashes = live.bucketHashes()
    const [bytes] = chunksOf(live, 2 ** 20)
    assert.ok(bytes !== undefined)
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const flipped = bytes.slice()
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.throws(() => openStateChunk(flipped, hashes), { name: 'LedgerError' })
      }),
      { numRuns: 60, seed: 1 },
    )
    const { first, buckets } = openStateChunk(bytes, hashes)
    const filled = buckets.findIndex((records) => records.length > 0)
    const refused = (changed: readonly (readonly StateRecord[])[], at = first): void => {
      assert.throws(() => openStateChunk(encode(stateChunkSchema, { first: at, buckets: changed }), hashes), {
        code: 'STATE_CHUNK_INVALID',
      })
    }
    refused(buckets.with(filled, []))
    refused(buckets.with(filled, [...(buckets[filled] ?? []), { key: Uint8Array.of(255), value: new Uint8Array(0) }]))
    refused(buckets.with(filled, buckets[filled + 1] ?? []).with(filled + 1, buckets[filled] ?? []))
    refused(buckets, first + 1)
    assert.throws(() => requireBucketHashes(hashes, Ledger.fromGenesis(genesis).stateHash()), {
      code: 'STATE_CHUNK_INVALID',
    })
    assert.throws(() => requireBucketHashes(hashes.subarray(32), live.stateHash()), { code: 'STATE_CHUNK_INVALID' })
  })

  it('begins with a head that only the checkpoint’s certified result admits, and goes on from there', () => {
    const ledger = Ledger.fromGenesis(genesis)
    const { header, hash } = ledger.apply(sequenceOf(1), batch([]))
    const leaves = [1, 2, 3].map((leaf) => leafHash(Uint8Array.of(leaf)))
    const frontier = new Frontier()
    for (const leaf of leaves) frontier.append(leaf)
    const result: Result = {
      ledger: ledgerId,
      epoch: header.epoch,
      sequence: header.sequence,
      block: hash,
      logSize: 3,
      logRoot: digestOf(frontier.root()),
      checkpoint: [{ state: ledger.stateHash(), roster: rosterHash(ledger.roster()) }],
    }
    const head: SnapshotHead = {
      header,
      logFrontier: frontier.toBytes(),
      lastLeaf: digestOf(leaves[2] ?? new Uint8Array(0)),
      lastLeafProof: inclusionProof(2, 3, readerOf(leaves)),
    }
    const opened = openSnapshotHead(encode(snapshotHeadSchema, head), result)
    const hashes = ledger.bucketHashes()
    requireBucketHashes(hashes, ledger.stateHash())
    const chunks = chunksOf(ledger, 8_192).map((bytes) => openStateChunk(bytes, hashes))
    const other = ledgerFromSnapshot(genesis, opened, hashes, chunks, () => undefined)
    assert.deepEqual(other.apply(sequenceOf(2), batch([])), ledger.apply(sequenceOf(2), batch([])))
    const [first, ...rest] = chunks
    assert.ok(first !== undefined && rest.length > 0)
    assert.throws(
      () =>
        ledgerFromSnapshot(
          genesis,
          opened,
          hashes,
          [{ ...first, buckets: changedBuckets(first.buckets) }, ...rest],
          () => undefined,
        ),
      {
        code: 'STATE_CHUNK_INVALID',
      },
    )
    const other32 = digestOf('11'.repeat(32))
    const wrong: readonly (readonly [Partial<SnapshotHead>, string])[] = [
      [{ header: { ...header, previous: other32 } }, 'SNAPSHOT_INVALID'],
      [{ logFrontier: new Frontier().toBytes() }, 'SNAPSHOT_INVALID'],
      [{ lastLeaf: other32 }, 'SNAPSHOT_INVALID'],
      [{ lastLeafProof: [] }, 'SNAPSHOT_INVALID'],
    ]
    for (const [change, code] of wrong) {
      assert.throws(() => openSnapshotHead(encode(snapshotHeadSchema, { ...head, ...change }), result), { code })
    }
    const between = { ...result, checkpoint: [] }
    assert.throws(() => openSnapshotHead(encode(snapshotHeadSchema, head), between), { code: 'SNAPSHOT_INVALID' })
  })
})

/** With another value in the first record that there is. */
function changedBuckets(buckets: readonly (readonly StateRecord[])[]): readonly (readonly StateRecord[])[] {
  const filled = buckets.findIndex((records) => records.some(({ key }) => key[0] === 8))
  const [record, ...others] = buckets[filled] ?? []
  return record === undefined ? [] : buckets.with(filled, [{ ...record, value: Uint8Array.of(0x81, 9) }, ...others])
}
