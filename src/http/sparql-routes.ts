// SPARQL 1.1 Protocol, query operation: GET, POST of a form, POST of the query itself. And the dump of all quads.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { DataFactory } from 'n3'
import { fromUtf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { createQueryEngine, type Dataset } from '../sparql/engine.ts'
import { nquads } from '../sparql/nquads.ts'
import { leavingSignal, sendBody } from './answers.ts'
import { heightFor } from './heights.ts'
import { all, type Parameters, single } from './inputs.ts'
import type { Figures } from './metrics.ts'
import type { HttpNode } from './node-port.ts'

export interface SparqlRoutesOptions {
  readonly node: HttpNode
  readonly figures: Figures
  /** Of answers that fail after their status was sent. */
  readonly onError: (error: unknown) => void
  readonly queryTimeoutMs: number
  readonly resultRowsMax: number
}

interface Asked {
  readonly query: string
  readonly parameters: Parameters
}

export function sparqlRoutes(server: FastifyInstance, options: SparqlRoutesOptions): void {
  const { node, figures, onError, queryTimeoutMs, resultRowsMax } = options
  const engine = createQueryEngine()
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

  server.get('/sparql', (request, reply) => {
    const parameters = request.query as Parameters
    return answer(reply, { query: required(parameters), parameters }, request.headers.accept)
  })

  server.post('/sparql', { bodyLimit: 3 * limits.queryBytesMax }, (request, reply) =>
    answer(reply, postedQuery(request), request.headers.accept),
  )

  server.get('/dump', async (request, reply) => {
    const parameters = request.query as Parameters
    const height = await heightFor(parameters, node, reply)
    const graph = single(parameters, 'graph')
    const quads = nquads(node.source(height), graph === undefined ? undefined : DataFactory.namedNode(graph))
    return sendBody(reply, 'application/n-quads', quads, onError)
  })
}

function postedQuery(request: FastifyRequest): Asked {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  const inAddress = request.query as Parameters
  if (type.trim() === 'application/sparql-query') return { query: textOf(request.body), parameters: inAddress }
  if (type.trim() === 'application/sparql-update') throw new LedgerError('QUERY_FORBIDDEN', { found: 'an update' })
  if (type.trim() !== 'application/x-www-form-urlencoded') {
    throw new LedgerError('USAGE', { reason: 'expected application/sparql-query or a form' })
  }
  const form = new URLSearchParams(textOf(request.body))
  const names = [...new Set(form.keys())]
  const parameters: Parameters = { ...inAddress, ...Object.fromEntries(names.map((name) => [name, form.getAll(name)])) }
  return { query: required(onlyOnce(parameters)), parameters: onlyOnce(parameters) }
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
  if (query !== undefined) return query
  if (single(parameters, 'update') !== undefined) throw new LedgerError('QUERY_FORBIDDEN', { found: 'an update' })
  throw new LedgerError('USAGE', { parameter: 'query', reason: 'it is missing' })
}

/** SPARQL 1.1 Protocol, section 2.1.4. */
function datasetOf(parameters: Parameters): Dataset | undefined {
  const defaultGraphs = all(parameters, 'default-graph-uri')
  const namedGraphs = all(parameters, 'named-graph-uri')
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
