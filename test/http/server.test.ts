import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { Parser } from 'n3'
import { decodeCbor, encodeCbor } from '../../src/base/cbor.ts'
import { type ErrorCode, LedgerError } from '../../src/base/errors.ts'
import { limits } from '../../src/base/limits.ts'
import { type HttpOptions, type HttpServer, startHttp } from '../../src/http/server.ts'
import { threadsMax } from '../../src/sparql/threads.ts'
import { manyQuads, WatchedSource } from '../sparql/fixture.ts'
import { FakeNode, tx, untilAborted } from './fake-node.ts'

const cbor = { 'content-type': 'application/cbor' }
const p = 'PREFIX : <urn:x:>'

describe('The HTTP server', function () {
  // Starting a thread for queries takes a while.
  this.timeout(120_000)
  let node: FakeNode
  let server: HttpServer
  let errors: unknown[]

  async function start(options: Partial<HttpOptions> = {}): Promise<void> {
    await server?.close()
    server = await startHttp({
      bind: { host: '127.0.0.1', port: 0 },
      node,
      onError: (error) => errors.push(error),
      ...options,
    })
  }

  before(async () => {
    node = new FakeNode()
    await start()
    await query('ASK {}')
    await server.close()
  })

  beforeEach(async () => {
    node = new FakeNode()
    errors = []
    await start()
  })
  afterEach(() => server.close())

  const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(new URL(path, server.url), init)

  const query = (text: string, init: RequestInit = {}, more = ''): Promise<Response> =>
    get(`/sparql?query=${encodeURIComponent(text)}${more}`, init)

  async function problem(
    answer: Response,
    status: number,
    code: ErrorCode,
  ): Promise<Readonly<Record<string, unknown>>> {
    assert.equal(answer.headers.get('content-type'), 'application/problem+json')
    const body = (await answer.json()) as Readonly<Record<string, unknown>>
    assert.deepEqual([answer.status, body['status'], body['code']], [status, status, code])
    assert.ok(typeof body['title'] === 'string' && typeof body['detail'] === 'string')
    return body['details'] as Readonly<Record<string, unknown>>
  }

  async function values(answer: Response): Promise<readonly string[]> {
    assert.equal(answer.status, 200, await answer.clone().text())
    const { results } = (await answer.json()) as { results: { bindings: Record<string, { value: string }>[] } }
    return results.bindings.flatMap((row) => Object.values(row).map(({ value }) => value)).sort()
  }

  describe('is bound to this machine', () => {
    it('and refuses any other address: HTTP_UNPROTECTED', async () => {
      for (const host of ['0.0.0.0', '::', '192.0.2.1', 'node.acme.example', '127.0.0.1.evil.example']) {
        await assert.rejects(
          startHttp({ bind: { host, port: 0 }, node, onError: () => undefined }),
          (error: unknown) => error instanceof LedgerError && error.code === 'HTTP_UNPROTECTED',
        )
      }
    })

    it('and says when the port is taken: ADDRESS_IN_USE', async () => {
      const port = Number(new URL(server.url).port)
      await assert.rejects(
        startHttp({ bind: { host: '127.0.0.1', port }, node, onError: () => undefined }),
        (error: unknown) => error instanceof LedgerError && error.code === 'ADDRESS_IN_USE',
      )
    })

    it('and answers no name that was pointed here, and no foreign web page', async () => {
      const asked = (headers: Record<string, string>): Promise<number | undefined> =>
        new Promise((resolve, reject) => {
          const { port } = new URL(server.url)
          httpRequest({ host: '127.0.0.1', port, path: '/status', headers }, (answer) => {
            answer.resume()
            resolve(answer.statusCode)
          })
            .on('error', reject)
            .end()
        })
      assert.equal(await asked({ host: 'evil.example' }), 421)
      assert.equal(await asked({ host: 'localhost.evil.example:80' }), 421)
      assert.equal(await asked({ host: '127.0.0.1', origin: 'https://evil.example' }), 421)
      assert.equal(await asked({ host: '127.0.0.1', origin: 'null' }), 421)
      assert.equal(await asked({ host: 'localhost:1234', origin: 'http://localhost:3000' }), 200)
      assert.equal(await asked({ host: '[::1]' }), 200)
    })
  })

  describe('answers queries', () => {
    const knows = `${p} SELECT ?o { :a :knows ?o }`

    it('by GET, by a posted form and by a posted query', async () => {
      assert.deepEqual(await values(await query(knows)), ['urn:x:b'])
      const form = await get('/sparql', { method: 'POST', body: new URLSearchParams({ query: knows }) })
      assert.deepEqual(await values(form), ['urn:x:b'])
      const direct = await get('/sparql', {
        method: 'POST',
        headers: { 'content-type': 'application/sparql-query; charset=utf-8' },
        body: knows,
      })
      assert.deepEqual(await values(direct), ['urn:x:b'])
    })

    it('in the format asked for, with the height that they are of', async () => {
      const answer = await query(knows, { headers: { accept: 'text/csv' } }, '&at=3')
      assert.equal(answer.headers.get('content-type'), 'text/csv')
      assert.equal(answer.headers.get('quadrille-height'), '3')
      assert.equal(await answer.text(), 'o\r\nurn:x:b\r\n')
      assert.deepEqual(node.heightsAsked, [3])
      const now = await query('ASK {}')
      assert.equal(now.headers.get('quadrille-height'), '7')
      await problem(await query(knows, {}, '&at=8'), 404, 'HEIGHT_UNKNOWN')
      await problem(await query(knows, {}, '&at=-1'), 400, 'USAGE')
      await problem(await query(knows, { headers: { accept: 'image/png' } }), 406, 'NOT_ACCEPTABLE')
    })

    it('with everything acknowledged before, when asked for that, and else with their age', async () => {
      const local = await query('ASK {}')
      assert.ok(Number(local.headers.get('quadrille-age')) >= 5)
      const asked: AbortSignal[] = []
      node.confirming = async (signal) => {
        asked.push(signal)
        return 6
      }
      const sure = await query('ASK {}', {}, '&consistency=linearizable')
      assert.deepEqual([sure.headers.get('quadrille-height'), sure.headers.get('quadrille-age')], ['6', null])
      assert.deepEqual([asked.length, node.heightsAsked], [1, [7, 6]])
      node.confirming = async () => Promise.reject(new LedgerError('READ_UNCONFIRMED'))
      await problem(await query('ASK {}', {}, '&consistency=linearizable'), 503, 'READ_UNCONFIRMED')
      await problem(await query('ASK {}', {}, '&consistency=sometimes'), 400, 'USAGE')
      await problem(await query('ASK {}', {}, '&consistency=linearizable&at=3'), 400, 'USAGE')
    })

    it('over the graphs that the protocol names', async () => {
      const all = `${p} SELECT ?s { ?s :knows ?o }`
      assert.deepEqual(await values(await query(all, {}, '&default-graph-uri=urn:x:g1&default-graph-uri=urn:x:g3')), [
        'urn:x:a',
        'urn:x:c',
      ])
      const form = new URLSearchParams({
        query: `${p} SELECT ?g { GRAPH ?g { ?s :knows ?o } }`,
        'named-graph-uri': 'urn:x:g2',
      })
      assert.deepEqual(await values(await get('/sparql', { method: 'POST', body: form })), ['urn:x:g2'])
    })

    it('and says what is wrong with the others', async () => {
      const details = await problem(await query('SELECT * {\n ?s ?p }'), 400, 'PARSE_ERROR')
      assert.deepEqual([details['line'], details['column']], [2, 8])
      await problem(await query('SELECT * { SERVICE <http://localhost/> {} }'), 403, 'QUERY_FORBIDDEN')
      await problem(await query('CLEAR ALL'), 403, 'QUERY_FORBIDDEN')
      await problem(await get('/sparql?update=CLEAR%20ALL'), 400, 'USAGE')
      const both = new URLSearchParams({ update: 'CLEAR ALL', query: 'ASK {}' })
      await problem(await get('/sparql', { method: 'POST', body: both }), 400, 'USAGE')
      await problem(await get('/sparql'), 400, 'USAGE')
      await problem(await query('ASK {}', {}, '&query=ASK%20%7B%7D'), 400, 'USAGE')
      await problem(
        await get('/sparql', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'ASK {}' }),
        415,
        'MEDIA_TYPE_UNKNOWN',
      )
      await problem(
        await get('/sparql', {
          method: 'POST',
          headers: { 'content-type': 'application/sparql-query' },
          body: Uint8Array.of(0xff, 0xfe),
        }),
        400,
        'MALFORMED',
      )
      await problem(
        await get('/sparql', {
          method: 'POST',
          headers: { 'content-type': 'application/sparql-query' },
          body: 'x'.repeat(900_000),
        }),
        413,
        'TOO_LARGE',
      )
    })

    it('and computes updates, by both ways of POST, without doing them: UPDATE_UNSIGNED unless the delta was asked for', async () => {
      const update = `${p} DELETE { GRAPH :g2 { ?s :p 2 } } INSERT { GRAPH :g1 { ?s :p 3 } } WHERE { GRAPH :g2 { ?s :p 2 } }`
      const headers = { accept: 'application/vnd.quadrille.delta+json' }
      const direct = { ...headers, 'content-type': 'application/sparql-update' }
      for (const init of [
        { method: 'POST', headers: direct, body: update },
        { method: 'POST', headers, body: new URLSearchParams({ update }) },
      ]) {
        const answer = await get('/sparql', init)
        assert.equal(answer.headers.get('content-type'), 'application/vnd.quadrille.delta+json')
        assert.deepEqual(await answer.json(), {
          kind: 'quadrille delta 1',
          ledger: '1e'.repeat(32),
          height: 7,
          read: ['urn:x:g2'],
          assert: '<urn:x:b> <urn:x:p> "3"^^<http://www.w3.org/2001/XMLSchema#integer> <urn:x:g1> .\n',
          retract: [{ graph: 'urn:x:g2', item: 'cc'.repeat(32), rows: [0] }],
        })
      }
      await problem(
        await get('/sparql', { method: 'POST', body: new URLSearchParams({ update }) }),
        403,
        'UPDATE_UNSIGNED',
      )
    })

    it('of whole graphs: the Graph Store Protocol, to read', async () => {
      const one = await get('/graphs?graph=urn:x:g3')
      assert.equal(new Parser().parse(await one.text()).length, 2)
      const turtle = await get('/graphs?default&at=5', { headers: { accept: 'text/turtle' } })
      assert.deepEqual(
        [turtle.headers.get('content-type'), turtle.headers.get('quadrille-height')],
        ['text/turtle', '5'],
      )
      assert.equal(new Parser().parse(await turtle.text()).length, 8)
      const head = await get('/graphs?graph=urn:x:g3', { method: 'HEAD' })
      assert.deepEqual([head.status, await head.text()], [200, ''])
      await problem(await get('/graphs?graph=urn:x:other'), 404, 'GRAPH_UNKNOWN')
      await problem(await get('/graphs'), 400, 'USAGE')
      await problem(await get('/graphs?graph=urn:x:g3', { method: 'DELETE' }), 403, 'UPDATE_UNSIGNED')
    })

    it('within time and rows, each with its own status while the answer is small', async () => {
      node.source_ = new WatchedSource(manyQuads(2_000))
      await start({ queryTimeoutMs: 250 })
      await problem(
        await query('SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(STR(?c) = "x") }'),
        422,
        'QUERY_TIMEOUT',
      )
      await start({ resultRowsMax: 100 })
      await problem(await query('SELECT * { ?a ?b ?c }'), 422, 'RESULT_TOO_LARGE')
    })

    it('and cuts a long answer that fails on the way, so that no part passes for the whole', async () => {
      node.source_ = new WatchedSource(manyQuads(3_000))
      await start({ resultRowsMax: 2_900 })
      const answer = await query('SELECT * { ?a ?b ?c }')
      assert.equal(answer.status, 200)
      await assert.rejects(answer.text())
    })

    it('and tells the operator when the store fails on the way, or at once', async () => {
      for (const good of [3_000, 0]) {
        const source = new WatchedSource(manyQuads(good))
        node.source_ = {
          countQuads: () => 3_000,
          async *match(...pattern) {
            yield* source.match(...pattern)
            throw new LedgerError('KEY_MISSING')
          },
        }
        const answer = await query('SELECT * { ?a ?b ?c }')
        if (good === 0) await problem(answer, 500, 'KEY_MISSING')
        else await assert.rejects(answer.text())
      }
      assert.deepEqual(
        errors.map((error) => error instanceof LedgerError && error.code),
        ['KEY_MISSING', 'KEY_MISSING'],
      )
    })

    it('D5 while the event loop goes on, also during a query that stops for nothing', async () => {
      await start({ queryTimeoutMs: 3_000 })
      // Backtracks some 2^40 times without ever coming up for air.
      const endless = query(`SELECT ?x { BIND(REGEX("${'a'.repeat(40)}!", "^(a+)+$") AS ?x) }`)
      let over = false
      endless.then(() => {
        over = true
      })
      let alive = 0
      while (!over) {
        assert.equal(await (await get('/healthz')).text(), 'ok\n')
        if (!over) alive += 1
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await problem(await endless, 422, 'QUERY_TIMEOUT')
      assert.ok(alive >= 5, `it answered ${alive} times`)
      await start()
      assert.equal((await query('ASK {}')).status, 200)
    })

    it('D5 within memory: QUERY_MEMORY, and the node goes on', async () => {
      await start({ queryTimeoutMs: 100_000, queries: { threads: 1, heapMiB: 128 } })
      const numbers = Array.from({ length: 64 }, (_, n) => `"${n}"`).join(' ')
      const hungry = `SELECT ?long { VALUES ?a { ${numbers} } VALUES ?b { ${numbers} }
        BIND(REPLACE(CONCAT(?a, ?b, "${'x'.repeat(150_000)}"), "x", "y") AS ?long) } ORDER BY ?long`
      const form = new URLSearchParams({ query: hungry })
      const { memoryMiB } = await problem(await get('/sparql', { method: 'POST', body: form }), 422, 'QUERY_MEMORY')
      assert.equal(memoryMiB, 128)
      assert.equal((await query('ASK {}')).status, 200)
    })

    it('no longer than the client stays', async () => {
      const source = new WatchedSource(manyQuads(2_000))
      node.source_ = source
      const leaving = new AbortController()
      const asked = query('SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(STR(?c) = "x") }', {
        signal: leaving.signal,
      })
      setTimeout(() => leaving.abort(), 200)
      await assert.rejects(asked)
      await new Promise((resolve) => setTimeout(resolve, 200))
      const { given } = source
      await new Promise((resolve) => setTimeout(resolve, 200))
      assert.equal(source.given, given)
      assert.equal(source.open, 0)
    })

    it('so many at once and no more: TOO_BUSY, and again when they are done', async () => {
      let release: () => void = () => undefined
      const held = new Promise<void>((resolve) => {
        release = resolve
      })
      let reading = 0
      node.source_ = {
        countQuads: () => 1,
        async *match() {
          reading += 1
          await held
          yield* []
        },
      }
      const running = Array.from({ length: limits.queriesMax }, () => query('SELECT * { ?a ?b ?c }'))
      while (reading < threadsMax) await new Promise((resolve) => setTimeout(resolve, 10))
      const refused = await query('ASK {}')
      assert.equal(refused.headers.get('retry-after'), '1')
      await problem(refused, 503, 'TOO_BUSY')
      release()
      for (const answer of await Promise.all(running)) assert.deepEqual(await values(answer), [])
      assert.equal((await query('ASK {}')).status, 200)
    })
  })

  describe('takes transactions', () => {
    const send = (body: Uint8Array, headers: Record<string, string> = cbor, signal?: AbortSignal): Promise<Response> =>
      get('/transactions', { method: 'POST', headers, body, ...(signal === undefined ? {} : { signal }) })
    const transaction = encodeCbor([Uint8Array.of(1, 2), Uint8Array.of(3)])

    it('and answers 200 when they are final, with their place', async () => {
      const answer = await send(transaction)
      assert.equal(answer.status, 200)
      assert.deepEqual(await answer.json(), { tx, height: 7, index: 0, code: 'OK', final: true })
      assert.deepEqual(node.submitted, [{ transaction: Uint8Array.of(1, 2), payload: Uint8Array.of(3) }])
    })

    it('and tells with its place why one changed nothing, and why one was not taken', async () => {
      node.submitting = async () => ({ tx, sequence: 6, index: 2, code: 'CONFLICT' })
      assert.deepEqual(await problem(await send(transaction), 409, 'CONFLICT'), { tx, height: 6, index: 2 })
      node.submitting = async () => Promise.reject(new LedgerError('SIGNATURE_INVALID'))
      await problem(await send(transaction), 422, 'SIGNATURE_INVALID')
      node.submitting = async () => Promise.reject(new LedgerError('TOO_BUSY'))
      const busy = await send(transaction)
      assert.equal(busy.headers.get('retry-after'), '1')
      await problem(busy, 503, 'TOO_BUSY')
    })

    it('in one encoding only, and of bounded size', async () => {
      await problem(await send(transaction, { 'content-type': 'application/json' }), 415, 'MEDIA_TYPE_UNKNOWN')
      await problem(await send(Uint8Array.of(0xff)), 400, 'MALFORMED')
      await problem(await send(Uint8Array.of(0x82, 0x41, 1, 0x58, 1, 1)), 400, 'NON_CANONICAL')
      await problem(await send(encodeCbor([Uint8Array.of(1)])), 400, 'MALFORMED')
      await problem(
        await send(new Uint8Array(limits.payloadBytesMax + 4 * limits.transactionBytesMax)),
        413,
        'TOO_LARGE',
      )
      assert.deepEqual(node.submitted, [])
    })

    it('and waits no longer than it may: NOT_FINAL', async () => {
      node.submitting = untilAborted
      await start({ submitTimeoutMs: 150 })
      await problem(await send(transaction), 503, 'NOT_FINAL')
    })

    it('and stops waiting when the client leaves', async () => {
      let aborted = false
      node.submitting = (signal) => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        return untilAborted(signal)
      }
      const leaving = new AbortController()
      const sent = send(transaction, cbor, leaving.signal)
      setTimeout(() => leaving.abort(), 100)
      await assert.rejects(sent)
      for (let tries = 0; tries < 50 && !aborted; tries++) await new Promise((resolve) => setTimeout(resolve, 10))
      assert.ok(aborted)
    })

    it('and tells the operator, not the client, what it did not expect', async () => {
      node.submitting = async () => Promise.reject(new Error('a secret of the disk'))
      const answer = await send(transaction)
      assert.ok(!(await answer.clone().text()).includes('secret'))
      await problem(answer, 500, 'UNEXPECTED')
      assert.deepEqual(errors.map(String), ['Error: a secret of the disk'])
    })
  })

  describe('hands out', () => {
    const bytesOf = async (path: string): Promise<Uint8Array> => {
      const answer = await get(path)
      assert.equal(answer.status, 200)
      return new Uint8Array(await answer.arrayBuffer())
    }

    it('no more large blocks at once than a frame holds, and at least one', async () => {
      const blocksKept = Array.from({ length: 64 }, () => new Uint8Array(limits.batchBytesMax))
      Object.assign(node, { blocksKept })
      const { length } = await bytesOf('/blocks?from=1')
      assert.ok(length > limits.batchBytesMax && length <= limits.frameBytesMax + 1_024, `${length} bytes`)
    })

    it('blocks, one or many, results and payloads', async () => {
      assert.deepEqual(await bytesOf('/blocks/3'), node.blocksKept[2])
      assert.deepEqual(decodeCbor(await bytesOf('/blocks?from=6&count=5')), node.blocksKept.slice(5))
      assert.deepEqual(decodeCbor(await bytesOf('/blocks?from=99')), [])
      assert.deepEqual(await bytesOf('/results/7'), Uint8Array.of(9))
      assert.deepEqual(await bytesOf(`/items/${'cc'.repeat(32)}/payload`), Uint8Array.of(7, 7))
      await problem(await get('/blocks/8'), 404, 'HEIGHT_UNKNOWN')
      await problem(await get('/blocks/x'), 400, 'USAGE')
      await problem(await get('/blocks?from=1&count=100000'), 400, 'USAGE')
      await problem(await get('/blocks'), 400, 'USAGE')
      await problem(await get('/results/1'), 404, 'NOT_FOUND')
      await problem(await get(`/items/${'dd'.repeat(32)}/payload`), 404, 'ITEM_UNKNOWN')
      await problem(await get('/items/zz/payload'), 400, 'USAGE')
    })

    it('receipts, final unless ordered is asked for', async () => {
      assert.deepEqual(await (await get(`/receipts/${tx}`)).json(), { tx, type: 'final' })
      assert.deepEqual(await (await get(`/receipts/${tx}?type=ordered`)).json(), { tx, type: 'ordered' })
      await problem(await get(`/receipts/${tx}?type=good`), 400, 'USAGE')
      await problem(await get(`/receipts/${'00'.repeat(32)}`), 404, 'RECEIPT_UNKNOWN')
      await problem(await get('/receipts/me'), 400, 'USAGE')
    })

    it('E1 no payload of an erased item, and which order erased it', async () => {
      const answer = await get(`/items/${'ee'.repeat(32)}/payload`)
      assert.equal(answer.status, 410)
      const { code, details } = (await answer.json()) as { code: string; details: unknown }
      assert.equal(code, 'ITEM_ERASED')
      assert.deepEqual(details, { order: 'ab'.repeat(32), height: 5 })
    })

    it('the log: note, tiles and leaves', async () => {
      assert.match(await (await get('/log/checkpoint')).text(), /^quadrille\n20\n/)
      const tile = await get('/log/tile/0/000.p/20')
      assert.match(tile.headers.get('cache-control') ?? '', /immutable/)
      assert.equal((await tile.arrayBuffer()).byteLength, 640)
      assert.equal(await (await get('/log/leaves?from=2&count=2')).text(), '{"seq":2}\n{"seq":3}\n')
      assert.match(await (await get('/log/proof/19')).text(), /^c2sp.org\/tlog-proof@v1\nindex 19\n/)
      await problem(await get('/log/proof/20'), 404, 'NOT_FOUND')
      await problem(await get('/log/proof/19?size=19'), 404, 'NOT_FOUND')
      for (const path of ['/log/proof/-1', '/log/proof/1e3', '/log/proof/1?size=0']) {
        await problem(await get(path), 400, 'USAGE')
      }
      const headers = { 'content-type': 'application/octet-stream' }
      const signed = await get('/log/exports/manifest', { method: 'POST', headers, body: 'a manifest' })
      assert.equal(await signed.text(), '10 bytes\n')
      await problem(await get('/log/tile/0/001'), 404, 'NOT_FOUND')
      await problem(await get('/log/tile/../../etc/passwd'), 404, 'NOT_FOUND')
      await problem(await get('/log/leaves?from=19&count=2'), 404, 'NOT_FOUND')
    })

    it('the genesis and the next number of a key', async () => {
      assert.equal(((await (await get('/genesis')).json()) as { genesis: { name: string } }).genesis.name, 'Food Trace')
      assert.deepEqual(await (await get(`/keys/${'aa'.repeat(32)}`)).json(), { next: 12 })
      await problem(await get('/keys/aa'), 400, 'USAGE')
    })

    it('all quads, or those of one graph, at a height', async () => {
      const answer = await get('/dump?at=5')
      assert.equal(answer.headers.get('content-type'), 'application/n-quads')
      assert.equal(answer.headers.get('quadrille-height'), '5')
      const quads = new Parser({ format: 'N-Quads' }).parse(await answer.text())
      assert.equal(quads.length, 9)
      assert.ok(quads.some(({ object }) => object.value === 'Ann "A" <&>, Äö'))
      const graph = new Parser({ format: 'N-Quads' }).parse(await (await get('/dump?graph=urn:x:g3')).text())
      assert.deepEqual([...new Set(graph.map((quad) => quad.graph.value))], ['urn:x:g3'])
      node.source_ = new WatchedSource(manyQuads(20_000))
      assert.equal((await (await get('/dump')).text()).split('\n').length, 20_001)
    })
  })

  it('says how it is: alive, ready, status and health', async () => {
    assert.equal(await (await get('/healthz')).text(), 'ok\n')
    const ready = await get('/readyz')
    assert.equal(ready.status, 200)
    node.quorumConnected = false
    assert.equal((await get('/readyz')).status, 503)
    const status = await get('/status')
    assert.equal(status.headers.get('quadrille-height'), '7')
    assert.equal(((await status.json()) as { height: number }).height, 7)
    const health = (await (await get('/health')).json()) as { readonly clock: { readonly aheadMs: number } }
    assert.equal(health.clock.aheadMs, -1500)
  })

  it('knows nothing else: NOT_FOUND', async () => {
    await problem(await get('/nothing'), 404, 'NOT_FOUND')
    await problem(await get('/status', { method: 'DELETE' }), 404, 'NOT_FOUND')
  })

  it('closes at once, whatever is under way', async () => {
    node.submitting = untilAborted
    const waiting = get('/transactions', {
      method: 'POST',
      headers: cbor,
      body: encodeCbor([Uint8Array.of(1), Uint8Array.of()]),
    })
    const { port } = new URL(server.url)
    const silent = connect(Number(port), '127.0.0.1')
    silent.on('error', () => silent.destroy())
    await new Promise((resolve) => setTimeout(resolve, 100))
    const began = Date.now()
    await Promise.all([assert.rejects(waiting), server.close()])
    assert.ok(Date.now() - began < 1_000)
  })
})
