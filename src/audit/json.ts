// Canonical JSON (RFC 8785) for what leaves and manifests hold: strings, safe integers, booleans, arrays and objects.
// Within that, ECMAScript's own serialisation of strings and integers is the one that the RFC prescribes.

import { equal, fromUtf8, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import type { JsonValue } from '../base/schema.ts'

/** The one text of `value`. @throws TypeError for null, a number that is no safe integer, or ill-formed text. */
export function canonicalJson(value: JsonValue): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError('canonical JSON here holds safe integers only')
    return String(value)
  }
  if (value === null) throw new TypeError('canonical JSON here holds no null')
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`
  // Property names in ascending order of UTF-16 code units (section 3.2.3): the order of Array.prototype.sort.
  const members = Object.keys(value).sort()
  return `{${members.map((name) => `${quoted(name)}:${canonicalJson(value[name] as JsonValue)}`).join(',')}}`
}

/** The value of canonical JSON. @throws LedgerError MALFORMED, NON_CANONICAL. */
export function parseCanonicalJson(bytes: Uint8Array): JsonValue {
  let value: JsonValue
  let again: string
  try {
    value = JSON.parse(fromUtf8(bytes)) as JsonValue
    again = canonicalJson(value)
  } catch (cause) {
    throw new LedgerError('MALFORMED', { expected: 'canonical JSON' }, cause)
  }
  if (!equal(utf8(again), bytes)) throw new LedgerError('NON_CANONICAL')
  return value
}

export function isObject(value: JsonValue | undefined): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const surrogate = /\p{Surrogate}/u

/** Most text of a leaf: nothing to escape. */
const plain = /^[ !#-[\]-~]*$/

function quoted(text: string): string {
  if (plain.test(text)) return `"${text}"`
  if (surrogate.test(text)) throw new TypeError('canonical JSON holds well-formed text only')
  return JSON.stringify(text)
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
