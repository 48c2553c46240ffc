// quadrille dump: all quads, or those of one graph, now or as of a height.

import { LedgerError } from '../../base/errors.ts'
import { openRequester } from '../../http/client-request.ts'
import { type Handler, optional, whole } from '../context.ts'
import { endpointOf } from '../node-access.ts'
import { pour, retryMs } from './query.ts'

const mediaTypes: Readonly<Record<string, string>> = { nquads: 'application/n-quads', trig: 'application/trig' }

export const dump: Handler = async (_args, options, context) => {
  const format = optional(options, 'format') ?? 'nquads'
  const accept = Object.hasOwn(mediaTypes, format) ? mediaTypes[format] : undefined
  if (accept === undefined) throw new LedgerError('USAGE', { option: '--format', expected: 'nquads or trig' })
  const graph = optional(options, 'graph')
  const at = whole(options, 'at', 0, Number.MAX_SAFE_INTEGER)
  const wanted = new URLSearchParams()
  if (graph !== undefined) wanted.set('graph', graph)
  if (at !== undefined) wanted.set('at', `${at}`)
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs })
  await pour(await requester.send(`/dump?${wanted}`, { headers: { accept } }), context)
  return 0
}
