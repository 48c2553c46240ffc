// Batches, blocks, rosters and turns.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { toHex } from '../../src/base/bytes.ts'
import { digestOf, type Epoch, type Sequence, type Time } from '../../src/base/ids.ts'
import { decode, encode } from '../../src/base/schema.ts'
import {
  type Batch,
  batchDigest,
  batchSchema,
  isNullBatch,
  nullBatch,
  requestId,
  summarize,
  summaryDigest,
  transactionsHash,
} from '../../src/consensus/batch.ts'
import { type BlockHeader, blockHash } from '../../src/consensus/block.ts'
import type { Effect, JournalRecord } from '../../src/consensus/contract.ts'
import { rosterHash, rosterSchema, validatorOf } from '../../src/consensus/roster.ts'
import { planTurn } from '../../src/consensus/turn.ts'
import { simLedger, simRoster } from '../sim/roster.ts'

const batch: Batch = {
  time: 1_000 as Time,
  tokens: [new Uint8Array(16).fill(1)],
  transactions: [new Uint8Array([1, 2]), new Uint8Array([3])],
}

describe('A batch digest', () => {
  it('P20 covers the time, the tokens, and the transactions with their order and bounds', () => {
    const [a, b] = batch.transactions as [Uint8Array, Uint8Array]
    const others: readonly Batch[] = [
      { ...batch, time: 1_001 as Time },
      { ...batch, tokens: [] },
      { ...batch, tokens: [new Uint8Array(16).fill(2)] },
      { ...batch, transactions: [b, a] },
      { ...batch, transactions: [a] },
      { ...batch, transactions: [new Uint8Array([1, 2, 3])] },
      { ...batch, transactions: [...batch.transactions, new Uint8Array()] },
    ]
    const digests = [batch, ...others].map(batchDigest)
    assert.equal(new Set(digests).size, digests.length)
  })

  it('can be recomputed from the summary once the tokens are forgotten', () => {
    const summary = summarize(batch)
    assert.equal(summaryDigest(summary), batchDigest(batch))
    assert.equal(summary.transactions, transactionsHash(batch.transactions))
    assert.equal(
      summaryDigest({ ...summary, transactions: transactionsHash([]) }),
      batchDigest({ ...batch, transactions: [] }),
    )
  })

  it('P20 the null batch has one encoding, which no other batch shares', () => {
    assert.equal(toHex(encode(batchSchema, nullBatch)), '83008080')
    assert.ok(isNullBatch(nullBatch) && isNullBatch(decode(batchSchema, encode(batchSchema, nullBatch))))
    for (const other of [
      { ...nullBatch, time: 1 as Time },
      { ...batch, time: 0 as Time },
      { ...nullBatch, tokens: batch.tokens },
    ]) {
      assert.ok(!isNullBatch(other))
      assert.notEqual(batchDigest(other), batchDigest(nullBatch))
    }
  })

  it('differs wherever the encodings differ', () => {
    const batches = fc.record({
      time: fc.nat(3).map((time) => time as Time),
      tokens: fc.array(
        fc.constantFrom(0, 1).map((byte) => new Uint8Array(16).fill(byte)),
        { maxLength: 2 },
      ),
      transactions: fc.array(fc.uint8Array({ maxLength: 2, max: 1 }), { maxLength: 3 }),
    })
    const check = fc.property(batches, batches, (a, b) => {
      const same = toHex(encode(batchSchema, a)) === toHex(encode(batchSchema, b))
      assert.equal(batchDigest(a) === batchDigest(b), same)
    })
    fc.assert(check, { seed: 20, numRuns: 500 })
  })
})

describe('A block hash', () => {
  it('P20 covers every field of the header', () => {
    const digest = digestOf('11'.repeat(32))
    const header: BlockHeader = {
      ledger: simLedger,
      epoch: 0 as Epoch,
      sequence: 5 as Sequence,
      previous: digest,
      batch: digest,
      time: 7 as Time,
    }
    const other = digestOf('22'.repeat(32))
    const changed: readonly BlockHeader[] = [
      { ...header, ledger: '2e'.repeat(32) as BlockHeader['ledger'] },
      { ...header, epoch: 1 as Epoch },
      { ...header, sequence: 6 as Sequence },
      { ...header, previous: other },
      { ...header, batch: other },
      { ...header, time: 8 as Time },
    ]
    assert.equal(new Set([header, ...changed].map(blockHash)).size, 7)
  })
})

describe('A roster', () => {
  const roster = simRoster(5)

  it('has a hash that covers the epoch, the order, the keys and the organisations', () => {
    const [first, second, ...rest] = roster.validators
    assert.ok(first !== undefined && second !== undefined)
    const changed = [
      { ...roster, epoch: 1 as Epoch },
      { ...roster, validators: [second, first, ...rest] },
      { ...roster, validators: [first, second] },
      { ...roster, validators: [{ ...first, key: second.key }, second, ...rest] },
      { ...roster, validators: [{ ...first, organisation: second.organisation }, second, ...rest] },
    ]
    assert.equal(new Set([roster, ...changed].map(rosterHash)).size, changed.length + 1)
    assert.deepEqual(decode(rosterSchema, encode(rosterSchema, roster)), roster)
  })

  it('finds its validators and nobody else', () => {
    for (const validator of roster.validators) assert.equal(validatorOf(roster, validator.node), validator)
    assert.equal(
      validatorOf(simRoster(4), (roster.validators[4] as (typeof roster.validators)[number]).node),
      undefined,
    )
  })
})

describe('The plan of a turn', () => {
  const record = (sequence: number): JournalRecord => ({
    sequence: sequence as Sequence,
    bytes: new Uint8Array([sequence]),
  })
  const save = (sequence: number): Effect<string> => ({ type: 'save', record: record(sequence) })
  const cut = (before: number): Exclude<Effect<string>, { type: 'save' }> => ({
    type: 'cut',
    before: before as Sequence,
  })

  it('lets out at once what stands before the first save, and the rest only behind all saves, in order', () => {
    const turn = planTurn([cut(1), cut(2), save(1), cut(3), save(2), cut(4)])
    assert.deepEqual(turn.before, [cut(1), cut(2)])
    assert.deepEqual(turn.saves, [record(1), record(2)])
    assert.deepEqual(turn.after, [cut(3), cut(4)])
  })

  it('holds nothing back without a save', () => {
    assert.deepEqual(planTurn([cut(1)]), { before: [cut(1)], saves: [], after: [] })
    assert.deepEqual(planTurn([]), { before: [], saves: [], after: [] })
  })

  it('loses nothing, repeats nothing, and moves nothing over a save that stood before it', () => {
    const effects = fc.array(fc.oneof(fc.nat(50).map(save), fc.nat(50).map(cut)), { maxLength: 20 })
    const check = fc.property(effects, (given) => {
      const turn = planTurn(given)
      const others = given.filter(({ type }) => type !== 'save')
      assert.deepEqual([...turn.before, ...turn.after], others)
      assert.equal(turn.saves.length, given.length - others.length)
      const first = given.findIndex(({ type }) => type === 'save')
      assert.equal(turn.before.length, first < 0 ? others.length : first)
    })
    fc.assert(check, { seed: 17, numRuns: 300 })
  })

  it('names a request the same whether its bytes are the same array or equal ones', () => {
    const bytes = new Uint8Array([1, 2, 3])
    assert.equal(requestId(bytes), requestId(bytes))
    assert.equal(requestId(bytes), requestId(bytes.slice()))
    assert.notEqual(requestId(bytes), requestId(new Uint8Array([1, 2, 4])))
  })
})
