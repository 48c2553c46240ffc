// Following changes over real sockets, by clients that leave, that come back, and that never read.

import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { DataFactory } from 'n3'
import { encodeCbor } from '../../src/base/cbor.ts'
import { itemIdOf } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { FakeNode, untilAborted } from './fake-node.ts'

const { namedNode, literal, quad } = DataFactory
const said = (value: string) =>
  quad(namedNode('urn:s'), namedNode('urn:p'), literal(value), namedNode('urn:g')) as never

describe('Changes', function () {
  this.timeout(120_000)
  let node: FakeNode
  let server: HttpServer
  let sockets: Socket[]

  async function start(stalledMs = 30_000): Promise<void> {
    server = await startHttp({ bind: { host: '127.0.0.1', port: 0 }, node, onError: () => undefined, stalledMs })
  }

  beforeEach(() => {
    node = new FakeNode()
    sockets = []
  })
  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await server.close()
  })

  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(new URL(path, server.url), { headers })

  /** Asks and never reads. */
  function ask(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => {
        socket.write('GET /changes?since=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
        resolve(socket)
      })
      sockets.push(socket)
      socket.pause()
      socket.on('error', reject)
    })
  }

  it('are told block by block, what was added, what was removed, and that something was erased', async () => {
    await start()
    node.changing = async function* (height) {
      yield { type: 'block', height, time: 1_800_000_000_000 }
      if (height === 6) {
        yield { type: 'erased', item: itemIdOf('cc'.repeat(32)) }
        yield { type: 'added', quad: said('a "b"\n') }
        yield { type: 'removed', quad: said('c') }
      }
    }
    const patch = await get('/changes?since=4&until=7', { accept: 'application/rdf-patch' })
    assert.equal(
      await patch.text(),
      [
        'H height "6" .',
        'H time "2027-01-15T08:00:00.000Z" .',
        `H erased <urn:quadrille:item:${'cc'.repeat(32)}> .`,
        'TX .',
        'A <urn:s> <urn:p> "a \\"b\\"\\n" <urn:g> .',
        'D <urn:s> <urn:p> "c" <urn:g> .',
        'TC .',
        '# height 6',
        '',
      ].join('\n'),
    )
    const events = await (await get('/changes?since=4&until=7', { accept: 'text/event-stream' })).text()
    assert.match(events, /^id: 6\nevent: block\ndata: H height "6" \.\n/)
    assert.match(events, /\ndata: TC \.\n\n$/)
  })

  it('are told as they are in events, with every character that ends a line elsewhere', async () => {
    await start()
    const value = 'one\u2028two\u2029three\u0085four'
    node.changing = async function* (height) {
      yield { type: 'block', height, time: 1_800_000_000_000 }
      yield { type: 'added', quad: said(value) }
    }
    const events = await (await get('/changes?since=4&until=5', { accept: 'text/event-stream' })).text()
    assert.ok(events.includes(`\ndata: A <urn:s> <urn:p> "${value}" <urn:g> .\ndata: TC .\n\n`), events)
  })

  it('are refused where they cannot begin', async () => {
    await start()
    assert.equal((await get('/changes?since=8')).status, 404)
    assert.equal((await get('/changes?since=-1')).status, 400)
    assert.equal((await get('/changes', { 'last-event-id': 'yesterday' })).status, 400)
    assert.equal((await get('/changes', { accept: 'image/png' })).status, 406)
  })

  it('of a block that fails on the way are cut off, so that no part passes for the whole', async () => {
    await start()
    node.changing = async function* (height) {
      yield { type: 'block', height, time: 0 }
      yield { type: 'added', quad: said('a') }
      throw new Error('the disk is gone')
    }
    await assert.rejects((await get('/changes?since=0&until=7')).text())
  })

  it('D7 a client that never reads is dropped, and nothing more is read for it', async () => {
    await start(500)
    let given = 0
    node.changing = async function* (height) {
      yield { type: 'block', height, time: 0 }
      for (let n = 0; n < 5_000; n++) {
        given += 1
        yield { type: 'added', quad: said(`${n} ${'x'.repeat(10_000)}`) }
      }
    }
    await ask()
    let before = -1
    // Until what is given stands still, although the client has asked for more.
    while (given === 0 || before !== given) {
      before = given
      await new Promise((resolve) => setTimeout(resolve, 1_500))
    }
    assert.ok(given < 5_000, `${given} of 35000 quads`)
    assert.ok((await get('/healthz')).ok)
  })

  it('D7 a flood of writes is told to come back before its bodies are held: TOO_BUSY with Retry-After', async () => {
    await start()
    node.submitting = untilAborted
    const body = encodeCbor([new Uint8Array(60_000), new Uint8Array(4_000_000)])
    const leaving = new AbortController()
    const flood = Array.from({ length: 40 }, () =>
      fetch(new URL('/transactions', server.url), {
        method: 'POST',
        headers: { 'content-type': 'application/cbor' },
        body,
        signal: leaving.signal,
      }).catch(() => undefined),
    )
    const refused = await Promise.any(flood.map(async (each) => (await each) ?? Promise.reject(new Error('cut off'))))
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1'])
    assert.equal(((await refused.json()) as { code: string }).code, 'TOO_BUSY')
    while (node.submitted.length < 12) await new Promise((resolve) => setTimeout(resolve, 20))
    assert.ok(node.submitted.length * body.length <= limits.bodiesBytesMax)
    assert.ok((await get('/healthz')).ok)
    leaving.abort()
    await Promise.all(flood)
  })

  it('D7 more followers than there may be are told to come back', async () => {
    await start()
    const followers = await Promise.all(Array.from({ length: limits.changeStreamsMax }, () => get('/changes')))
    assert.ok(followers.every(({ status }) => status === 200))
    const more = await get('/changes')
    assert.deepEqual([more.status, more.headers.get('retry-after')], [503, '1'])
    await Promise.all(followers.map((each) => each.body?.cancel()))
    for (;;) {
      const again = await get('/changes')
      await again.body?.cancel()
      if (again.status === 200) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
})
