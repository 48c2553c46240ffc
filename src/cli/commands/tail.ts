// quadrille tail: what changes on the ledger, as it changes: an RDF Patch on standard output. A connection that ends is opened
// again where it ended, at the last whole block.

import { utf8 } from '../../base/bytes.ts'
import { LedgerError } from '../../base/errors.ts'
import { openRequester } from '../../http/client-request.ts'
import { type Context, type Handler, whole } from '../context.ts'
import { endpointOf } from '../node-access.ts'

/** How long a node may be away before this gives up. */
const retryMs = 600_000

export const tail: Handler = async (_args, options, context) => {
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs })
  const until = whole(options, 'until', 0, Number.MAX_SAFE_INTEGER)
  let since = whole(options, 'since', 0, Number.MAX_SAFE_INTEGER)
  for (;;) {
    const parameters = new URLSearchParams()
    if (since !== undefined) parameters.set('since', `${since}`)
    if (until !== undefined) parameters.set('until', `${until}`)
    const answer = await requester.send(`/changes?${parameters}`, { headers: { accept: 'application/rdf-patch' } })
    since ??= Number(answer.headers.get('quadrille-height'))
    const { height, whole: complete } = await pour(answer, since, context)
    since = height
    if (complete) return 0
    context.note(`The connection ended after height ${since}; going on from there.`)
  }
}

/** Writes whole blocks only, each of which ends in a line that says its height. */
async function pour(answer: Response, since: number, context: Context): Promise<{ height: number; whole: boolean }> {
  let height = since
  let block = ''
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const chunk of answer.body ?? []) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const mark = /^# height (\d+)$/.exec(line)
        if (mark === null) block += `${line}\n`
        else {
          if (block !== '') await context.write(utf8(block))
          block = ''
          height = Number(mark[1])
        }
      }
    }
  } catch (cause) {
    // Cut off: what came of the block under way is forgotten.
    if (cause instanceof LedgerError) throw cause
    return { height, whole: false }
  }
  return { height, whole: true }
}
