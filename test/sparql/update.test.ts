import assert from 'node:assert/strict'
import { Writer } from 'n3'
import { type ErrorCode, LedgerError } from '../../src/base/errors.ts'
import { createQueryEngine, type Dataset } from '../../src/sparql/engine.ts'
import { storeOf, trig, WatchedSource } from './fixture.ts'

const engine = createQueryEngine()
const writer = new Writer({ format: 'N-Quads' })
const p = 'PREFIX : <urn:x:>'

interface Said {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly read: readonly string[] | 'all'
}

async function delta(text: string, dataset?: Dataset): Promise<Said> {
  const { added, removed, read } = await engine.update(`${p} ${text}`, new WatchedSource(storeOf(trig)), {
    timeoutMs: 100_000,
    dataset,
  })
  const lines = (quads: typeof added): readonly string[] =>
    quads
      .map(({ subject, predicate, object, graph }) => writer.quadToString(subject, predicate, object, graph).trim())
      .map((line) => line.replaceAll('urn:x:', '').replace(/ \.$/, ''))
      .sort()
  return { added: lines(added), removed: lines(removed), read: read === 'all' ? read : [...read].sort() }
}

async function refused(code: ErrorCode, text: string, dataset?: Dataset): Promise<void> {
  await assert.rejects(delta(text, dataset), (error: unknown) => {
    assert.ok(error instanceof LedgerError, String(error))
    assert.equal(error.code, code, text)
    return true
  })
}

const integer = '^^<http://www.w3.org/2001/XMLSchema#integer>'

describe('An update', function () {
  // Starting a thread takes a while.
  this.timeout(120_000)

  it('of data reads nothing, so it never conflicts', async () => {
    assert.deepEqual(await delta('INSERT DATA { GRAPH :g1 { :n :p 9 } }'), {
      added: [`<n> <p> "9"${integer} <g1>`],
      removed: [],
      read: [],
    })
    assert.deepEqual(await delta('DELETE DATA { GRAPH :g2 { :b :knows :c } }'), {
      added: [],
      removed: ['<b> <knows> <c> <g2>'],
      read: [],
    })
  })

  it('by patterns says which graphs it was computed from', async () => {
    assert.deepEqual(
      await delta(
        'DELETE { GRAPH :g1 { ?s :knows ?o } } INSERT { GRAPH :g3 { ?o :knows ?s } } WHERE { GRAPH :g1 { ?s :knows ?o } }',
      ),
      { added: ['<b> <knows> <a> <g3>'], removed: ['<a> <knows> <b> <g1>'], read: ['urn:x:g1'] },
    )
    assert.deepEqual(await delta('WITH :g2 DELETE { ?s :p ?v } INSERT { ?s :p 7 } WHERE { ?s :p ?v FILTER(?v = 2) }'), {
      added: [`<b> <p> "7"${integer} <g2>`],
      removed: [`<b> <p> "2"${integer} <g2>`],
      read: ['urn:x:g2'],
    })
    const everywhere = await delta('DELETE { GRAPH ?g { ?s :p 1 } } WHERE { GRAPH ?g { ?s :p 1 } }')
    assert.deepEqual(everywhere.removed, [`<a> <p> "1"${integer} <g1>`, `<a> <p> "1"${integer} <g2>`])
    assert.equal(everywhere.read, 'all')
    assert.equal((await delta('INSERT { GRAPH :g3 { ?s :seen true } } WHERE { ?s :p 2 }')).read, 'all')
  })

  it('sees through USING, or through the protocol, and never through both', async () => {
    const insert = (using: string): string => `INSERT { GRAPH :g3 { ?s :seen 1 } } ${using} WHERE { ?s :knows ?o }`
    const seen = (name: string): string => `<${name}> <seen> "1"${integer} <g3>`
    assert.deepEqual(await delta(insert('USING :g1')), { added: [seen('a')], removed: [], read: ['urn:x:g1'] })
    const dataset = { defaultGraphs: ['urn:x:g2'], namedGraphs: [] }
    assert.deepEqual((await delta(insert(''), dataset)).added, [seen('b')])
    await refused('USAGE', insert('USING :g1'), dataset)
  })

  it('of several operations sees what the ones before it did, and within one nothing of its own', async () => {
    assert.deepEqual(
      await delta(`INSERT DATA { GRAPH :g1 { :n :p 5 } } ;
        DELETE { GRAPH :g1 { ?s :p ?v } } INSERT { GRAPH :g1 { ?s :q ?v } } WHERE { GRAPH :g1 { ?s :p ?v } } ;
        DELETE DATA { GRAPH :g1 { :n :q 5 } }`),
      {
        added: [`<a> <q> "1"${integer} <g1>`],
        removed: [`<a> <p> "1"${integer} <g1>`, `<n> <p> "5"${integer} <g1>`, `<n> <q> "5"${integer} <g1>`],
        read: ['urn:x:g1'],
      },
    )
    // Each knows the next: were its own effects seen, this would go on for ever.
    const grown = await delta('INSERT { GRAPH :g1 { ?o :knows :z } } WHERE { GRAPH :g1 { ?s :knows ?o } }')
    assert.deepEqual(grown.added, ['<b> <knows> <z> <g1>'])
  })

  it('clears, drops, adds, copies and moves graphs', async () => {
    assert.equal((await delta('CLEAR GRAPH :g2')).removed.length, 4)
    assert.deepEqual((await delta('DROP GRAPH :g2')).read, ['urn:x:g2'])
    assert.equal((await delta('CLEAR ALL')).removed.length, 9)
    assert.equal((await delta('DROP NAMED')).removed.length, 9)
    assert.deepEqual(await delta('CLEAR DEFAULT'), { added: [], removed: [], read: [] })
    assert.equal((await delta('ADD :g1 TO :g3')).added.length, 3)
    const moved = await delta('MOVE :g1 TO :g3')
    assert.deepEqual([moved.added.length, moved.removed.length, moved.read], [3, 5, ['urn:x:g1', 'urn:x:g3']])
    const copied = await delta('COPY :g1 TO :g3')
    assert.deepEqual([copied.added.length, copied.removed.length], [3, 2])
  })

  it('reaches out to nobody, registers no graph, and puts nothing outside of a graph', async () => {
    for (const text of [
      'LOAD <http://localhost/>',
      'LOAD SILENT <http://localhost/> INTO GRAPH :g1',
      'CREATE GRAPH :g9',
      'SELECT * { ?s ?p ?o }',
    ])
      await refused('QUERY_FORBIDDEN', text)
    await refused(
      'QUERY_FORBIDDEN',
      'INSERT { GRAPH :g1 { ?s ?p ?o } } WHERE { SERVICE <http://localhost/> { ?s ?p ?o } }',
    )
    await refused('GRAPH_MISSING', 'INSERT DATA { :a :b :c }')
    await refused('GRAPH_MISSING', 'DELETE WHERE { ?s :knows ?o }')
    await refused('GRAPH_MISSING', 'COPY DEFAULT TO :g1')
    await refused('PARSE_ERROR', 'DELETE DATA { ?s ?p ?o }')
  })

  it('is bounded: TOO_LARGE', async () => {
    const many = Array.from({ length: 80 }, (_, n) => n).join(' ')
    await refused(
      'TOO_LARGE',
      `INSERT { GRAPH :g1 { :a :p ?n } } WHERE { VALUES ?a { ${many} } VALUES ?b { ${many} } BIND(?a * 1000 + ?b AS ?n) }`,
    )
  })
})
