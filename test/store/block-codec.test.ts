// Blocks of rows: what is written comes back, in few bytes, and nothing else is taken for a block.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fromHex } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import {
  type Block,
  decodeBlock,
  encodeBlock,
  joinBlocks,
  plainBytes,
  splitBlocks,
} from '../../src/store/block-codec.ts'

const unit = 2 ** 48

function plain({ width, values, texts }: Block): unknown {
  return { width, values: [...values], texts: Array.from({ length: texts.length }, (_, place) => texts.at(place)) }
}

/** Numbers of any kind, few of them at times, so that some repeat. */
const number = fc.oneof(
  fc.nat({ max: 3 }),
  fc.nat({ max: 2 ** 30 }),
  fc.maxSafeNat().map((value) => value % 2 ** 52),
  fc.constantFrom(0, unit - 1, unit, 16 * unit - 1, 3 * unit + unit / 2),
)

const blocks: fc.Arbitrary<Block> = fc
  .record({
    width: fc.integer({ min: 1, max: 8 }),
    rows: fc.nat({ max: 40 }),
    sorted: fc.boolean(),
    long: fc.boolean(),
  })
  .chain(({ width, rows, sorted, long }) =>
    fc.record({
      width: fc.constant(width),
      values: fc
        .array(number, { minLength: width * rows, maxLength: width * rows })
        .map((values) => Float64Array.from(sorted ? values.sort((a, b) => a - b) : values)),
      texts: fc.oneof(
        fc.constant([]),
        fc.array(fc.string({ unit: 'grapheme', maxLength: long ? 200 : 5 }), { minLength: rows, maxLength: rows }),
      ),
    }),
  )

describe('A block', () => {
  it('comes back as it was, whatever its numbers and texts, compressed or not', () => {
    fc.assert(
      fc.property(blocks, fc.boolean(), (block, compress) => {
        assert.deepEqual(plain(decodeBlock(encodeBlock(block, compress))), plain(block))
      }),
      { seed: 20261129, numRuns: 500 },
    )
  })

  it('comes back from among others', () => {
    const some: Block[] = [
      { width: 8, values: Float64Array.from({ length: 8_000 }, (_, n) => n % 8), texts: [] },
      { width: 1, values: new Float64Array(), texts: [] },
      { width: 1, values: Float64Array.of(5, 6), texts: ['five', 'six'] },
    ]
    assert.deepEqual(splitBlocks(joinBlocks(some, true)).map(plain), some.map(plain))
  })

  it('of names, times and counts in turn takes two bytes for each', () => {
    const times = 3 * unit + 4 * unit
    const values = Float64Array.from(
      { length: 3_000 },
      (_, n) => [1_000 + n, times + 1e12 + 50 * n, 4 * unit + unit / 2 + (n % 40)][n % 3] as number,
    )
    assert.ok(plainBytes({ width: 1, values, texts: [] }).length < 2 * values.length + 40)
  })

  it('of a version before runs is read: one difference for each number, all deflated or not', () => {
    // Width 2, three rows, no texts; then 1, 1, 1 and 5, 4, 300 as differences in zigzag.
    const block = decodeBlock(fromHex(`0000000a0203000200000a01d004${'00'.repeat(50)}`))
    assert.deepEqual(plain(block), { width: 2, values: [1, 5, 1, 4, 1, 300], texts: [] })
  })

  it('is RECORD_TAMPERED when it was cut short or its runs do not fit its rows', () => {
    const values = Float64Array.from({ length: 64 }, (_, n) => n * n)
    const whole = encodeBlock({ width: 2, values, texts: [] }, true)
    const isTampered = (error: unknown): boolean => error instanceof LedgerError && error.code === 'RECORD_TAMPERED'
    const length = new DataView(whole.buffer).getUint32(0) & 0xffff
    for (let kept = 0; kept < length; kept++) {
      const cut = whole.slice()
      new DataView(cut.buffer).setUint32(0, kept | 0x2000_0000)
      assert.throws(() => decodeBlock(cut), isTampered, `${kept} bytes`)
    }
    // Width 1, two rows, no texts; a column of no kinds with three numbers, with none, with a repeat of three.
    for (const run of ['060202020202', '00', '0702']) {
      const body = fromHex(`01020000${run}`)
      const bytes = new Uint8Array(64)
      new DataView(bytes.buffer).setUint32(0, body.length | 0x2000_0000)
      bytes.set(body, 4)
      assert.throws(() => decodeBlock(bytes), isTampered, run)
    }
  })
})
