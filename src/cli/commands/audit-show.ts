// quadrille audit show: the newest leaves of the consortium log, or of the node's own local log, and with --details what the
// side-car still has beside them. Only the running node opens that: it alone has the key.

import { LedgerError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/schema.ts'
import { objectOf } from '../../http/client-answers.ts'
import { openRequester, type Requester } from '../../http/client-request.ts'
import type { About } from '../../node/local-details.ts'
import type { LocalHead } from '../../node/local-events.ts'
import { type Handler, optional, whole } from '../context.ts'
import { endpointOf } from '../node-access.ts'
import { retryMs } from './query.ts'

type Leaf = Readonly<Record<string, JsonValue>>

interface Shown {
  readonly leaf: Leaf
  /** None: it has no details. Null: they are not here any more. */
  readonly details?: readonly About[] | null
}

const lastDefault = 50
const atOnce = 1_000

export const showAudit: Handler = async (_args, options, context) => {
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs })
  const isLocal = options['local'] === true
  if (options['details'] === true && !isLocal) throw new LedgerError('USAGE', { option: '--details', needs: '--local' })
  const last = whole(options, 'last', 1, 1_000_000) ?? lastDefault
  const type = optional(options, 'type')
  const { at, size } = isLocal ? await localLog(requester) : await consortiumLog(requester)
  const leaves = await newest(requester, at, size, last, type)
  const shown: Shown[] = []
  for (const leaf of leaves) shown.push(options['details'] === true ? await withDetails(requester, leaf) : { leaf })
  context.answer({ log: at, size, leaves: JSON.parse(JSON.stringify(shown)) as JsonValue }, shown.flatMap(inWords))
  return 0
}

interface Place {
  readonly at: string
  readonly size: number
}

async function consortiumLog(requester: Requester): Promise<Place> {
  const { logSize } = await objectOf(await requester.send('/status'))
  if (typeof logSize !== 'number') throw new LedgerError('ANSWER_UNEXPECTED', { field: 'logSize' })
  return { at: '/log', size: logSize }
}

async function localLog(requester: Requester): Promise<Place> {
  const heads = (await (await requester.send('/log/local')).json()) as readonly LocalHead[]
  const head = heads.at(-1)
  if (head === undefined) throw new LedgerError('ANSWER_UNEXPECTED', { field: 'log' })
  return { at: `/log/local/${head.log}`, size: head.size }
}

/** The last ones of a type, the oldest first. */
async function newest(
  requester: Requester,
  at: string,
  size: number,
  last: number,
  type: string | undefined,
): Promise<readonly Leaf[]> {
  const found: Leaf[] = []
  for (let to = size; to > 0 && found.length < last; to -= atOnce) {
    const from = Math.max(0, to - atOnce)
    const text = await (await requester.send(`${at}/leaves?from=${from}&count=${to - from}`)).text()
    const leaves = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Leaf]))
    found.unshift(...leaves.filter((leaf) => type === undefined || leaf['type'] === type || leaf['act'] === type))
  }
  return found.slice(-last)
}

async function withDetails(requester: Requester, leaf: Leaf): Promise<Shown> {
  const { detail } = leaf
  if (typeof detail !== 'string') return { leaf }
  try {
    const answer = await requester.send(`/log/local/details/${encodeURIComponent(detail)}`)
    return { leaf, details: (await answer.json()) as readonly About[] }
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'NOT_FOUND') return { leaf, details: null }
    throw error
  }
}

function inWords({ leaf, details }: Shown): readonly string[] {
  const { seq, prev: _prev, time, type, ...facts } = leaf
  const said = Object.entries(facts).flatMap(([name, value]) =>
    value === '' ? [] : [`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`],
  )
  const when = typeof time === 'number' ? `${new Date(time).toISOString()} ` : ''
  return [
    `${String(seq)} ${when}${String(type)} ${said.join(' ')}`,
    ...(details === null ? ['    its details are not here any more'] : []),
    ...(details ?? []).map(({ time: at, from, key, asked, text }) => {
      const parts = [new Date(at).toISOString(), from, key, asked, text].map(harmless)
      return `    ${parts.filter((part) => part !== '').join('  ')}`
    }),
  ]
}

/** On one line, and without what a terminal obeys: whoever asked wrote this. */
function harmless(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/\p{C}/gu, '\ufffd')
}
