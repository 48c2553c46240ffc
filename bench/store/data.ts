// What the store benches feed to every engine: a seeded generator whose quads look like supply-chain events, and the BSBM
// file when it is there.

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Quad, Quad_Object, Term } from '@rdfjs/types'
import { DataFactory, Parser } from 'n3'

const { namedNode, literal, quad } = DataFactory
const xsd = 'http://www.w3.org/2001/XMLSchema#'
const epcis = (name: string): ReturnType<typeof namedNode> => namedNode(`https://ref.gs1.org/epcis/${name}`)
const bsbmFile = resolve(import.meta.dirname, '../../../shared/data/bsbm/bsbm-1000-products.nt.gz')

export type Pattern = readonly [Term | null, Term | null, Term | null, Term | null]

export interface Data {
  readonly quads: readonly Quad[]
  readonly subjects: readonly Pattern[]
  readonly predicateObjects: readonly Pattern[]
  readonly graphs: readonly Pattern[]
  /** Literals of one predicate between two of them. */
  readonly ranges: readonly { readonly predicate: Term; readonly from: Term; readonly to: Term }[]
}

/** mulberry32: small, seeded, good enough to draw test data. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const predicates = {
  type: namedNode('http://www.w3.org/1999/02/22-rdf-syntax-ns#type'),
  time: epcis('eventTime'),
  recorded: epcis('recordTime'),
  step: epcis('bizStep'),
  action: epcis('action'),
  disposition: epcis('disposition'),
  read: epcis('readPoint'),
  location: epcis('bizLocation'),
  item: epcis('epcList'),
  quantity: epcis('quantity'),
}

const instant = (event: number): string => new Date(1_700_000_000_000 + 61_000 * event).toISOString()

/** Events of ten quads in a few graphs: each has its own subject, times and serial number and shares the rest. */
export function events(count: number, seed = 20_261_122): Data {
  const below = randomFrom(seed)
  const hex = (digits: number): string => Array.from({ length: digits }, () => below(16).toString(16)).join('')
  const quads: Quad[] = []
  const subjects: Pattern[] = []
  for (let event = 0; quads.length < count; event++) {
    const subject = namedNode(`urn:uuid:${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`)
    const graph = namedNode(`urn:g:supplier:${below(8)}`)
    const time = (at: number): Quad_Object => literal(instant(at), namedNode(`${xsd}dateTime`))
    const rows: readonly (readonly [Term, Quad_Object])[] = [
      [predicates.type, epcis('ObjectEvent')],
      [predicates.time, time(event)],
      [predicates.recorded, time(event + below(50))],
      [predicates.step, namedNode(`https://ref.gs1.org/cbv/BizStep-${below(30)}`)],
      [predicates.action, literal(['ADD', 'OBSERVE', 'DELETE'][below(3)] as string)],
      [predicates.disposition, namedNode(`https://ref.gs1.org/cbv/Disp-${below(20)}`)],
      [predicates.read, namedNode(`https://id.gs1.org/414/${9_506_000_000_000 + below(400)}`)],
      [predicates.location, namedNode(`https://id.gs1.org/414/${9_506_000_100_000 + below(200)}`)],
      [predicates.item, namedNode(`https://id.gs1.org/01/0950600013${below(500)}/21/${below(30_000)}`)],
      [predicates.quantity, literal(String(below(500)), namedNode(`${xsd}integer`))],
    ]
    for (const [predicate, object] of rows) quads.push(quad(subject, predicate as typeof subject, object, graph))
    if (subjects.length < 5_000) subjects.push([subject, null, null, null])
  }
  quads.length = count
  return {
    quads,
    subjects: shuffled(subjects, below),
    predicateObjects: Array.from({ length: 200 }, () => {
      const place = namedNode(`https://id.gs1.org/414/${9_506_000_000_000 + below(400)}`)
      return [null, predicates.read, place, null] as const
    }),
    graphs: Array.from({ length: 8 }, (_, n) => [null, null, null, namedNode(`urn:g:supplier:${n}`)] as const),
    ranges: Array.from({ length: 50 }, () => {
      const first = below(count / 10 - 200)
      const [from, to] = [first, first + 100].map((at) => literal(instant(at), namedNode(`${xsd}dateTime`)))
      return { predicate: predicates.time, from: from as Term, to: to as Term }
    }),
  }
}

export const hasBsbm: boolean = existsSync(bsbmFile)

/** The first `count` triples of the Berlin benchmark, in one graph. */
export function bsbm(count: number): Data {
  const text = gunzipSync(readFileSync(bsbmFile)).toString('utf8')
  let end = 0
  for (let line = 0; line < count && end !== -1; line++) end = text.indexOf('\n', end + 1)
  const graph = namedNode('urn:g:bsbm')
  const parser = new Parser({ format: 'application/n-triples' })
  const quads = parser
    .parse(end === -1 ? text : text.slice(0, end))
    .map(({ subject, predicate, object }) => quad(subject, predicate, object, graph)) as Quad[]
  const below = randomFrom(7)
  const some = (length: number): readonly Quad[] => Array.from({ length }, () => quads[below(quads.length)] as Quad)
  const types = quads.filter(({ predicate }) => predicate.value.endsWith('#type')).slice(0, 2_000)
  const dates = quads.filter(
    ({ predicate, object }) => predicate.value.endsWith('/date') && object.termType === 'Literal',
  )
  const values = [...new Set(dates.map(({ object }) => object.value))].sort()
  const [low, high] = [values[Math.floor(values.length / 2)], values[Math.floor(values.length / 2) + 20]]
  const like = dates[0]
  const bound = (value: string | undefined): Term =>
    literal(value ?? '', like?.object.termType === 'Literal' ? like.object.datatype : undefined) as Term
  return {
    quads,
    subjects: some(3_000).map(({ subject }) => [subject, null, null, null] as const),
    predicateObjects: shuffled(types, below)
      .slice(0, 100)
      .map(({ predicate, object }) => [null, predicate, object, null] as const),
    graphs: [[null, null, null, graph]],
    ranges: like === undefined ? [] : [{ predicate: like.predicate, from: bound(low), to: bound(high) }],
  }
}

function shuffled<T>(values: readonly T[], below: (limit: number) => number): readonly T[] {
  const result = [...values]
  for (let at = result.length - 1; at > 0; at--) {
    const other = below(at + 1)
    const kept = result[at] as T
    result[at] = result[other] as T
    result[other] = kept
  }
  return result
}
