// What passes between a node and a thread that evaluates queries for it: the task, reads of quads page by page, the answer
// piece by piece. Quads travel as the distinct terms of a page and numbers.

import type { Quad, Term } from '@rdfjs/types'
import { DataFactory, termFromId, termToId } from 'n3'
import type { ErrorCode, ErrorDetails } from '../base/errors.ts'
import type { Dataset } from './parse.ts'
import type { Bounds, PatternTerm } from './source.ts'

export interface QueryTask {
  readonly type: 'query'
  readonly text: string
  readonly accept: string | undefined
  /** Rows or triples. */
  readonly rowsMax: number
  readonly dataset: Dataset | undefined
}

export interface UpdateTask {
  readonly type: 'update'
  readonly text: string
  /** Of the protocol. */
  readonly dataset: Dataset | undefined
}

export type Task = QueryTask | UpdateTask

/** From the node to the thread. `read` numbers a read. */
export type ToThread =
  | { readonly type: 'begin'; readonly task: Task }
  | { readonly type: 'page'; readonly read: number; readonly quads: PackedQuads; readonly done: boolean }
  | { readonly type: 'counted'; readonly read: number; readonly count: number }
  /** Another piece of the answer may come. */
  | { readonly type: 'more' }
  | { readonly type: 'stop' }

/** From the thread to the node. After `done` or `failed` it is ready for the next task. */
export type FromThread =
  /** Once, when it has loaded. */
  | { readonly type: 'ready' }
  /** A read begins, and its first page is wanted. */
  | {
      readonly type: 'match'
      readonly read: number
      readonly pattern: PackedPattern
      readonly bounds: PackedBounds | undefined
    }
  | { readonly type: 'next'; readonly read: number }
  | { readonly type: 'close'; readonly read: number }
  | {
      readonly type: 'count'
      readonly read: number
      readonly pattern: PackedPattern
      readonly bounds: PackedBounds | undefined
    }
  | { readonly type: 'answer'; readonly mediaType: string }
  | { readonly type: 'piece'; readonly bytes: Uint8Array }
  /** What an update comes to. */
  | {
      readonly type: 'delta'
      readonly added: PackedQuads
      readonly removed: PackedQuads
      readonly read: readonly string[] | 'all'
    }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly details: ErrorDetails }

export interface PackedQuads {
  readonly terms: readonly string[]
  /** Four places in `terms` for each quad. */
  readonly places: Uint32Array
}

/** A term with its words apart: a query may hold IRIs of any form. */
interface PackedTerm {
  readonly type: Term['termType']
  readonly value: string
  readonly language: string
  readonly datatype: string
}

export type PackedPattern = readonly (PackedTerm | undefined)[]

/** From, to. */
export type PackedBounds = readonly (PackedTerm | undefined)[]

export function packPattern(pattern: readonly PatternTerm[]): PackedPattern {
  return pattern.map(packTerm)
}

export function packBounds(bounds: Bounds | undefined): PackedBounds | undefined {
  return bounds === undefined ? undefined : [packTerm(bounds.from), packTerm(bounds.to)]
}

export function unpackBounds(packed: PackedBounds | undefined): Bounds | undefined {
  if (packed === undefined) return undefined
  const [from, to] = packed.map((each) => (each === undefined ? undefined : unpackTerm(each)))
  return { from: from?.termType === 'Literal' ? from : undefined, to: to?.termType === 'Literal' ? to : undefined }
}

function packTerm(term: PatternTerm): PackedTerm | undefined {
  if (term === null || term === undefined || term.termType === 'Variable') return undefined
  const { termType: type, value } = term
  const isLiteral = type === 'Literal'
  return { type, value, language: isLiteral ? term.language : '', datatype: isLiteral ? term.datatype.value : '' }
}

/** Undefined when a term of it is of a kind that no quad of the ledger holds. */
export function unpackPattern(pattern: PackedPattern): readonly PatternTerm[] | undefined {
  const terms: PatternTerm[] = []
  for (const packed of pattern) {
    const term = packed === undefined ? null : unpackTerm(packed)
    if (term === undefined) return undefined
    terms.push(term)
  }
  return terms
}

function unpackTerm({ type, value, language, datatype }: PackedTerm): Term | undefined {
  switch (type) {
    case 'NamedNode':
      return DataFactory.namedNode(value) as Term
    case 'BlankNode':
      return DataFactory.blankNode(value) as Term
    case 'DefaultGraph':
      return DataFactory.defaultGraph() as Term
    case 'Literal':
      return DataFactory.literal(value, language === '' ? DataFactory.namedNode(datatype) : language) as Term
    default:
      return undefined
  }
}

export function packQuads(quads: readonly Quad[]): PackedQuads {
  const places = new Uint32Array(4 * quads.length)
  const byId = new Map<string, number>()
  // Within a page one term is mostly one object.
  const byTerm = new Map<Term, number>()
  const placeOf = (term: Term): number => {
    const known = byTerm.get(term)
    if (known !== undefined) return known
    const id = termToId(term as never)
    const place = byId.get(id) ?? byId.size
    byId.set(id, place)
    byTerm.set(term, place)
    return place
  }
  for (const [row, { subject, predicate, object, graph }] of quads.entries()) {
    places.set([placeOf(subject), placeOf(predicate), placeOf(object), placeOf(graph)], 4 * row)
  }
  return { terms: [...byId.keys()], places }
}

export function* unpackQuads({ terms, places }: PackedQuads): Generator<Quad> {
  const made = terms.map((id) => termFromId(id, DataFactory))
  for (let at = 0; at < places.length; at += 4) {
    const [subject, predicate, object, graph] = places.subarray(at, at + 4)
    yield DataFactory.quad(
      made[subject as number] as never,
      made[predicate as number] as never,
      made[object as number] as never,
      made[graph as number] as never,
    ) as Quad
  }
}
