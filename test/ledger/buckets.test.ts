// Buckets: the bytes that are hashed, and that a hash depends on what stands there and on nothing else.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compare } from '../../src/base/bytes.ts'
import { encodeCbor } from '../../src/base/cbor.ts'
import { hashBytes } from '../../src/base/hash.ts'
import { Buckets, bucketHash, bucketOf, type StateRecord } from '../../src/ledger/buckets.ts'

const record: fc.Arbitrary<StateRecord> = fc.record({
  key: fc.uint8Array({ minLength: 1, maxLength: 33 }),
  value: fc.uint8Array({ maxLength: 300 }),
})

describe('Buckets', () => {
  it('are hashed as the canonical CBOR of their records', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 30 }), (records) => {
        const encoded = encodeCbor(records.map(({ key, value }) => [key, value]))
        assert.deepEqual(bucketHash(records), hashBytes('bucket', encoded))
      }),
      { numRuns: 100, seed: 8 },
    )
    const large = { key: new Uint8Array(64), value: new Uint8Array(70_000) }
    const many = Array.from({ length: 300 }, (_, place) => ({ key: Uint8Array.of(place), value: new Uint8Array(0) }))
    for (const records of [[large], many]) {
      const encoded = encodeCbor(records.map(({ key, value }) => [key, value]))
      assert.deepEqual(bucketHash(records), hashBytes('bucket', encoded))
    }
  })

  it('hash what stands in them, whatever came, changed and went before', () => {
    const different = { selector: ({ key }: StateRecord) => `${key}`, maxLength: 20 }
    fc.assert(
      fc.property(
        fc.uniqueArray(record, different),
        fc.nat({ max: 20 }),
        fc.array(fc.nat({ max: 19 })),
        (records, gone, asked) => {
          const straight = new Buckets()
          for (const { key, value } of records.slice(gone)) straight.add(key, value)
          const winding = new Buckets()
          const slots = records.toReversed().map(({ key }) => winding.add(key, new Uint8Array(1)))
          for (const place of asked) if (place % 3 === 0) winding.hash()
          for (const slot of slots) {
            const place = records.findIndex(({ key }) => compare(key, slot.key) === 0)
            if (place < gone) winding.remove(slot)
            else winding.replace(slot, records[place]?.value ?? new Uint8Array(0))
          }
          assert.equal(winding.hash(), straight.hash())
          for (const { key } of records) {
            assert.deepEqual(
              winding.records(bucketOf(key)).map(({ value }) => value),
              straight.records(bucketOf(key)).map(({ value }) => value),
            )
          }
        },
      ),
      { numRuns: 100, seed: 9 },
    )
  })
})
