// Bounds that filters give to patterns: which ones are taken, and that no answer changes with them.

import assert from 'node:assert/strict'
import type { Quad, Term } from '@rdfjs/types'
import { Store as N3Store, Parser } from 'n3'
import { createQueryEngine, type PatternTerm, type QuadSource } from '../../src/sparql/engine.ts'
import { parseQuery } from '../../src/sparql/parse.ts'
import { BoundedPredicate, withBounds } from '../../src/sparql/ranges.ts'
import type { Bounds } from '../../src/sparql/source.ts'
import type { Store } from '../../src/store/store.ts'
import { block, item, World } from '../store/world.ts'
import { textOf } from './fixture.ts'

const prefixes = 'PREFIX : <urn:x:> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>'

/** The bounds in a query, each as its predicate, from and to. */
function boundsIn(where: string): readonly string[] {
  const found: string[] = []
  const visit = (node: unknown): void => {
    if (node instanceof BoundedPredicate) {
      const { from, to } = node.bounds
      found.push(`${node.value.slice(6)} ${from?.value ?? ''}..${to?.value ?? ''}`)
    } else if (typeof node === 'object' && node !== null) for (const part of Object.values(node)) visit(part)
  }
  visit(withBounds(parseQuery(`${prefixes} SELECT * { ${where} }`).algebra))
  return found
}

describe('Bounds of filters', () => {
  const taken: readonly (readonly [string, readonly string[]])[] = [
    ['?s :p ?o FILTER(?o >= 1 && ?o < 5)', ['p 1..5']],
    ['?s :p ?o FILTER(1 <= ?o) FILTER(5 > ?o)', ['p 1..5']],
    ['?s :p ?o ; :q ?v FILTER(?o = 3 && STR(?v) = "x" && ?v > 7)', ['p 3..3', 'q 7..']],
    ['{ ?s :p ?o } UNION { ?s :q ?o } FILTER(?o > 1)', ['p 1..', 'q 1..']],
    ['GRAPH ?g { ?s :p ?o } FILTER(?o > 1)', ['p 1..']],
    ['?s :p ?o OPTIONAL { ?s :q ?v FILTER(?v > 7) } FILTER(?o > 1)', ['p 1..', 'q 7..']],
    ['?s :p ?o MINUS { ?s :q ?o } FILTER(?o > 1)', ['p 1..']],
    ['?s :p ?o BIND(?o AS ?x) FILTER(?o > 1)', ['p 1..']],
  ]
  for (const [where, bounds] of taken) {
    it(`are taken from ${where}`, () => assert.deepEqual(boundsIn(where), bounds))
  }

  const left = [
    '?s :p ?o FILTER(?o >= 1 || ?o < 5)',
    '?s :p ?o FILTER(!(?o >= 1))',
    '?s :p ?o FILTER(?o >= ?s)',
    '?s :p ?o FILTER(?o != 1)',
    '?s :p ?o FILTER(?o + 1 > 3)',
    '?o :p ?s FILTER(?o > 1)',
    '?s ?p ?o FILTER(?o > 1)',
    '?s :p ?x OPTIONAL { ?s :q ?o } FILTER(?o > 1)',
    '?s :p ?x MINUS { ?s :q ?o } FILTER(?o > 1)',
    '{ SELECT ?o { ?s :p ?o } ORDER BY ?o LIMIT 2 } FILTER(?o > 1)',
    '{ SELECT (MAX(?v) AS ?o) { ?s :p ?v } } FILTER(?o > 1)',
    '?s :r ?o2 FILTER NOT EXISTS { ?s :p ?o } FILTER(?o2 = "x" || ?o2 > 3)',
  ]
  for (const where of left) it(`are not taken from ${where}`, () => assert.deepEqual(boundsIn(where), []))

  describe('over a store', function () {
    this.timeout(120_000)
    const engine = createQueryEngine()
    const values = [
      ...['1', '2', '02', '3', '10', '-4', '99999999999999999999', ''].map((value) => `"${value}"^^xsd:integer`),
      ...['1.5', '2.0', '2.00', '3.25', '-4.0001', '.5', '2.00001'].map((value) => `"${value}"^^xsd:decimal`),
      ...['2.5', '1e1', 'NaN', 'INF', '-INF'].map((value) => `"${value}"^^xsd:double`),
      ...['3', '2.25'].map((value) => `"${value}"^^xsd:float`),
      ...['7', '2'].map((value) => `"${value}"^^xsd:nonNegativeInteger`),
      ...['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z', '2026-01-01T01:00:00+01:00', '2026-01-01T00:00:00'].map(
        (value) => `"${value}"^^xsd:dateTime`,
      ),
      ...['2025-12-31T23:59:59.999Z', '2026-01-02T00:00:00Z', 'soon'].map((value) => `"${value}"^^xsd:dateTime`),
      ...['2026-01-01', '2026-01-01Z', '2026-01-02', '2025-12-31+05:00'].map((value) => `"${value}"^^xsd:date`),
      'true',
      'false',
      '"2"',
      '"zwei"@de',
      ':iri',
    ]
    const data = values.map((value, n) => `:s${n} :p ${value} . :s${n} :q ${n % 9} .`).join('\n')
    const text = `@prefix : <urn:x:> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> . :g {\n${data}\n}`
    let world: World
    let store: Store
    let plain: QuadSource
    let within: Bounds[] = []
    let given = 0

    before(async () => {
      world = await World.create()
      store = await world.store()
      const quads = new Parser({ format: 'application/trig' }).parse(text) as Quad[]
      const rows = quads.map(({ subject, predicate, object }) => ({ subject, predicate, object }) as never)
      // Half of them in a personal item: those have no number that says their value.
      await store.commit(
        block(1, {
          items: [
            item('open', rows.slice(0, rows.length / 2), { graph: 'urn:x:g' }),
            item('mine', rows.slice(rows.length / 3), { graph: 'urn:x:g', class: 'personal' }),
          ],
        }),
      )
      const n3 = new N3Store(quads as never)
      plain = {
        match: (...pattern: PatternTerm[]) => n3.match(...(pattern.map((term) => term ?? null) as never[])) as never,
        countQuads: (s, p, o, g) => n3.countQuads(s as never, p as never, o as never, g as never),
      }
    })

    after(async () => {
      await store.close()
      await world.remove()
    })

    /** Its reader, watched. */
    function source(): QuadSource {
      const reader = store.at(1)
      return {
        match: (...pattern: PatternTerm[]) => reader.match(...pattern) as AsyncIterable<Quad>,
        countQuads: (...pattern: PatternTerm[]) => reader.countQuads(...pattern),
        countWithin: (pattern, bounds) => reader.countWithin(pattern, bounds),
        async *batches(pattern: readonly (Term | null | undefined)[], bounds?: Bounds) {
          if (bounds !== undefined) within.push(bounds)
          for await (const quads of reader.batches(pattern, bounds)) {
            given += quads.length
            yield quads
          }
        },
      }
    }

    async function answer(query: string, from: QuadSource): Promise<readonly string[]> {
      return (await textOf(await engine.query(query, from, { accept: 'text/csv' }))).split('\r\n').sort()
    }

    const bounds = ['2', '2.0', '"2.5"^^xsd:double', '-4', '"2026-01-01T00:00:00Z"^^xsd:dateTime']
    const more = ['"2026-01-01T00:00:00"^^xsd:dateTime', '"2026-01-01"^^xsd:date', '"2026-01-01Z"^^xsd:date']
    const others = [
      '"2026-01-01T02:00:00+02:00"^^xsd:dateTime',
      'true',
      '"2"',
      '"soon"^^xsd:dateTime',
      '"x"^^xsd:integer',
    ]
    for (const bound of [...bounds, ...more, ...others]) {
      it(`change no answer beside ${bound}`, async () => {
        const parts = ['<', '<=', '>', '>=', '='].map(
          (operator) => `{ ?s :p ?o FILTER(?o ${operator} ${bound}) BIND("${operator}" AS ?by) }`,
        )
        const query = `${prefixes} SELECT ?by ?s ?o { ${parts.join(' UNION ')} }`
        assert.deepEqual(await answer(query, source()), await answer(query, plain))
      })
    }

    it('change no answer in joins, optional parts, differences, nested and counting queries', async () => {
      const low = 'FILTER(?o > 1.5 && ?o <= 3)'
      for (const query of [
        `SELECT * { ?s :p ?o ; :q ?n ${low} }`,
        `SELECT * { ?s :q ?n OPTIONAL { ?s :p ?o ${low} } }`,
        `SELECT * { ?s :q ?n MINUS { ?s :p ?o ${low} } }`,
        `SELECT * { ?s :q ?n FILTER NOT EXISTS { ?s :p ?o ${low} } }`,
        `SELECT (COUNT(*) AS ?n) { ?s :p ?o ${low} }`,
        // Nothing lies between these bounds, and the same pattern stands beside them without.
        'SELECT * { { ?s :q ?n FILTER(?n > 100) } UNION { ?s :q ?n } }',
        'SELECT * { { ?s :q ?n } UNION { ?s :q ?n FILTER(?n > 100) } }',
        `SELECT * { { SELECT ?s ?o { ?s :p ?o } ORDER BY ?s LIMIT 9 } ${low} }`,
        'SELECT * { GRAPH ?g { ?s :q ?n } FILTER(?n >= 7 && ?n < 9) }',
      ]) {
        assert.deepEqual(
          await answer(`${prefixes} ${query}`, source()),
          await answer(`${prefixes} ${query}`, plain),
          query,
        )
      }
    })

    it('reach the index: what lies outside of them is not read', async () => {
      within = []
      given = 0
      const query = 'SELECT ?s { ?s :q ?n FILTER(?n >= 7 && ?n < 8) FILTER(?n < 100) }'
      const found = await answer(`${prefixes} ${query}`, source())
      assert.deepEqual(
        within.map(({ from, to }) => [from?.value, to?.value]),
        [['7', '8']],
      )
      // Those of the personal item are read and left out by the filter.
      assert.ok(found.length > 4 && given < values.length, `${given} read`)
    })
  })
})
