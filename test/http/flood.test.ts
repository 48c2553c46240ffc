// D7: clients that hold on to what they can, over real sockets.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { encodeCbor } from '../../src/base/cbor.ts'
import { limits } from '../../src/base/limits.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import { FakeNode, untilAborted } from './fake-node.ts'

const clients = 1_000
const megabyte = 1_048_576
const cbor = { 'content-type': 'application/cbor' }

describe('D7 A node’s HTTP server', function () {
  this.timeout(60_000)
  let node: FakeNode
  let server: HttpServer
  let before: number
  const sockets: Socket[] = []

  const port = (): number => Number(new URL(server.url).port)
  const resident = (): number => process.memoryUsage.rss()

  function hold(text: string): Socket {
    const socket = connect(port(), '127.0.0.1')
    // Whoever is cut off on purpose.
    socket.on('error', () => undefined)
    // One that is not read does not learn that it was closed.
    socket.resume()
    socket.write(text)
    sockets.push(socket)
    return socket
  }

  /** Over a connection of its own. */
  function ask(body?: Uint8Array): Promise<IncomingMessage> {
    const what = body === undefined ? { path: '/healthz' } : { method: 'POST', path: '/transactions', headers: cbor }
    return new Promise((done, fail) => {
      const asked = request({ host: '127.0.0.1', port: port(), agent: false, ...what }, (answer) => {
        answer.resume()
        done(answer)
      })
      asked.on('error', fail).end(body)
    })
  }

  beforeEach(async () => {
    node = new FakeNode()
    server = await startHttp({ bind: { host: '127.0.0.1', port: 0 }, node, onError: () => undefined })
    before = resident()
  })

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await server.close()
  })

  it('serves others while a thousand clients each begin a question and do not end it', async () => {
    const slow = Array.from({ length: clients }, () => hold('GET /status HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: '))
    assert.equal((await ask()).statusCode, 200)
    // The oldest made room.
    const isCutOff = (): number => slow.filter(({ closed }) => closed).length
    while (isCutOff() < clients - limits.httpConnectionsMax) await new Promise((done) => setTimeout(done, 20))
    assert.equal((await ask()).statusCode, 200)
    assert.ok(resident() - before < 200 * megabyte)
  })

  it('tells with 503 and Retry-After who comes while all connections wait for answers, and serves again after it', async () => {
    let asked = 0
    const allAsked = new Promise<void>((done) => {
      node.submit = (_transaction, _payload, signal) => {
        if (++asked === limits.httpConnectionsMax) done()
        return untilAborted(signal)
      }
    })
    const body = Buffer.from(encodeCbor([new Uint8Array(8), new Uint8Array()]))
    const head = `POST /transactions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/cbor\r\ncontent-length: ${body.length}\r\n\r\n`
    const waiting = Array.from({ length: limits.httpConnectionsMax }, () => {
      const socket = hold(head)
      socket.write(body)
      return socket
    })
    await allAsked
    let answer = await ask()
    assert.deepEqual([answer.statusCode, answer.headers['retry-after']], [503, '1'])
    for (const socket of waiting) socket.destroy()
    do answer = await ask()
    while (answer.statusCode === 503)
    assert.equal(answer.statusCode, 200)
  })

  it('holds a flood of large writes in bounded memory: TOO_BUSY before they are read', async () => {
    node.submit = (_transaction, _payload, signal) => untilAborted(signal)
    const payload = new Uint8Array(limits.payloadBytesMax)
    const body = Buffer.from(encodeCbor([new Uint8Array(8), payload]))
    const statuses: number[] = []
    const floods = Array.from({ length: 100 }, () => {
      const headers = { 'content-type': 'application/cbor', 'content-length': body.length }
      const sent = request({ host: '127.0.0.1', port: port(), method: 'POST', path: '/transactions', headers })
      const told = new Promise<void>((done) => {
        sent.on('error', () => done())
        sent.on('response', (answer: IncomingMessage) => {
          statuses.push(answer.statusCode ?? 0)
          assert.equal(answer.headers['retry-after'], '1')
          answer.resume()
          done()
        })
      })
      sent.end(body)
      return { sent, told }
    })
    const fitting = Math.floor(limits.bodiesBytesMax / body.length)
    await Promise.all(floods.slice(fitting).map(({ told }) => told))
    assert.ok(statuses.length > 0 && statuses.every((status) => status === 503))
    assert.ok(resident() - before < 400 * megabyte)
    for (const { sent } of floods) sent.destroy()
    assert.equal((await ask()).statusCode, 200)
  })

  it('reads a form of as many fields as fit in time that goes with its length', async () => {
    const body = Array.from({ length: 150_000 }, (_, n) => n.toString(36)).join('&')
    const began = performance.now()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await fetch(`http://127.0.0.1:${port()}/sparql`, { method: 'POST', headers, body })
    assert.equal(answer.status, 400)
    await answer.text()
    const ms = performance.now() - began
    assert.ok(ms < 4_000, `${ms} ms`)
  })

  it('gives back what clients held that leave in the middle of what they send', async () => {
    const length = limits.payloadBytesMax
    const head = `POST /transactions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/cbor\r\ncontent-length: ${length}\r\n\r\n`
    for (let round = 0; round < 10; round++) {
      const leaving = Array.from({ length: 50 }, () => hold(head))
      await Promise.all(leaving.map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)))
      for (const socket of leaving) socket.write(new Uint8Array(1_000), () => socket.destroy())
      await Promise.all(leaving.map((socket) => (socket.closed ? undefined : once(socket, 'close'))))
    }
    const body = Buffer.from(encodeCbor([new Uint8Array(8), new Uint8Array()]))
    let answer: IncomingMessage
    do answer = await ask(body)
    while (answer.statusCode === 503)
    assert.equal(answer.statusCode, 200)
  })
})
