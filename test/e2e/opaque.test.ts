// What somebody learns who takes the disks of closed nodes away, or reads what they print: nothing of what the quads say.
// The same search over nodes that do not seal finds everything, so it is a search that can find.

import assert from 'node:assert/strict'
import type { Quad } from 'n3'
import { demoData } from '../../demo/data.ts'
import { utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { type Client, createClient, policiesOf } from '../../src/http/client.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { EventLog } from '../../src/node/event-log.ts'
import { ingest } from '../../src/node/ingest.ts'
import { nodeName, StreamLog } from '../../src/node/log.ts'
import type { QuadrilleNode } from '../../src/node/node.ts'
import { enrol, type Founded, foundFour, openGraph, personalGraph, settled } from '../node/consortium.ts'
import { type Finding, findTexts, textsIn } from './files.ts'
import { quadsOf } from './rdf.ts'

const { events, persons, late } = demoData({ seed: 8, consignments: 8 })

/** `count` different values of terms of one kind, spread over the quads; long enough that none is there by chance. */
function spread(quads: readonly Quad[], kind: 'NamedNode' | 'Literal', count: number): readonly string[] {
  const terms = quads.flatMap(({ subject, predicate, object }) => [subject, predicate, object])
  const values = [
    ...new Set(terms.filter(({ termType, value }) => termType === kind && value.length >= 6).map(({ value }) => value)),
  ]
  assert.ok(values.length >= count)
  return Array.from({ length: count }, (_, place) => values[Math.floor((place * values.length) / count)] as string)
}

/** Ten IRIs and ten literals, of the open graph and of the persons. */
async function secrets(): Promise<readonly string[]> {
  const [open, personal] = await Promise.all([quadsOf(events), quadsOf(persons)])
  const texts = [open, personal].flatMap((quads) => [...spread(quads, 'NamedNode', 5), ...spread(quads, 'Literal', 5)])
  assert.equal(new Set(texts).size, 20)
  return texts
}

/** All that this process prints while `work` is under way. */
async function printed(work: () => Promise<void>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const streams = [process.stdout, process.stderr]
  const writes = streams.map((stream) => stream.write)
  for (const stream of streams) {
    stream.write = (chunk: Uint8Array | string): boolean => {
      chunks.push(typeof chunk === 'string' ? utf8(chunk) : chunk)
      return true
    }
  }
  try {
    await work()
  } finally {
    for (const [place, stream] of streams.entries()) stream.write = writes[place] as typeof stream.write
  }
  return Buffer.concat(chunks)
}

interface Lived {
  readonly homes: readonly (readonly Finding[])[]
  readonly said: Uint8Array
}

/**
 * The whole life of four nodes: they take the data in, answer and refuse, one of them restarts, and one is left with a
 * payload that was never ordered. They log all that they can. Then they are closed, and their homes searched.
 */
async function live(seal: boolean, texts: readonly string[]): Promise<Lived> {
  const founded = await foundFour({ checkpointInterval: 4, window: 16 })
  try {
    const said = await printed(() => liveIn(founded, seal))
    const homes = await Promise.all([0, 1, 2, 3].map((number) => findTexts(founded.home(number), texts)))
    return { homes, said }
  } finally {
    await founded.remove()
  }
}

async function liveIn(founded: Founded, seal: boolean): Promise<void> {
  const log = new StreamLog({ level: 'trace', format: 'json' }, nodeName({ id: 0, name: 'node' }), process.stderr)
  const told = new EventLog(log, (id) => id)
  const nodes: QuadrilleNode[] = []
  const servers: HttpServer[] = []
  const start = async (number: number): Promise<void> => {
    const node = await founded.open(number, { seal, onEvent: (event) => told.write(event) })
    await node.start()
    nodes[number] = node
  }
  try {
    for (const number of [0, 1, 2, 3]) await start(number)
    const [first, second] = nodes as [QuadrilleNode, QuadrilleNode]
    assert.equal((await enrol(founded, nodes)).code, 'OK')
    const onError = (error: unknown): void => log.failure('error', 'an answer failed', error)
    const server = await startHttp({ bind: { host: '127.0.0.1', port: 0 }, node: first, onError })
    servers.push(server)
    const client = createClient({ endpoint: server.url, ledger: first.ledger, key: founded.application.seed })
    await submit(founded, client, events, openGraph)
    await settled(nodes)
    await second.stop()
    await submit(founded, client, persons, personalGraph)
    await start(1)
    await settled(nodes)
    await askAndBeRefused(client)
    await Promise.all(nodes.slice(1).map((node) => node.stop()))
    await assert.rejects(submit(founded, client, late, openGraph, AbortSignal.timeout(1_500)))
  } finally {
    await Promise.all(servers.map((server) => server.close()))
    await Promise.all(nodes.map((node) => node.stop()))
  }
}

async function submit(
  { genesis }: Founded,
  client: Client,
  turtle: string,
  graph: string,
  signal?: AbortSignal,
): Promise<void> {
  const drafts = ingest([await quadsOf(turtle)], { graph, policyOf: policiesOf(genesis.genesis) })
  for await (const draft of drafts) await client.submitDraft(draft, signal === undefined ? {} : { signal })
}

/** A question with an answer, one that is wrong in the middle of a name, and an IRI that nobody has. */
async function askAndBeRefused(client: Client): Promise<void> {
  const answer = await client.query('SELECT ?o { ?s <https://schema.org/email> ?o } ORDER BY ?o', { format: 'csv' })
  assert.match(await answer.text(), /ada\.okafor@olive\.example/)
  await assert.rejects(client.query('SELECT ?o { ?s ?p "ada.okafor@olive.example" '), LedgerError)
  const none = await client.query('ASK { <https://olive.example/person-0> ?p <https://olive.example/nobody> }')
  assert.equal(((await none.json()) as { boolean: boolean }).boolean, false)
}

describe('the disks of closed nodes', function () {
  this.timeout(120_000)
  let texts: readonly string[]
  let unordered: string

  before(async () => {
    texts = await secrets()
    const known = new Set((await quadsOf(events)).map(({ object }) => object.value))
    const label = (await quadsOf(late)).find(
      ({ object }) => object.termType === 'Literal' && object.value.startsWith('Olive oil') && !known.has(object.value),
    )
    unordered = label?.object.value ?? assert.fail('the late consignment has a label of its own')
  })

  it('S8 E5 hold twenty IRIs and literals of the input nowhere, nor does anything that the nodes print', async () => {
    const { homes, said } = await live(true, [...texts, unordered])
    assert.deepEqual(homes, [[], [], [], []])
    assert.ok(said.length > 1_000, 'the nodes logged what they did')
    assert.deepEqual(textsIn(said, [...texts, unordered]), [])
  })

  it('S8 give all twenty to the same search when nothing is sealed', async () => {
    const { homes, said } = await live(false, [...texts, unordered])
    for (const findings of homes) {
      const inStore = findings.filter(({ file }) => file.startsWith('data/store/'))
      const found = new Set(inStore.map(({ text }) => text))
      assert.deepEqual(
        texts.filter((text) => !found.has(text)),
        [],
      )
    }
    assert.ok(
      homes[0]?.some(({ text }) => text === unordered),
      'a payload that was never ordered is on the first disk',
    )
    assert.deepEqual(textsIn(said, texts), [])
  })
})
