// What an item may say: the form of terms, assertions and retractions. Whoever breaks it has made a void part, and every
// node comes to the same verdict. Skolem IRIs stand here too: a blank node is a number in its item, and outside of it the
// IRI urn:quadrille:skolem:<16 random bytes of its transaction>:<number> (RDF 1.1 Concepts, section 3.5).

import { fromHex, toHex } from '../base/bytes.ts'
import type { Assertions, ItemTerm, ItemTriple, Retractions } from './payload.ts'

export interface SkolemName {
  /** 16 bytes. */
  readonly skolem: Uint8Array
  readonly number: number
}

export function skolemIri(skolem: Uint8Array, number: number): string {
  return `urn:quadrille:skolem:${toHex(skolem)}:${number}`
}

/** What a Skolem IRI of ours names; undefined for any other IRI. */
export function parseSkolemIri(iri: string): SkolemName | undefined {
  const [, skolem, number] = /^urn:quadrille:skolem:([0-9a-f]{32}):(0|[1-9][0-9]{0,5})$/.exec(iri) ?? []
  return skolem === undefined ? undefined : { skolem: fromHex(skolem), number: Number(number) }
}

/** A scheme, a colon, and nothing that RFC 3987 keeps out of an IRI. */
export function isAbsoluteIri(iri: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:[^\p{Cc} <>"{}|\\^`]*$/u.test(iri)
}

/** A name that people read: some text without control, format or private characters, no blank at its ends. */
export function isName(name: string): boolean {
  return /^[^\p{C}]+$/u.test(name) && name.trim() === name
}

/** BCP 47 in its general form, lower case, so that equal tags are equal texts (RDF 1.1 Concepts, section 3.3). */
function isLanguageTag(tag: string): boolean {
  return /^[a-z]{1,8}(-[a-z0-9]{1,8})*$/.test(tag)
}

const rdf = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
/** Literals of these have a language, so they are terms of another kind. */
const languageDatatypes = [`${rdf}langString`, `${rdf}dirLangString`]

/** The same text for the same RDF term, another for another. */
export function termKey(term: ItemTerm, skolem: Uint8Array): string {
  switch (term.type) {
    case 'iri':
      return `<${term.value}>`
    case 'blank':
      return `<${skolemIri(skolem, term.number)}>`
    case 'literal':
      return `"${term.value}"^^<${term.datatype}>`
    case 'language':
      return `"${term.value}"@${term.language}`
  }
}

function termFault(term: ItemTerm): string | undefined {
  switch (term.type) {
    case 'iri':
      return isAbsoluteIri(term.value) ? undefined : 'an IRI that is not absolute or has characters that no IRI has'
    case 'blank':
      return undefined
    case 'literal':
      if (languageDatatypes.includes(term.datatype)) return 'a literal with the datatype of language-tagged text'
      return isAbsoluteIri(term.datatype) ? undefined : 'a datatype that is no absolute IRI'
    case 'language':
      return isLanguageTag(term.language) ? undefined : 'a language tag that is not well-formed and lower-case'
  }
}

/** Why these are no assertions: undefined when they are. No part of their content stands in the answer. */
export function assertionsFault(assertions: Assertions): string | undefined {
  const { skolem, subjects, terms, triples } = assertions
  if (!subjects.every(isAbsoluteIri)) return 'a data subject that is no absolute IRI'
  if (new Set(subjects).size < subjects.length) return 'a data subject named twice'
  for (const term of terms) {
    const fault = termFault(term)
    if (fault !== undefined) return fault
  }
  if (new Set(terms.map((term) => termKey(term, skolem))).size < terms.length) return 'a term that stands twice'
  return triplesFault(terms, triples)
}

function triplesFault(terms: readonly ItemTerm[], triples: readonly ItemTriple[]): string | undefined {
  const used = new Set<number>()
  const seen = new Set<string>()
  for (const { subject, predicate, object } of triples) {
    const kind = terms[subject]?.type
    if (kind === undefined || terms[object] === undefined) return 'a triple with a term that is not there'
    if (kind !== 'iri' && kind !== 'blank') return 'a literal as subject'
    if (terms[predicate]?.type !== 'iri') return 'a predicate that is no IRI'
    used.add(subject).add(predicate).add(object)
    seen.add(`${subject} ${predicate} ${object}`)
  }
  if (seen.size < triples.length) return 'a triple that stands twice'
  return used.size < terms.length ? 'a term that no triple uses' : undefined
}

/** Why these are no retractions: undefined when they are. */
export function retractionsFault({ retractions }: Retractions): string | undefined {
  for (const [place, { item, rows }] of retractions.entries()) {
    if (item <= (retractions[place - 1]?.item ?? '')) return 'items not in ascending order'
    if (rows.some((row, index) => row <= (rows[index - 1] ?? -1))) return 'rows not in ascending order'
  }
  return undefined
}
