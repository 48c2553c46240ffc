import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeCbor } from '../../src/base/cbor.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { graphId } from '../../src/base/hash.ts'
import { nodeIdOf, organisationIdOf, timeOf } from '../../src/base/ids.ts'
import { decode } from '../../src/base/schema.ts'
import { verify } from '../../src/base/signature.ts'
import { type Client, createClient, generateKey } from '../../src/http/client.ts'
import { defaultParameters, defaultPolicies, defaultThresholds } from '../../src/ledger/founding.ts'
import { type Genesis, ledgerIdFor, signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { openPayload } from '../../src/ledger/items.ts'
import { payloadSchema } from '../../src/ledger/payload.ts'
import { staticVerdict } from '../../src/ledger/static.ts'

const acme = organisationIdOf('acme')
const zeros = new Uint8Array(32)

// No founder would sign it; a client needs only its policies and its hash.
const genesis: Genesis = {
  name: 'Food Trace',
  protocol: 'pbft/1',
  created: timeOf(1_800_000_000_000),
  rulesVersion: 1,
  organisations: [{ id: acme, name: 'Acme', key: generateKey().publicKey }],
  nodes: [
    {
      id: nodeIdOf('01'.repeat(16)),
      organisation: acme,
      name: 'acme-1',
      role: 'validator',
      keys: { consensus: zeros, transport: zeros, payload: zeros, checkpoint: zeros },
      addresses: [],
    },
  ],
  thresholds: defaultThresholds(1),
  parameters: defaultParameters,
  policies: defaultPolicies(acme),
  graphs: [
    { iri: 'urn:g:events', owner: acme, policy: 'open', writers: [] },
    { iri: 'urn:g:people', owner: acme, policy: 'personal', writers: [] },
  ],
}
const signedJson = signedGenesisSchema.toJson({ genesis, signatures: [] }) as { genesis: Record<string, unknown> }
const ledger = ledgerIdFor(genesis)

const iri = (value: string) => ({ termType: 'NamedNode', value })
const quad = (subject: string, object: string, graph?: string) => ({
  subject: iri(subject),
  predicate: iri('urn:x:p'),
  object: {
    termType: 'Literal',
    value: object,
    language: '',
    datatype: { value: 'http://www.w3.org/2001/XMLSchema#string' },
  },
  graph: graph === undefined ? { termType: 'DefaultGraph', value: '' } : iri(graph),
})

interface Sent {
  readonly path: string
  readonly body: Uint8Array
  readonly headers: IncomingMessage['headers']
}

type Answer = readonly [status: number, body: unknown, headers?: Record<string, string>] | 'hang up'

describe('the client', () => {
  let server: Server
  let endpoint: string
  let sent: Sent[] = []
  let answers: Answer[] = []
  const key = generateKey()

  const ok = (height = 7): Answer => [200, { tx: 'ab'.repeat(32), height, index: 0, code: 'OK', final: true }]

  const usual = (path: string): Answer => {
    if (path === '/genesis') return [200, signedJson]
    if (path.startsWith('/keys/')) return [200, { next: 12 }]
    return answers.shift() ?? ok()
  }

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Uint8Array[] = []
    for await (const part of request) parts.push(part as Uint8Array)
    const path = request.url ?? ''
    sent.push({ path, body: new Uint8Array(Buffer.concat(parts)), headers: request.headers })
    const answer = usual(path)
    if (answer === 'hang up') return void request.socket.destroy()
    const [status, body, headers = {}] = answer
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }

  before(async () => {
    server = createServer((request, response) => void respond(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  beforeEach(() => {
    sent = []
    answers = []
  })

  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const client = (options: { retryMs?: number; endpoint?: string } = {}): Client =>
    createClient({ endpoint, ledger, key: key.seed, retryMs: 3_000, ...options })

  const transactions = (): readonly Sent[] => sent.filter(({ path }) => path === '/transactions')

  const opened = ({ body }: Sent) => {
    const [bytes, payload] = decodeCbor(body) as [Uint8Array, Uint8Array]
    const verdict = staticVerdict(ledger, bytes, verify)
    assert.ok(verdict.type === 'valid')
    return { transaction: verdict.transaction, tx: verdict.tx, payload }
  }

  const refused = async (attempt: Promise<unknown>): Promise<LedgerError> => {
    const error = await attempt.then(
      () => assert.fail('it was taken'),
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof LedgerError, String(error))
    return error
  }

  it('sends a transaction that every validator finds valid and whose payload opens its commitments', async () => {
    assert.deepEqual(await client().submit([quad('urn:x:a', 'one')], { graph: 'urn:g:events' }), {
      tx: 'ab'.repeat(32),
      height: 7,
      index: 0,
    })
    const [only] = transactions()
    assert.ok(only !== undefined)
    assert.equal(only.headers['content-type'], 'application/cbor')
    const { transaction, payload } = opened(only)
    assert.equal(transaction.sequence, 12)
    assert.ok(transaction.act.type === 'data')
    assert.deepEqual(
      transaction.act.items.map(({ graph }) => graph),
      [graphId('urn:g:events')],
    )
    const { type } = openPayload(ledger, transaction, decode(payloadSchema, payload))
    assert.equal(type, 'opens')
  })

  it('names data subjects where the policy is personal', async () => {
    const subjects = ['urn:x:ann', 'urn:x:bob']
    await client().submit([quad('urn:x:a', 'one', 'urn:g:people')], { dataSubjects: subjects })
    const [only] = transactions()
    assert.ok(only !== undefined)
    const { transaction, payload } = opened(only)
    const result = openPayload(ledger, transaction, decode(payloadSchema, payload))
    assert.ok(result.type === 'opens')
    const [item] = result.items
    assert.ok(item?.assertions.type === 'read')
    assert.deepEqual(item.assertions.value.subjects, subjects)
  })

  it('tries again with the same bytes while the node is busy, away or hangs up', async () => {
    const problem = { type: 'about:blank', status: 503, code: 'TOO_BUSY' }
    answers = [[503, problem, { 'retry-after': '0' }], 'hang up', [429, problem], ok(9)]
    assert.equal((await client().submit([quad('urn:x:a', 'one')], { graph: 'urn:g:events' })).height, 9)
    const bodies = transactions().map(({ body }) => Buffer.from(body).toString('hex'))
    assert.equal(bodies.length, 4)
    assert.equal(new Set(bodies).size, 1)
  })

  it('gives every transaction its own number, those that go out together too', async () => {
    const one = client()
    await Promise.all(
      Array.from({ length: 5 }, (_, i) => one.submit([quad('urn:x:a', `${i}`)], { graph: 'urn:g:events' })),
    )
    const numbers = transactions().map((each) => opened(each).transaction.sequence)
    assert.deepEqual([...numbers].sort(), [12, 13, 14, 15, 16])
    assert.equal(sent.filter(({ path }) => path.startsWith('/keys/')).length, 1)
  })

  it('never gives out a number again, even when the node says a lower one', async () => {
    const one = client()
    answers = [[409, { code: 'SEQUENCE_TOO_FAR', details: {} }]]
    assert.equal(
      (await refused(one.submit([quad('urn:x:a', 'one')], { graph: 'urn:g:events' }))).code,
      'SEQUENCE_TOO_FAR',
    )
    await one.submit([quad('urn:x:a', 'two')], { graph: 'urn:g:events' })
    assert.deepEqual(
      transactions().map((each) => opened(each).transaction.sequence),
      [12, 13],
    )
  })

  it('turns a problem into the error that the node had, with its details, and does not try again', async () => {
    answers = [
      [403, { type: 'about:blank', title: 'x', code: 'NOT_PERMITTED', details: { graph: 'abcd', nested: {} } }],
    ]
    const error = await refused(client().submit([quad('urn:x:a', 'one')], { graph: 'urn:g:events' }))
    assert.deepEqual([error.code, error.details, transactions().length], ['NOT_PERMITTED', { graph: 'abcd' }, 1])
  })

  it('throws the outcome of a transaction that was ordered and not carried out', async () => {
    answers = [[200, { tx: 'ab'.repeat(32), height: 3, index: 1, code: 'CONFLICT', final: true }]]
    const error = await refused(client().submit([quad('urn:x:a', 'one')], { graph: 'urn:g:events' }))
    assert.deepEqual([error.code, error.details['height']], ['CONFLICT', 3])
  })

  it('P21 does not take an answer for success that is not final', async () => {
    answers = [[200, { tx: 'ab'.repeat(32), height: 3, index: 1, code: 'OK', final: false }]]
    const error = await refused(client().submit([quad('urn:x:a', 'one')], { graph: 'urn:g:events' }))
    assert.equal(error.code, 'ANSWER_UNEXPECTED')
  })

  it('refuses the genesis of another ledger, whatever the node says', async () => {
    const other = createClient({ endpoint, ledger: '00'.repeat(32), key: key.seed })
    assert.equal((await refused(other.genesis())).code, 'WRONG_LEDGER')
  })

  it('says which graph the ledger does not have, and refuses what needs two transactions', async () => {
    assert.equal(
      (await refused(client().submit([quad('urn:x:a', 'one')], { graph: 'urn:g:none' }))).code,
      'GRAPH_UNKNOWN',
    )
    const large = Array.from({ length: 4 }, (_, i) => quad('urn:x:a', `${i}${'x'.repeat(700_000)}`))
    assert.equal((await refused(client().submit(large, { graph: 'urn:g:events' }))).code, 'TOO_LARGE')
    assert.equal(transactions().length, 0)
  })

  it('ends with NODE_UNREACHABLE when nobody answers, and with ANSWER_UNEXPECTED when it is no node', async () => {
    const nobody = await refused(client({ endpoint: 'http://127.0.0.1:1', retryMs: 200 }).status())
    assert.equal(nobody.code, 'NODE_UNREACHABLE')
    answers = [[404, '<html>']]
    assert.equal((await refused(client().status())).code, 'ANSWER_UNEXPECTED')
    answers = [[200, '<html>']]
    assert.equal((await refused(client().status())).code, 'ANSWER_UNEXPECTED')
  })

  it('stops when its caller does, also while it waits to try again', async () => {
    answers = Array.from({ length: 50 }, () => [503, { code: 'TOO_BUSY' }, { 'retry-after': '2' }] as const)
    const stop = new AbortController()
    const waiting = client({ retryMs: 60_000 }).submit([quad('urn:x:a', 'one')], {
      graph: 'urn:g:events',
      signal: stop.signal,
    })
    setTimeout(() => stop.abort(new Error('enough')), 200)
    await assert.rejects(waiting, /enough/)
  })

  it('asks a query with its format and height', async () => {
    answers = [[200, { results: { bindings: [] } }]]
    const answer = await client().query('ASK {}', { format: 'csv', at: 12 })
    assert.deepEqual(await answer.json(), { results: { bindings: [] } })
    const [asked] = sent
    assert.deepEqual([asked?.path, asked?.headers.accept], ['/sparql?at=12', 'text/csv'])
    assert.equal(Buffer.from(asked?.body ?? []).toString(), 'ASK {}')
  })
})
