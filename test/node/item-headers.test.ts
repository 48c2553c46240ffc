// Reading the public headers that orders and holds name: what a block of them costs every node.

import assert from 'node:assert/strict'
import { digestOf, type Epoch, ledgerIdOf, type Round, sequenceOf, timeOf } from '../../src/base/ids.ts'
import { encode } from '../../src/base/schema.ts'
import { blockRecordSchema } from '../../src/consensus/block.ts'
import type { ItemPlace } from '../../src/ledger/erasure-acts.ts'
import { ItemHeaders } from '../../src/node/item-headers.ts'

const digest = digestOf('00'.repeat(32))
const place = { ledger: ledgerIdOf('00'.repeat(32)), epoch: 0 as Epoch, sequence: sequenceOf(1) }
const emptyBlock = encode(blockRecordSchema, {
  header: { ...place, previous: digest, batch: digest, time: timeOf(0) },
  tokens: digest,
  batchTime: timeOf(0),
  transactions: [],
  certificate: { type: 'pbft', agreement: { ...place, round: 0 as Round, digest }, signatures: [] },
})

describe('The headers of named items', () => {
  it('take time that goes with their number, though each stands in another block: anybody may name 150 000', async () => {
    let looks = 0
    const places = Array.from({ length: 4_000 }, (_, number): ItemPlace => {
      const sequence = sequenceOf(number + 1)
      return {
        get sequence() {
          looks += 1
          return sequence
        },
        transaction: 0,
        index: 0,
      }
    })
    const headers = new ItemHeaders({
      blocks: { height: sequenceOf(places.length), read: async () => emptyBlock },
      store: { record: async () => undefined },
      execution: async () => undefined,
    })
    const { read } = await headers.named(places)
    assert.ok(looks < 100 * places.length, `${looks} looks at ${places.length} places`)
    assert.equal(read(places[0] as ItemPlace), undefined)
  })
})
