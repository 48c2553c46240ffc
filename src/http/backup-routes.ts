// Backups over HTTP: what a node keeps, as it is sealed, and apart from that the keys of its items, sealed for themselves.

import type { FastifyInstance } from 'fastify'
import { LedgerError } from '../base/errors.ts'
import { sendBody } from './answers.ts'
import type { HttpNode } from './node-port.ts'

const mediaType = 'application/octet-stream'

export function backupRoutes(server: FastifyInstance, node: HttpNode, onError: (error: unknown) => void): void {
  let underWay = false

  /** One at a time: each holds files of the store open. */
  server.post('/backup', async (_, reply) => {
    if (underWay) throw new LedgerError('TOO_BUSY')
    const frames = node.backups().data()
    underWay = true
    reply.raw.once('close', () => {
      underWay = false
    })
    return sendBody(reply, mediaType, frames, onError)
  })

  server.post('/keys/backup', async (_, reply) =>
    reply.type(mediaType).send(Buffer.from(await node.backups().itemKeys())),
  )
}
