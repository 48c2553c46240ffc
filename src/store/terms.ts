// RDF/JS terms and quads (https://rdf.js.org/data-model-spec/) as this store gives them, and the one text of a term that
// the dictionary knows it by. Two terms are equal iff their texts are: an IRI never equals a literal, `1` is not `01`,
// a language tag is kept as it was written.

import type { DefaultGraph, Literal, NamedNode, Quad, Term } from '@rdfjs/types'

/** What can stand in a stored quad. Blank nodes are Skolem IRIs before they come here. */
export type StoredTerm = NamedNode | Literal
export type StoredGraph = NamedNode | DefaultGraph

/** A stored quad: never a blank node, never a triple term. */
export interface StoredQuad extends Quad {
  readonly subject: NamedNode
  readonly predicate: NamedNode
  readonly object: StoredTerm
  readonly graph: StoredGraph
}

const xsdString = 'http://www.w3.org/2001/XMLSchema#string'
const langString = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#langString'

class StoredNamedNode implements NamedNode {
  readonly termType = 'NamedNode'
  readonly value: string

  constructor(value: string) {
    this.value = value
  }

  equals(other: Term | null | undefined): boolean {
    return other?.termType === 'NamedNode' && other.value === this.value
  }
}

class StoredLiteral implements Literal {
  readonly termType = 'Literal'
  readonly direction = ''
  readonly value: string
  readonly language: string
  readonly datatype: NamedNode

  constructor(value: string, datatype: NamedNode, language: string) {
    this.value = value
    this.datatype = datatype
    this.language = language
  }

  equals(other: Term | null | undefined): boolean {
    return (
      other?.termType === 'Literal' &&
      other.value === this.value &&
      other.language === this.language &&
      (other.direction ?? '') === '' &&
      this.datatype.equals(other.datatype)
    )
  }
}

class HeldQuad implements StoredQuad {
  readonly termType = 'Quad'
  readonly value = ''
  readonly subject: NamedNode
  readonly predicate: NamedNode
  readonly object: StoredTerm
  readonly graph: StoredGraph

  constructor(subject: NamedNode, predicate: NamedNode, object: StoredTerm, graph: StoredGraph) {
    this.subject = subject
    this.predicate = predicate
    this.object = object
    this.graph = graph
  }

  equals(other: Term | null | undefined): boolean {
    return (
      other?.termType === 'Quad' &&
      this.subject.equals(other.subject) &&
      this.predicate.equals(other.predicate) &&
      this.object.equals(other.object) &&
      this.graph.equals(other.graph)
    )
  }
}

export function namedNode(value: string): NamedNode {
  return new StoredNamedNode(value)
}

const stringType = namedNode(xsdString)
const languageType = namedNode(langString)

export function literal(value: string, datatype: NamedNode, language = ''): Literal {
  return new StoredLiteral(value, datatype, language)
}

export const defaultGraph: DefaultGraph = {
  termType: 'DefaultGraph',
  value: '',
  equals: (other) => other?.termType === 'DefaultGraph',
}

export function quad(subject: NamedNode, predicate: NamedNode, object: StoredTerm, graph: StoredGraph): StoredQuad {
  return new HeldQuad(subject, predicate, object, graph)
}

/**
 * The text of a term: its kind, then for a literal its datatype or language with its length, then its value. Undefined for
 * what is never stored: blank nodes, triple terms, directional strings, text that is no Unicode.
 */
export function termText(term: Term): string | undefined {
  if (term.termType === 'NamedNode') return wellFormed(`I${term.value}`)
  if (term.termType !== 'Literal' || (term.direction ?? '') !== '') return undefined
  if (term.language !== '') return wellFormed(`T${term.language.length} ${term.language}${term.value}`)
  const datatype = term.datatype.value
  return wellFormed(datatype === xsdString ? `S${term.value}` : `L${datatype.length} ${datatype}${term.value}`)
}

/** The term of a text that `termText` made. */
export function termOf(text: string): StoredTerm {
  switch (text[0]) {
    case 'I':
      return namedNode(text.slice(1))
    case 'S':
      return literal(text.slice(1), stringType)
    default: {
      const space = text.indexOf(' ')
      const end = space + 1 + Number(text.slice(1, space))
      const qualifier = text.slice(space + 1, end)
      const value = text.slice(end)
      return text[0] === 'T' ? literal(value, languageType, qualifier) : literal(value, namedNode(qualifier))
    }
  }
}

function wellFormed(text: string): string | undefined {
  return text.isWellFormed() ? text : undefined
}
