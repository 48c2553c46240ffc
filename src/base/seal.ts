// Sealing records at rest: authenticated encryption under a data key, random nonces, the algorithm's number in each
// record. It knows nothing of where keys come from, how they are wrapped or when they turn: that is store/key-ring.ts.
// Not key-committing: for ciphertexts from another party or under a password, check a key-check value first.

import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import sodium from 'sodium-native'
import { randomBytes } from '#crypto'
import { concat, equal, toHex, utf8 } from './bytes.ts'
import { type ErrorDetails, LedgerError } from './errors.ts'
import { limits } from './limits.ts'

export type SealAlgorithm = 'xchacha20-poly1305' | 'aes-256-gcm'

export interface SealingKey {
  /** 8 bytes, random: names the key in every record sealed under it. */
  readonly id: Uint8Array
  readonly algorithm: SealAlgorithm
  /** 32 bytes. */
  readonly secret: Uint8Array
}

interface Cipher {
  readonly number: number
  readonly nonceBytes: number
  /** Writes ciphertext and tag into `sealed`. */
  encrypt(secret: Uint8Array, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array, sealed: Uint8Array): void
  /** @throws when the tag does not fit. */
  decrypt(secret: Uint8Array, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Uint8Array
}

const tagBytes = 16
const idBytes = 8
const headerBytes = 1 + idBytes

const ciphers: Readonly<Record<SealAlgorithm, Cipher>> = {
  // draft-irtf-cfrg-xchacha-03: 192-bit random nonces never repeat.
  'xchacha20-poly1305': {
    number: 1,
    nonceBytes: 24,
    encrypt: (secret, nonce, aad, plain, sealed) => {
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, plain, aad, null, nonce, secret)
    },
    decrypt: (secret, nonce, aad, sealed) => {
      const plain = new Uint8Array(sealed.length - tagBytes)
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(plain, null, sealed, aad, nonce, secret)
      return plain
    },
  },
  // NIST SP 800-38D. Without authTagLength Node accepts a tag of four bytes.
  'aes-256-gcm': {
    number: 2,
    nonceBytes: 12,
    encrypt: (secret, nonce, aad, plain, sealed) => {
      const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes })
      cipher.setAAD(aad)
      sealed.set(concat(cipher.update(plain), cipher.final(), cipher.getAuthTag()))
    },
    decrypt: (secret, nonce, aad, sealed) => {
      const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes })
      decipher.setAAD(aad)
      decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
      return concat(decipher.update(sealed.subarray(0, sealed.length - tagBytes)), decipher.final())
    },
  },
}

/** Bytes that sealing adds to a record. */
export function sealOverhead(algorithm: SealAlgorithm): number {
  return headerBytes + ciphers[algorithm].nonceBytes + tagBytes
}

export function generateSealingKey(algorithm: SealAlgorithm = 'xchacha20-poly1305'): SealingKey {
  return { id: randomBytes(idBytes), algorithm, secret: randomBytes(32) }
}

// Records sealed under each AES-GCM key, by its id: two objects of one key count together.
const counted = new Map<string, number>()

/**
 * Takes over the count of an AES-GCM key from before a restart. Its keeper stores a number ahead of the real one, for
 * example the next multiple of 2^16, so that a crash never counts too little. Other algorithms need no count.
 */
export function resumeCount(key: SealingKey, records: number): void {
  counted.set(toHex(key.id), Math.max(records, recordsSealed(key)))
}

/** Records sealed under an AES-GCM key, as far as this process knows. */
export function recordsSealed(key: SealingKey): number {
  return counted.get(toHex(key.id)) ?? 0
}

function count(key: SealingKey): void {
  if (key.algorithm !== 'aes-256-gcm') return
  const records = recordsSealed(key) + 1
  if (records > limits.gcmRecordsPerKeyMax) throw new LedgerError('KEY_EXHAUSTED', { key: toHex(key.id) })
  counted.set(toHex(key.id), records)
}

/**
 * The sealed record: algorithm number (1 byte), key id (8), nonce, ciphertext, tag (16). `aad` is bound but not kept:
 * ledger, store and record key belong in it, so that a record moved elsewhere does not open.
 * @throws LedgerError KEY_EXHAUSTED
 */
export function seal(key: SealingKey, aad: Uint8Array, plain: Uint8Array): Uint8Array {
  count(key)
  const cipher = ciphers[key.algorithm]
  const header = headerOf(key)
  const nonce = randomBytes(cipher.nonceBytes)
  const bodyStart = headerBytes + cipher.nonceBytes
  const sealed = new Uint8Array(bodyStart + plain.length + tagBytes)
  sealed.set(header)
  sealed.set(nonce, headerBytes)
  cipher.encrypt(key.secret, nonce, concat(header, aad), plain, sealed.subarray(bodyStart))
  return sealed
}

/**
 * The plaintext of a record that `seal` made with this key and `aad`. `where` goes into the error: the store's name.
 * @throws LedgerError RECORD_TAMPERED for anything else; nothing of the plaintext is ever returned then.
 */
export function open(key: SealingKey, aad: Uint8Array, sealed: Uint8Array, where: ErrorDetails = {}): Uint8Array {
  const cipher = ciphers[key.algorithm]
  const header = headerOf(key)
  const bodyStart = headerBytes + cipher.nonceBytes
  const tampered = { ...where, key: toHex(key.id) }
  if (sealed.length < bodyStart + tagBytes || !equal(sealed.subarray(0, headerBytes), header)) {
    throw new LedgerError('RECORD_TAMPERED', tampered)
  }
  const nonce = sealed.subarray(headerBytes, bodyStart)
  try {
    return cipher.decrypt(key.secret, nonce, concat(header, aad), sealed.subarray(bodyStart))
  } catch (cause) {
    throw new LedgerError('RECORD_TAMPERED', tampered, cause)
  }
}

/** The id of the key that a record was sealed under, unverified. @throws LedgerError RECORD_TAMPERED when it is too short. */
export function sealedKeyId(sealed: Uint8Array): Uint8Array {
  if (sealed.length < headerBytes) throw new LedgerError('RECORD_TAMPERED')
  return sealed.slice(1, headerBytes)
}

/** HKDF-SHA-256 (RFC 5869): 32 bytes of their own for a purpose, and for `info` within it. `secret` is uniform. */
export function deriveKey(secret: Uint8Array, purpose: string, info: Uint8Array = new Uint8Array()): Uint8Array {
  const context = concat(utf8(`quadrille/${purpose}/1\0`), info)
  return new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(), context, 32))
}

/** Keyed BLAKE2b (RFC 7693), 32 bytes. `parts` are one byte string. `key` has 32 bytes. */
export function keyedHash(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  if (key.length !== 32) throw new RangeError('a key of keyedHash has 32 bytes')
  const digest = new Uint8Array(32)
  sodium.crypto_generichash(digest, concat(...parts), key)
  return digest
}

function headerOf(key: SealingKey): Uint8Array {
  if (key.id.length !== idBytes || key.secret.length !== 32) throw new RangeError('a sealing key has 8 and 32 bytes')
  return concat(Uint8Array.of(ciphers[key.algorithm].number), key.id)
}
