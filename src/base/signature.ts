// Ed25519 with one rule for everybody (RFC 8032; ZIP 215 and libsodium differ on the edges, and mixing them forks a
// ledger). A key is accepted at enrolment iff it is canonical and in the prime-order subgroup. A signature (R, S) is valid
// iff S < L, R is canonical and not of small order, and encode([S]B - [h]A) equals R byte for byte.

import { isStrongPoint, publicKeyOf, randomBytes, signRaw, verifyRaw } from '#crypto'
import { concat, utf8 } from './bytes.ts'
import type { SignatureDomain } from './domains.ts'
import { LedgerError } from './errors.ts'

const prefixes = new Map<SignatureDomain, Uint8Array>()

/** What Ed25519 signs: the message behind the name of its domain. */
export function signedBytes(domain: SignatureDomain, message: Uint8Array): Uint8Array {
  let prefix = prefixes.get(domain)
  if (prefix === undefined) {
    prefix = utf8(`quadrille/${domain}/1\0`)
    prefixes.set(domain, prefix)
  }
  return concat(prefix, message)
}

/** 64 bytes over `message` in its domain. `seed` is the 32-byte private key. */
export function sign(domain: SignatureDomain, message: Uint8Array, seed: Uint8Array): Uint8Array {
  return signRaw(signedBytes(domain, message), seed)
}

/** The verdict of the one rule. `publicKey` must have passed `requireStrongKey` when it was enrolled. */
export function verify(
  domain: SignatureDomain,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return (
    signature.length === 64 && publicKey.length === 32 && verifyRaw(signature, signedBytes(domain, message), publicKey)
  )
}

/** Whether `publicKey` is the canonical encoding of a point of prime order. About 0.1 ms in a node: for enrolment only. */
export function isStrongKey(publicKey: Uint8Array): boolean {
  return isStrongPoint(publicKey)
}

/** @throws LedgerError KEY_WEAK */
export function requireStrongKey(publicKey: Uint8Array): void {
  if (!isStrongKey(publicKey)) throw new LedgerError('KEY_WEAK')
}

export interface SigningKey {
  readonly publicKey: Uint8Array
  /** The private key, 32 bytes. */
  readonly seed: Uint8Array
}

export function signingKeyOf(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed has 32 bytes')
  return { seed, publicKey: publicKeyOf(seed) }
}

export function generateSigningKey(): SigningKey {
  return signingKeyOf(randomBytes(32))
}
