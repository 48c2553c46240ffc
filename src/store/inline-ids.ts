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
  /** Where a value (`orderedValue`) would stand among the encoded ones, and how far from it the same value in other forms. */
  place(value: number): number
  readonly spread: number
  /** What `orderedValue` says of it. */
  value(encoded: number): number
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
  place: (value) => half + 4 * 10_000 * value,
  spread: 4,
  value: (encoded) => (encoded - half - (encoded % 4)) / 40_000,
}

const dayMs = 86_400_000

/** Days that were written lately, each in the place of its lowest bits: making their text costs more than all else here. */
const knownDays: ({ readonly day: number; readonly text: string } | undefined)[] = Array.from({ length: 4_096 })

function dayText(day: number): string {
  const place = day & (knownDays.length - 1)
  let known = knownDays[place]
  if (known?.day !== day) {
    known = { day, text: new Date(day * dayMs).toISOString().slice(0, 10) }
    knownDays[place] = known
  }
  return known.text
}

const twoDigits = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))

function timeText(ms: number): string {
  const [hours, minutes, seconds] = [3_600_000, 60_000, 1_000].map((unit) => Math.floor(ms / unit))
  return `${twoDigits[hours as number]}:${twoDigits[(minutes as number) % 60]}:${twoDigits[(seconds as number) % 60]}`
}

/** The place of a kind is part of the format: only ever add at the end. */
const kinds: readonly Kind[] = [
  {
    datatype: namedNode(`${xsd}boolean`),
    form: /^(?:true|false)$/,
    encode: (text) => Number(text === 'true'),
    decode: (value) => String(value === 1),
    place: (value) => value,
    spread: 0,
    value: (encoded) => encoded,
  },
  {
    datatype: namedNode(`${xsd}integer`),
    form: /^(?:0|-?[1-9]\d{0,13})$/,
    encode: (text) => half + Number(text),
    decode: (value) => String(value - half),
    place: (value) => half + value,
    spread: 0,
    value: (encoded) => encoded - half,
  },
  { datatype: namedNode(`${xsd}decimal`), form: /^-?(?:0|[1-9]\d{0,8})\.\d{1,4}$/, ...decimal },
  {
    datatype: namedNode(`${xsd}date`),
    form: /^[12]\d{3}-\d\d-\d\d$/,
    encode: (text) => half + Date.parse(`${text}T00:00:00Z`) / dayMs,
    decode: (value) => dayText(value - half),
    place: (value) => half + value / dayMs,
    spread: 0,
    value: (encoded) => (encoded - half) * dayMs,
  },
  {
    // In milliseconds, doubled for whether they were written; the years 1000 to 2999 fit.
    datatype: namedNode(`${xsd}dateTime`),
    form: /^[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/,
    encode: (text) => half + 2 * Date.parse(text) + Number(text.length > 20),
    decode: (value) => {
      const ms = Math.floor((value - half) / 2)
      const day = Math.floor(ms / dayMs)
      const time = `${dayText(day)}T${timeText(ms - day * dayMs)}`
      return value % 2 === 1 ? `${time}.${String(ms - 1_000 * Math.floor(ms / 1_000)).padStart(3, '0')}Z` : `${time}Z`
    },
    place: (value) => half + 2 * value,
    spread: 1,
    value: (encoded) => Math.floor((encoded - half) / 2),
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

/** What `orderedValue` says of the term of an inline number. */
export function inlineValue(id: LocalId): number {
  return (kinds[Math.floor(id / unit) - 3] as Kind).value(id % unit)
}

/** The term of a number that `inlineId` gave; undefined for one that it never gives. */
export function inlineTerm(id: LocalId): Literal | undefined {
  const kind = kinds[Math.floor(id / unit) - 3]
  return kind === undefined ? undefined : literal(kind.decode(id % unit), kind.datatype)
}

/** Values of literals, both included; what is left out bounds nothing. */
export interface Bounds {
  readonly from?: Literal | undefined
  readonly to?: Literal | undefined
}

/** First and last number, both included. */
export type IdRange = readonly [LocalId, LocalId]

/**
 * Where the numbers of objects stand that may lie between the bounds, in ascending order: all but inline ones of a kind
 * that compares with a bound and lies outside of it, or of another datatype than `only` when that is given.
 */
export function idsBetween({ from, to }: Bounds, only?: string): readonly IdRange[] {
  const ranges: [LocalId, LocalId][] = [[0, firstInlineId - 1]]
  for (const [at, kind] of kinds.entries()) {
    if (only !== undefined && kind.datatype.value !== only) continue
    const first = firstInlineId + at * unit
    const [low, high] = [placeIn(kind, from), placeIn(kind, to)]
    const least = low === undefined ? 0 : Math.max(0, Math.floor(low) - kind.spread)
    const most = high === undefined ? unit - 1 : Math.min(unit - 1, Math.ceil(high) + kind.spread)
    const last = ranges.at(-1) as [LocalId, LocalId]
    if (least === 0 && last[1] === first - 1) last[1] = first + most
    else if (least <= most) ranges.push([first + least, first + most])
  }
  return ranges
}

/** Undefined for a literal that no one of this kind compares with. */
function placeIn({ datatype, place }: Kind, bound: Literal | undefined): number | undefined {
  const value = bound === undefined ? undefined : orderedValue(bound)
  if (bound === undefined || value === undefined) return undefined
  const [own, other] = [datatype.value, bound.datatype.value].map((name) => name.slice(xsd.length))
  if (own === 'integer' || own === 'decimal') return numbers.includes(other as string) ? place(value) : undefined
  // Times compare across zones where both have one; inline dates have none, inline times do.
  const zoned = /(?:Z|[+-]\d\d:\d\d)$/.test(bound.value)
  return own === other && zoned === (own === 'dateTime') ? place(value) : undefined
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
      : numbers.includes(name) && numberForm.test(value)
        ? Number(value)
        : Number.NaN
  return Number.isNaN(number) ? undefined : number
}

const numbers = ['integer', 'decimal', 'double', 'float', 'int', 'long', 'short', 'byte']
const numberForm = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/
