// Requests of every kind that a node's HTTP takes, and of many that it does not, with personal values wherever a client can put text.

import { request } from 'node:http'
import { connect } from 'node:net'
import { encodeCbor } from '../../src/base/cbor.ts'
import { deltaMediaType } from '../../src/http/delta.ts'
import type { Random } from '../sim/random.ts'
import { mistyped, type Values } from './personal-values.ts'

export interface Asked {
  /** What the values in it are for; with `told` the side-car must have them. */
  readonly use: string
  readonly told: boolean
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string | undefined
}

export interface Answered {
  readonly status: number
  readonly head: string
  readonly body: Buffer
}

type More = Partial<Pick<Asked, 'told' | 'method' | 'headers' | 'body'>>

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const query = { 'content-type': 'application/sparql-query' }
const update = { 'content-type': 'application/sparql-update' }
const cbor = { 'content-type': 'application/cbor' }
const json = { 'content-type': 'application/json' }
const delta = { accept: deltaMediaType }

/** In each, of one use, a value in one place. `often`: how many queries and updates are mistyped. */
export function requestsWith(values: Values, random: Random, often: number): readonly Asked[] {
  const asked: Asked[] = []
  const ask = (use: string, path: string, { told = true, method = 'GET', headers = {}, body }: More = {}): void => {
    asked.push({ use, told, method, path, headers, body })
  }
  askQueries(values, ask)
  askUpdates(values, ask)
  askForThings(values, ask)
  askAboutPersons(values, random, ask)
  askWithHeaders(values, ask)
  // Last: of equal ones the side-car tells 32.
  askMistyped(values, random, often, ask)
  return asked
}

type Ask = (use: string, path: string, more?: More) => void

const quoted = (text: string): string => JSON.stringify(text)

function queryOf(values: Values, use: string): string {
  const [iri, text, word] = [values.iri(use), quoted(values.text(use)), values.word(use)]
  return `SELECT * { <${iri}> ?p ?o FILTER(?o = ${text} && CONTAINS(STR(?o), "${word}")) }`
}

function updateOf(values: Values, use: string): string {
  return `INSERT DATA { GRAPH <urn:g:personal> { <${values.iri(use)}> <urn:p:name> ${quoted(values.text(use))} } }`
}

function askQueries(values: Values, ask: Ask): void {
  const texts: Readonly<Record<string, (use: string) => string>> = {
    query: (use) => queryOf(values, use),
    'query that ends too early': (use) => queryOf(values, use).slice(0, -3),
    'query with an unknown function': (use) => `SELECT (<${values.iri(use)}>(?s) AS ?x) { ?s ?p ?o }`,
    'query with an undeclared prefix': (use) => `ASK { ${values.word(use)}:a ?p ?o }`,
  }
  for (const [what, text] of Object.entries(texts)) {
    const [inAddress, inForm, inBody] = [`${what} in an address`, `${what} in a form`, `${what} as a body`]
    ask(inAddress, `/sparql?query=${encodeURIComponent(text(inAddress))}`)
    ask(inForm, '/sparql', { method: 'POST', headers: form, body: `query=${encodeURIComponent(text(inForm))}` })
    ask(inBody, '/sparql', { method: 'POST', headers: query, body: text(inBody) })
  }
  for (const parameter of ['default-graph-uri', 'named-graph-uri', 'at', 'consistency', 'other']) {
    const use = `query with ${parameter}`
    ask(use, `/sparql?query=ASK%7B%7D&${parameter}=${encodeURIComponent(values.iri(use))}`)
  }
}

function askUpdates(values: Values, ask: Ask): void {
  const texts: Readonly<Record<string, (use: string) => string>> = {
    update: (use) => updateOf(values, use),
    'update of the default graph': (use) => `INSERT DATA { <${values.iri(use)}> <urn:p> ${quoted(values.text(use))} }`,
    'update by LOAD': (use) => `LOAD <${values.iri(use)}>`,
  }
  for (const [what, text] of Object.entries(texts)) {
    const [signed, inForm, inBody] = [`${what} to be signed by the node`, `${what} in a form`, `${what} as a body`]
    const using = encodeURIComponent(values.iri(inForm))
    const fields = `update=${encodeURIComponent(text(inForm))}&using-graph-uri=${using}`
    ask(signed, '/sparql', { method: 'POST', headers: update, body: text(signed) })
    ask(inForm, '/sparql', { method: 'POST', headers: { ...form, ...delta }, body: fields })
    ask(inBody, '/sparql', { method: 'POST', headers: { ...update, ...delta }, body: text(inBody) })
  }
}

/** What is no text any more is not kept as one. */
function askMistyped(values: Values, random: Random, often: number, ask: Ask): void {
  for (let count = 0; count < often; count++) {
    const [wrongQuery, wrongUpdate] = [`query mistyped at random, ${count}`, `update mistyped at random, ${count}`]
    const asked = mistyped(queryOf(values, wrongQuery), random)
    ask(wrongQuery, '/sparql', { told: false, method: 'POST', headers: query, body: asked })
    const body = mistyped(updateOf(values, wrongUpdate), random)
    ask(wrongUpdate, '/sparql', { told: false, method: 'POST', headers: { ...update, ...delta }, body })
  }
}

function askForThings(values: Values, ask: Ask): void {
  const at = (use: string): string => encodeURIComponent(values.iri(use))
  const paths = [
    ...['/receipts/X', '/keys/X', '/blocks/X', '/results/X', '/items/X/payload', '/items/X/retractions', '/evidence/X'],
    ...['/transactions/X/evidence', '/erasures/X', '/log/proof/X', '/log/tile/X', '/log/local/X/checkpoint', '/X'],
    ...['/log/local/X/leaves', '/log/local/1/tile/X', '/log/local/details/X', '/X/X/X', '/healthz/X', '/genesis?X'],
    ...['/blocks?from=X', '/log/leaves?from=X&count=X', '/log/checkpoint?size=X', '/dump?at=X', '/dump?graph=X'],
    ...['/changes?since=X', '/changes?since=0&until=X', '/graphs?graph=X', '/graphs?default&graph=X', '/graphs?X'],
    ...['/receipts/00?type=X', '/members?X=X', '/status?X', '/metrics?X', '/health?X', `/items/X/${'y'.repeat(300)}`],
    ...[`/keys/X${'y'.repeat(300)}`, '/%ZZ/X', '/items/%E0%A4%A/X', '/sparql?query=%ZZX'],
  ]
  const health = ['/status?X', '/metrics?X', '/health?X']
  for (const path of paths) {
    const use = `GET ${path.slice(0, 40)}`
    ask(
      use,
      path.replaceAll('X', () => at(use)),
      { told: !health.includes(path) },
    )
  }
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS']) {
    const use = `${method} of a graph`
    const body = method === 'HEAD' ? undefined : `<${values.iri(use)}> <urn:p> ${quoted(values.text(use))} .`
    // OPTIONS has no route, so nobody reads its body.
    ask(use, `/graphs?graph=${at(use)}`, { method, headers: { 'content-type': 'text/turtle' }, body })
  }
}

function askAboutPersons(values: Values, random: Random, ask: Ask): void {
  for (const path of ['/persons/overview', '/persons/export']) {
    const post = (what: string, body: (use: string) => string): void => {
      const use = `${path} of ${what}`
      ask(use, path, { method: 'POST', headers: json, body: body(use) })
    }
    post('a person', (use) => JSON.stringify({ type: 'person', person: values.iri(use) }))
    post('a graph', (use) => JSON.stringify({ type: 'graph', graph: values.iri(use) }))
    post('items', (use) => JSON.stringify({ type: 'items', items: [values.word(use)] }))
    post('another type', (use) => JSON.stringify({ type: values.word(use), [values.word(use)]: values.text(use) }))
    post('no JSON', (use) => `{"type":"person","person":"${values.word(use)}`)
  }
  const texts = ['/log/exports', '/log/exports/manifest', '/keys/rotated', '/backups']
  for (const path of texts) {
    const use = `POST ${path}`
    ask(use, path, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: values.text(use) })
  }
  const parts = (use: string): Uint8Array[] => [Buffer.from(values.text(use)), Buffer.from(values.iri(use))]
  const sent: Readonly<Record<string, (use: string) => Uint8Array | string>> = {
    'of texts': (use) => encodeCbor(parts(use)),
    'of a text': (use) => encodeCbor(values.text(use)),
    'that is cut': (use) => encodeCbor(parts(use)).subarray(0, -3),
    'of no CBOR': (use) => values.text(use),
    'with a map': (use) => Buffer.concat([Uint8Array.of(0xa1), encodeCbor(values.word(use)), Uint8Array.of(0x01)]),
    'at random': (use) => mistyped(`\x82${values.word(use)}`, random),
  }
  for (const [what, body] of Object.entries(sent)) {
    const use = `transaction ${what}`
    ask(use, '/transactions', { told: false, method: 'POST', headers: cbor, body: body(use) })
  }
  const use = 'transaction of another type'
  ask(use, `/transactions?${values.word(use)}`, { method: 'POST', headers: json, body: values.text(use) })
}

/** Some of these end in 400, 413, 415, 417, 421 or 431. */
function askWithHeaders(values: Values, ask: Ask): void {
  const header = (name: string, path = '/genesis', more: Omit<More, 'headers'> = {}): void => {
    const use = `header ${name}`
    ask(use, path, { told: false, ...more, headers: { [name]: encodeURIComponent(values.word(use)) } })
  }
  for (const name of ['host', 'origin', 'user-agent', 'cookie', 'authorization', 'x-forwarded-for', 'from'])
    header(name)
  header('last-event-id', '/changes')
  header('accept', '/sparql?query=ASK%7B%7D')
  header('accept', '/changes?since=0')
  header('content-type', '/sparql', { method: 'POST', body: 'ASK {}' })
  const typed = 'a media type'
  const headers = { 'content-type': `text/${encodeURIComponent(values.word(typed))}` }
  ask(typed, '/sparql', { told: false, method: 'POST', headers, body: 'ASK {}' })
  header('content-type', '/transactions', { method: 'POST', body: 'ASK {}' })
  header('expect', '/sparql', { method: 'POST', body: 'ASK {}' })
  header('content-encoding', '/sparql', { method: 'POST', body: 'ASK {}' })
  const large = 'a body that is too large'
  const body = `ASK { ?s ?p "${values.word(large).repeat(60_000)}" }`
  ask(large, '/sparql', { told: false, method: 'POST', headers: query, body })
}

export function answerTo({ method, path, headers, body }: Asked, url: string): Promise<Answered> {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, headers: { ...length, ...headers }, agent: false }, (answer) => {
      const chunks: Uint8Array[] = []
      const done = (): void => {
        const head = JSON.stringify([answer.statusMessage, answer.rawHeaders])
        resolve({ status: answer.statusCode ?? 0, head, body: Buffer.concat(chunks) })
      }
      answer.on('data', (chunk: Uint8Array) => chunks.push(chunk)).once('close', done)
      // Streams of changes go on for ever.
      if (/event-stream|rdf-patch/.test(answer.headers['content-type'] ?? '')) setTimeout(() => sent.destroy(), 50)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** What a port says to these bytes until it hangs up, or for half a second. */
export function rawAnswer(port: number, bytes: Uint8Array | string): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setTimeout(500, () => socket.destroy())
    socket.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    // A reset is an answer, too.
    socket.on('error', () => undefined)
    socket.once('close', () => resolve(Buffer.concat(chunks)))
  })
}

/** What is no HTTP, or none that any client sends. */
export function nonsense(values: Values): readonly string[] {
  const [word, host] = [(): string => values.word('no HTTP'), 'Host: 127.0.0.1\r\n']
  return [
    `${word()} /genesis HTTP/1.1\r\n${host}\r\n`,
    `GET ${word()} HTTP/1.1\r\n${host}\r\n`,
    `GET / ${word()}\r\n\r\n`,
    `GET /${word()} HTTP/1.1\r\n\r\n`,
    `PROPFIND /${word()} HTTP/1.1\r\n${host}\r\n`,
    `GET /genesis HTTP/1.1\r\n${host}X: ${word().repeat(2_000)}\r\n\r\n`,
    `GET /genesis HTTP/1.1\r\n${host}${word()}\r\n\r\n`,
    `POST /sparql HTTP/1.1\r\n${host}Content-Length: ${word()}\r\n\r\n`,
    `POST /sparql HTTP/1.1\r\n${host}Transfer-Encoding: ${word()}\r\n\r\n${word()}`,
    `POST /sparql HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${word()}\r\n`,
    `GET /genesis HTTP/1.1\r\n${host}Upgrade: ${word()}\r\nConnection: Upgrade\r\n\r\n`,
    `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${word()}`,
    `\x16\x03\x01${word()}`,
  ]
}
