// SPARQL 1.1 Query through the engine of this program, beside Comunica alone. On the ledger every quad stands in a named
// graph, so a test's default graph is one, and the engine is told which, as by default-graph-uri of the protocol.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { QueryEngine as Comunica } from '@comunica/query-sparql-rdfjs'
import { DataFactory, Parser, type Quad, Store } from 'n3'
import { fromUtf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { parseRdf } from '../../src/node/ingest-parse.ts'
import { createQueryEngine } from '../../src/sparql/engine.ts'
import { coloured } from '../e2e/isomorphic.ts'
import { textOf, WatchedSource } from '../sparql/fixture.ts'
import { pathOf, type SuiteResult, testsOf, type Verdict, type W3cTest } from './manifest.ts'
import {
  csvRows,
  expectedRows,
  type JsonResults,
  jsonRows,
  type Outcome,
  type Row,
  rowQuads,
  tsvRows,
} from './sparql-results.ts'

const defaultGraph = 'urn:test:default'
const ours = createQueryEngine()
const comunica = new Comunica()

export async function sparqlSuites(folder: string, only?: string): Promise<readonly SuiteResult[]> {
  const suites = new Map<string, Verdict[]>()
  const manifests = ['manifest-sparql11-query.ttl', 'json-res/manifest.ttl', 'csv-tsv-res/manifest.ttl']
  for (const test of manifests.flatMap((path) => testsOf(folder, `sparql/sparql11/${path}`))) {
    const suite = pathOf(test.action).split('/')[2] ?? ''
    if (only !== undefined && suite !== only) continue
    const verdicts = suites.get(suite) ?? []
    suites.set(suite, verdicts)
    verdicts.push({
      name: test.name,
      ours: await passes(folder, test, askOurs),
      plain: await passes(folder, test, askComunica),
    })
  }
  return [...suites].map(([suite, verdicts]) => ({ suite: `sparql11/${suite}`, verdicts }))
}

/** `format`: csv or tsv for the tests of those formats. */
type Ask = (query: string, data: readonly Quad[], named: readonly string[], format?: 'csv' | 'tsv') => Promise<Outcome>

async function passes(folder: string, test: W3cTest, ask: Ask): Promise<boolean> {
  const query = `BASE <${test.action}>\n${readFileSync(join(folder, pathOf(test.action)), 'utf8')}`
  const data: Quad[] = []
  for (const iri of test.data) data.push(...(await load(folder, iri, defaultGraph)))
  for (const iri of test.graphData) data.push(...(await load(folder, iri, iri)))
  const isNegative = test.type.startsWith('Negative')
  const format = test.result?.match(/\.(csv|tsv)$/)?.[1] as 'csv' | 'tsv' | undefined
  let outcome: Outcome
  try {
    outcome = await ask(query, data, test.graphData, format)
  } catch (error) {
    // Refusing to reach out is no mistake about the syntax.
    if (error instanceof LedgerError && error.code === 'QUERY_FORBIDDEN') return test.type.startsWith('Positive')
    return isNegative
  }
  if (isNegative) return false
  if (test.result === undefined) return true
  const file = join(folder, pathOf(test.result))
  try {
    const expected =
      outcome.type === 'graph' ? await load(folder, test.result, '') : rowQuads(expectedRows(file, test.result))
    const found = outcome.type === 'graph' ? outcome.quads : rowQuads(outcome.rows)
    const [left, right] = coloured(found, expected, 'cycles too')
    return JSON.stringify(left) === JSON.stringify(right)
  } catch {
    return false
  }
}

async function load(folder: string, iri: string, graph: string): Promise<readonly Quad[]> {
  const bytes = readFileSync(join(folder, pathOf(iri)))
  const format = iri.endsWith('.rdf') ? 'rdfxml' : 'turtle'
  const into = graph === '' ? DataFactory.defaultGraph() : DataFactory.namedNode(graph)
  const all: Quad[] = []
  for await (const quads of parseRdf(once(bytes), { format, base: iri })) {
    for (const { subject, predicate, object } of quads)
      all.push(DataFactory.quad(subject, predicate, object, into) as Quad)
  }
  return all
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

const askOurs: Ask = async (query, data, namedGraphs, format) => {
  const source = new WatchedSource(new Store([...data]))
  const accept = `${format === undefined ? 'application/sparql-results+json' : format === 'csv' ? 'text/csv' : 'text/tab-separated-values'}, application/n-triples;q=0.5`
  const dataset = /\bFROM\b/i.test(query) ? undefined : { defaultGraphs: [defaultGraph], namedGraphs }
  const answer = await ours.query(query, source, {
    accept,
    timeoutMs: 60_000,
    ...(dataset === undefined ? {} : { dataset }),
  })
  const text = await textOf(answer)
  if (format !== undefined) return { type: 'rows', rows: tableRows(text, format) }
  if (/n-triples/.test(answer.mediaType)) return { type: 'graph', quads: new Parser().parse(text) }
  return { type: 'rows', rows: jsonRows(JSON.parse(text) as JsonResults) }
}

const askComunica: Ask = async (query, data, _, format) => {
  // Its default graph is the default graph.
  const store = new Store(
    data.map(({ subject, predicate, object, graph }) => {
      const own = graph.value === defaultGraph ? DataFactory.defaultGraph() : graph
      return DataFactory.quad(subject, predicate, object, own) as Quad
    }),
  )
  const result = await comunica.query(query, { sources: [store] })
  if (result.resultType === 'quads') {
    const quads: Quad[] = []
    for await (const quad of await result.execute()) quads.push(quad as unknown as Quad)
    return { type: 'graph', quads }
  }
  const media = { csv: 'text/csv', tsv: 'text/tab-separated-values' } as const
  const mediaType = format === undefined ? 'application/sparql-results+json' : media[format]
  const { data: body } = await comunica.resultToString(result, mediaType)
  const chunks: Uint8Array[] = []
  for await (const chunk of body)
    chunks.push(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : (chunk as Uint8Array))
  const text = fromUtf8(new Uint8Array(Buffer.concat(chunks)))
  return format === undefined
    ? { type: 'rows', rows: jsonRows(JSON.parse(text) as JsonResults) }
    : { type: 'rows', rows: tableRows(text, format) }
}

function tableRows(text: string, format: 'csv' | 'tsv'): readonly Row[] {
  return format === 'csv' ? csvRows(text) : tsvRows(text)
}
