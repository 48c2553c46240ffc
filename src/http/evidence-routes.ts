// Evidence over HTTP: what this node holds against whom, and each piece as the document that anybody checks offline.

import type { FastifyInstance } from 'fastify'
import { LedgerError } from '../base/errors.ts'
import { digestOf, txIdOf } from '../base/ids.ts'
import { identifier } from './inputs.ts'
import type { HttpNode } from './node-port.ts'

export function evidenceRoutes(server: FastifyInstance, node: HttpNode): void {
  server.get('/evidence', (_, reply) => reply.send(node.evidence()))

  server.get('/evidence/:id', async (request, reply) => {
    const id = identifier((request.params as { readonly id: string }).id, 'id', digestOf)
    const found = await node.evidenceDocument(id)
    if (found === undefined) throw new LedgerError('NOT_FOUND')
    return reply.send(found)
  })

  /** Against the author of a transaction: a document for each malformed part, which it shows as it is. */
  server.get('/transactions/:tx/evidence', async (request, reply) =>
    reply.send(await node.payloadEvidence(identifier((request.params as { readonly tx: string }).tx, 'tx', txIdOf))),
  )
}
