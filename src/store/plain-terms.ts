// Between anybody's RDF/JS terms and those that the store keeps. Blank nodes keep their labels as names that no IRI has;
// what cannot be kept faithfully is refused and never bent.

import type { BaseQuad, BlankNode, DataFactory, Quad, Term } from '@rdfjs/types'
import { defaultGraph, namedNode, quad, type StoredQuad, type StoredTerm } from './terms.ts'

const blankPrefix = '_:'
const absent = namedNode('_:')

/** @throws TypeError for triple terms, directional strings, variables, and IRIs that begin like a blank node */
export function storedTerm(term: Term): StoredTerm {
  if (term.termType === 'BlankNode') return namedNode(`${blankPrefix}${term.value}`)
  if (term.termType === 'NamedNode' && !term.value.startsWith(blankPrefix)) return term
  if (term.termType === 'Literal' && (term.direction ?? '') === '') return term
  const what = term.termType === 'Literal' ? 'a literal with a direction' : `a ${term.termType}`
  throw new TypeError(`${what} cannot be stored here: ${term.value.slice(0, 100)}`)
}

/** Name of the graph; empty for the default graph. @throws TypeError */
export function storedGraph(term: Term): string {
  return term.termType === 'DefaultGraph' ? '' : storedTerm(term).value
}

/** @throws TypeError */
export function storedRow({ subject, predicate, object }: BaseQuad): {
  readonly subject: ReturnType<typeof namedNode>
  readonly predicate: ReturnType<typeof namedNode>
  readonly object: StoredTerm
} {
  const [first, second] = [storedTerm(subject), storedTerm(predicate)]
  if (first.termType === 'Literal') throw new TypeError('a subject cannot be a literal')
  if (second.termType === 'Literal' || predicate.termType === 'BlankNode') throw new TypeError('a predicate is an IRI')
  return { subject: first, predicate: second, object: storedTerm(object) }
}

/** A side of a pattern for the store; a term that no quad can have matches nothing. */
export function storedPattern(term: Term | null | undefined): Term | null {
  if (term === null || term === undefined || term.termType === 'Variable') return null
  if (term.termType === 'DefaultGraph') return defaultGraph
  try {
    return storedTerm(term)
  } catch (error) {
    if (error instanceof TypeError) return absent
    throw error
  }
}

export type QuadMaker = (quad: StoredQuad) => Quad

/** Makes quads with the caller's factory, or hands out the store's own immutable ones. */
export function quadMaker(factory: DataFactory | undefined): QuadMaker {
  if (factory === undefined) return plainQuad
  return ({ subject, predicate, object, graph }) =>
    factory.quad(
      givenTerm(subject, factory) as Quad['subject'],
      factory.namedNode(predicate.value),
      givenTerm(object, factory) as Quad['object'],
      graph.termType === 'DefaultGraph' ? factory.defaultGraph() : (givenTerm(graph, factory) as Quad['graph']),
    )
}

function givenTerm(term: StoredTerm, factory: DataFactory): Term {
  if (term.termType === 'Literal') {
    return factory.literal(term.value, term.language === '' ? factory.namedNode(term.datatype.value) : term.language)
  }
  return isBlank(term) ? factory.blankNode(term.value.slice(blankPrefix.length)) : factory.namedNode(term.value)
}

function plainQuad(stored: StoredQuad): Quad {
  const { subject, predicate, object, graph } = stored
  if (!isBlank(subject) && !isBlank(object) && !isBlank(graph)) return stored
  // The class does not mind what its terms are; only this store's rows never have blank nodes.
  const [first, last, place] = [subject, object, graph].map((term) => (isBlank(term) ? new PlainBlankNode(term) : term))
  return quad(first as typeof subject, predicate, last as typeof object, place as typeof graph)
}

function isBlank(term: Term): boolean {
  return term.termType === 'NamedNode' && term.value.startsWith(blankPrefix)
}

class PlainBlankNode implements BlankNode {
  readonly termType = 'BlankNode'
  readonly value: string

  constructor(stored: Term) {
    this.value = stored.value.slice(blankPrefix.length)
  }

  equals(other: Term | null | undefined): boolean {
    return other?.termType === 'BlankNode' && other.value === this.value
  }
}
