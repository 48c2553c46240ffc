// SPARQL 1.1 Protocol: queries by GET, by POST of a form and of the query itself; updates by both ways of POST. And the dump
// of all quads.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DataFactory } from 'n3'
import { fromUtf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Dataset, QueryEngine } from '../sparql/engine.ts'
import { nquads } from '../sparql/nquads.ts'
import { leavingSignal, sendBody } from './answers.ts'
import { heightFor } from './heights.ts'
import { all, type Parameters, single } from './inputs.ts'
import type { Figures } from './metrics.ts'
import type { HttpNode } from './node-port.ts'
import { answerUpdate } from './update-routes.ts'

export interface SparqlRoutesOptions {
  readonly node: HttpNode
  readonly engine: QueryEngine
  readonly figures: Figures
  /** Of answers that fail after their status was sent. */
  readonly onError: (error: unknown) => void
  readonly queryTimeoutMs: number
  readonly resultRowsMax: number
}

interface Asked {
  readonly type: 'query' | 'update'
  readonly query: string
  readonly parameters: Parameters
}

export function sparqlRoutes(server: FastifyInstance, options: SparqlRoutesOptions): void {
  const { node, engine, figures, onError, queryTimeoutMs, resultRowsMax } = options
  let running = 0

  async function answer(
    reply: FastifyReply,
    { query, parameters }: Asked,
    accept: string | undefined,
  ): Promise<FastifyReply> {
    if (running >= limits.queriesMax) throw new LedgerError('TOO_BUSY')
    running += 1
    const began = performance.now()
    reply.raw.once('close', () => {
      running -= 1
      figures.queried((performance.now() - began) / 1000)
    })
    const height = await heightFor(parameters, node, reply)
    const { mediaType, body } = await engine.query(query, node.source(height), {
      accept,
      signal: leavingSignal(reply),
      timeoutMs: queryTimeoutMs,
      rowsMax: resultRowsMax,
      dataset: datasetOf(parameters),
    })
    return sendBody(reply, mediaType, body, onError)
  }

  async function update(reply: FastifyReply, asked: Asked, accept: string | undefined): Promise<FastifyReply> {
    const { query: text, parameters } = asked
    const height = await heightFor(parameters, node, reply)
    const dataset = datasetOf(parameters, 'using-')
    return answerUpdate({ text, dataset, accept }, height, options, reply)
  }

  server.get('/sparql', (request, reply) => {
    const parameters = request.query as Parameters
    return answer(reply, { type: 'query', query: required(parameters), parameters }, request.headers.accept)
  })

  server.post('/sparql', { bodyLimit: 3 * limits.queryBytesMax }, (request, reply) => {
    const asked = posted(request)
    return (asked.type === 'query' ? answer : update)(reply, asked, request.headers.accept)
  })

  server.get('/dump', async (request, reply) => {
    const parameters = request.query as Parameters
    const height = await heightFor(parameters, node, reply)
    const graph = single(parameters, 'graph')
    const quads = nquads(node.source(height), graph === undefined ? undefined : DataFactory.namedNode(graph))
    return sendBody(reply, 'application/n-quads', quads, onError)
  })
}

const mediaTypes = ['application/sparql-query', 'application/sparql-update', 'application/x-www-form-urlencoded']

/** SPARQL 1.1 Protocol, sections 2.1 and 2.2: each form of a posted query or update. */
function posted(request: FastifyRequest): Asked {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  const inAddress = request.query as Parameters
  switch (type) {
    case 'application/sparql-query':
      return { type: 'query', query: textOf(request.body), parameters: inAddress }
    case 'application/sparql-update':
      return { type: 'update', query: textOf(request.body), parameters: inAddress }
    case 'application/x-www-form-urlencoded': {
      const parameters = onlyOnce({ ...inAddress, ...fieldsOf(textOf(request.body)) })
      const update = single(parameters, 'update')
      return update === undefined || single(parameters, 'query') !== undefined
        ? { type: 'query', query: required(parameters), parameters }
        : { type: 'update', query: update, parameters }
    }
    default:
      throw new LedgerError('MEDIA_TYPE_UNKNOWN', { expected: mediaTypes.join(', ') })
  }
}

/** In time that goes with the length of the form: one of the largest has some 150 000 names. */
function fieldsOf(form: string): Parameters {
  const fields = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(form)) {
    const values = fields.get(name)
    if (values === undefined) fields.set(name, [value])
    else values.push(value)
  }
  return Object.fromEntries(fields)
}

/** Lists of one become that one. */
function onlyOnce(parameters: Parameters): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'object' && value.length === 1 ? value[0] : value,
    ]),
  )
}

function required(parameters: Parameters): string {
  const query = single(parameters, 'query')
  // An update is never asked for by GET (section 2.2), nor together with a query.
  if (query === undefined || single(parameters, 'update') !== undefined) {
    throw new LedgerError('USAGE', { parameter: 'query', reason: 'expected one query, or one update by POST' })
  }
  return query
}

/** Sections 2.1.4 and 2.2.3. */
function datasetOf(parameters: Parameters, prefix: '' | 'using-' = ''): Dataset | undefined {
  const defaultGraphs = all(parameters, prefix === '' ? 'default-graph-uri' : 'using-graph-uri')
  const namedGraphs = all(parameters, `${prefix}named-graph-uri`)
  if (defaultGraphs.length + namedGraphs.length > limits.queryGraphsMax) {
    throw new LedgerError('TOO_LARGE', { graphsMax: limits.queryGraphsMax })
  }
  return defaultGraphs.length + namedGraphs.length === 0 ? undefined : { defaultGraphs, namedGraphs }
}

function textOf(body: unknown): string {
  try {
    return fromUtf8(body instanceof Uint8Array ? body : new Uint8Array())
  } catch (error) {
    throw new LedgerError('MALFORMED', { reason: 'not UTF-8' }, error)
  }
}
