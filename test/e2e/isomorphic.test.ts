// What goes in comes out again at every node: full dumps are equal, and isomorphic to the input once Skolem IRIs are blank
// nodes again. With the demo's data always, with GS1's real events where they lie beside the clone.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DataFactory, type Quad, type Term } from 'n3'
import { demoData } from '../../demo/data.ts'
import { createClient, policiesOf } from '../../src/http/client.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { ingest } from '../../src/node/ingest.ts'
import type { QuadrilleNode } from '../../src/node/node.ts'
import { enrol, type Founded, foundFour, openGraph, personalGraph, settled } from '../node/consortium.ts'
import { coloured } from './isomorphic.ts'
import { quadsOf } from './rdf.ts'

const epcis = resolve(import.meta.dirname, '../../../shared/data/epcis')

/** Quads without a graph go to `graph`; blank nodes of different texts are different. */
async function inGraph(texts: readonly string[], graph: string): Promise<readonly Quad[]> {
  const all: Quad[] = []
  for (const [number, text] of texts.entries()) {
    const apart = (term: Term): Term =>
      term.termType === 'BlankNode' ? DataFactory.blankNode(`t${number}.${term.value}`) : term
    for (const { subject, predicate, object } of await quadsOf(text)) {
      all.push(quad(apart(subject), predicate, apart(object), DataFactory.namedNode(graph)))
    }
  }
  return all
}

function quad(subject: Term, predicate: Term, object: Term, graph: Term): Quad {
  return DataFactory.quad(subject as never, predicate as never, object as never, graph as never) as Quad
}

function unskolemised(quads: readonly Quad[]): readonly Quad[] {
  const back = (term: Term): Term => {
    const label = /^urn:quadrille:skolem:(.+)$/.exec(term.value)?.[1]
    return term.termType === 'NamedNode' && label !== undefined ? DataFactory.blankNode(label.replace(':', '.')) : term
  }
  return quads.map(({ subject, predicate, object, graph }) => quad(back(subject), predicate, back(object), graph))
}

describe('a full dump', function () {
  this.timeout(120_000)
  let founded: Founded
  let nodes: QuadrilleNode[] = []
  let servers: HttpServer[] = []
  /** All that was submitted so far. */
  const submitted: Quad[] = []

  before(async () => {
    founded = await foundFour()
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number)))
    await Promise.all(nodes.map((node) => node.start()))
    await enrol(founded, nodes)
    const onError = (error: unknown): void => assert.fail(String(error))
    servers = await Promise.all(nodes.map((node) => startHttp({ bind: { host: '127.0.0.1', port: 0 }, node, onError })))
  })

  after(async () => {
    await Promise.all(servers.map((server) => server.close()))
    await Promise.all(nodes.map((node) => node.stop()))
    await founded.remove()
  })

  async function submit(quads: readonly Quad[]): Promise<void> {
    const [{ url }] = servers as [HttpServer]
    const client = createClient({
      endpoint: url,
      ledger: (nodes[0] as QuadrilleNode).ledger,
      key: founded.application.seed,
    })
    const drafts = ingest([quads], { policyOf: policiesOf(founded.genesis.genesis), quadsPerTransaction: 500 })
    for await (const draft of drafts) await client.submitDraft(draft)
    submitted.push(...quads)
  }

  async function assertIsomorphic(): Promise<void> {
    await settled(nodes)
    const dumps = await Promise.all(servers.map(async ({ url }) => (await fetch(`${url}/dump`)).text()))
    const [first = '', ...others] = dumps.map((dump) => dump.split('\n').sort().join('\n'))
    for (const other of others) assert.equal(other, first)
    const [out, input] = coloured(unskolemised(await quadsOf(first, 'nquads')), submitted)
    assert.ok(out.length > 0)
    assert.deepEqual(out, input)
  }

  it('is the same at all nodes and isomorphic to what was submitted', async () => {
    const { events, persons } = demoData({ seed: 5, consignments: 20 })
    await submit(await inGraph([events], openGraph))
    await submit(await inGraph([persons], personalGraph))
    await assertIsomorphic()
  })

  it('tells apart what is not isomorphic', async () => {
    const quads = await inGraph(['<urn:a> <urn:p> [ <urn:q> [ <urn:r> 1 ], [ <urn:r> 2 ] ] .'], openGraph)
    const other = await inGraph(['<urn:a> <urn:p> [ <urn:q> [ <urn:r> 1 ], [ <urn:r> 3 ] ] .'], openGraph)
    const fewer = await inGraph(['<urn:a> <urn:p> [ <urn:q> [ <urn:r> 1, 2 ] ] .'], openGraph)
    for (const wrong of [other, fewer]) {
      const [left, right] = coloured(quads, wrong)
      assert.notDeepEqual(left, right)
    }
    const circle = await inGraph(['_:a <urn:p> _:b . _:b <urn:p> _:c . _:c <urn:p> _:a .'], openGraph)
    assert.throws(() => coloured(circle, circle), /circle/)
  })

  it('holds GS1’s events whole', async function () {
    if (!existsSync(epcis)) {
      process.stdout.write('    GS1’s events are not here: they were not loaded.\n')
      return this.skip()
    }
    const names = (await readdir(epcis, { recursive: true })).filter((name) => name.endsWith('.ttl')).sort()
    const texts = await Promise.all(names.map((name) => readFile(join(epcis, name), 'utf8')))
    await submit(await inGraph(texts, openGraph))
    await assertIsomorphic()
  })
})
