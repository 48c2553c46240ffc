// quadrille query: a SPARQL query to a node, its answer as it comes.

import { LedgerError } from '../../base/errors.ts'
import { mediaTypes, sparqlPath } from '../../http/client.ts'
import { openRequester } from '../../http/client-request.ts'
import { readText } from '../../node/home.ts'
import { argument, type Context, type Handler, optional, whole } from '../context.ts'
import { endpointOf } from '../node-access.ts'

/** How long a command tries again while the node is away or busy. */
export const retryMs = 10_000

export const query: Handler = async (args, options, context) => {
  const given = argument(args, 0)
  const sparql = given.startsWith('@') ? await readText(given.slice(1)) : given
  const format = optional(options, 'format') ?? 'json'
  const accept = Object.hasOwn(mediaTypes, format) ? mediaTypes[format] : undefined
  if (accept === undefined) {
    throw new LedgerError('USAGE', { option: '--format', expected: Object.keys(mediaTypes).join(', ') })
  }
  const at = whole(options, 'at', 0, Number.MAX_SAFE_INTEGER)
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs })
  const answer = await requester.send(sparqlPath(at, optional(options, 'consistency')), {
    method: 'POST',
    headers: { 'content-type': 'application/sparql-query', accept },
    body: sparql,
  })
  await pour(answer, context)
  return 0
}

/** Writes an answer's body as it comes. */
export async function pour(answer: Response, context: Context): Promise<void> {
  if (answer.body === null) return
  for await (const chunk of answer.body) await context.write(chunk)
}
