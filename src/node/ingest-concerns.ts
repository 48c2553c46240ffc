// Whose quads are whose: which data subjects each quad of a personal graph concerns, so that one person's quads make items
// of their own and can be erased without another's. Pure, and the same in a browser. A thin rule, until mapping profiles
// (class, path to the data subject) take its place:
//
// - a subject of a personal class is a data subject;
// - a quad goes with its own subject, and through blank nodes with whatever that subject hangs from;
// - a blank node that hangs from nothing goes with the data subjects that it points at;
// - where data subjects and others come together, the data subjects decide.

import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'

/** As RDF/JS has them, and no more than is used here. */
export interface RdfTerm {
  readonly termType: string
  readonly value: string
  readonly language?: string
  readonly datatype?: { readonly value: string }
}

export interface RdfQuad {
  readonly subject: RdfTerm
  readonly predicate: RdfTerm
  readonly object: RdfTerm
  readonly graph: RdfTerm
}

/** Classes whose instances are natural persons. */
const personClasses: readonly string[] = [
  'http://schema.org/Person',
  'https://schema.org/Person',
  'http://xmlns.com/foaf/0.1/Person',
]

const rdfType = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#type'

/** Quads that concern the same subjects. */
export interface ConcernedQuads {
  /** IRIs in ascending order; none only for blank nodes that neither hang from an IRI nor point at a data subject. */
  readonly subjects: readonly string[]
  readonly quads: readonly RdfQuad[]
}

/**
 * The quads of one personal graph by whom they concern, in order of first appearance.
 * @throws LedgerError INPUT_TOO_LARGE when a blank node hangs from more than 64 subjects.
 */
export function byConcern(
  quads: readonly RdfQuad[],
  classes: readonly string[] = personClasses,
): readonly ConcernedQuads[] {
  const persons = personsIn(quads, classes)
  const owners = blankOwners(quads, persons)
  const groups = new Map<string, { subjects: readonly string[]; quads: RdfQuad[] }>()
  for (const quad of quads) {
    const subjects =
      quad.subject.termType === 'BlankNode' ? deciding(owners.get(quad.subject.value), persons) : [quad.subject.value]
    const key = subjects.join(' ')
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { subjects, quads: [quad] })
    else group.quads.push(quad)
  }
  return [...groups.values()]
}

function personsIn(quads: readonly RdfQuad[], classes: readonly string[]): ReadonlySet<string> {
  const wanted = new Set(classes)
  const persons = new Set<string>()
  for (const { subject, predicate, object } of quads) {
    if (predicate.value === rdfType && subject.termType === 'NamedNode' && wanted.has(object.value))
      persons.add(subject.value)
  }
  return persons
}

/** For each blank node the IRIs that it hangs from, through other blank nodes too. */
function blankOwners(
  quads: readonly RdfQuad[],
  persons: ReadonlySet<string>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const below = new Map<string, string[]>()
  const owners = new Map<string, Set<string>>()
  for (const { subject, object } of quads) {
    if (subject.termType === 'BlankNode' && object.termType === 'BlankNode') {
      const known = below.get(subject.value)
      if (known === undefined) below.set(subject.value, [object.value])
      else known.push(object.value)
    }
  }
  for (const { subject, object } of quads) {
    if (subject.termType === 'NamedNode' && object.termType === 'BlankNode')
      spread(subject.value, object.value, owners, below)
  }
  for (const { subject, object } of rootless(quads, owners)) {
    if (persons.has(object.value)) spread(object.value, subject.value, owners, below)
  }
  return owners
}

/** Fixed before any of them gets an owner: a blank node may point at several persons. */
function rootless(quads: readonly RdfQuad[], owners: ReadonlyMap<string, ReadonlySet<string>>): readonly RdfQuad[] {
  return quads.filter(
    ({ subject, object }) =>
      subject.termType === 'BlankNode' && object.termType === 'NamedNode' && !owners.has(subject.value),
  )
}

/** `owner` owns `blank` and all that hangs below it. */
function spread(
  owner: string,
  blank: string,
  owners: Map<string, Set<string>>,
  below: ReadonlyMap<string, readonly string[]>,
): void {
  const waiting = [blank]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const known = owners.get(next) ?? new Set()
    if (known.has(owner)) continue
    known.add(owner)
    if (known.size > limits.subjectsPerItemMax) {
      throw new LedgerError('INPUT_TOO_LARGE', {
        part: 'a blank node that belongs to many subjects',
        subjectsMax: limits.subjectsPerItemMax,
      })
    }
    owners.set(next, known)
    waiting.push(...(below.get(next) ?? []))
  }
}

function deciding(owners: ReadonlySet<string> | undefined, persons: ReadonlySet<string>): readonly string[] {
  const all = [...(owners ?? [])].sort()
  const named = all.filter((owner) => persons.has(owner))
  return named.length > 0 ? named : all
}
