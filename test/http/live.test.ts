// Four real nodes behind real HTTP servers, and applications that talk to them as anybody would.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { DataFactory } from 'n3'
import { eventually } from '../../demo/processes.ts'
import { toHex, utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { createProgram } from '../../src/cli/program.ts'
import { type Client, createClient, generateKey } from '../../src/http/client.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { ledgerIdFor, signedGenesisSchema } from '../../src/ledger/genesis.ts'
import type { QuadrilleNode } from '../../src/node/node.ts'
import { verifyReceipt } from '../../src/node/verify.ts'
import { enrol, type Founded, foundFour, openGraph, settled } from '../node/consortium.ts'
import { chromium, inBrowser } from './browser.ts'

const { namedNode, literal, quad } = DataFactory
const run = promisify(execFile)
const term = (name: string) => namedNode(`urn:t:${name}`)

describe('Applications', function () {
  this.timeout(180_000)
  let founded: Founded
  let nodes: QuadrilleNode[]
  let servers: HttpServer[]
  let clients: Client[]

  const client = (number: number): Client => clients[number] as Client
  const statement = (name: string, value: string) =>
    quad(term(name), term('says'), literal(value), namedNode(openGraph))

  /** What people have on their disks: the application's key and the genesis. */
  async function files(folder: string): Promise<{ readonly key: string; readonly genesis: string }> {
    const [key, genesis] = [join(folder, 'app.key'), join(folder, 'genesis.json')]
    const [seed, publicKey] = [founded.application.seed, founded.application.publicKey].map(toHex)
    const own = { kind: 'quadrille application key 1', name: 'test', key: publicKey, seed }
    await writeFile(key, JSON.stringify(own), { mode: 0o600 })
    await writeFile(genesis, JSON.stringify(signedGenesisSchema.toJson(founded.genesis)))
    return { key, genesis }
  }

  async function values(number: number, sparql: string): Promise<readonly string[]> {
    const answer = await client(number).query(sparql, { format: 'csv', consistency: 'linearizable' })
    return (await answer.text()).trim().split('\r\n').slice(1).sort()
  }

  before(async () => {
    founded = await foundFour({ checkpointInterval: 8, window: 32 })
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number)))
    await Promise.all(nodes.map((each) => each.start()))
    await enrol(founded, nodes)
    servers = await Promise.all(
      nodes.map((node) =>
        startHttp({
          bind: { host: '127.0.0.1', port: 0 },
          node,
          queryTimeoutMs: 100_000,
          onError: (error) => {
            throw error
          },
        }),
      ),
    )
    const ledger = ledgerIdFor(founded.genesis.genesis)
    clients = servers.map(({ url }) => createClient({ endpoint: url, ledger, key: founded.application.seed }))
  })

  after(async () => {
    await Promise.all(servers.map((server) => server.close()))
    await Promise.all(nodes.map((each) => each.stop()))
    await founded.remove()
  })

  it('change quads by SPARQL Update, computed by a node and signed by them, the same on every node', async () => {
    await client(0).submit([statement('a', 'one'), statement('b', 'two'), statement('c', 'three')])
    // Asserted twice: it holds until both rows are retracted.
    await client(0).submit([statement('a', 'one')])
    const done = await client(0).update(
      `DELETE { GRAPH <${openGraph}> { ?s ?p "one" } } INSERT { GRAPH <${openGraph}> { ?s ?p "uno" . ?s <urn:t:node> [] } } WHERE { GRAPH <${openGraph}> { ?s ?p "one" } }`,
    )
    assert.ok(done !== undefined)
    for (const number of [0, 1, 2, 3]) {
      assert.deepEqual(await values(number, `SELECT ?v { ?s <urn:t:says> ?v }`), ['three', 'two', 'uno'])
    }
    const [blank] = await values(1, 'SELECT ?b { ?s <urn:t:node> ?b }')
    assert.match(blank ?? '', /^urn:quadrille:skolem:/)
    await client(0).update(`DELETE WHERE { GRAPH <${openGraph}> { <urn:t:a> <urn:t:node> ?o } }`)
    assert.deepEqual(await values(3, 'ASK { ?s <urn:t:node> ?b }').catch(() => []), [])
    assert.equal(await client(0).update(`DELETE WHERE { GRAPH <${openGraph}> { <urn:t:nobody> ?p ?o } }`), undefined)
  })

  it('that change one thing at once all succeed: what changed meanwhile is computed again', async () => {
    await client(0).submit([quad(term('counter'), term('count'), literal('0'), namedNode(openGraph))])
    const increase = `DELETE { GRAPH <${openGraph}> { ?c <urn:t:count> ?n } } INSERT { GRAPH <${openGraph}> { ?c <urn:t:count> ?m } }
      WHERE { GRAPH <${openGraph}> { ?c <urn:t:count> ?n BIND(STR(<http://www.w3.org/2001/XMLSchema#integer>(?n) + 1) AS ?m) } }`
    await Promise.all([0, 0, 0].map((number) => client(number).update(increase)))
    assert.deepEqual(await values(1, 'SELECT ?n { ?s <urn:t:count> ?n }'), ['3'])
  })

  it('get no update done that they did not sign, and none under a key that may not write', async () => {
    const asked = (accept: string): Promise<Response> =>
      fetch(`${servers[0]?.url}/sparql`, {
        method: 'POST',
        headers: { 'content-type': 'application/sparql-update', accept },
        body: `CLEAR GRAPH <${openGraph}>`,
      })
    const refused = await asked('*/*')
    assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [403, 'UPDATE_UNSIGNED'])
    const stranger = createClient({
      endpoint: servers[0]?.url ?? '',
      ledger: client(0).ledger,
      key: generateKey().seed,
    })
    await assert.rejects(
      stranger.update(`CLEAR GRAPH <${openGraph}>`),
      (error: unknown) => error instanceof LedgerError && error.code === 'KEY_UNKNOWN',
    )
    assert.ok((await values(0, 'SELECT * { ?s ?p ?o }')).length > 2)
  })

  it('P21 learn from the receipt what became of a transaction', async () => {
    const { tx, height } = await client(0).submit([statement('d', 'four')])
    const genesis = utf8(JSON.stringify(signedGenesisSchema.toJson(founded.genesis)))
    const receipt = await eventually('final there, too', () => client(3).receipt(tx))
    const verdict = verifyReceipt(receipt, { genesis, tx })
    assert.deepEqual([verdict.holds, verdict.outcome, verdict.height], [true, 'OK', height])
  })

  it('follow the changes: all patches from the start give what a dump gives, on every node', async () => {
    const height = await settled(nodes)
    const dump = async (number: number): Promise<readonly string[]> =>
      (await (await fetch(`${servers[number]?.url}/dump`)).text())
        .split('\n')
        .filter((line) => line !== '')
        .sort()
    for (const number of [0, 3]) {
      const answer = await fetch(`${servers[number]?.url}/changes?since=0&until=${height}`, {
        headers: { accept: 'application/rdf-patch' },
      })
      assert.equal(answer.headers.get('content-type'), 'application/rdf-patch')
      const quads = new Set<string>()
      for (const line of (await answer.text()).split('\n')) {
        if (line.startsWith('A ')) {
          assert.ok(!quads.has(line.slice(2)), `added twice: ${line}`)
          quads.add(line.slice(2))
        }
        if (line.startsWith('D ')) assert.ok(quads.delete(line.slice(2)), `removed before it was there: ${line}`)
      }
      assert.deepEqual([...quads].sort(), await dump(number))
    }
  })

  it('follow them as they come, as events, and go on where they stopped', async () => {
    const height = await settled(nodes)
    const follow = async (headers: Record<string, string>, blocks: number): Promise<string> => {
      const leaving = new AbortController()
      const answer = await fetch(`${servers[2]?.url}/changes?since=${height}`, { headers, signal: leaving.signal })
      assert.equal(answer.headers.get('content-type'), 'text/event-stream')
      let text = ''
      for await (const chunk of answer.body ?? []) {
        text += new TextDecoder().decode(chunk)
        if (text.split('event: block').length > blocks && text.endsWith('\n\n')) break
      }
      leaving.abort()
      return text
    }
    const live = follow({}, 2)
    const first = await client(0).submit([statement('e', 'five')])
    const second = await client(0).submit([statement('f', 'six')])
    const text = await live
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
    assert.deepEqual(
      [...new Set(ids)].filter((id) => id === first.height || id === second.height),
      [first.height, second.height],
    )
    assert.match(text, /^data: A <urn:t:e> <urn:t:says> "five" <urn:g:open> \.$/m)
    const resumed = await follow({ 'last-event-id': `${first.height}` }, 1)
    assert.ok(!resumed.includes('urn:t:e') && resumed.includes('urn:t:f'))
  })

  it('work in a real browser, under a key that the browser does not give away', async function () {
    const browser = chromium()
    if (browser === undefined) {
      process.stdout.write('      There is no Chromium here: the client and the verifier were not run in a browser.\n')
      return this.skip()
    }
    const { seed, publicKey } = founded.application
    const jwk = { kty: 'OKP', crv: 'Ed25519', d: base64Url(seed), x: base64Url(publicKey) }
    const module = `
      import { createClient, generateKey } from 'quadrille/client'
      import { verifyReceipt } from 'quadrille/verify'
      const post = (value) => fetch('/report', { method: 'POST', body: JSON.stringify(value) })
      try {
        const secret = await crypto.subtle.importKey('jwk', ${JSON.stringify(jwk)}, 'Ed25519', false, ['sign'])
        const key = {
          publicKey: Uint8Array.from(${JSON.stringify([...publicKey])}),
          sign: async (bytes) => new Uint8Array(await crypto.subtle.sign('Ed25519', secret, bytes)),
        }
        const client = createClient({ endpoint: location.origin, ledger: '${client(0).ledger}', key })
        const named = (value) => ({ termType: 'NamedNode', value })
        const literal = { termType: 'Literal', value: 'from a browser', language: '', datatype: named('http://www.w3.org/2001/XMLSchema#string') }
        const quad = { subject: named('urn:t:browser'), predicate: named('urn:t:says'), object: literal, graph: named('${openGraph}') }
        const { tx } = await client.submit([quad])
        const genesis = new Uint8Array(await (await fetch('/genesis')).arrayBuffer())
        const verdict = verifyReceipt(await client.receipt(tx), { genesis, tx })
        const answer = await client.query('SELECT ?v { <urn:t:browser> ?p ?v }', { format: 'csv' })
        await post({ verdict, answer: await answer.text(), own: generateKey().publicKey.length })
      } catch (error) {
        await post({ error: String(error.stack ?? error) })
      }`
    const { error, verdict, answer, own } = (await inBrowser(browser, module, servers[1]?.url ?? '')) as {
      readonly error?: string
      readonly verdict: { readonly holds: boolean; readonly outcome: string }
      readonly answer: string
      readonly own: number
    }
    assert.equal(error, undefined)
    assert.deepEqual([verdict.holds, verdict.outcome, own], [true, 'OK', 32])
    assert.equal(answer, 'v\r\nfrom a browser\r\n')
  })

  it('and people change, follow and prove by the same commands: update, tail, receipt and verify', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quadrille-commands-'))
    try {
      const { key, genesis } = await files(folder)
      const from = ['--endpoint', servers[1]?.url ?? '', '--genesis', genesis]
      await command(
        'update',
        `INSERT DATA { GRAPH <${openGraph}> { <urn:t:g> <urn:t:says> "seven" } }`,
        ...from,
        '--as',
        key,
      )
      const sparql = `DELETE { GRAPH ?g { ?s ?p "seven" } } INSERT { GRAPH ?g { ?s ?p "eight" } } WHERE { GRAPH ?g { ?s ?p "seven" } }`
      const planned = await command('update', sparql, ...from, '--dry-run')
      assert.match(
        planned.out,
        /^\+ <urn:t:g> <urn:t:says> "eight" <urn:g:open> \.\nWould assert 1 quads and retract 1 rows/,
      )
      const changed = await command('update', sparql, ...from, '--as', key, '--json')
      const { tx, height: at } = JSON.parse(changed.out) as { tx: string; height: number }
      assert.match((await command('update', sparql, ...from, '--as', key)).out, /changes nothing/)
      const tailed = await command('tail', ...from.slice(0, 2), '--since', `${at - 1}`, '--until', `${at}`)
      assert.match(tailed.out, new RegExp(`^H height "${at}" \\.\nH time "[^"]+" \\.\nTX \\.\n`))
      assert.deepEqual(tailed.out.split('\n').slice(3, 6).sort(), [
        'A <urn:t:g> <urn:t:says> "eight" <urn:g:open> .',
        'D <urn:t:g> <urn:t:says> "seven" <urn:g:open> .',
        'TC .',
      ])
      for (const type of ['final', 'ordered']) {
        const kind = type === 'ordered' ? ['--ordered'] : []
        const file = join(folder, `${type}.json`)
        await writeFile(file, (await command('receipt', tx, ...from.slice(0, 2), ...kind)).out)
        const verified = await command('verify', file, '--genesis', genesis, ...kind)
        assert.equal(verified.code, 0)
        assert.match(verified.out, new RegExp(`stands at height ${at}`))
      }
      // A place is no success.
      await assert.rejects(command('verify', join(folder, 'ordered.json'), '--genesis', genesis), {
        code: 'RECEIPT_NOT_SUCCESS',
      })
      const forged = (await readFile(join(folder, 'final.json'), 'utf8')).replace(/"place": (\d+)/, '"place": 1$1')
      await writeFile(join(folder, 'forged.json'), forged)
      await assert.rejects(command('verify', join(folder, 'forged.json'), '--genesis', genesis), {
        code: 'RECEIPT_INVALID',
      })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('begin with the examples of this package, which say what they should', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quadrille-examples-'))
    try {
      const { key, genesis } = await files(folder)
      const receipt = join(folder, 'receipt.json')
      const [url, ledger] = [servers[0]?.url ?? '', client(0).ledger]
      const [store, written] = await Promise.all([
        example('store', join(folder, 'quads')),
        example('client', url, ledger, key, openGraph),
      ])
      assert.equal(store, 'Alice knows Bob\nAlice knows Carol\nquads now: 2 and one change ago: 1\n')
      const [, tx = ''] = /^final at height \d+: ([0-9a-f]{64})\nstatus sent\n$/.exec(written) ?? []
      await writeFile(receipt, JSON.stringify(await client(2).receipt(tx)))
      await settled(nodes)
      await Promise.all([servers[3]?.close(), nodes[3]?.stop()])
      const [verified, own] = await Promise.all([
        example('verify', genesis, receipt),
        example('node', founded.home(3), genesis, join(founded.directory, 'unlock-3.key')),
      ])
      assert.match(verified, /^final: height \d+ OK\n$/)
      assert.match(own, /^height \d+: \d+ quads, read in this process\n$/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

/** A command as the program runs it, in this process. */
async function command(...args: readonly string[]): Promise<{ readonly code: number; readonly out: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const chunks: Uint8Array[] = []
  out.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  err.resume()
  let code = 0
  const program = createProgram({ out, err }, (exitCode) => {
    code = exitCode
  })
  await program.parseAsync(args, { from: 'user' })
  return { code, out: Buffer.concat(chunks).toString('utf8') }
}

/** What an example of this package prints, run as whoever installed it would. */
async function example(name: string, ...args: readonly (string | undefined)[]): Promise<string> {
  const file = resolve(import.meta.dirname, `../../examples/${name}.mjs`)
  return (await run(process.execPath, [file, ...args.map(String)])).stdout
}
