import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { Parser } from 'n3'
import { type ErrorCode, LedgerError } from '../../src/base/errors.ts'
import { createQueryEngine, type QueryOptions } from '../../src/sparql/engine.ts'
import { manyQuads, storeOf, textOf, trig, WatchedSource } from './fixture.ts'

const engine = createQueryEngine()
const source = new WatchedSource(storeOf(trig))

interface JsonResults {
  readonly head: { readonly vars?: readonly string[] }
  readonly boolean?: boolean
  readonly results?: {
    readonly bindings: readonly Readonly<Record<string, { readonly type: string; readonly value: string }>>[]
  }
}

async function ask(text: string, options: QueryOptions = {}): Promise<JsonResults> {
  return JSON.parse(await textOf(await engine.query(text, source, options))) as JsonResults
}

/** Values of the bindings, one line each, sorted. */
async function rows(text: string, options: QueryOptions = {}): Promise<readonly string[]> {
  const { head, results } = await ask(text, options)
  return (results?.bindings ?? [])
    .map((row) => (head.vars ?? []).map((name) => row[name]?.value ?? '-').join(' '))
    .sort()
}

async function refused(code: ErrorCode, text: string, options: QueryOptions = {}): Promise<LedgerError> {
  const error: unknown = await engine
    .query(text, source, options)
    .then(textOf, (thrown: unknown) => thrown)
    .catch((thrown: unknown) => thrown)
  assert.ok(error instanceof LedgerError, `expected ${code}, got ${String(error)}`)
  assert.equal(error.code, code)
  return error
}

const p = 'PREFIX : <urn:x:>'

describe('The query engine', function () {
  // Starting a thread takes a while.
  this.timeout(120_000)

  before(async () => {
    await engine.query('ASK {}', source)
  })

  it('answers SELECT and ASK', async () => {
    assert.deepEqual(await rows(`${p} SELECT ?o { :a :knows/:knows ?o }`), ['urn:x:c'])
    assert.equal((await ask(`${p} ASK { :c :knows :d }`)).boolean, true)
    assert.equal((await ask(`${p} ASK { :d :knows :c }`)).boolean, false)
  })

  it('joins, filters, aggregates, orders', async () => {
    assert.deepEqual(
      await rows(`${p} SELECT ?s (COUNT(*) AS ?n) { ?s :knows|:p ?o } GROUP BY ?s HAVING (COUNT(*) > 1)`),
      ['urn:x:a 2', 'urn:x:b 2'],
    )
    assert.deepEqual(await rows(`${p} SELECT ?s { ?s :p ?v FILTER(?v >= 2) }`), ['urn:x:b'])
    const { results } = await ask(`${p} SELECT ?s { ?s :knows ?o } ORDER BY DESC(?s) LIMIT 2`)
    assert.deepEqual(
      results?.bindings.map(({ s }) => s?.value),
      ['urn:x:c', 'urn:x:b'],
    )
    assert.deepEqual(await rows(`${p} SELECT ?s ?w { ?s :knows ?o OPTIONAL { ?s :when ?w } }`), [
      'urn:x:a -',
      'urn:x:b -',
      'urn:x:c 2026-11-22',
    ])
    assert.deepEqual(await rows(`${p} SELECT ?o { :a :knows+ ?o }`), ['urn:x:b', 'urn:x:c', 'urn:x:d'])
  })

  describe('sees a dataset', () => {
    it('whose default graph is the merge of all named graphs, each triple once', async () => {
      assert.deepEqual(await rows(`${p} SELECT ?s ?v { ?s :p ?v }`), ['urn:x:a 1', 'urn:x:b 2'])
      assert.deepEqual(await rows('SELECT (COUNT(*) AS ?n) { ?s ?p ?o }'), ['8'])
      assert.deepEqual(await rows(`${p} SELECT (COUNT(*) AS ?n) { :a :p 1 }`), ['1'])
    })

    it('whose named graphs GRAPH names and lists', async () => {
      assert.deepEqual(await rows(`${p} SELECT ?g { GRAPH ?g { :a :p 1 } }`), ['urn:x:g1', 'urn:x:g2'])
      assert.deepEqual(await rows(`${p} SELECT ?s { GRAPH :g3 { ?s :knows ?o } }`), ['urn:x:c'])
      assert.deepEqual(await rows('SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }'), ['9'])
    })

    it('that FROM and FROM NAMED choose within the ledger', async () => {
      assert.deepEqual(await rows(`${p} SELECT ?s ?v FROM :g1 FROM :g2 { ?s :p ?v }`), ['urn:x:a 1', 'urn:x:b 2'])
      assert.deepEqual(await rows(`${p} SELECT ?s FROM :g3 { ?s :knows ?o }`), ['urn:x:c'])
      assert.deepEqual(await rows(`${p} SELECT ?g FROM NAMED :g1 { GRAPH ?g { ?s :p ?v } }`), ['urn:x:g1'])
      assert.deepEqual(await rows(`${p} SELECT ?g FROM NAMED :g1 { GRAPH :g2 { ?s :p ?v } }`), [])
      assert.deepEqual(await rows(`${p} SELECT ?g FROM :g1 { GRAPH ?g { ?s :p ?v } }`), [])
      assert.deepEqual(await rows(`${p} SELECT ?s FROM NAMED :g1 { ?s :p ?v }`), [])
      assert.deepEqual(await rows(`BASE <urn:x:base> ${p} SELECT ?s FROM <urn:x:g3> { ?s :knows ?o }`), ['urn:x:c'])
      const triples = await textOf(
        await engine.query(`${p} CONSTRUCT { ?s :p ?v } FROM :g2 WHERE { ?s :p ?v }`, source),
      )
      assert.equal(new Parser().parse(triples).length, 2)
      assert.equal((await ask(`${p} ASK FROM :g1 { :c :knows :d }`)).boolean, false)
    })

    it('that the protocol may choose instead', async () => {
      const dataset = { defaultGraphs: ['urn:x:g3'], namedGraphs: ['urn:x:g2'] }
      assert.deepEqual(await rows(`${p} SELECT ?s FROM :g1 { ?s :knows ?o }`, { dataset }), ['urn:x:c'])
      assert.deepEqual(await rows(`${p} SELECT DISTINCT ?g { GRAPH ?g { ?s ?q ?o } }`, { dataset }), ['urn:x:g2'])
    })

    it('never by fetching: FROM an address asks nobody', async () => {
      let asked = 0
      const server = createServer((_, response) => {
        asked += 1
        response.end()
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/data.ttl`
      try {
        assert.deepEqual(await rows(`SELECT * FROM <${url}> { ?s ?p ?o }`), [])
        assert.deepEqual(await rows(`SELECT * FROM NAMED <${url}> { GRAPH <${url}> { ?s ?p ?o } }`), [])
        await refused('QUERY_FORBIDDEN', `SELECT * { SERVICE <${url}> { ?s ?p ?o } }`)
        assert.equal(asked, 0)
      } finally {
        await new Promise((resolve) => server.close(resolve))
      }
    })
  })

  describe('writes', () => {
    const name = `${p} SELECT ?n { :a :name ?n }`

    it('SELECT as JSON, XML, CSV and TSV', async () => {
      const written = async (accept: string): Promise<readonly [string, string]> => {
        const answer = await engine.query(name, source, { accept })
        return [answer.mediaType, await textOf(answer)]
      }
      const [json, jsonText] = await written('application/json')
      assert.equal(json, 'application/sparql-results+json')
      assert.deepEqual((JSON.parse(jsonText) as JsonResults).results?.bindings, [
        { n: { type: 'literal', value: 'Ann "A" <&>, Äö', 'xml:lang': 'de' } },
      ])
      const [xml, xmlText] = await written('application/sparql-results+xml')
      assert.equal(xml, 'application/sparql-results+xml')
      assert.match(xmlText, /<literal xml:lang="de">Ann (?:"|&quot;)A(?:"|&quot;) &lt;&amp;(?:>|&gt;), Äö<\/literal>/)
      assert.deepEqual(await written('text/csv'), ['text/csv', 'n\r\n"Ann ""A"" <&>, Äö"\r\n'])
      assert.deepEqual(await written('text/tab-separated-values'), [
        'text/tab-separated-values',
        '?n\n"Ann \\"A\\" <&>, Äö"@de\n',
      ])
    })

    it('CONSTRUCT and DESCRIBE as N-Triples, Turtle, N-Quads, TriG and JSON-LD, each triple once', async () => {
      for (const [accept, mediaType] of [
        [undefined, 'application/n-triples'],
        ['text/turtle', 'text/turtle'],
        ['application/n-quads', 'application/n-quads'],
        ['application/trig', 'application/trig'],
        ['application/ld+json', 'application/ld+json'],
      ] as const) {
        const answer = await engine.query(
          `${p} CONSTRUCT { ?o :knownBy ?s . :x :name "line\\none" } { ?s :knows ?o }`,
          source,
          { accept },
        )
        assert.equal(answer.mediaType, mediaType)
        const text = await textOf(answer)
        const subjects =
          mediaType === 'application/ld+json'
            ? (JSON.parse(text) as { readonly '@id': string }[]).map((node) => node['@id'])
            : new Parser({ format: mediaType }).parse(text).map(({ subject }) => subject.value)
        assert.deepEqual(subjects.sort(), ['urn:x:b', 'urn:x:c', 'urn:x:d', 'urn:x:x'])
      }
      const described = await textOf(await engine.query(`${p} DESCRIBE :c`, source))
      assert.equal(new Parser({ format: 'application/n-triples' }).parse(described).length, 2)
    })

    it('what Accept prefers, and nothing that cannot hold the answer', async () => {
      const media = async (text: string, accept: string): Promise<string> =>
        (await engine.query(text, source, { accept })).mediaType
      assert.equal(
        await media(name, 'text/turtle, text/csv;q=0.5, application/sparql-results+xml;q=0.4, */*;q=0.1'),
        'text/csv',
      )
      assert.equal(await media(name, 'text/*'), 'text/csv')
      assert.equal(await media('ASK {}', 'text/csv, */*;q=0.1'), 'application/sparql-results+json')
      assert.equal(await media(name, 'application/sparql-results+json;q=0, */*'), 'application/sparql-results+xml')
      await refused('NOT_ACCEPTABLE', name, { accept: 'text/turtle' })
      await refused('NOT_ACCEPTABLE', `${p} CONSTRUCT WHERE { ?s :p ?o }`, { accept: 'text/csv' })
    })
  })

  describe('refuses', () => {
    it('updates of every kind', async () => {
      for (const text of [
        'INSERT DATA { <urn:a> <urn:b> 1 }',
        'DELETE WHERE { ?s ?p ?o }',
        'LOAD <http://localhost/>',
        'CLEAR ALL',
        'DROP GRAPH <urn:g>',
        '',
      ])
        await refused('QUERY_FORBIDDEN', text)
    })

    it('SERVICE wherever it hides', async () => {
      for (const text of [
        'SELECT * { SERVICE <http://localhost/> { ?s ?p ?o } }',
        'SELECT * { SERVICE SILENT ?x { ?s ?p ?o } }',
        'SELECT * { ?s ?p ?o FILTER NOT EXISTS { SERVICE <http://localhost/> { ?s ?p ?o } } }',
        'SELECT * { { SELECT * { OPTIONAL { SERVICE <http://localhost/> { ?s ?p ?o } } } } }',
        'CONSTRUCT { ?s ?p ?o } { ?s ?p ?o MINUS { SERVICE <http://localhost/> { ?s ?p ?o } } }',
      ])
        await refused('QUERY_FORBIDDEN', text)
    })

    it('what is no query, naming line and column', async () => {
      for (const [text, line, column] of [
        ['SELECT * WHERE {\n  ?s ?p ?o .\n  foo\n}', 3, 3],
        ['SELECT * {\n?s ?p ?o FILTER(}', 2, 17],
        ['SELECT * { ?s ?p ?o', 1, 20],
        ['PREFIX a: <urn:a:>\nSELECT * { b:c ?p ?o }', 2, 12],
        ['SELECT * { ?s ?p ?o } SERVICE <urn:x> {}', 1, 23],
      ] as const) {
        const { details } = await refused('PARSE_ERROR', text)
        assert.deepEqual([details['line'], details['column']], [line, column], `${text}: ${String(details['reason'])}`)
      }
      await refused('PARSE_ERROR', 'SELECT ?a { ?s ?p ?o } GROUP BY ?b')
    })

    it('a text that is too long, or so nested that it would exhaust the stack', async () => {
      await refused('TOO_LARGE', `SELECT * { ?s ?p "${'x'.repeat(300_000)}" }`)
      await refused('PARSE_ERROR', `SELECT * { ?s ?p ?o FILTER(${'('.repeat(100_000)}1${')'.repeat(100_000)}) }`)
    })
  })

  describe('is bounded', () => {
    const many = new WatchedSource(manyQuads(3_000))
    const cross = 'SELECT * { ?a ?p ?b . ?c ?q ?d . ?e ?r ?f FILTER(STR(?b) = "x") }'

    async function ends(code: ErrorCode, text: string, options: QueryOptions): Promise<void> {
      await assert.rejects(
        async () => textOf(await engine.query(text, many, options)),
        (error: unknown) => error instanceof LedgerError && error.code === code,
      )
      const given = many.given
      await new Promise((resolve) => setTimeout(resolve, 150))
      assert.equal(many.given, given, 'nothing is read any more')
      assert.equal(many.open, 0, 'no read stays open')
    }

    it('in time: QUERY_TIMEOUT, and the reading ends', () => ends('QUERY_TIMEOUT', cross, { timeoutMs: 300 }))

    it('in time also where nothing is read', () =>
      ends(
        'QUERY_TIMEOUT',
        `SELECT * { ${Array.from({ length: 9 }, (_, n) => `VALUES ?v${n} { 1 2 3 4 5 6 7 8 9 }`).join(' ')} FILTER(?v0 > 10) }`,
        { timeoutMs: 300 },
      ))

    it('in rows: RESULT_TOO_LARGE for bindings and for triples, at the row above the bound', async () => {
      await ends('RESULT_TOO_LARGE', 'SELECT * { ?s ?p ?o }', { rowsMax: 2_999 })
      await ends('RESULT_TOO_LARGE', 'CONSTRUCT WHERE { ?s ?p ?o }', { rowsMax: 2_999 })
      assert.equal(
        (await textOf(await engine.query('SELECT * { ?s ?p ?o }', many, { rowsMax: 3_000, accept: 'text/csv' }))).split(
          '\r\n',
        ).length,
        3_002,
      )
    })

    it('by the client who leaves: QUERY_CANCELLED', async () => {
      const leaving = new AbortController()
      setTimeout(() => leaving.abort(), 100)
      await ends('QUERY_CANCELLED', cross, { signal: leaving.signal })
      await ends('QUERY_CANCELLED', cross, { signal: AbortSignal.abort() })
    })

    it('by a reader who stops: the query ends with it', async () => {
      const answer = await engine.query('SELECT * { ?a ?p ?b . ?c ?q ?d }', many)
      for await (const chunk of answer.body) {
        assert.ok(chunk.length > 0)
        break
      }
      const given = many.given
      await new Promise((resolve) => setTimeout(resolve, 150))
      assert.ok(many.given - given < 10)
      assert.equal(many.open, 0)
    })

    it('and still answers others meanwhile', async () => {
      const slow = engine.query(cross, many, { timeoutMs: 600 }).then(textOf)
      const quick = await rows(`${p} SELECT ?s { ?s :p 2 }`)
      assert.deepEqual(quick, ['urn:x:b'])
      await assert.rejects(slow)
    })
  })

  it('passes on what the source fails with', async () => {
    const broken = { match: () => failing(), countQuads: () => 5 }
    async function* failing(): AsyncGenerator<never, void, undefined> {
      yield* []
      throw new LedgerError('KEY_MISSING')
    }
    await assert.rejects(
      async () => textOf(await engine.query('SELECT * { ?s ?p ?o }', broken)),
      (error: unknown) => error instanceof LedgerError && error.code === 'KEY_MISSING',
    )
  })
})
