// The W3C's suites, where their archive lies beside the clone: all of RDF 1.1's syntaxes for each commit, and all of SPARQL 1.1
// Query with QUADRILLE_LONG. Nothing may fail here that n3 or Comunica alone pass.

import assert from 'node:assert/strict'
import { itLong, long } from '../long.ts'
import type { SuiteResult } from './manifest.ts'
import { rdfSuites } from './rdf-suites.ts'
import { sparqlSuites } from './sparql-suites.ts'
import { unpackSuites } from './unpack.ts'

describe('conformance', function () {
  this.timeout(long ? 1_800_000 : 180_000)
  let suites: Awaited<ReturnType<typeof unpackSuites>>

  before(async function () {
    suites = await unpackSuites()
    if (suites !== undefined) return
    process.stdout.write('    The W3C suites are not here: they were not run.\n')
    this.skip()
  })

  after(() => suites?.remove())

  function assertAtLeastPlain(results: readonly SuiteResult[], testsMin: number): void {
    const all = results.flatMap(({ suite, verdicts }) => verdicts.map((verdict) => ({ suite, ...verdict })))
    assert.ok(all.length >= testsMin, `${all.length} tests were run`)
    const worse = all.filter(({ ours, plain }) => plain && !ours).map(({ suite, name }) => `${suite}: ${name}`)
    assert.deepEqual(worse, [])
  }

  it('ingest passes what n3 passes of Turtle, TriG, N-Triples and N-Quads', async () => {
    assertAtLeastPlain(await rdfSuites(suites?.folder ?? ''), 800)
  })

  itLong('the engine passes what Comunica passes of SPARQL 1.1 Query', async () => {
    assertAtLeastPlain(await sparqlSuites(suites?.folder ?? ''), 300)
  })
})
