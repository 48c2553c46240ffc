// What the HTTP server tells the node's local log: each request once, in words of ours, and the rest for the side-car.

import assert from 'node:assert/strict'
import { eventually } from '../../demo/processes.ts'
import { type HttpServer, startHttp } from '../../src/http/server.ts'
import type { LocalEvent } from '../../src/node/local-events.ts'
import { FakeNode } from './fake-node.ts'

const person = 'https://person.example/id/17'

describe('Requests in the local log', function () {
  this.timeout(30_000)
  let node: FakeNode
  let server: HttpServer

  beforeEach(async () => {
    node = new FakeNode()
    server = await startHttp({ bind: { host: '127.0.0.1', port: 0 }, node, onError: () => undefined })
  })

  afterEach(() => server.close())

  async function noted(count: number): Promise<readonly LocalEvent[]> {
    await eventually('noted', async () => node.local.noted.length >= count || undefined)
    return node.local.noted
  }

  it('name route, status and code, and leave address and text to the side-car', async () => {
    const query = `ASK { <${person}> ?p ?o }`
    await (await fetch(`${server.url}/sparql?query=${encodeURIComponent(query)}`)).text()
    await (
      await fetch(`${server.url}/sparql`, {
        method: 'POST',
        headers: { 'content-type': 'application/sparql-query' },
        body: query,
      })
    ).text()
    await (await fetch(`${server.url}/items/${'0'.repeat(64)}/payload?${person}`)).text()
    await (await fetch(`${server.url}/${person}`)).text()
    assert.deepEqual(await noted(4), [
      { type: 'access', method: 'GET', route: '/sparql', status: 200, code: '' },
      { type: 'access', method: 'POST', route: '/sparql', status: 200, code: '' },
      { type: 'refused', method: 'GET', route: '/items/:id/payload', status: 404, code: 'ITEM_UNKNOWN' },
      { type: 'refused', method: 'GET', route: 'none', status: 404, code: 'NOT_FOUND' },
    ])
    const [first, second, third] = node.local.about
    assert.deepEqual([first?.from, first?.asked, first?.text], ['127.0.0.1', `GET /sparql?query=${query}`, ''])
    assert.deepEqual([second?.asked, second?.text], ['POST /sparql', query])
    assert.ok(third?.asked.includes(person))
  })

  it('are noted and decoded as far as can be where their address cannot be read, or is too long', async () => {
    const encoded = encodeURIComponent(person)
    for (const path of [`/%ZZ/${encoded}`, `/sparql?query=%ZZ${encoded}`, `/keys/${encoded}${'y'.repeat(300)}`]) {
      const answer = await fetch(`${server.url}${path}`)
      assert.equal(answer.headers.get('content-type'), 'application/problem+json')
      assert.ok(!(await answer.text()).includes('person.example'), path)
    }
    const event = { type: 'refused', method: 'GET', status: 400 }
    assert.deepEqual(await noted(3), [
      { ...event, route: 'none', code: 'USAGE' },
      { ...event, route: '/sparql', code: 'PARSE_ERROR' },
      { ...event, route: 'none', code: 'USAGE' },
    ])
    for (const { asked } of node.local.about) assert.ok(asked.includes(person), asked)
  })

  it('tell refusals that no route sees, and no look at the health', async () => {
    for (const path of ['/healthz', '/readyz', '/status', '/metrics'])
      await (await fetch(`${server.url}${path}`)).text()
    await (await fetch(`${server.url}/genesis`, { headers: { origin: 'https://evil.example' } })).text()
    // fetch asks again after 421, as its standard says.
    for (const event of await noted(1)) {
      assert.deepEqual(event, { type: 'refused', method: 'GET', route: '/genesis', status: 421, code: 'HOST_REFUSED' })
    }
  })

  it('tell what left the node as a whole', async () => {
    await (await fetch(`${server.url}/dump`)).text()
    const body = JSON.stringify({ type: 'person', person })
    await (await fetch(`${server.url}/persons/export`, { method: 'POST', body })).text()
    assert.equal((await fetch(`${server.url}/log/exports`, { method: 'POST', body: 'audit-payloads' })).status, 204)
    assert.equal((await fetch(`${server.url}/log/exports`, { method: 'POST', body: 'gossip' })).status, 400)
    const kinds = (await noted(7)).flatMap((event) => (event.type === 'exported' ? [event.kind] : []))
    assert.deepEqual(kinds.sort(), ['audit-payloads', 'dump', 'person'])
  })

  it('end up in files that are served like those of the consortium log', async () => {
    const heads = (await (await fetch(`${server.url}/log/local`)).json()) as { log: number }[]
    const of = `${server.url}/log/local/${heads[0]?.log}`
    assert.equal(await (await fetch(`${of}/leaves?from=0&count=1`)).text(), '{"seq":0}\n')
    assert.equal((await fetch(`${of}/leaves?from=1&count=1`)).status, 404)
    assert.equal((await fetch(`${of}/tile/0/000.p/1`)).status, 200)
    assert.equal(await (await fetch(`${of}/checkpoint`)).text(), 'a note\n')
    assert.equal((await fetch(`${server.url}/log/local/5/checkpoint`)).status, 404)
    assert.equal((await fetch(`${server.url}/log/local/details/${'ab'.repeat(16)}`)).status, 200)
    assert.equal((await fetch(`${server.url}/log/local/details/${'00'.repeat(16)}`)).status, 404)
  })
})
