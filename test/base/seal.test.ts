// Sealed records: they open under their key and in their place, and are refused whole after any change.

import assert from 'node:assert/strict'
import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { concat, fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { limits } from '../../src/base/limits.ts'
import {
  deriveKey,
  generateSealingKey,
  keyedHash,
  open,
  recordsSealed,
  resumeCount,
  type SealAlgorithm,
  type SealingKey,
  seal,
  sealedKeyId,
  sealOverhead,
} from '../../src/base/seal.ts'
import { hasCode } from './codes.ts'
import { matchesFrozen, readVectors } from './frozen.ts'

const algorithms: readonly SealAlgorithm[] = ['xchacha20-poly1305', 'aes-256-gcm']
const aad = utf8('ledger/store/record 7')
const secret = 'the secret text'

function fixedKey(algorithm: SealAlgorithm): SealingKey {
  return { id: fromHex('0102030405060708'), algorithm, secret: new Uint8Array(32).fill(5) }
}

interface SealedVector {
  readonly algorithm: SealAlgorithm
  readonly plain: string
  readonly sealed: string
}

for (const algorithm of algorithms) {
  describe(`A record sealed with ${algorithm}`, () => {
    const key = generateSealingKey(algorithm)
    const sealed = seal(key, aad, utf8(secret))
    const tampered = hasCode('RECORD_TAMPERED')

    it('opens to what it was, whatever that is', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 500 }), fc.uint8Array({ maxLength: 50 }), (plain, someAad) => {
          const record = seal(key, someAad, plain)
          assert.deepEqual(open(key, someAad, record), plain)
          assert.equal(record.length, plain.length + sealOverhead(algorithm))
          assert.deepEqual(sealedKeyId(record), key.id)
        }),
        { seed: 20, numRuns: 100 },
      )
    })

    it('S1 with any bit flipped is RECORD_TAMPERED and names key and store, and nothing of the plaintext', () => {
      for (let bit = 0; bit < 8 * sealed.length; bit++) {
        const changed = sealed.slice()
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.throws(
          () => open(key, aad, changed, { store: 'journal' }),
          (error) =>
            error instanceof LedgerError &&
            error.code === 'RECORD_TAMPERED' &&
            error.details['key'] === toHex(key.id) &&
            error.details['store'] === 'journal' &&
            !error.message.includes(secret),
        )
      }
    })

    it('S3 cut short anywhere, its tag emptied or continued, is RECORD_TAMPERED', () => {
      for (let length = 0; length < sealed.length; length++) {
        assert.throws(() => open(key, aad, sealed.subarray(0, length)), tampered)
      }
      assert.throws(() => open(key, aad, concat(sealed, Uint8Array.of(0))), tampered)
    })

    it('S1 moved to another place, or opened under another key, is RECORD_TAMPERED', () => {
      assert.throws(() => open(key, utf8('ledger/store/record 8'), sealed), tampered)
      assert.throws(() => open(key, new Uint8Array(), sealed), tampered)
      assert.throws(() => open(generateSealingKey(algorithm), aad, sealed), tampered)
      assert.throws(() => open({ ...key, secret: new Uint8Array(32) }, aad, sealed), tampered)
      const other = algorithm === 'aes-256-gcm' ? 'xchacha20-poly1305' : 'aes-256-gcm'
      assert.throws(() => open({ ...key, algorithm: other }, aad, sealed), tampered)
    })

    it('S1 with its key id exchanged does not open under a key of that id and the same secret', () => {
      const renamed: SealingKey = { ...key, id: fromHex('ffffffffffffffff') }
      const changed = sealed.slice()
      changed.set(renamed.id, 1)
      assert.throws(() => open(renamed, aad, changed), tampered)
    })

    it('S11 never has the nonce of another record', () => {
      const nonces = Array.from({ length: 500 }, () => toHex(seal(key, aad, new Uint8Array()).slice(9, 21)))
      assert.equal(new Set(nonces).size, nonces.length)
    })

    it('opens where it is frozen', () => {
      const vectors = readVectors<readonly SealedVector[]>('seal.json').filter((each) => each.algorithm === algorithm)
      assert.equal(vectors.length, 2)
      for (const each of vectors) assert.equal(toHex(open(fixedKey(algorithm), aad, fromHex(each.sealed))), each.plain)
    })
  })
}

describe('A sealed record', () => {
  it('S3 with a tag of four bytes that AES-GCM itself would accept is refused', () => {
    const key = generateSealingKey('aes-256-gcm')
    const nonce = new Uint8Array(12)
    const header = concat(Uint8Array.of(2), key.id)
    const cipher = createCipheriv('aes-256-gcm', key.secret, nonce, { authTagLength: 4 })
    cipher.setAAD(concat(header, aad))
    const body = concat(cipher.update(utf8('a text of twenty bytes')), cipher.final(), cipher.getAuthTag())
    assert.throws(() => open(key, aad, concat(header, nonce, body)), hasCode('RECORD_TAMPERED'))
  })

  it('is not made beyond the bound of an AES-GCM key, which another key object of its id cannot evade', () => {
    const key = generateSealingKey('aes-256-gcm')
    resumeCount(key, limits.gcmRecordsPerKeyMax - 1)
    seal(key, aad, new Uint8Array())
    assert.equal(recordsSealed(key), limits.gcmRecordsPerKeyMax)
    assert.throws(() => seal({ ...key }, aad, new Uint8Array()), hasCode('KEY_EXHAUSTED'))
    resumeCount(key, 0)
    assert.throws(() => seal(key, aad, new Uint8Array()), hasCode('KEY_EXHAUSTED'))
  })

  it('needs a key of the right size', () => {
    const key = generateSealingKey()
    for (const bad of [
      { ...key, secret: new Uint8Array(31) },
      { ...key, id: new Uint8Array(7) },
    ]) {
      assert.throws(() => seal(bad, aad, new Uint8Array()), RangeError)
    }
    assert.throws(() => sealedKeyId(new Uint8Array(8)), hasCode('RECORD_TAMPERED'))
  })
})

describe('Keys made from keys', () => {
  it('are frozen, and differ by purpose, information and secret', () => {
    const base = new Uint8Array(32).fill(1)
    const made = {
      plain: toHex(deriveKey(base, 'item')),
      info: toHex(deriveKey(base, 'item', utf8('7'))),
      purpose: toHex(deriveKey(base, 'item2')),
      secret: toHex(deriveKey(new Uint8Array(32), 'item')),
      keyed: toHex(keyedHash(base, utf8('a'), utf8('b'))),
    }
    assert.equal(new Set(Object.values(made)).size, 5)
    assert.equal(made.keyed, toHex(keyedHash(base, utf8('ab'))))
    assert.throws(() => keyedHash(new Uint8Array(16), utf8('a')), RangeError)
    matchesFrozen('derived-keys.json', made)
  })
})
