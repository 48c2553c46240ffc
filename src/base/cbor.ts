// Deterministic CBOR (RFC 8949, section 4.2.1) over cborg. Only the kinds of value that our formats use exist here:
// whole numbers from 0 to 2^53-1, byte strings, text, booleans and arrays. No maps, tags, floats, null or undefined.

import { decode, encode } from 'cborg'
import { equal } from './bytes.ts'
import { LedgerError } from './errors.ts'

export type CborValue = number | string | boolean | Uint8Array | readonly CborValue[]

/** The one encoding of `value`. */
export function encodeCbor(value: CborValue): Uint8Array {
  return encode(value)
}

/**
 * The value of `bytes`, which must be the one encoding of it and nothing more.
 * @throws LedgerError MALFORMED (not CBOR, trailing bytes, a kind of value that our formats do not use), NON_CANONICAL.
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  let value: unknown
  try {
    value = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowNaN: false,
      allowInfinity: false,
    })
  } catch (cause) {
    throw new LedgerError('MALFORMED', { reason: cause instanceof Error ? cause.message : 'not CBOR' })
  }
  if (!isCborValue(value)) throw new LedgerError('MALFORMED', { reason: 'a kind of value that is not used here' })
  if (!equal(encode(value), bytes)) throw new LedgerError('NON_CANONICAL')
  return value
}

function isCborValue(value: unknown): value is CborValue {
  if (typeof value === 'string' || typeof value === 'boolean' || value instanceof Uint8Array) return true
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0
  return Array.isArray(value) && value.every(isCborValue)
}
