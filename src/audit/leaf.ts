// A leaf of an audit log: canonical JSON of an entry with its place and the hash of the leaf before it, so that a log is
// a hash chain for those who read it from top to bottom and a Merkle tree for those who want a proof. What entries say is
// decided elsewhere (node/entries.ts); they hold no personal data by construction.

import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { type Digest, digestOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { leafHash } from '../base/merkle.ts'
import type { JsonValue } from '../base/schema.ts'
import { canonicalJson, isObject, parseCanonicalJson } from './json.ts'

/** What a leaf says, without its place: no member named seq or prev. */
export type Entry = Readonly<Record<string, JsonValue>>

export interface Leaf {
  /** Its index in the log, from 0. */
  readonly seq: number
  /** RFC 6962 hash of the leaf before it; 64 zeros in the first. */
  readonly prev: Digest
  readonly entry: Entry
}

/** `prev` of the first leaf. */
export const noPrevious: Digest = digestOf('0'.repeat(64))

/** @throws LedgerError TOO_LARGE; TypeError when the entry names a seq or prev of its own. */
export function leafBytes(seq: number, prev: Digest, entry: Entry): Uint8Array {
  if (Object.hasOwn(entry, 'seq') || Object.hasOwn(entry, 'prev'))
    throw new TypeError('seq and prev are the log’s to give')
  const bytes = utf8(canonicalJson({ ...entry, seq, prev }))
  if (bytes.length > limits.leafBytesMax) {
    throw new LedgerError('TOO_LARGE', { leaf: seq, bytes: bytes.length, bytesMax: limits.leafBytesMax })
  }
  return bytes
}

/** @throws LedgerError MALFORMED, NON_CANONICAL, TOO_LARGE. */
export function readLeaf(bytes: Uint8Array): Leaf {
  if (bytes.length > limits.leafBytesMax) throw new LedgerError('TOO_LARGE', { bytes: bytes.length })
  const value = parseCanonicalJson(bytes)
  if (!isObject(value)) throw new LedgerError('MALFORMED', { expected: 'an object' })
  const { seq, prev, ...entry } = value
  if (typeof seq !== 'number' || seq < 0) throw new LedgerError('MALFORMED', { at: 'seq' })
  if (typeof prev !== 'string' || !/^[0-9a-f]{64}$/.test(prev)) throw new LedgerError('MALFORMED', { at: 'prev' })
  return { seq, prev: digestOf(prev), entry }
}

/** RFC 6962 hash of a leaf as an identifier: what the next leaf calls `prev`. */
export function leafId(bytes: Uint8Array): Digest {
  return digestOf(leafHash(bytes))
}
