// Typed schemas over CBOR: what a value looks like in memory, on the wire (arrays in field order, small and canonical by
// construction), in JSON (for files that people read), and in CDDL (RFC 8610; docs/wire.cddl is printed from here).
// Nothing is optional: what may be absent is a list of at most one. What a schema encodes it also decodes: every check on
// values is made in both directions.

import { fromBase64, fromHex, toBase64, toHex, utf8 } from './bytes.ts'
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts'
import { invariant, LedgerError } from './errors.ts'
import type { Time } from './ids.ts'

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }

export interface Schema<T> {
  /** CDDL type expression: the name of a named schema, else its definition. */
  readonly cddl: string
  /** CDDL rules of all named schemas that this one is made of, itself included, in order of first use. */
  readonly rules: ReadonlyMap<string, string>
  /** @throws LedgerError MALFORMED for a value that this schema would not decode. */
  toCbor(value: T): CborValue
  /** @throws LedgerError MALFORMED, with the path to what is wrong. */
  fromCbor(value: CborValue, at: string): T
  toJson(value: T): JsonValue
  /** @throws LedgerError MALFORMED, with the path to what is wrong. */
  fromJson(value: JsonValue, at: string): T
}

const noRules: ReadonlyMap<string, string> = new Map()

function wrong(at: string, expected: string): never {
  throw new LedgerError('MALFORMED', { at: at === '' ? 'top' : at, expected })
}

function checked<T>(at: string, expected: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return wrong(at, expected)
    throw error
  }
}

/** A whole number from 0 to `max`. */
export function uint<T extends number = number>(max: number = Number.MAX_SAFE_INTEGER): Schema<T> {
  const expected = `a whole number from 0 to ${max}`
  const read = (value: unknown, at: string): T =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max
      ? (value as T)
      : wrong(at, expected)
  const cddl = max === Number.MAX_SAFE_INTEGER ? 'safe-uint' : `0..${max}`
  const rules = cddl === 'safe-uint' ? new Map([['safe-uint', `0..${max}`]]) : noRules
  return { cddl, rules, toCbor: (value) => read(value, ''), fromCbor: read, toJson: (value) => value, fromJson: read }
}

/** No later than a date can say (ECMA-262, section 21.4.1.1): what nobody could show would end whoever tries. */
export const timestamp: Schema<Time> = uint<Time>(8_640_000_000_000_000)

export const bool: Schema<boolean> = {
  cddl: 'bool',
  rules: noRules,
  toCbor: (value) => value,
  fromCbor: (value, at) => (typeof value === 'boolean' ? value : wrong(at, 'true or false')),
  toJson: (value) => value,
  fromJson: (value, at) => (typeof value === 'boolean' ? value : wrong(at, 'true or false')),
}

/** Well-formed text of at most `bytesMax` bytes of UTF-8. `make` may narrow it and throws RangeError for what it refuses. */
export function text<T extends string = string>(
  bytesMax: number,
  make: (value: string) => T = (value) => value as T,
): Schema<T> {
  const expected = `text of at most ${bytesMax} bytes`
  const read = (value: unknown, at: string): T => {
    if (typeof value !== 'string' || /\p{Surrogate}/u.test(value)) return wrong(at, 'well-formed text')
    // A UTF-16 unit takes at most three bytes of UTF-8.
    if (value.length * 3 > bytesMax && utf8(value).length > bytesMax) return wrong(at, expected)
    return checked(at, expected, () => make(value))
  }
  return {
    cddl: `tstr .size (0..${bytesMax})`,
    rules: noRules,
    toCbor: (value) => read(value, ''),
    fromCbor: read,
    toJson: (value) => value,
    fromJson: read,
  }
}

/** Exactly `length` bytes; lower-case hexadecimal in JSON. */
export function bytes(length: number): Schema<Uint8Array> {
  const expected = `${length} bytes`
  const fits = (value: Uint8Array, at: string): Uint8Array => (value.length === length ? value : wrong(at, expected))
  return {
    cddl: `bstr .size ${length}`,
    rules: noRules,
    toCbor: (value) => fits(value, ''),
    fromCbor: (value, at) => (value instanceof Uint8Array ? fits(value, at) : wrong(at, expected)),
    toJson: toHex,
    fromJson: (value, at) =>
      typeof value === 'string'
        ? fits(
            checked(at, expected, () => fromHex(value)),
            at,
          )
        : wrong(at, expected),
  }
}

/** At most `lengthMax` bytes; base64 in JSON. */
export function bytesUpTo(lengthMax: number): Schema<Uint8Array> {
  const expected = `at most ${lengthMax} bytes`
  const fits = (value: Uint8Array, at: string): Uint8Array => (value.length <= lengthMax ? value : wrong(at, expected))
  return {
    cddl: `bstr .size (0..${lengthMax})`,
    rules: noRules,
    toCbor: (value) => fits(value, ''),
    fromCbor: (value, at) => (value instanceof Uint8Array ? fits(value, at) : wrong(at, expected)),
    toJson: toBase64,
    fromJson: (value, at) =>
      typeof value === 'string'
        ? fits(
            checked(at, expected, () => fromBase64(value)),
            at,
          )
        : wrong(at, expected),
  }
}

/** An identifier: hexadecimal in memory and JSON, `length` bytes on the wire. */
export function id<T extends string>(length: number, make: (value: string | Uint8Array) => T): Schema<T> {
  const expected = `${length} bytes`
  return {
    cddl: `bstr .size ${length}`,
    rules: noRules,
    toCbor: (value) => fromHex(checked('', expected, () => make(value))),
    fromCbor: (value, at) =>
      value instanceof Uint8Array ? checked(at, expected, () => make(value)) : wrong(at, expected),
    toJson: (value) => value,
    fromJson: (value, at) =>
      typeof value === 'string' ? checked(at, expected, () => make(value)) : wrong(at, expected),
  }
}

/** One of a few fixed words; its place in the list stands on the wire. */
export function word<const W extends string>(...words: readonly W[]): Schema<W> {
  const expected = words.join(' | ')
  return {
    cddl: `&(${words.map((each, place) => `${each}: ${place}`).join(', ')})`,
    rules: noRules,
    toCbor: (value) => {
      const place = words.indexOf(value)
      return place >= 0 ? place : wrong('', expected)
    },
    fromCbor: (value, at) => (typeof value === 'number' ? words[value] : undefined) ?? wrong(at, expected),
    toJson: (value) => value,
    fromJson: (value, at) => words.find((each) => each === value) ?? wrong(at, expected),
  }
}

/** Between `lengthMin` and `lengthMax` values of one kind, in order. */
export function list<T>(of: Schema<T>, lengthMax: number, lengthMin = 0): Schema<readonly T[]> {
  const expected = `${lengthMin} to ${lengthMax} entries`
  const fits = (length: number, at: string): void => {
    if (length < lengthMin || length > lengthMax) wrong(at, expected)
  }
  return {
    cddl: `[${lengthMin}*${lengthMax} ${of.cddl}]`,
    rules: of.rules,
    toCbor: (value) => {
      fits(value.length, '')
      return value.map((each) => of.toCbor(each))
    },
    fromCbor: (value, at) => {
      if (!isArray(value)) return wrong(at, expected)
      fits(value.length, at)
      return value.map((each, place) => of.fromCbor(each, `${at}[${place}]`))
    },
    toJson: (value) => value.map((each) => of.toJson(each)),
    fromJson: (value, at) => {
      if (!Array.isArray(value)) return wrong(at, expected)
      fits(value.length, at)
      return value.map((each, place) => of.fromJson(each, `${at}[${place}]`))
    },
  }
}

export type Fields<T> = { readonly [Name in keyof T]: Schema<T[Name]> }

/** A record: an array of its fields in the order given here. */
export function record<T extends object>(fields: Fields<T>): Schema<T> {
  const entries = Object.entries(fields) as [string & keyof T, Schema<T[keyof T]>][]
  const width = entries.length
  return {
    cddl: `[${entries.map(([name, field]) => `${dashed(name)}: ${field.cddl}`).join(', ')}]`,
    rules: merged(entries.map(([, field]) => field)),
    toCbor: (value) => entries.map(([name, field]) => field.toCbor(value[name])),
    fromCbor: (value, at) => {
      if (!isArray(value) || value.length !== width) return wrong(at, `${width} fields`)
      const made: Record<string, unknown> = {}
      for (const [place, [name, field]] of entries.entries()) {
        made[name] = field.fromCbor(value[place] as CborValue, dotted(at, name))
      }
      return made as T
    },
    toJson: (value) => Object.fromEntries(entries.map(([name, field]) => [name, field.toJson(value[name])])),
    fromJson: (value, at) => {
      if (value === null || typeof value !== 'object' || Array.isArray(value)) return wrong(at, 'an object')
      const given = value as Record<string, JsonValue>
      for (const name of Object.keys(given)) if (!Object.hasOwn(fields, name)) wrong(dotted(at, name), 'no such field')
      return Object.fromEntries(
        entries.map(([name, field]) => {
          const part = Object.hasOwn(given, name) ? given[name] : undefined
          return [
            name,
            part === undefined ? wrong(dotted(at, name), 'a value') : field.fromJson(part, dotted(at, name)),
          ]
        }),
      ) as T
    },
  }
}

type Variants<T extends { readonly type: string }> = {
  readonly [Type in T['type']]: readonly [
    code: number,
    fields: Fields<Omit<Extract<T, { readonly type: Type }>, 'type'>>,
  ]
}

/**
 * A discriminated union on `type`: on the wire an array that begins with the variant's number.
 * A number or type that is none of these is UNKNOWN_MESSAGE.
 */
export function variant<T extends { readonly type: string }>(variants: Variants<T>): Schema<T> {
  const cases = (Object.entries(variants) as [T['type'], readonly [number, Fields<object>]][]).map(
    ([type, [code, fields]]) => ({
      type,
      code,
      fields: record<object>(fields),
    }),
  )
  const types = cases.map((each) => each.type).join(' | ')
  const find = (matches: (each: (typeof cases)[number]) => boolean, at: string): (typeof cases)[number] => {
    const found = cases.find(matches)
    if (found === undefined) throw new LedgerError('UNKNOWN_MESSAGE', { at: at === '' ? 'top' : at, expected: types })
    return found
  }
  return {
    cddl: cases
      .map(({ type, code, fields }) => `[${type}: ${code}, ${fields.cddl.slice(1)}`.replace(', ]', ']'))
      .join(' / '),
    rules: merged(cases.map((each) => each.fields)),
    toCbor: (value) => {
      const { code, fields } = find((each) => each.type === value.type, '')
      return [code, ...(fields.toCbor(value) as readonly CborValue[])]
    },
    fromCbor: (value, at) => {
      if (!isArray(value)) return wrong(at, 'an array that begins with a number')
      const { type, fields } = find((each) => each.code === value[0], at)
      return { type, ...fields.fromCbor(value.slice(1), at) } as unknown as T
    },
    toJson: (value) => {
      const { type, fields } = find((each) => each.type === value.type, '')
      return { type, ...(fields.toJson(value) as Record<string, JsonValue>) }
    },
    fromJson: (value, at) => {
      if (value === null || typeof value !== 'object' || Array.isArray(value)) return wrong(at, 'an object')
      const { type: given, ...rest } = value as Record<string, JsonValue>
      const { type, fields } = find((each) => each.type === given, dotted(at, 'type'))
      return { type, ...fields.fromJson(rest, at) } as unknown as T
    },
  }
}

/** The same schema under a name of its own in the CDDL. A name means one thing in all schemas. */
export function named<T>(name: string, schema: Schema<T>): Schema<T> {
  invariant(!schema.rules.has(name), `the schema ${name} is made of another of this name`)
  return { ...schema, cddl: name, rules: new Map([...schema.rules, [name, schema.cddl]]) }
}

/** The canonical bytes of `value`. */
export function encode<T>(schema: Schema<T>, value: T): Uint8Array {
  return encodeCbor(schema.toCbor(value))
}

/** @throws LedgerError MALFORMED, NON_CANONICAL or UNKNOWN_MESSAGE. */
export function decode<T>(schema: Schema<T>, encoded: Uint8Array): T {
  return schema.fromCbor(decodeCbor(encoded), '')
}

function isArray(value: CborValue): value is readonly CborValue[] {
  return Array.isArray(value)
}

function dotted(at: string, name: string): string {
  return at === '' ? name : `${at}.${name}`
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function merged(schemas: readonly Schema<never>[] | readonly Schema<unknown>[]): ReadonlyMap<string, string> {
  const rules = new Map<string, string>()
  for (const [name, definition] of schemas.flatMap((schema) => [...schema.rules])) {
    invariant((rules.get(name) ?? definition) === definition, `two schemas share the name ${name}`)
    rules.set(name, definition)
  }
  return rules
}
