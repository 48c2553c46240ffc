import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canonicalJson, parseCanonicalJson } from '../../src/audit/json.ts'
import { leafBytes, leafId, noPrevious, readLeaf } from '../../src/audit/leaf.ts'
import { fromUtf8, utf8 } from '../../src/base/bytes.ts'
import type { JsonValue } from '../../src/base/schema.ts'

const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.string({ unit: 'binary' }).filter((text) => !/\p{Surrogate}/u.test(text)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
  ),
})).value

describe('Canonical JSON', () => {
  it('sorts members by UTF-16 code units and escapes only what it must (RFC 8785, section 3.2.3)', () => {
    const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
    assert.equal(canonicalJson(value), '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}')
    assert.equal(canonicalJson('\u20ac$\u000f\nA\'B"\\"/'), '"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/"')
  })

  it('reads back what it wrote, and accepts no other text of the same value', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value)
        assert.equal(canonicalJson(parseCanonicalJson(utf8(text))), text)
        assert.throws(() => parseCanonicalJson(utf8(` ${text}`)), { code: 'NON_CANONICAL' })
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it('refuses what has no place in a leaf', () => {
    for (const value of [null, 0.5, 2 ** 53, '\ud800']) assert.throws(() => canonicalJson(value), TypeError)
    for (const text of ['null', '1.5', '{"b":1,"a":2}', '{"a":1,"a":1}', '-0', '1e3', '"\\u0041"', '{', '']) {
      assert.throws(() => parseCanonicalJson(utf8(text)), { name: 'LedgerError' })
    }
  })
})

describe('A leaf', () => {
  it('is canonical JSON with its place and the hash of the leaf before it', () => {
    const first = leafBytes(0, noPrevious, { type: 'block', height: 1 })
    assert.equal(fromUtf8(first), `{"height":1,"prev":"${'0'.repeat(64)}","seq":0,"type":"block"}`)
    const second = leafBytes(1, leafId(first), { type: 'block', height: 2 })
    assert.deepEqual(readLeaf(second), { seq: 1, prev: leafId(first), entry: { type: 'block', height: 2 } })
  })

  it('has an RFC 6962 hash that other tools compute', () => {
    // printf '\0{"a":1}' | sha256sum
    assert.equal(leafId(utf8('{"a":1}')), 'c7261463ebd776f4650b6d0fe942d9cc38c925d90f77d440ab6df8d5dd258c5f')
  })

  it('is at most 4 KiB and cannot name its own place', () => {
    const room = 4096 - leafBytes(0, noPrevious, { a: '' }).length
    assert.equal(leafBytes(0, noPrevious, { a: 'x'.repeat(room) }).length, 4096)
    assert.throws(() => leafBytes(0, noPrevious, { a: 'x'.repeat(room + 1) }), { code: 'TOO_LARGE' })
    assert.throws(() => leafBytes(0, noPrevious, { seq: 1 }), TypeError)
    assert.throws(() => readLeaf(utf8('{"seq":1}')), { code: 'MALFORMED' })
  })
})
