// Byte strings, identifiers and tagged hashes.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compare, concat, equal, fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from '../../src/base/bytes.ts'
import * as browser from '../../src/base/crypto/browser.ts'
import * as native from '../../src/base/crypto/native.ts'
import type { HashDomain } from '../../src/base/domains.ts'
import { graphId, hash, hashBytes, hashWide, keyId, policyId } from '../../src/base/hash.ts'
import { digestOf, idBytes, nodeIdOf, organisationIdOf, sequenceOf } from '../../src/base/ids.ts'
import { matchesFrozen } from './frozen.ts'

const anyBytes = fc.uint8Array({ maxLength: 80 })

describe('Byte strings', () => {
  it('go through hexadecimal and base64 as through those of Node', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'))
        assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'))
        assert.deepEqual(fromHex(toHex(bytes)), bytes)
        assert.deepEqual(fromBase64(toBase64(bytes)), bytes)
      }),
      { seed: 8, numRuns: 300 },
    )
  })

  it('give hexadecimal of any length, and names in one piece that take no more memory than their digits', () => {
    for (const length of [4_095, 4_096, 4_097, 100_000]) {
      const bytes = Buffer.alloc(length, 'some bytes')
      assert.equal(toHex(bytes), bytes.toString('hex'))
    }
    const before = process.memoryUsage().heapUsed
    const names = Array.from({ length: 200_000 }, (_, number) => toHex(Buffer.alloc(32, String(number))))
    const mib = (process.memoryUsage().heapUsed - before) / 1_048_576
    assert.ok(mib < 120, `${names.length} names of 64 digits take ${mib} MiB`)
  })

  it('have one hexadecimal and one base64 form', () => {
    for (const hex of ['0', 'AB', '0g', ' 00', '0x00', '00\n']) assert.throws(() => fromHex(hex), RangeError, hex)
    for (const text of ['A', 'AA', 'AAA', 'AB==', 'AAF=', '====', 'AA==AA==', 'A A=', '_-8=', 'AAAA\n', 'AA=A', '=']) {
      assert.throws(() => fromBase64(text), RangeError, text)
    }
  })

  it('N6 take any changed base64 for another string or for none', () => {
    fc.assert(
      fc.property(anyBytes, fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (bytes, place, letter) => {
        const text = toBase64(bytes)
        const at = text.length === 0 ? 0 : place % text.length
        const changed = text.slice(0, at) + letter + text.slice(at + 1)
        try {
          assert.equal(toBase64(fromBase64(changed)), changed)
        } catch (error) {
          assert.ok(error instanceof RangeError)
        }
      }),
      { seed: 9, numRuns: 500 },
    )
  })

  it('are ordered like those of Node', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, (a, b) => {
        assert.equal(Math.sign(compare(a, b)), Buffer.compare(a, b))
        assert.equal(equal(a, b), Buffer.compare(a, b) === 0)
        assert.deepEqual(concat(a, b), new Uint8Array(Buffer.concat([a, b])))
      }),
      { seed: 10, numRuns: 300 },
    )
  })

  it('are UTF-8 or are refused, and keep a leading U+FEFF', () => {
    assert.equal(fromUtf8(utf8('\u{feff}ü')), '\u{feff}ü')
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]]) {
      assert.throws(() => fromUtf8(Uint8Array.from(bad)), TypeError)
    }
  })
})

describe('Identifiers', () => {
  it('are made of exactly their bytes in lower-case hexadecimal', () => {
    const hex = 'ab'.repeat(32)
    assert.equal(digestOf(fromHex(hex)), hex)
    assert.deepEqual(idBytes(digestOf(hex)), fromHex(hex))
    for (const bad of ['', 'AB'.repeat(32), 'ab'.repeat(31), `${hex}00`, `${hex}\n`]) {
      assert.throws(() => digestOf(bad), RangeError)
    }
    assert.throws(() => nodeIdOf(new Uint8Array(32)), RangeError)
  })

  it('of organisations are short plain words', () => {
    for (const good of ['a', 'acme', 'a-1', `a${'b'.repeat(31)}`]) assert.equal(organisationIdOf(good), good)
    for (const bad of ['', '1a', '-a', 'A', 'a_b', `a${'b'.repeat(32)}`, 'a\n', 'ä']) {
      assert.throws(() => organisationIdOf(bad), RangeError, bad)
    }
  })

  it('that count are safe integers from 0', () => {
    assert.equal(sequenceOf(0), 0)
    for (const bad of [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      assert.throws(() => sequenceOf(bad), RangeError)
    }
  })
})

/** Every domain that exists; the compiler misses none. */
const domains = Object.keys({
  genesis: 0,
  key: 0,
  tx: 0,
  transaction: 0,
  item: 0,
  graph: 0,
  policy: 0,
  tokens: 0,
  transactions: 0,
  batch: 0,
  block: 0,
  payload: 0,
  bucket: 0,
  buckets: 0,
  'state-key': 0,
  roster: 0,
  commitment: 0,
  'pedersen-h': 0,
  'pedersen-m': 0,
  skolem: 0,
  'view-change': 0,
  fingerprint: 0,
} satisfies Partial<Record<HashDomain, 0>>) as HashDomain[]

describe('Tagged hashes', () => {
  it('differ between any two domains and from the plain hash', () => {
    const all = [...domains.map((domain) => hash(domain, utf8('m'))), toHex(native.sha256(utf8('m')))]
    assert.equal(new Set(all).size, all.length)
  })

  it('are SHA-256 and SHA-512 over the tag, a zero byte and the parts', () => {
    assert.deepEqual(hashBytes('batch', utf8('a'), utf8('b')), native.sha256(utf8('quadrille/batch/1\0ab')))
    assert.deepEqual(hashWide('batch', utf8('ab')), native.sha512(utf8('quadrille/batch/1\0ab')))
  })

  it('are the same bytes in a node and in a browser, as are reduced scalars', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, fc.uint8Array({ minLength: 64, maxLength: 64 }), (a, b, wide) => {
        assert.deepEqual(browser.sha256(a, b), native.sha256(a, b))
        assert.deepEqual(browser.sha512(a, b), native.sha512(a, b))
        assert.deepEqual(browser.reduceScalar(wide), native.reduceScalar(wide))
      }),
      { seed: 11, numRuns: 100 },
    )
  })

  it('draw random bytes of the length asked for', () => {
    for (const { randomBytes } of [native, browser]) {
      assert.equal(randomBytes(32).length, 32)
      assert.notDeepEqual(randomBytes(32), randomBytes(32))
    }
  })

  it('are frozen', () => {
    matchesFrozen('hash.json', {
      ...Object.fromEntries(domains.map((domain) => [domain, hash(domain, utf8('quadrille'))])),
      wide: toHex(hashWide('pedersen-m', utf8('quadrille'))),
      keyId: keyId(new Uint8Array(32).fill(7)),
      graphId: graphId('https://example.org/graph'),
      policyId: policyId('products'),
    })
  })
})
