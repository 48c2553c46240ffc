// The log of a node: what its types let in, what it makes of errors, and its two formats.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { LedgerError } from '../../src/base/errors.ts'
import { keyIdOf, nodeIdOf } from '../../src/base/ids.ts'
import { addressText, nodeName, peerIdText, StreamLog } from '../../src/node/log.ts'

interface Written {
  readonly log: StreamLog
  readonly lines: string[]
}

function opened(format: 'json' | 'text' = 'json'): Written {
  const lines: string[] = []
  const name = nodeName({ id: 0, name: 'acme-1' })
  return { log: new StreamLog({ level: 'debug', format }, name, { write: (line) => lines.push(line) }), lines }
}

describe('the log of a node', () => {
  it('takes numbers, words of the source and identifiers', () => {
    const { log, lines } = opened()
    const peer = nodeIdOf('ab'.repeat(16))
    log.write('info', 'leader', { round: 3, leader: peer, by: 'us', known: true, none: null, all: [peer, 1] })
    const { time, ...line } = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    assert.match(String(time), /^\d{4}-\d\d-\d\dT/)
    const facts = { round: 3, leader: peer, by: 'us', known: true, none: null, all: [peer, 1] }
    assert.deepEqual(line, { level: 'info', node: 'acme-1', msg: 'leader', ...facts })
  })

  it('E5 does not compile with a text that came at run time, with bytes, an object or an error', () => {
    const { log } = opened()
    const came: string = randomBytes(4).toString('hex')
    // What follows is for the compiler: each line that it takes although it must not is an error of its own.
    const never = (): void => {
      // @ts-expect-error a text of which nothing is known
      log.write('info', 'said', { text: came })
      // @ts-expect-error a template with such a text in it
      log.write('info', 'said', { text: `key ${came}` })
      // @ts-expect-error such a text as the message
      log.write('info', came, {})
      // @ts-expect-error a message made with such a text
      log.write('info', `said ${came}`, {})
      // @ts-expect-error bytes
      log.write('info', 'said', { seed: new Uint8Array(32) })
      // @ts-expect-error an object
      log.write('info', 'said', { config: { unlock: came } })
      // @ts-expect-error an error, whose message may quote anything
      log.write('info', 'said', { err: new Error(came) })
      // @ts-expect-error a list of texts
      log.write('info', 'said', { all: [came] })
      // @ts-expect-error either of two, one of which is a text
      log.write('info', 'said', { text: Math.random() > 2 ? came : 3 })
      // @ts-expect-error something of which nothing is known
      log.write('info', 'said', { value: JSON.parse(came) as unknown })
    }
    assert.equal(typeof never, 'function')
  })

  it('E5 says of an error its code, its kind and its place in the source, never what it quotes', () => {
    const { log, lines } = opened()
    const secret = 'ada.okafor@olive.example'
    log.failure('error', 'an answer failed', new LedgerError('GRAPH_UNKNOWN', { graph: secret, count: 3 }))
    log.failure('error', 'an answer failed', new TypeError(`cannot read ${secret}\n    at ${secret} (nowhere.ts:1:1)`))
    log.failure('error', 'an answer failed', Object.assign(new Error(secret), { code: 'ENOSPC' }))
    log.failure('error', 'an answer failed', secret)
    log.failure('error', 'an answer failed', new LedgerError('UNEXPECTED', { reason: secret }, new Error(secret)))
    for (const line of lines) assert.ok(!line.includes(secret), line)
    const [refused, thrown, disk, text] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual([refused?.['code'], refused?.['count'], refused?.['graph']], ['GRAPH_UNKNOWN', 3, undefined])
    assert.deepEqual([thrown?.['code'], thrown?.['kind']], ['UNEXPECTED', 'TypeError'])
    assert.match(String((thrown?.['at'] as readonly string[] | undefined)?.[0]), /log\.test\.ts:\d+:\d+/)
    assert.equal(disk?.['kind'], 'ENOSPC')
    assert.equal(text?.['kind'], 'string')
  })

  it("keeps the facts of what went wrong with this node's own files", () => {
    const { log, lines } = opened()
    log.failure('fatal', 'this node cannot go on', new LedgerError('RECORD_TAMPERED', { store: 'journal', segment: 4 }))
    const line = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    assert.deepEqual([line['store'], line['segment']], ['journal', 4])
  })

  it('lets through addresses and PeerIds, and nothing that only looks like them', () => {
    assert.equal(addressText('/ip4/127.0.0.1/tcp/4701'), '/ip4/127.0.0.1/tcp/4701')
    assert.equal(addressText('http://[::1]:4780'), 'http://[::1]:4780')
    assert.equal(addressText('http://user:secret@host/'), 'an address of another form')
    assert.equal(peerIdText(`12D3KooW${'a'.repeat(44)}`), `12D3KooW${'a'.repeat(44)}`)
    assert.equal(peerIdText('urn:person:17'), 'a peer without a name')
  })

  it('changes level and format while it is open', () => {
    const { log, lines } = opened()
    log.configure({ level: 'warn', format: 'text' })
    log.write('info', 'leader', { round: 1 })
    log.write('warn', 'disconnected', { peer: keyIdOf('cd'.repeat(32)), count: 2 })
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} warn {2}disconnected peer=(cd){32} count=2\n$/)
  })
})
