// The HTTP server of a node: limits, guards and errors for all routes. Loopback only, until clients can be authenticated.

import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { createQueryEngine, type ThreadBounds } from '../sparql/engine.ts'
import { RequestNotes } from './asked.ts'
import { backupRoutes } from './backup-routes.ts'
import { changeRoutes } from './change-routes.ts'
import { Connections } from './connections.ts'
import { erasureRoutes } from './erasure-routes.ts'
import { evidenceRoutes } from './evidence-routes.ts'
import { metricsMediaType } from './exposition.ts'
import { graphRoutes } from './graph-routes.ts'
import { requireLocalRequest, requireLoopback } from './guard.ts'
import { keyRoutes } from './key-routes.ts'
import { ledgerRoutes } from './ledger-routes.ts'
import { localLogRoutes } from './local-log-routes.ts'
import { logRoutes } from './log-routes.ts'
import { Figures, metricsText } from './metrics.ts'
import type { HttpNode } from './node-port.ts'
import { concernsOperator, problemMediaType, problemOf, retryAfterS, toldError } from './problems.ts'
import { sparqlRoutes } from './sparql-routes.ts'

export interface HttpOptions {
  readonly bind: { readonly host: string; readonly port: number }
  readonly node: HttpNode
  /** What is this node's own fault: a failed disk, a missing key, what nobody expected (the client is told UNEXPECTED). */
  readonly onError: (error: unknown) => void
  readonly queryTimeoutMs?: number
  /** Threads that evaluate queries, and the heap of each. */
  readonly queries?: ThreadBounds
  readonly resultRowsMax?: number
  readonly submitTimeoutMs?: number
  /** A follower of changes that takes nothing for so long is dropped. */
  readonly stalledMs?: number
}

export interface HttpServer {
  /** http://127.0.0.1:4780 */
  readonly url: string
  /** Ends what is under way. */
  close(): Promise<void>
}

// No route has a schema: each reads its input by itself. Fastify’s validator would only make each start slower.
const noSchemas = () => () => {
  throw new Error('no route has a schema')
}

/** Resolves when it listens. @throws LedgerError HTTP_UNPROTECTED, ADDRESS_IN_USE. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { bind, node, onError } = options
  requireLoopback(bind.host)
  const { queryTimeoutMs = limits.queryMsMax, resultRowsMax = limits.resultRowsMax } = options
  const { submitTimeoutMs = limits.submitMsMax, stalledMs = limits.stalledMs } = options
  const notes = new RequestNotes(node)
  const refuse = refuser(notes, onError)
  const server = fastify({
    logger: false,
    // Addresses that the router cannot read come to no hook.
    frameworkErrors: (error, request, reply) => {
      notes.follow(request, reply)
      refuse(error, request, reply)
    },
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    requestTimeout: limits.httpRequestMsMax,
    // Longer than the longest silence of an answer under way.
    connectionTimeout: submitTimeoutMs + queryTimeoutMs,
    routerOptions: { maxParamLength: 256 },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  })
  const figures = new Figures()
  server.addHook('onClose', async () => figures.close())
  takeBytes(server)
  notes.attach(server)
  boundBodies(server)
  guardAll(server, node, figures)
  answerErrors(server, refuse)
  const engine = createQueryEngine(options.queries)
  sparqlRoutes(server, { node, engine, figures, onError, queryTimeoutMs, resultRowsMax })
  graphRoutes(server, { node, engine, onError, queryTimeoutMs })
  changeRoutes(server, { node, onError, stalledMs })
  ledgerRoutes(server, node, submitTimeoutMs)
  logRoutes(server, node)
  localLogRoutes(server, node)
  erasureRoutes(server, node, onError)
  evidenceRoutes(server, node)
  keyRoutes(server, node)
  backupRoutes(server, node, onError)
  stateRoutes(server, node, figures)
  return listen(server, bind)
}

async function listen(server: FastifyInstance, { host, port }: HttpOptions['bind']): Promise<HttpServer> {
  const connections = new Connections(server.server)
  try {
    const url = await server.listen({ host: host.replace(/^\[|\]$/g, ''), port })
    return {
      url,
      async close() {
        connections.destroy()
        await server.close()
      },
    }
  } catch (error) {
    await server.close()
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw new LedgerError('ADDRESS_IN_USE', { address: `${host}:${port}` }, error)
    }
    throw error
  }
}

/** Bodies reach the routes as bytes, of whatever type they are; each route says which it takes. */
function takeBytes(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
}

/** Bodies are held in memory whole: a flood of them is told to come back before it is read. */
function boundBodies(server: FastifyInstance): void {
  let underWay = 0
  server.addHook('onRequest', async (request, reply) => {
    if (request.method !== 'POST') return
    const length = Number(request.headers['content-length'] ?? limits.payloadBytesMax)
    if (!(underWay + length <= limits.bodiesBytesMax)) throw new LedgerError('TOO_BUSY')
    underWay += length
    reply.raw.once('close', () => {
      underWay -= length
    })
  })
}

function guardAll(server: FastifyInstance, node: HttpNode, figures: Figures): void {
  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store')
    requireLocalRequest(request.headers.host, request.headers.origin)
    if (request.url !== '/healthz') reply.header('quadrille-height', node.height)
  })
  server.addHook('onResponse', async (request, reply) => {
    figures.answered(request.routeOptions.url ?? 'none', reply.statusCode)
  })
}

type Refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply

function answerErrors(server: FastifyInstance, refuse: Refuse): void {
  server.setNotFoundHandler(() => {
    throw new LedgerError('NOT_FOUND')
  })
  server.setErrorHandler(refuse)
}

/** What answers with a problem. */
function refuser(notes: RequestNotes, onError: (error: unknown) => void): Refuse {
  return (error, request, reply) => {
    const told = toldError(error)
    notes.refused(request, told.code)
    if (concernsOperator(error)) onError(error)
    const problem = problemOf(told)
    if (problem.status === 503) reply.header('retry-after', retryAfterS)
    // Whoever comes back makes room for others meanwhile.
    if (problem.code === 'TOO_BUSY') reply.header('connection', 'close')
    // As bytes: to text fastify adds a charset, which this media type does not have.
    return reply
      .code(problem.status)
      .type(problemMediaType)
      .send(Buffer.from(JSON.stringify(problem)))
  }
}

function stateRoutes(server: FastifyInstance, node: HttpNode, figures: Figures): void {
  /** The process answers; nothing else is asked. */
  server.get('/healthz', (_, reply) => reply.type('text/plain').send('ok\n'))

  /** Whether it can take transactions and answer: connected with a quorum, caught up, and all that is final is executed. */
  server.get('/readyz', async (_, reply) => {
    const { quorumConnected, serves, height, final, state, note } = await node.status()
    const ready = quorumConnected && serves && height >= final
    return reply.code(ready ? 200 : 503).send({ ready, quorumConnected, serves, height, final, state, note })
  })

  server.get('/status', async () => node.status())

  server.get('/health', async () => node.health())

  server.get('/metrics', async (_, reply) => reply.type(metricsMediaType).send(await metricsText(node, figures)))
}
