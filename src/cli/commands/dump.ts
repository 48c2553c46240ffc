// quadrille dump: all quads, or those of one graph, now or as of a height. Nodes give N-Quads; TriG is made of it here.

import { StreamWriter } from 'n3'
import { utf8 } from '../../base/bytes.ts'
import { LedgerError } from '../../base/errors.ts'
import { openRequester } from '../../http/client-request.ts'
import { parseRdf } from '../../node/ingest-parse.ts'
import { type Context, type Handler, optional, whole } from '../context.ts'
import { endpointOf } from '../node-access.ts'
import { pour, retryMs } from './query.ts'

export const dump: Handler = async (_args, options, context) => {
  const format = optional(options, 'format') ?? 'nquads'
  if (format !== 'nquads' && format !== 'trig') {
    throw new LedgerError('USAGE', { option: '--format', expected: 'nquads or trig' })
  }
  const graph = optional(options, 'graph')
  const at = whole(options, 'at', 0, Number.MAX_SAFE_INTEGER)
  const wanted = new URLSearchParams()
  if (graph !== undefined) wanted.set('graph', graph)
  if (at !== undefined) wanted.set('at', `${at}`)
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs })
  const answer = await requester.send(`/dump?${wanted}`, { headers: { accept: 'application/n-quads' } })
  if (format === 'nquads') await pour(answer, context)
  else if (answer.body !== null) await asTrig(answer.body, context)
  return 0
}

async function asTrig(nquads: AsyncIterable<Uint8Array>, context: Context): Promise<void> {
  const writer = new StreamWriter({ format: 'application/trig' })
  const written = (async () => {
    for await (const text of writer) await context.write(utf8(String(text)))
  })()
  for await (const quads of parseRdf(nquads, { format: 'nquads' })) {
    for (const quad of quads) {
      if (!writer.write(quad)) await Promise.race([new Promise((resolve) => writer.once('drain', resolve)), written])
    }
  }
  writer.end()
  await written
}
