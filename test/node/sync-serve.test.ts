// Serving blocks to peers that catch up: how much at once, to whom, and whose fault a damaged file is.

import assert from 'node:assert/strict'
import { randomBytes } from '#crypto'
import { LedgerError } from '../../src/base/errors.ts'
import { graphId } from '../../src/base/hash.ts'
import {
  digestOf,
  type Epoch,
  type ItemId,
  nodeIdOf,
  organisationIdOf,
  sequenceOf,
  timeOf,
} from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { signingKeyOf } from '../../src/base/signature.ts'
import { summarize, summaryDigest } from '../../src/consensus/batch.ts'
import { blockRecordSchema } from '../../src/consensus/block.ts'
import { buildData, signerOf } from '../../src/ledger/build.ts'
import { defaultPolicies } from '../../src/ledger/founding.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { itemPayloadSchema, type Part, type Payload, payloadSchema } from '../../src/ledger/payload.ts'
import type { Policy } from '../../src/ledger/records.ts'
import { decodeTransaction } from '../../src/ledger/static.ts'
import { itemIdFor, txIdFor } from '../../src/ledger/transaction.ts'
import type { KeptItem } from '../../src/node/machine.ts'
import { BlockServer, type BlocksAnswer, type BlocksWanted } from '../../src/node/serve.ts'
import { envelopeSchema } from '../../src/node/wire.ts'
import { type Founded, foundFour, statement } from './consortium.ts'

const [peer, other] = [nodeIdOf('a'.repeat(32)), nodeIdOf('b'.repeat(32))]
const heights = 3
const transactionsPerBlock = 12
const policy = defaultPolicies(organisationIdOf('org-0'))[0] as Policy

describe('Serving blocks', () => {
  let founded: Founded
  let transactions: readonly Uint8Array[]
  /** Of the payload of every item. */
  let paddedBytes: number
  let reading: Promise<void>

  before(async () => {
    founded = await foundFour()
    const built = await Promise.all(
      Array.from({ length: transactionsPerBlock }, (_, number) => statement(founded, number + 1)),
    )
    transactions = built.map(({ bytes }) => bytes)
  })
  after(() => founded.remove())
  beforeEach(() => {
    paddedBytes = 1_024
    reading = Promise.resolve()
  })

  function blockAt(height: number): Uint8Array {
    const ledger = ledgerIdFor(founded.genesis.genesis)
    const at = { ledger, epoch: 0 as Epoch, sequence: sequenceOf(height) }
    const batch = { time: timeOf(height), tokens: [], transactions }
    const { tokens, time } = summarize(batch)
    const digest = summaryDigest(summarize(batch))
    return encode(blockRecordSchema, {
      header: { ...at, previous: digestOf('00'.repeat(32)), batch: digest, time },
      tokens,
      batchTime: time,
      transactions,
      certificate: { type: 'pbft', agreement: { ...at, round: 0 as never, digest }, signatures: [] },
    })
  }

  function server(read: (height: number) => Uint8Array = blockAt): BlockServer {
    const part = { opening: new Uint8Array(64), padded: new Uint8Array(16) }
    return new BlockServer({
      blocks: {
        read: async (height) => {
          await reading
          return read(height)
        },
      },
      item: async () => ({
        type: 'whole',
        payload: encode(itemPayloadSchema, {
          assertions: { ...part, padded: new Uint8Array(paddedBytes) },
          retractions: part,
        }),
      }),
      applied: () => sequenceOf(heights),
    })
  }

  const wanted = (from: number, count: number = limits.blocksPerAnswerMax): BlocksWanted => ({
    type: 'blocks-wanted',
    from: sequenceOf(from),
    count,
  })
  const carried = (answer: BlocksAnswer | undefined): number[] =>
    answer?.blocks.map(({ payloads }) => payloads.length) ?? assert.fail('no answer')

  it('gives blocks with all their payloads up to its own height', async () => {
    assert.deepEqual(carried(await server().serve(peer, wanted(2))), [transactionsPerBlock, transactionsPerBlock])
    assert.deepEqual(carried(await server().serve(peer, wanted(heights + 1))), [])
  })

  it('never builds an answer above a frame, and gives the other payloads when it is asked again', async () => {
    paddedBytes = 1_048_576
    const serving = server()
    const ids = new Set<string>()
    for (let question = 0; question < transactionsPerBlock / 3; question++) {
      const answer = await serving.serve(peer, wanted(1))
      assert.ok(answer !== undefined)
      assert.ok(encode(envelopeSchema, answer).length <= limits.frameBytesMax)
      assert.deepEqual(carried(answer).length > 0 && carried(answer)[0], 3)
      for (const { id } of answer.blocks[0]?.payloads ?? []) ids.add(id)
    }
    assert.equal(ids.size, transactionsPerBlock, 'all payloads of the block came')
  })

  it('gives a further block only whole', async () => {
    paddedBytes = 262_144
    assert.deepEqual(carried(await server().serve(peer, wanted(1))), [transactionsPerBlock])
  })

  it('L20 has one answer under way for each peer, keeps the newest further question and drops the others', async () => {
    let release = (): void => undefined
    reading = new Promise((resolve) => {
      release = resolve
    })
    const serving = server()
    const first = serving.serve(peer, wanted(1))
    const crowd = Array.from({ length: 100 }, (_, number) => serving.serve(peer, wanted(1, 2 + (number % 2))))
    const another = serving.serve(other, wanted(1))
    release()
    assert.equal(carried(await first).length, heights)
    const answers = (await Promise.all(crowd)).flatMap((answer) =>
      answer === undefined ? [] : [carried(answer).length],
    )
    assert.deepEqual(answers, [3])
    assert.equal(carried(await another).length, heights)
    assert.equal(carried(await serving.serve(peer, wanted(1))).length, heights)
  })

  it('L20 answers whoever lacks payloads of the block that it executes, beside its question for later blocks', async () => {
    let release = (): void => undefined
    reading = new Promise((resolve) => {
      release = resolve
    })
    const serving = server()
    const [first, later, one] = [wanted(1), wanted(2), wanted(1, 1)].map((each) => serving.serve(peer, each))
    release()
    assert.equal(carried(await first).length, heights)
    assert.deepEqual([carried(await later).length, carried(await one).length], [heights - 1, 1])
  })

  it('L20 gives the rest of a block though payloads of another block were asked for meanwhile', async () => {
    paddedBytes = 1_048_576
    const serving = server()
    const ids = new Set<string>()
    for (let question = 0; question < transactionsPerBlock / 3; question++) {
      const answer = await serving.serve(peer, wanted(2))
      for (const { id } of answer?.blocks[0]?.payloads ?? []) ids.add(id)
      await serving.serve(peer, wanted(1, 1))
    }
    assert.equal(ids.size, transactionsPerBlock, 'all payloads of the block came')
  })

  it('throws what is wrong with its own files, and serves again later', async () => {
    let damaged = true
    const serving = server((height) => {
      if (damaged) throw new LedgerError('RECORD_TAMPERED')
      return blockAt(height)
    })
    await assert.rejects(serving.serve(peer, wanted(1)), LedgerError)
    damaged = false
    assert.equal(carried(await serving.serve(peer, wanted(1))).length, heights)
  })

  it('stops after the answers that are under way', async () => {
    const serving = server()
    const answer = serving.serve(peer, wanted(1))
    await serving.stop()
    assert.ok((await answer) !== undefined)
    assert.equal(await serving.serve(peer, wanted(1)), undefined)
  })

  it('E2 gives what is left of the largest payload, though it is larger than the payload was', async () => {
    const ledger = ledgerIdFor(founded.genesis.genesis)
    const item = { graph: graphId('urn:g'), policy, subjects: [], terms: [], triples: [], retractions: [] }
    const signer = signerOf(signingKeyOf(new Uint8Array(32).fill(1)))
    const { bytes } = await buildData({
      ...{ ledger, key: signer, sequence: 1, expires: timeOf(9), base: [], randomBytes },
      items: Array.from({ length: limits.itemsPerTransactionMax }, () => item),
    })
    transactions = [bytes]
    const partOf = (size: number): Part => ({ opening: new Uint8Array(64), padded: new Uint8Array(size) })
    // An author may commit to a part of any length: one that is not padded is void, and takes least.
    const retractions = partOf(0)
    const sizes = [0, ...Array.from({ length: 4 }, () => limits.itemBytesMax), ...new Array<number>(251).fill(0)]
    const payloadOf = (all: readonly number[]): Payload => ({
      items: all.map((size) => ({ assertions: partOf(size), retractions })),
    })
    const above = encode(payloadSchema, payloadOf(sizes)).length - limits.payloadBytesMax
    sizes[1] = limits.itemBytesMax - above
    const { items } = payloadOf(sizes)
    assert.equal(encode(payloadSchema, { items }).length, limits.payloadBytesMax)
    const tx = txIdFor(decodeTransaction(bytes))
    const kept = new Map<ItemId, KeptItem>(
      items.map((each, index) => [
        itemIdFor(tx, index),
        index === 0
          ? ({ type: 'erased', retractions } as KeptItem)
          : { type: 'whole', payload: encode(itemPayloadSchema, each) },
      ]),
    )
    const serving = new BlockServer({
      blocks: { read: async (height) => blockAt(height) },
      item: async (each) => kept.get(each),
      applied: () => sequenceOf(heights),
    })
    const answer = await serving.serve(peer, wanted(1, 1))
    assert.ok(answer !== undefined)
    assert.equal(answer.blocks[0]?.kept.length, 1)
    assert.ok(encode(envelopeSchema, answer).length <= limits.frameBytesMax)
    assert.deepEqual(decode(envelopeSchema, encode(envelopeSchema, answer)), answer)
  })

  it('makes answers that peers can read', async () => {
    const answer = await server().serve(peer, wanted(1))
    assert.ok(answer !== undefined)
    assert.deepEqual(decode(envelopeSchema, encode(envelopeSchema, answer)), answer)
  })
})
