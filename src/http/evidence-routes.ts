// Evidence over HTTP: what this node holds against whom, and each piece as the document that anybody checks offline.

import type { FastifyInstance } from 'fastify'
import { LedgerError } from '../base/errors.ts'
import { digestOf, txIdOf } from '../base/ids.ts'
import { identifier } from './inputs.ts'
import type { HttpNode } from './node-port.ts'

export function evidenceRoutes(server: FastifyInstance, node: HttpNode): void {
  server.get('/evidence', (_, reply) => reply.send(node.evidence().map(({ document: _document, ...about }) => about)))

  server.get('/evidence/:id', (request, reply) => {
    const id = identifier((request.params as { readonly id: string }).id, 'id', digestOf)
    const found = node.evidence().find((each) => each.id === id)
    if (found === undefined) throw new LedgerError('NOT_FOUND')
    return reply.send(found.document)
  })

  /** Against the author of a transaction: a document for each malformed part, which it shows as it is. */
  server.get('/transactions/:tx/evidence', async (request, reply) =>
    reply.send(await node.payloadEvidence(identifier((request.params as { readonly tx: string }).tx, 'tx', txIdOf))),
  )
}
