// The one Ed25519 rule: the same verdict from the native verifier, from the browser's, and from reasoning.

import assert from 'node:assert/strict'
import { Point } from '@noble/ed25519'
import fc from 'fast-check'
import { concat, fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import * as browser from '../../src/base/crypto/browser.ts'
import * as native from '../../src/base/crypto/native.ts'
import { InvariantError } from '../../src/base/errors.ts'
import { selfTest } from '../../src/base/self-test.ts'
import {
  generateSigningKey,
  isStrongKey,
  requireStrongKey,
  sign,
  signingKeyOf,
  verify,
} from '../../src/base/signature.ts'
import { hasCode } from './codes.ts'
import { crafted, type Ed25519Case, rfc8032, weakKeys } from './ed25519-cases.ts'
import { matchesFrozen, readVectors } from './frozen.ts'

const frozen = readVectors<readonly Ed25519Case[]>('ed25519.json')

type Verifier = typeof native.verifyRaw

function verdicts(verifier: Verifier): readonly string[] {
  return frozen.map(({ name, publicKey, message, signature }) => {
    const valid = verifier(fromHex(signature), fromHex(message), fromHex(publicKey))
    return `${name}: ${valid ? 'valid' : 'invalid'}`
  })
}

const expected = frozen.map(({ name, valid }) => `${name}: ${valid ? 'valid' : 'invalid'}`)
const seed = fromHex('42'.repeat(32))
const publicKey = native.publicKeyOf(seed)

describe('The Ed25519 rule', () => {
  it('P18 L6 has the reasoned verdict on every crafted signature in a node', () => {
    assert.deepEqual(verdicts(native.verifyRaw), expected)
  })

  it('P18 L6 has the same verdicts in a browser, for weak keys too', () => {
    assert.deepEqual(verdicts(browser.verifyRaw), expected)
  })

  it('is frozen in vectors that can be made again, with both verdicts among them', () => {
    matchesFrozen('ed25519.json', crafted)
    assert.ok(frozen.filter(({ valid }) => valid).length > 10)
    assert.ok(frozen.filter(({ valid }) => !valid).length > 50)
  })

  it('gives the keys and signatures of RFC 8032, section 7.1, in a node and in a browser', () => {
    for (const each of rfc8032) {
      for (const { publicKeyOf, signRaw } of [native, browser]) {
        assert.equal(toHex(publicKeyOf(fromHex(each.seed))), each.publicKey)
        assert.equal(toHex(signRaw(fromHex(each.message), fromHex(each.seed))), each.signature)
      }
    }
  })

  it('gives equal signatures and verdicts in a node and in a browser for any seed, message and flipped bit', () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(bytes32, fc.uint8Array({ maxLength: 99 }), fc.nat(511), (someSeed, message, bit) => {
        const key = native.publicKeyOf(someSeed)
        const signature = native.signRaw(message, someSeed)
        assert.deepEqual(browser.publicKeyOf(someSeed), key)
        assert.deepEqual(browser.signRaw(message, someSeed), signature)
        assert.ok(native.verifyRaw(signature, message, key) && browser.verifyRaw(signature, message, key))
        signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.ok(!native.verifyRaw(signature, message, key) && !browser.verifyRaw(signature, message, key))
      }),
      { seed: 18, numRuns: 25 },
    )
  })

  it('P18 agrees on random bytes as key and signature', () => {
    const point = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.constantFrom(...weakKeys))
    const small = fc.uint8Array({ minLength: 31, maxLength: 31 }).map((low) => concat(low, Uint8Array.of(0)))
    fc.assert(
      fc.property(point, point, small, (key, r, s) => {
        const signature = concat(r, s)
        assert.equal(browser.verifyRaw(signature, utf8('m'), key), native.verifyRaw(signature, utf8('m'), key))
      }),
      { seed: 19, numRuns: 60 },
    )
  })
})

describe('A key at enrolment', () => {
  it('N7 that is of small or mixed order, not canonical, or no point is KEY_WEAK', () => {
    assert.ok(weakKeys.length > 20)
    for (const key of weakKeys) assert.throws(() => requireStrongKey(key), hasCode('KEY_WEAK'), toHex(key))
    for (const length of [0, 31, 33]) {
      assert.throws(() => requireStrongKey(new Uint8Array(length).fill(3)), hasCode('KEY_WEAK'))
    }
  })

  it('N7 gets the same verdict in a browser', () => {
    const keys = [...weakKeys, publicKey, Point.BASE.toBytes(), ...rfc8032.map((each) => fromHex(each.publicKey))]
    const isStrong = (key: Uint8Array): boolean => !weakKeys.includes(key)
    for (const { isStrongPoint } of [native, browser]) assert.deepEqual(keys.map(isStrongPoint), keys.map(isStrong))
    for (let round = 0; round < 50; round++) {
      const bytes = native.randomBytes(32)
      assert.equal(native.isStrongPoint(bytes), browser.isStrongPoint(bytes), toHex(bytes))
    }
  })

  it('costs so little that a block of enrolments by one member holds up no node for seconds', () => {
    const keys = Array.from({ length: 256 }, () => generateSigningKey().publicKey)
    const began = performance.now()
    assert.ok(keys.every(isStrongKey))
    const ms = performance.now() - began
    assert.ok(ms < 500, `${ms} ms for 256 keys; a block holds four times as many`)
  })

  it('that was generated is strong', () => {
    const { publicKey: fresh, seed: freshSeed } = generateSigningKey()
    requireStrongKey(fresh)
    assert.deepEqual(signingKeyOf(freshSeed).publicKey, fresh)
    assert.ok(isStrongKey(Point.BASE.toBytes()))
  })

  it('needs a seed of 32 bytes', () => {
    assert.throws(() => signingKeyOf(new Uint8Array(31)), RangeError)
  })
})

describe('A signature', () => {
  it('verifies in its own domain only', () => {
    const signature = sign('prepare', utf8('m'), seed)
    assert.ok(verify('prepare', utf8('m'), signature, publicKey))
    assert.ok(!verify('commit', utf8('m'), signature, publicKey))
    assert.ok(!verify('pre-prepare', utf8('m'), signature, publicKey))
  })

  it('N6 with a flipped bit, too short or too long does not verify, nor under a key of another length', () => {
    const signature = sign('transaction', utf8('m'), seed)
    for (let bit = 0; bit < 512; bit++) {
      const flipped = signature.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.ok(!verify('transaction', utf8('m'), flipped, publicKey), `bit ${bit}`)
    }
    for (const cut of [signature.subarray(0, 63), concat(signature, Uint8Array.of(0)), new Uint8Array()]) {
      assert.ok(!verify('transaction', utf8('m'), cut, publicKey))
    }
    assert.ok(!verify('transaction', utf8('m'), signature, publicKey.subarray(0, 31)))
  })
})

describe('The self-test at the start of a node', () => {
  it('P18 passes with the verifiers of a node and of a browser', () => {
    selfTest()
    selfTest(browser.verifyRaw)
  })

  it('P18 stops a node whose verifier accepts too much, refuses too much, or throws', () => {
    const wrongs: readonly Verifier[] = [
      () => true,
      () => false,
      () => {
        throw new Error('module absent')
      },
      // What a cofactored verifier (ZIP 215) would accept: everything valid up to torsion.
      (signature, message, key) => cofactored(signature, message, key),
    ]
    for (const wrong of wrongs) assert.throws(() => selfTest(wrong), InvariantError)
  })

  it('uses vectors that are among the frozen ones', () => {
    const known = new Set(frozen.map((each) => [each.publicKey, each.message, each.signature, each.valid].join()))
    const used: string[] = []
    selfTest((signature, message, key) => {
      const valid = native.verifyRaw(signature, message, key)
      used.push([toHex(key), toHex(message), toHex(signature), valid].join())
      return valid
    })
    assert.ok(used.length >= 8)
    assert.deepEqual(
      used.filter((each) => !known.has(each)),
      [],
    )
  })
})

function cofactored(signature: Uint8Array, message: Uint8Array, key: Uint8Array): boolean {
  const number = (bytes: Uint8Array): bigint => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
  const { n } = Point.CURVE()
  const s = number(signature.subarray(32))
  if (s >= n) return false
  const r = Point.fromBytes(signature.subarray(0, 32), true)
  const h = number(native.sha512(signature.subarray(0, 32), key, message)) % n
  const difference = Point.BASE.multiply(s, false).subtract(Point.fromBytes(key, true).multiply(h, false)).subtract(r)
  return difference.clearCofactor().is0()
}
