// Domain-separated hashing: SHA-256 (FIPS 180-4) of "quadrille/<domain>/1", a zero byte, and one canonical encoding.
// RFC 6962 hashes begin with a byte 0 or 1 and so can never be confused with these.

import { sha256, sha512 } from '#crypto'
import { toHex, utf8 } from './bytes.ts'
import type { HashDomain } from './domains.ts'
import {
  type Digest,
  digestOf,
  type GraphId,
  graphIdOf,
  type KeyId,
  keyIdOf,
  type PolicyId,
  policyIdOf,
} from './ids.ts'
import { encode, type Schema } from './schema.ts'

const prefixes = new Map<HashDomain, Uint8Array>()

function prefixOf(domain: HashDomain): Uint8Array {
  let prefix = prefixes.get(domain)
  if (prefix === undefined) {
    prefix = utf8(`quadrille/${domain}/1\0`)
    prefixes.set(domain, prefix)
  }
  return prefix
}

/** 32 bytes. `parts` are one byte string: give more than one only when it is clear where each ends. */
export function hashBytes(domain: HashDomain, ...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(prefixOf(domain), ...parts)
}

/** 64 bytes, with SHA-512 in place of SHA-256: what is reduced to a uniform scalar. */
export function hashWide(domain: HashDomain, ...parts: readonly Uint8Array[]): Uint8Array {
  return sha512(prefixOf(domain), ...parts)
}

export function hash(domain: HashDomain, ...parts: readonly Uint8Array[]): Digest {
  return digestOf(hashBytes(domain, ...parts))
}

/** The hash of a value's one encoding. */
export function hashOf<T>(domain: HashDomain, schema: Schema<T>, value: T): Digest {
  return hash(domain, encode(schema, value))
}

// A ledger meets the same keys with every transaction, and looking one up is cheaper than hashing it.
const keyIds = new Map<string, KeyId>()
const keyIdsMax = 4_096

export function keyId(publicKey: Uint8Array): KeyId {
  const name = toHex(publicKey)
  const known = keyIds.get(name)
  if (known !== undefined) return known
  const made = keyIdOf(hashBytes('key', publicKey))
  if (keyIds.size >= keyIdsMax) keyIds.clear()
  keyIds.set(name, made)
  return made
}

export function graphId(iri: string): GraphId {
  return graphIdOf(hashBytes('graph', utf8(iri)).subarray(0, 16))
}

export function policyId(name: string): PolicyId {
  return policyIdOf(hashBytes('policy', utf8(name)).subarray(0, 16))
}
