// The audit log as static files, as C2SP tlog-tiles says, and its leaves line by line for people.

import type { FastifyInstance } from 'fastify'
import { concat } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { askerOf } from './asked.ts'
import { type Parameters, single, wholeNumber } from './inputs.ts'
import type { HttpNode } from './node-port.ts'

const line = Uint8Array.of(0x0a)

function sizeIn(parameters: Parameters): number | undefined {
  const size = single(parameters, 'size')
  return size === undefined ? undefined : wholeNumber(size, 'size', 1, Number.MAX_SAFE_INTEGER)
}

export function logRoutes(server: FastifyInstance, node: HttpNode): void {
  server.get('/log/checkpoint', async (request, reply) => {
    const note = await node.checkpoint(sizeIn(request.query as Parameters))
    if (note === undefined) throw new LedgerError('NOT_FOUND')
    return reply.type('text/plain; charset=utf-8').send(note)
  })

  /** What is needed to check one leaf, whoever has the tiles; consistency is checked from those. */
  server.get('/log/proof/:index', async (request, reply) => {
    const { index } = request.params as { readonly index: string }
    const size = sizeIn(request.query as Parameters)
    const proof = await node.leafProof(wholeNumber(index, 'index', 0, Number.MAX_SAFE_INTEGER), size)
    if (proof === undefined) throw new LedgerError('NOT_FOUND', { reason: 'no checkpoint covers this leaf' })
    return reply.type('text/plain; charset=utf-8').send(proof)
  })

  server.get('/log/tile/*', (request, reply) => {
    const path = (request.params as { readonly '*': string })['*']
    const tile = node.tile(`tile/${path}`)
    if (tile === undefined) throw new LedgerError('NOT_FOUND')
    // A tile never changes, and neither does a part of one.
    reply.header('cache-control', 'max-age=31536000, immutable')
    return reply.type('application/octet-stream').send(Buffer.from(tile))
  })

  server.get('/log/leaves', (request, reply) => {
    const parameters = request.query as Parameters
    const from = wholeNumber(single(parameters, 'from') ?? '0', 'from', 0, Number.MAX_SAFE_INTEGER)
    const count = wholeNumber(single(parameters, 'count') ?? '100', 'count', 1, limits.leavesPerAnswerMax)
    const lines: Uint8Array[] = []
    try {
      for (const leaf of node.leaves(from, from + count)) lines.push(leaf, line)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new LedgerError('NOT_FOUND', { reason: 'the log has fewer leaves' }, error)
    }
    return reply.type('application/jsonl').send(Buffer.from(concat(...lines)))
  })

  /** A tool that is about to copy the log says so; what it reads afterwards shows one by one. */
  server.post('/log/exports', (request, reply) => {
    const kind = request.body instanceof Uint8Array ? Buffer.from(request.body.subarray(0, 64)).toString() : ''
    if (kind !== 'audit' && kind !== 'audit-payloads') {
      throw new LedgerError('USAGE', { body: 'expected audit or audit-payloads' })
    }
    node.local.note({ type: 'exported', kind }, askerOf(request))
    return reply.code(204).send()
  })

  /** The manifest of what it copied, for this node's signature. */
  server.post('/log/exports/manifest', { bodyLimit: limits.bundleFileBytesMax }, (request, reply) => {
    if (!(request.body instanceof Uint8Array)) throw new LedgerError('USAGE', { body: 'expected a manifest' })
    return reply.type('text/plain; charset=utf-8').send(node.local.signManifest(request.body))
  })
}
