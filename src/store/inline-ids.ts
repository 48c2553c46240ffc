// Numbers of terms: a kind in the highest bits, then a count, or for common literals of open items the value itself, so
// that they need no dictionary and a range of values is a range of numbers. Only a lexical form that comes back to the
// letter is taken inline: `1` is, `01` is not.

import type { Literal, Term } from '@rdfjs/types'
import type { LocalId } from './tables.ts'
import { literal, namedNode } from './terms.ts'

const unit = 2 ** 48
/** Numbers from here on are of terms that a personal or confidential item brought: their text may be with items only. */
export const partitionIds: LocalId = unit
/** The same for literals that stand inline where an open item says them. */
export const maskedIds: LocalId = 2 * unit
/** All others are inline. */
export const firstInlineId: LocalId = 3 * unit

const half = unit / 2
const xsd = 'http://www.w3.org/2001/XMLSchema#'

interface Kind {
  readonly datatype: ReturnType<typeof namedNode>
  readonly form: RegExp
  /** From 0, below 2^48; sorts as the values do. */
  encode(text: string): number
  decode(value: number): string
}

/** Scaled to four digits, and how many there were. */
const decimal: Omit<Kind, 'datatype' | 'form'> = {
  encode: (text) => {
    const digits = text.length - text.indexOf('.') - 1
    return half + 4 * Number(text.replace('.', '').padEnd(text.length - 1 + 4 - digits, '0')) + digits - 1
  },
  decode: (value) => {
    const digits = (value % 4) + 1
    const scaled = (value - half - (digits - 1)) / 4
    const text = String(Math.abs(scaled)).padStart(5, '0')
    return `${scaled < 0 ? '-' : ''}${text.slice(0, -4)}.${text.slice(-4).slice(0, digits)}`
  },
}

const dayMs = 86_400_000

/** The place of a kind is part of the format: only ever add at the end. */
const kinds: readonly Kind[] = [
  {
    datatype: namedNode(`${xsd}boolean`),
    form: /^(?:true|false)$/,
    encode: (text) => Number(text === 'true'),
    decode: (value) => String(value === 1),
  },
  {
    datatype: namedNode(`${xsd}integer`),
    form: /^(?:0|-?[1-9]\d{0,13})$/,
    encode: (text) => half + Number(text),
    decode: (value) => String(value - half),
  },
  { datatype: namedNode(`${xsd}decimal`), form: /^-?(?:0|[1-9]\d{0,8})\.\d{1,4}$/, ...decimal },
  {
    datatype: namedNode(`${xsd}date`),
    form: /^[12]\d{3}-\d\d-\d\d$/,
    encode: (text) => half + Date.parse(`${text}T00:00:00Z`) / dayMs,
    decode: (value) => new Date((value - half) * dayMs).toISOString().slice(0, 10),
  },
  {
    // In milliseconds, doubled for whether they were written; the years 1000 to 2999 fit.
    datatype: namedNode(`${xsd}dateTime`),
    form: /^[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/,
    encode: (text) => half + 2 * Date.parse(text) + Number(text.length > 20),
    decode: (value) => {
      const text = new Date(Math.floor((value - half) / 2)).toISOString()
      return value % 2 === 1 ? text : `${text.slice(0, 19)}Z`
    },
  },
]

const places = new Map(kinds.map(({ datatype }, place) => [datatype.value, place]))

/** The number of a term that needs no dictionary; undefined for all others. */
export function inlineId(term: Term): LocalId | undefined {
  if (term.termType !== 'Literal') return undefined
  const place = places.get(term.datatype.value)
  if (place === undefined) return undefined
  const { form, encode, decode } = kinds[place] as Kind
  if (!form.test(term.value)) return undefined
  const value = encode(term.value)
  if (!Number.isSafeInteger(value) || value < 0 || value >= unit || decode(value) !== term.value) return undefined
  return firstInlineId + place * unit + value
}

export function isInline(id: LocalId): boolean {
  return id >= firstInlineId
}

export function isMasked(id: LocalId): boolean {
  return id >= maskedIds && id < firstInlineId
}

/** The term of a number that `inlineId` gave; undefined for one that it never gives. */
export function inlineTerm(id: LocalId): Literal | undefined {
  const kind = kinds[Math.floor(id / unit) - 3]
  return kind === undefined ? undefined : literal(kind.decode(id % unit), kind.datatype)
}

/** Its place in the order in which terms were given numbers; 0 for inline ones, which have none. */
export function countOf(id: LocalId): number {
  return isInline(id) ? 0 : id % unit
}

/**
 * What compares literals of one datatype by value: a number, or milliseconds for times (those without a zone as UTC).
 * Undefined where there is no such order.
 */
export function orderedValue({ value, datatype }: Literal): number | undefined {
  const name = datatype.value.startsWith(xsd) ? datatype.value.slice(xsd.length) : ''
  const number =
    name === 'dateTime' || name === 'date'
      ? Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(value) ? value : `${value}${name === 'date' ? 'T00:00:00' : ''}Z`)
      : ['integer', 'decimal', 'double', 'float', 'int', 'long', 'short', 'byte'].includes(name)
        ? Number(value)
        : Number.NaN
  return Number.isNaN(number) ? undefined : number
}
