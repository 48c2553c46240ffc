// Deterministic CBOR: one encoding for each value, a stable code for everything else, and no way to hurt the reader.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { concat, fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { type CborValue, decodeCbor, encodeCbor } from '../../src/base/cbor.ts'
import { limits } from '../../src/base/limits.ts'
import { codeOf, hasCode } from './codes.ts'
import { matchesFrozen } from './frozen.ts'

const anyValue: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeNat(),
    fc.nat(300),
    fc.boolean(),
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 6 }),
  ),
})).value

const codes = ['MALFORMED', 'NON_CANONICAL', 'fine']

function nested(depth: number): Uint8Array {
  return concat(new Uint8Array(depth).fill(0x81), Uint8Array.of(0))
}

/** Encodings of RFC 8949, appendix A, of values that our formats use. */
const known: readonly (readonly [string, CborValue])[] = [
  ['00', 0],
  ['17', 23],
  ['1818', 24],
  ['18ff', 255],
  ['190100', 256],
  ['1a000f4240', 1_000_000],
  ['1b000000e8d4a51000', 1_000_000_000_000],
  ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
  ['f4', false],
  ['f5', true],
  ['40', new Uint8Array()],
  ['4401020304', Uint8Array.of(1, 2, 3, 4)],
  ['60', ''],
  ['6449455446', 'IETF'],
  ['62c3bc', 'ü'],
  ['64f0908591', '\u{10151}'],
  ['80', []],
  ['8301820203820405', [1, [2, 3], [4, 5]]],
]

describe('Deterministic CBOR', () => {
  it('encodes and decodes the examples of RFC 8949, appendix A', () => {
    for (const [hex, value] of known) {
      assert.equal(toHex(encodeCbor(value)), hex)
      assert.deepEqual(decodeCbor(fromHex(hex)), value)
    }
  })

  it('gives back any value that it encoded', () => {
    fc.assert(
      fc.property(anyValue, (value) => assert.deepEqual(decodeCbor(encodeCbor(value)), value)),
      { seed: 1, numRuns: 500 },
    )
  })

  it('keeps a leading U+FEFF and a U+FFFD in text', () => {
    for (const text of ['\u{feff}', '\u{feff}x'.repeat(30), '\u{fffd}'])
      assert.equal(decodeCbor(encodeCbor(text)), text)
  })

  it('N6 decodes a changed encoding to its own one value or refuses it with a stable code', () => {
    const change = fc.tuple(anyValue, fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'insert'))
    fc.assert(
      fc.property(change, ([value, place, byte, kind]) => {
        const encoded = encodeCbor(value)
        const at = place % encoded.length
        const tail = encoded.subarray(kind === 'insert' ? at : at + 1)
        const changed = concat(encoded.subarray(0, at), kind === 'cut' ? new Uint8Array() : Uint8Array.of(byte), tail)
        const code = codeOf(() => decodeCbor(changed))
        assert.ok(codes.includes(code), code)
        if (code === 'fine') assert.deepEqual(encodeCbor(decodeCbor(changed)), changed)
      }),
      { seed: 2, numRuns: 2000 },
    )
  })

  it('N6 refuses random bytes with a stable code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => codes.includes(codeOf(() => decodeCbor(bytes)))),
      { seed: 3, numRuns: 2000 },
    )
  })

  const refused: readonly (readonly [title: string, hex: string, code: string])[] = [
    ['bytes after the value', '0000', 'NON_CANONICAL'],
    ['a number with more bytes than it needs', '1800', 'NON_CANONICAL'],
    ['a length with more bytes than it needs', '580100', 'NON_CANONICAL'],
    ['an array length with more bytes than it needs', '980100', 'NON_CANONICAL'],
    ['an array of indefinite length', '9f00ff', 'NON_CANONICAL'],
    ['a map', 'a10001', 'NON_CANONICAL'],
    ['a map with duplicate keys', 'a2616100616101', 'NON_CANONICAL'],
    ['nothing', '', 'MALFORMED'],
    ['a negative number', '20', 'MALFORMED'],
    ['a number beyond 2^53 - 1', '1b0020000000000000', 'MALFORMED'],
    ['a float', 'f93c00', 'MALFORMED'],
    ['null', 'f6', 'MALFORMED'],
    ['undefined', 'f7', 'MALFORMED'],
    ['NaN', 'f97e00', 'MALFORMED'],
    ['a tag', 'c000', 'MALFORMED'],
    ['a bignum', 'c249010000000000000000', 'MALFORMED'],
    ['a lone break', 'ff', 'MALFORMED'],
    ['a break inside an array', '81ff', 'MALFORMED'],
    ['text that is not UTF-8', '61ff', 'MALFORMED'],
    ['text with a surrogate', '63eda080', 'MALFORMED'],
    ['text with an overlong form', '62c080', 'MALFORMED'],
    ['an array cut short', '8200', 'MALFORMED'],
    ['a reserved length', '1c', 'MALFORMED'],
  ]
  for (const [title, hex, code] of refused) {
    it(`N6 refuses ${title}: ${code}`, () =>
      assert.equal(
        codeOf(() => decodeCbor(fromHex(hex))),
        code,
      ))
  }

  it('N6 refuses absurd lengths at once, without making room for them', () => {
    for (const head of ['9b', '5b', '7b', 'bb']) {
      for (const length of ['001fffffffffffff', '00000000ffffffff', 'ffffffffffffffff', '000000007fffffff']) {
        const before = process.memoryUsage().arrayBuffers
        assert.notEqual(
          codeOf(() => decodeCbor(fromHex(`${head}${length}00`))),
          'fine',
        )
        assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000)
      }
    }
  })

  it('N6 refuses nesting beyond the bound instead of overflowing the stack', () => {
    assert.deepEqual(
      codeOf(() => decodeCbor(nested(limits.cborDepthMax))),
      'fine',
    )
    for (const depth of [limits.cborDepthMax + 1, 10_000, 5_000_000]) {
      assert.throws(() => decodeCbor(nested(depth)), hasCode('MALFORMED'))
    }
  })

  it('counts as depth what is open, not what was', () => {
    const wide = Array.from({ length: 100 }, () => [[[]], [0]])
    assert.deepEqual(decodeCbor(encodeCbor(wide)), wide)
  })

  it('reads a view into a larger buffer', () => {
    const buffer = Buffer.concat([utf8('before'), encodeCbor(['x', 1]), utf8('after')])
    assert.deepEqual(decodeCbor(buffer.subarray(6, 6 + 4)), ['x', 1])
  })

  it('gives plain Uint8Arrays that share no memory with what they were read from', () => {
    const body = new Uint8Array(5000).fill(7)
    const encoded = encodeCbor([body, 'text'.repeat(100)])
    const [read] = decodeCbor(encoded) as readonly [Uint8Array, string]
    encoded.fill(0)
    assert.deepEqual(read, body)
    for (const bytes of [encoded, read]) assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype)
  })

  it('has frozen encodings', () => {
    matchesFrozen(
      'cbor.json',
      known.map(([, value]) => toHex(encodeCbor(value))),
    )
  })
})
