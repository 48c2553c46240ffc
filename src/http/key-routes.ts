// A node's keys at rest over HTTP: what there is, and the order to turn them. Never a key.

import type { FastifyInstance } from 'fastify'
import type { HttpNode } from './node-port.ts'

export function keyRoutes(server: FastifyInstance, node: HttpNode): void {
  server.get('/keys', () => node.keys())

  /** Begins in the background; GET /keys tells how far it is. */
  server.post('/keys/rotate', (_, reply) => reply.code(202).send(node.rotateKeys()))
}
