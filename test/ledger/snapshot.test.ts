// The state in chunks, from one ledger to another.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { sequenceOf } from '../../src/base/ids.ts'
import { encode } from '../../src/base/schema.ts'
import { bucketCount } from '../../src/ledger/buckets.ts'
import { Ledger, type StateRecord } from '../../src/ledger/ledger.ts'
import { openStateChunk, requireBucketHashes, stateChunk, stateChunkSchema } from '../../src/ledger/snapshot.ts'
import { app, batch, data, events, genesis, keyAdd, right } from './world.ts'

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
})
