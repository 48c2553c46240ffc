// A node's local logs: as static files like the consortium log's, leaf by leaf, and what the side-car tells of one leaf.

import type { FastifyInstance } from 'fastify'
import { concat, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type Parameters, single, wholeNumber } from './inputs.ts'
import type { HttpNode } from './node-port.ts'

const line = utf8('\n')

export function localLogRoutes(server: FastifyInstance, node: HttpNode): void {
  server.get('/log/local', (_, reply) => reply.send(node.local.heads()))

  server.get('/log/local/:log/checkpoint', async (request, reply) => {
    const note = await node.local.checkpoint(logIn(request.params))
    if (note === undefined) throw new LedgerError('NOT_FOUND')
    return reply.type('text/plain; charset=utf-8').send(note)
  })

  server.get('/log/local/:log/tile/*', (request, reply) => {
    const { '*': path } = request.params as { readonly '*': string }
    const tile = node.local.tile(logIn(request.params), `tile/${path}`)
    if (tile === undefined) throw new LedgerError('NOT_FOUND')
    reply.header('cache-control', 'max-age=31536000, immutable')
    return reply.type('application/octet-stream').send(Buffer.from(tile))
  })

  server.get('/log/local/:log/leaves', (request, reply) => {
    const parameters = request.query as Parameters
    const from = wholeNumber(single(parameters, 'from') ?? '0', 'from', 0, Number.MAX_SAFE_INTEGER)
    const count = wholeNumber(single(parameters, 'count') ?? '100', 'count', 1, limits.leavesPerAnswerMax)
    try {
      const lines: Uint8Array[] = []
      const leaves = node.local.leaves(logIn(request.params), from, from + count)
      if (leaves === undefined) throw new LedgerError('NOT_FOUND')
      for (const leaf of leaves) lines.push(leaf, line)
      return reply.type('application/jsonl').send(Buffer.from(concat(...lines)))
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new LedgerError('NOT_FOUND', { reason: 'the log has fewer leaves' }, error)
    }
  })

  server.get('/log/local/details/:reference', async (request, reply) => {
    const found = await node.local.detail((request.params as { readonly reference: string }).reference)
    if (found === undefined)
      throw new LedgerError('NOT_FOUND', { reason: 'there are no such details, or not any more' })
    return reply.send(found)
  })
}

function logIn(params: unknown): number {
  return wholeNumber((params as { readonly log: string }).log, 'log', 1, Number.MAX_SAFE_INTEGER)
}
