// The primitives of `#crypto` in a node: sodium-native, the only verifier that decides anything there, and node:crypto
// for SHA-256. crypto/browser.ts gives the same verdicts and the same bytes.

import { createHash, hash as hashOnce } from 'node:crypto'
import sodium from 'sodium-native'
import { concat } from '../bytes.ts'

const joinedBytesMax = 4_096

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha256', parts)
}

export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return digest('sha512', parts)
}

/** One call for short inputs costs a third of an update for each part; long ones are not copied together. */
function digest(algorithm: 'sha256' | 'sha512', parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (parts.length === 1 && only !== undefined) return new Uint8Array(hashOnce(algorithm, only, 'buffer'))
  if (length <= joinedBytesMax) return new Uint8Array(hashOnce(algorithm, concat(...parts), 'buffer'))
  const hash = createHash(algorithm)
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

// A call of the system for each nonce costs more than sealing with it, so the bytes of many are drawn at once. Each is given
// once and wiped as it is given: what was handed out as a key is not found here again.
const drawn = new Uint8Array(4_096)
let drawnLeft = 0

export function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  if (length > drawn.length / 16) {
    sodium.randombytes_buf(bytes)
    return bytes
  }
  if (length > drawnLeft) {
    sodium.randombytes_buf(drawn)
    drawnLeft = drawn.length
  }
  drawnLeft -= length
  const given = drawn.subarray(drawnLeft, drawnLeft + length)
  bytes.set(given)
  given.fill(0)
  return bytes
}

/** The Ed25519 public key of a 32-byte seed (RFC 8032, section 5.1.5). */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  return keyPair(seed).publicKey
}

/** Ed25519 over the whole message (RFC 8032, section 5.1.6): 64 bytes. */
export function signRaw(message: Uint8Array, seed: Uint8Array): Uint8Array {
  const signature = new Uint8Array(sodium.crypto_sign_BYTES)
  sodium.crypto_sign_detached(signature, message, keyPair(seed).secretKey)
  return signature
}

/** The one rule of base/signature.ts. Small-order and non-canonical keys verify nothing. */
export function verifyRaw(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  return sodium.crypto_sign_verify_detached(signature, message, publicKey)
}

/** Whether these are the canonical encoding of a point of prime order: libsodium says it forty times faster than noble. */
export function isStrongPoint(encoded: Uint8Array): boolean {
  return encoded.length === 32 && sodium.crypto_core_ed25519_is_valid_point(encoded)
}

/** 64 uniform bytes to a scalar modulo the group order, little-endian, 32 bytes. */
export function reduceScalar(uniform: Uint8Array): Uint8Array {
  const scalar = new Uint8Array(32)
  sodium.crypto_core_ed25519_scalar_reduce(scalar, uniform)
  return scalar
}

/** aB + bP in edwards25519, encoded; B is the base point, P of prime order, `a` and `b` are reduced scalars. */
export function doubleMultiply(a: Uint8Array, b: Uint8Array, point: Uint8Array): Uint8Array {
  const sum = new Uint8Array(32)
  const left = product(a, (q) => sodium.crypto_scalarmult_ed25519_base_noclamp(q, a))
  const right = product(b, (q) => sodium.crypto_scalarmult_ed25519_noclamp(q, b, point))
  sodium.crypto_core_ed25519_add(sum, left, right)
  return sum
}

const identity = Uint8Array.of(1, ...new Uint8Array(31))

/** libsodium refuses to return the identity, which is what 0 times a point is. */
function product(scalar: Uint8Array, multiply: (q: Uint8Array) => void): Uint8Array {
  if (scalar.every((byte) => byte === 0)) return identity
  const q = new Uint8Array(32)
  multiply(q)
  return q
}

interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

// A node signs with a handful of keys, thousands of times a second; deriving the pair costs as much as signing.
const keyPairs = new WeakMap<Uint8Array, KeyPair>()

function keyPair(seed: Uint8Array): KeyPair {
  const known = keyPairs.get(seed)
  if (known !== undefined) return known
  const publicKey = new Uint8Array(sodium.crypto_sign_PUBLICKEYBYTES)
  const secretKey = new Uint8Array(sodium.crypto_sign_SECRETKEYBYTES)
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed)
  const pair = { publicKey, secretKey }
  keyPairs.set(seed, pair)
  return pair
}
