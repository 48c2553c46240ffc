// Whose quads are whose, and the reasons.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { explain, type MappingProfile, personProfiles, type RdfQuad, type RdfTerm } from '../../src/ledger/profile.ts'

const type = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#type'
const [person] = personProfiles.map((profile) => profile.class)
const personal = (graph: string): boolean => graph === 'urn:g:people'

function term(text: string): RdfTerm {
  if (text.startsWith('_:')) return { termType: 'BlankNode', value: text.slice(2) }
  return text.startsWith('"') ? { termType: 'Literal', value: text.slice(1) } : { termType: 'NamedNode', value: text }
}

/** Triples of one graph: subject, predicate and object, separated by blanks. */
function quads(graph: string, ...lines: readonly string[]): readonly RdfQuad[] {
  return lines.map((line) => {
    const [s = '', p = '', o = ''] = line.split(' ')
    return { subject: term(s), predicate: term(p === 'a' ? type : p), object: term(o), graph: term(graph) }
  })
}

const people = (...lines: readonly string[]): readonly RdfQuad[] => quads('urn:g:people', ...lines)
const events = (...lines: readonly string[]): readonly RdfQuad[] => quads('urn:g:events', ...lines)

function said({ subject, predicate, object }: RdfQuad): string {
  const name = ({ termType, value }: RdfTerm): string => (termType === 'BlankNode' ? `_:${value}` : value)
  return `${name(subject)} ${predicate.value === type ? 'a' : predicate.value} ${name(object)}`
}

/** "subjects: reason via: quad" of every quad. */
function reasons(input: readonly RdfQuad[], profiles: readonly MappingProfile[] = personProfiles): readonly string[] {
  return explain(input, personal, profiles).flatMap((item) =>
    item.quads.map(({ quad, reason }) => `${item.subjects.join('+') || '-'}: ${reason.type}: ${said(quad)}`),
  )
}

const order: MappingProfile = {
  class: 'urn:c:Order',
  path: [
    { predicate: 'urn:v:customer', inverse: false },
    { predicate: 'urn:v:account', inverse: true },
  ],
}

describe('A mapping profile', () => {
  it('makes an item for each person, of what is said about the person and what hangs from that', () => {
    const input = people(
      `urn:ada a ${person}`,
      `urn:bob a ${person}`,
      'urn:ada urn:v:name "Ada',
      'urn:ada urn:v:address _:x',
      '_:x urn:v:city _:y',
      '_:y urn:v:name "Paris',
      'urn:bob urn:v:name "Bob',
    )
    assert.deepEqual(reasons(input), [
      `urn:ada: person: urn:ada a ${person}`,
      'urn:ada: person: urn:ada urn:v:name Ada',
      'urn:ada: person: urn:ada urn:v:address _:x',
      'urn:ada: blank: _:x urn:v:city _:y',
      'urn:ada: blank: _:y urn:v:name Paris',
      `urn:bob: person: urn:bob a ${person}`,
      'urn:bob: person: urn:bob urn:v:name Bob',
    ])
  })

  it('follows its path to the data subject, forwards and backwards', () => {
    const input = people(
      'urn:o:1 a urn:c:Order',
      'urn:o:1 urn:v:customer urn:account:7',
      'urn:ada urn:v:account urn:account:7',
      'urn:o:1 urn:v:line _:l',
      '_:l urn:v:of "shoes',
    )
    assert.deepEqual(reasons(input, [order]), [
      'urn:ada: path: urn:o:1 a urn:c:Order',
      'urn:ada: path: urn:o:1 urn:v:customer urn:account:7',
      'urn:ada: person: urn:ada urn:v:account urn:account:7',
      'urn:ada: path: urn:o:1 urn:v:line _:l',
      'urn:ada: blank: _:l urn:v:of shoes',
    ])
  })

  it('leads to several persons, and none where the path ends in nothing', () => {
    const input = people(
      'urn:o:1 a urn:c:Order',
      'urn:o:1 urn:v:customer urn:account:7',
      'urn:ada urn:v:account urn:account:7',
      'urn:bob urn:v:account urn:account:7',
      'urn:o:2 a urn:c:Order',
    )
    const [first, , , last] = explain(input, personal, [order])
    assert.deepEqual(first?.subjects, ['urn:ada', 'urn:bob'])
    assert.deepEqual(
      [last?.subjects, last?.quads[0]?.reason],
      [['urn:o:2'], { type: 'personal-graph', via: 'urn:o:2' }],
    )
  })

  it('moves a quad of an open graph that names a person, and leaves the others', () => {
    const input = [
      ...people(`urn:ada a ${person}`),
      ...events(
        'urn:box urn:v:is "red',
        'urn:box urn:v:packedBy urn:ada',
        'urn:ada urn:v:shift "early',
        'urn:box urn:v:in _:b',
        '_:b urn:v:by urn:ada',
      ),
    ]
    assert.deepEqual(reasons(input), [
      `urn:ada: person: urn:ada a ${person}`,
      '-: open: urn:box urn:v:is red',
      '-: open: urn:box urn:v:in _:b',
      'urn:ada: moved: urn:box urn:v:packedBy urn:ada',
      'urn:ada: moved: urn:ada urn:v:shift early',
      'urn:ada: moved: _:b urn:v:by urn:ada',
    ])
    assert.deepEqual(
      explain(input, personal).map(({ graph, class: kind }) => `${graph} ${kind}`),
      ['urn:g:people personal', 'urn:g:events other', 'urn:g:events personal'],
    )
  })

  it('lets a quad between two persons concern both', () => {
    const input = people(
      `urn:ada a ${person}`,
      `urn:bob a ${person}`,
      'urn:ada urn:v:knows urn:bob',
      'urn:firm urn:v:employs urn:ada',
    )
    assert.deepEqual(reasons(input), [
      `urn:ada: person: urn:ada a ${person}`,
      'urn:ada: points-at: urn:firm urn:v:employs urn:ada',
      `urn:bob: person: urn:bob a ${person}`,
      'urn:ada+urn:bob: person: urn:ada urn:v:knows urn:bob',
    ])
  })

  it('gives a blank node that hangs from nothing to the persons that it points at', () => {
    const input = people(
      `urn:ada a ${person}`,
      `urn:bob a ${person}`,
      '_:v urn:v:of urn:ada',
      '_:v urn:v:to urn:bob',
      '_:v urn:v:at "9',
    )
    assert.deepEqual(reasons(input).slice(2), [
      'urn:ada+urn:bob: blank: _:v urn:v:of urn:ada',
      'urn:ada+urn:bob: blank: _:v urn:v:to urn:bob',
      'urn:ada+urn:bob: blank: _:v urn:v:at 9',
    ])
  })

  it('refuses quads that concern more people than an item names', () => {
    const many = Array.from({ length: 65 }, (_, place) => `urn:p:${place} urn:v:shares _:x`)
    assert.throws(() => explain(people(...many, '_:x urn:v:is "shared'), personal), { code: 'INPUT_TOO_LARGE' })
  })

  it('puts every quad into exactly one item, names no data subject in an open one, and misses no person', () => {
    const node = fc.constantFrom('urn:ada', 'urn:bob', 'urn:box', 'urn:o:1', '_:a', '_:b')
    const object = fc.oneof(node, fc.constantFrom('"text', String(person), 'urn:c:Order'))
    const predicate = fc.constantFrom('a', 'urn:v:customer', 'urn:v:account', 'urn:v:p')
    const quad = fc.tuple(fc.boolean(), node, predicate, object)
    fc.assert(
      fc.property(fc.array(quad, { maxLength: 14 }), (drawn) => {
        const input = drawn.flatMap(([isPersonal, s, p, o]) => (isPersonal ? people : events)(`${s} ${p} ${o}`))
        const items = explain(input, personal, [...personProfiles, order])
        const out = items.flatMap((item) => item.quads.map((each) => each.quad))
        assert.equal(out.length, input.length)
        assert.deepEqual(new Set(out), new Set(input))
        const persons = new Set(
          input
            .filter((each) => each.predicate.value === type && each.object.value === person)
            .map(({ subject }) => subject.value),
        )
        for (const { class: kind, graph, subjects, quads: own } of items) {
          assert.equal(kind === 'other' ? subjects.length : 0, 0)
          assert.ok(kind === 'personal' || !personal(graph))
          for (const { quad: each } of own) {
            for (const named of [each.subject, each.object]) {
              if (named.termType === 'NamedNode' && persons.has(named.value)) assert.ok(subjects.includes(named.value))
            }
          }
        }
        assert.equal(
          new Set(items.map(({ graph, class: kind, subjects }) => `${graph} ${kind} ${subjects}`)).size,
          items.length,
        )
      }),
      { numRuns: 500, seed: 21 },
    )
  })
})
