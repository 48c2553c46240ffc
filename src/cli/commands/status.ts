// quadrille status: how a node is, and with --wait the moment when a quorum is connected and the node answers.

import { LedgerError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/schema.ts'
import { objectOf } from '../../http/client-answers.ts'
import { openRequester, type Requester } from '../../http/client-request.ts'
import type { NodeStatus } from '../../node/node-status.ts'
import { type Handler, optional, whole } from '../context.ts'
import { endpointOf } from '../node-access.ts'

type Status = Readonly<Record<string, JsonValue>>

const timeoutDefaultS = 60
const pollMs = 250

export const status: Handler = async (_args, options, context) => {
  const wait = optional(options, 'wait')
  if (wait !== undefined && wait !== 'quorum') throw new LedgerError('USAGE', { option: '--wait', expected: 'quorum' })
  const timeoutMs = 1000 * (whole(options, 'timeout', 1, 86_400) ?? timeoutDefaultS)
  const endpoint = await endpointOf(options, context)
  const until = Date.now() + timeoutMs
  const requester = openRequester({ endpoint, fetch, retryMs: wait === undefined ? 0 : timeoutMs })
  let now = await ask(requester)
  while (wait !== undefined && (now['quorumConnected'] !== true || now['serves'] !== true)) {
    if (Date.now() > until) throw new LedgerError('QUORUM_AWAY', { missing: listed(now['missing']) })
    context.progress(now['quorumConnected'] === true ? 'catching up' : `waiting for ${listed(now['missing'])}`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
    now = await ask(requester)
  }
  context.answer(now, inWords(now))
  return 0
}

async function ask(requester: Requester): Promise<Status> {
  return await objectOf(await requester.send('/status', { headers: { accept: 'application/json' } }))
}

function inWords(now: Status): readonly string[] {
  const word = (name: string): string => String(now[name] ?? 'unknown')
  return [
    `${word('nodeName')} of ${word('organisation')} on "${word('name')}" (${word('protocol')}, ${word('faults')})`,
    `ledger   ${word('ledger')}`,
    `height   ${word('height')}, final ${word('final')}, head ${word('head')}`,
    `log      ${word('logSize')} leaves, root ${word('logRoot')}`,
    `quads    ${word('quads')}`,
    `local    ${localInWords(now['local'])}`,
    `leader   ${word('leader')}, ${now['faults'] === 'crash-fault' ? 'term' : 'view'} ${word('round')}, ${word('state')}`,
    `epoch    ${word('epoch')}${now['epochEnds'] === null ? '' : `, which ends with block ${word('epochEnds')}`}; this node is ${word('role') === 'none' ? 'no member' : `a ${word('role')}`}`,
    `quorum   ${word('quorum')} of ${word('validators')} validators; connected: ${listed(now['connected'])}; missing: ${listed(now['missing'])}`,
    ...(now['evidence'] === 0
      ? []
      : [`evidence ${word('evidence')}, against ${listed(now['accused'])}: see quadrille evidence list`]),
    ...convictions(now['convicted']),
    `answers  ${now['serves'] === true ? 'yes' : 'not yet: it has not caught up with the others'}`,
    ...(now['note'] ? [`note     ${word('note')}`] : []),
  ]
}

function convictions(found: JsonValue | undefined): readonly string[] {
  return (found as unknown as NodeStatus['convicted']).map(
    ({ name, epoch, height }) => `convicts ${name}, which contradicted itself in epoch ${epoch}: block ${height}`,
  )
}

function localInWords(local: JsonValue | undefined): string {
  const { leaves, anchored, ageSeconds } = (local ?? {}) as Readonly<Record<string, JsonValue>>
  const when = typeof ageSeconds === 'number' ? `last ${ageSeconds} s ago` : 'never'
  return `${String(leaves)} leaves of this node's own log, ${String(anchored)} of them anchored, ${when}`
}

function listed(names: JsonValue | undefined): string {
  return Array.isArray(names) && names.length > 0 ? names.join(', ') : 'none'
}
