// The primitives of `#crypto` in a browser: @noble/hashes, and the curve points of @noble/ed25519. noble's own `verify`
// is cofactored and accepts what libsodium refuses, so it is used nowhere: verifying here is the rule of
// base/signature.ts written out over points, and the oracle that the native verifier is tested against.

import { getPublicKey, hashes, Point, sign } from '@noble/ed25519'
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js'
import { concat, equal } from '../bytes.ts'

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return nobleSha256(concat(...parts))
}

export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return nobleSha512(concat(...parts))
}

export function randomBytes(length: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(length))
}

export function publicKeyOf(seed: Uint8Array): Uint8Array {
  hashes.sha512 = nobleSha512
  return getPublicKey(seed)
}

export function signRaw(message: Uint8Array, seed: Uint8Array): Uint8Array {
  hashes.sha512 = nobleSha512
  return sign(message, seed)
}

/** The one rule of base/signature.ts. Small-order and non-canonical keys verify nothing. */
export function verifyRaw(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false
  const encodedR = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  const { n: groupOrder } = Point.CURVE()
  if (s >= groupOrder) return false
  const a = decodePoint(publicKey)
  const r = decodePoint(encodedR)
  if (a === undefined || r === undefined || a.isSmallOrder() || r.isSmallOrder()) return false
  const h = littleEndian(sha512(encodedR, publicKey, message)) % groupOrder
  const expected = Point.BASE.multiply(s, false).subtract(a.multiply(h, false))
  return equal(expected.toBytes(), encodedR)
}

/** Whether these are the canonical encoding of a point of prime order. */
export function isStrongPoint(encoded: Uint8Array): boolean {
  const point = encoded.length === 32 ? decodePoint(encoded) : undefined
  return point !== undefined && !point.isSmallOrder() && point.isTorsionFree()
}

export function reduceScalar(uniform: Uint8Array): Uint8Array {
  let rest = littleEndian(uniform) % Point.CURVE().n
  return Uint8Array.from({ length: 32 }, () => {
    const byte = Number(rest & 255n)
    rest >>= 8n
    return byte
  })
}

/** aB + bP in edwards25519, encoded; B is the base point, P of prime order, `a` and `b` are reduced scalars. */
export function doubleMultiply(a: Uint8Array, b: Uint8Array, point: Uint8Array): Uint8Array {
  return product(Point.BASE, a)
    .add(product(Point.fromBytes(point), b))
    .toBytes()
}

/** noble's constant-time multiplication refuses 0. */
function product(point: Point, scalar: Uint8Array): Point {
  const factor = littleEndian(scalar)
  return factor === 0n ? Point.ZERO : point.multiply(factor)
}

/** The point of a canonical encoding, undefined for any other 32 bytes. */
function decodePoint(encoded: Uint8Array): Point | undefined {
  try {
    return Point.fromBytes(encoded, false)
  } catch {
    return undefined
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}
