// SPARQL 1.1 Graph Store Protocol over the graphs of the ledger: reading. A change of quads needs an application's signature,
// so what the protocol writes is refused with the way to do it.

import type { FastifyInstance } from 'fastify'
import { LedgerError } from '../base/errors.ts'
import type { QueryEngine } from '../sparql/engine.ts'
import { leavingSignal, sendBody } from './answers.ts'
import { heightFor } from './heights.ts'
import { type Parameters, single } from './inputs.ts'
import type { HttpNode } from './node-port.ts'

export interface GraphRoutesOptions {
  readonly node: HttpNode
  readonly engine: QueryEngine
  readonly onError: (error: unknown) => void
  readonly queryTimeoutMs: number
}

export function graphRoutes(server: FastifyInstance, options: GraphRoutesOptions): void {
  const { node, engine, onError, queryTimeoutMs } = options
  server.route({
    method: ['GET', 'HEAD'],
    url: '/graphs',
    handler: async (request, reply) => {
      const parameters = request.query as Parameters
      const graph = graphIn(parameters)
      if (graph !== undefined && !node.graphs().includes(graph)) throw new LedgerError('GRAPH_UNKNOWN')
      const height = await heightFor(parameters, node, reply)
      const { mediaType, body } = await engine.query('CONSTRUCT { ?s ?p ?o } WHERE { ?s ?p ?o }', node.source(height), {
        accept: request.headers.accept,
        signal: leavingSignal(reply),
        timeoutMs: queryTimeoutMs,
        dataset: graph === undefined ? undefined : { defaultGraphs: [graph], namedGraphs: [] },
      })
      return sendBody(reply, mediaType, body, onError)
    },
  })

  server.route({
    method: ['PUT', 'POST', 'DELETE', 'PATCH'],
    url: '/graphs',
    handler: () => {
      throw new LedgerError('UPDATE_UNSIGNED')
    },
  })
}

/** The IRI of a graph; undefined for the default graph, which is the merge of all. @throws LedgerError USAGE */
function graphIn(parameters: Parameters): string | undefined {
  const graph = single(parameters, 'graph')
  const isDefault = single(parameters, 'default') !== undefined
  if ((graph === undefined) !== isDefault) {
    throw new LedgerError('USAGE', { parameter: 'graph', reason: 'expected either graph=IRI or default' })
  }
  return graph
}
