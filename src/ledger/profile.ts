// Which items a set of quads becomes, and why: whose data each quad is. Pure, so that every client decides alike and a person
// can be shown the reasons before anything is signed (`explain`). The class of an item comes from the policy of its graph;
// within graphs of class personal, and for what other graphs say about persons, mapping profiles tell the data subjects:
//
// - a profile names a class and a path from its instances to the data subject; the empty path: the instance is the person;
// - quads of such an instance, and of blank nodes that hang from it, concern whom its path leads to;
// - other quads of a personal graph concern what they are about, or, as blank nodes, what those hang from or point at;
// - a quad that points at a data subject concerns that one too;
// - a quad of another graph that concerns a data subject moves into a personal item of its own.

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

/** One step of a path: along a predicate, or against it. */
export interface PathStep {
  readonly predicate: string
  readonly inverse: boolean
}

export interface MappingProfile {
  /** IRI of a class. */
  readonly class: string
  /** From an instance to its data subjects; a SPARQL sequence path. */
  readonly path: readonly PathStep[]
}

/** Why a quad stands in its item. `via`: the IRI or blank node that decided. */
export type Reason =
  /** Its graph is not personal, and it names no data subject. */
  | { readonly type: 'open' }
  /** It is about a data subject, an instance of `class`. */
  | { readonly type: 'person'; readonly class: string; readonly via: string }
  /** It is about an instance of `class`, whose path leads to the data subjects. */
  | { readonly type: 'path'; readonly class: string; readonly via: string }
  /** It is about a blank node that hangs from what concerns them, or points at them. */
  | { readonly type: 'blank'; readonly via: string }
  /** No profile knows its subject, but its graph is personal. */
  | { readonly type: 'personal-graph'; readonly via: string }
  /** It is about something of a personal graph that no profile knows, and points at a data subject. */
  | { readonly type: 'points-at'; readonly via: string }
  /** Its graph is not personal, but it is about a data subject or points at one. */
  | { readonly type: 'moved'; readonly via: string }

export interface ExplainedQuad<Quad extends RdfQuad = RdfQuad> {
  readonly quad: Quad
  readonly reason: Reason
}

export interface ExplainedItem<Quad extends RdfQuad = RdfQuad> {
  readonly graph: string
  readonly class: 'personal' | 'other'
  /** IRIs in ascending order; none in a personal item: its quads are about blank nodes of nobody, and it cannot be built. */
  readonly subjects: readonly string[]
  readonly quads: readonly ExplainedQuad<Quad>[]
}

/** Classes whose instances are natural persons. */
export const personProfiles: readonly MappingProfile[] = [
  'http://schema.org/Person',
  'https://schema.org/Person',
  'http://xmlns.com/foaf/0.1/Person',
].map((name) => ({ class: name, path: [] }))

const rdfType = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#type'

/**
 * The items of these quads, in order of first appearance. `isPersonal`: whether the policy of a graph is of class personal.
 * @throws LedgerError INPUT_TOO_LARGE when an item would concern more than 64 data subjects.
 */
export function explain<Quad extends RdfQuad>(
  quads: readonly Quad[],
  isPersonal: (graph: string) => boolean,
  profiles: readonly MappingProfile[] = personProfiles,
): readonly ExplainedItem<Quad>[] {
  const concerns = new Concerns(quads, profiles)
  const items = new Map<
    string,
    { -readonly [Name in keyof ExplainedItem]: ExplainedItem[Name] } & { quads: ExplainedQuad<Quad>[] }
  >()
  for (const quad of quads) {
    const graph = quad.graph.value
    const personal = isPersonal(graph)
    const { subjects, reason } = concerns.of(quad, personal)
    requireFew(subjects.length)
    const kind = personal || subjects.length > 0 ? 'personal' : 'other'
    const key = JSON.stringify([graph, kind, ...subjects])
    const item = items.get(key)
    if (item === undefined) items.set(key, { graph, class: kind, subjects, quads: [{ quad, reason }] })
    else item.quads.push({ quad, reason })
  }
  return [...items.values()]
}

function requireFew(subjects: number): void {
  if (subjects <= limits.subjectsPerItemMax) return
  throw new LedgerError('INPUT_TOO_LARGE', {
    part: 'quads that concern many data subjects at once',
    subjectsMax: limits.subjectsPerItemMax,
  })
}

interface Concern {
  readonly subjects: readonly string[]
  readonly reason: Reason
}

/** What a node of the graph concerns, and why. */
interface Owner {
  readonly subjects: ReadonlySet<string>
  readonly reason: Reason
}

const keyOf = ({ termType, value }: RdfTerm): string => (termType === 'BlankNode' ? `_:${value}` : value)
const isNode = ({ termType }: RdfTerm): boolean => termType === 'NamedNode' || termType === 'BlankNode'
const inOrder = (subjects: ReadonlySet<string>): readonly string[] => [...subjects].sort()

class Concerns {
  readonly #forward = new Map<string, RdfQuad[]>()
  readonly #backward = new Map<string, RdfQuad[]>()
  /** Data subjects themselves. */
  readonly #persons = new Set<string>()
  /** What profiles know, and blank nodes below it. */
  readonly #owners = new Map<string, Owner>()

  constructor(quads: readonly RdfQuad[], profiles: readonly MappingProfile[]) {
    for (const quad of quads) {
      push(this.#forward, keyOf(quad.subject), quad)
      if (isNode(quad.object)) push(this.#backward, keyOf(quad.object), quad)
    }
    for (const profile of profiles) this.#mapInstances(profile)
    this.#spreadToBlanks(quads)
  }

  /** Whom a quad concerns: what its subject belongs to, and a data subject that it points at. Data subjects decide. */
  of({ subject, object }: RdfQuad, isPersonalGraph: boolean): Concern {
    const via = keyOf(subject)
    const owner = this.#owners.get(via)
    const own = owner?.subjects ?? new Set(subject.termType === 'NamedNode' ? [via] : [])
    const pointed = object.termType === 'NamedNode' && this.#persons.has(object.value)
    const persons = new Set([...own].filter((each) => this.#persons.has(each)))
    const isOwn = persons.size > 0
    if (pointed) persons.add(object.value)
    if (!isPersonalGraph) {
      if (persons.size === 0) return { subjects: [], reason: { type: 'open' } }
      return { subjects: inOrder(persons), reason: { type: 'moved', via: isOwn ? via : object.value } }
    }
    if (pointed && !isOwn) return { subjects: inOrder(persons), reason: { type: 'points-at', via: object.value } }
    const reason: Reason = owner?.reason ?? { type: 'personal-graph', via }
    return { subjects: inOrder(isOwn ? persons : own), reason }
  }

  /** Instances of the profile's class, and the data subjects at the end of its path. An instance without any is left alone. */
  #mapInstances({ class: name, path }: MappingProfile): void {
    for (const { subject, predicate } of this.#backward.get(name) ?? []) {
      if (predicate.value !== rdfType) continue
      const ends = path.reduce<readonly string[]>(
        (from, step) => from.flatMap((node) => this.#step(node, step)),
        [keyOf(subject)],
      )
      const persons = new Set(ends.filter((end) => !end.startsWith('_:')))
      if (persons.size === 0) continue
      const via = keyOf(subject)
      const before = this.#owners.get(via)
      const type = path.length === 0 ? 'person' : 'path'
      this.#owners.set(via, {
        subjects: new Set([...(before?.subjects ?? []), ...persons]),
        reason: before?.reason ?? { type, class: name, via },
      })
      for (const person of persons) {
        this.#persons.add(person)
        const own: Owner = { subjects: new Set([person]), reason: { type: 'person', class: name, via: person } }
        if (!this.#owners.has(person)) this.#owners.set(person, own)
      }
    }
  }

  #step(node: string, { predicate, inverse }: PathStep): readonly string[] {
    const found = (inverse ? this.#backward : this.#forward).get(node) ?? []
    return found
      .filter((quad) => quad.predicate.value === predicate)
      .map(({ subject, object }) => (inverse ? subject : object))
      .filter(isNode)
      .map(keyOf)
  }

  /** A blank node concerns what those concern from which it hangs, through other blank nodes too; else what it points at. */
  #spreadToBlanks(quads: readonly RdfQuad[]): void {
    const found = new Map<string, Set<string>>()
    for (const { subject, object } of quads) {
      if (subject.termType === 'NamedNode' && object.termType === 'BlankNode')
        this.#spread(keyOf(object), this.#subjectsOf(subject.value), found)
    }
    for (const [blank, { subjects }] of this.#owners) if (blank.startsWith('_:')) this.#spread(blank, subjects, found)
    const rootless = quads.filter(({ subject }) => subject.termType === 'BlankNode' && !found.has(keyOf(subject)))
    for (const { subject, object } of rootless) {
      if (object.termType === 'NamedNode' && this.#persons.has(object.value))
        this.#spread(keyOf(subject), new Set([object.value]), found)
    }
    for (const [blank, all] of found) {
      const persons = [...all].filter((each) => this.#persons.has(each))
      const subjects = new Set(persons.length > 0 ? persons : all)
      const known = this.#owners.get(blank)
      this.#owners.set(blank, known ?? { subjects, reason: { type: 'blank', via: blank } })
    }
  }

  #subjectsOf(iri: string): ReadonlySet<string> {
    return this.#owners.get(iri)?.subjects ?? new Set([iri])
  }

  #spread(blank: string, subjects: ReadonlySet<string>, found: Map<string, Set<string>>): void {
    const waiting = [blank]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const known = found.get(next) ?? new Set()
      const before = known.size
      const isNew = !found.has(next)
      for (const subject of subjects) known.add(subject)
      requireFew(known.size)
      found.set(next, known)
      if (known.size === before && !isNew) continue
      for (const { object } of this.#forward.get(next) ?? [])
        if (object.termType === 'BlankNode') waiting.push(keyOf(object))
    }
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
