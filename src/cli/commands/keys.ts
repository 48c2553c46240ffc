// quadrille keys: what seals a node's data, turning it, and changing what unlocks it.

import { LedgerError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/schema.ts'
import { objectOf } from '../../http/client-answers.ts'
import { openRequester } from '../../http/client-request.ts'
import { changeUnlock } from '../../node/unlock-change.ts'
import { type Context, type Handler, type Options, required } from '../context.ts'
import { endpointOf } from '../node-access.ts'
import { unlockFrom, unlockText } from '../unlock-option.ts'

type Fields = Readonly<Record<string, JsonValue>>

const pollMs = 200

export const status: Handler = async (_args, options, context) => {
  const now = await ask(options, context, 'GET', '/keys')
  context.answer(now, inWords(now))
  return 0
}

export const rotate: Handler = async (_args, options, context) => {
  let now = await ask(options, context, 'POST', '/keys/rotate')
  while (options['wait'] === true && now['rotation'] !== null) {
    const { step, done, left } = now['rotation'] as Fields
    context.progress(`${String(step)}: ${String(done)}, ${String(left)} records left`)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
    now = await ask(options, context, 'GET', '/keys')
  }
  const left = listOf(now['keys']).filter(({ purpose, state }) => state === 'decrypt-only' && purpose !== 'journal')
  if (options['wait'] === true && left.length > 0) throw new LedgerError('ROTATION_UNFINISHED', { keys: left.length })
  context.answer(now, inWords(now))
  return 0
}

export const unlockChange: Handler = async (_args, options, context) => {
  const next = unlockFrom('--to', required(options, 'to'))
  await changeUnlock(context.home, next)
  context.answer({ unlock: unlockText(next) }, [
    `Its keys open with ${unlockText(next)} from now on.`,
    'Older copies of this home still open with what unlocked it before: destroy them, or keep that as safe as before.',
  ])
  return 0
}

async function ask(options: Options, context: Context, method: 'GET' | 'POST', path: string): Promise<Fields> {
  const requester = openRequester({ endpoint: await endpointOf(options, context), fetch, retryMs: 0 })
  return await objectOf(await requester.send(path, { method, headers: { accept: 'application/json' } }))
}

function inWords(now: Fields): readonly string[] {
  const { generation, keys } = now['bag'] as Fields
  const rotation = now['rotation'] as Fields | null
  return [
    `unlocked by   ${String(now['unlock'])}`,
    ...listOf(now['keys']).map(
      ({ purpose, version, state, id, ageSeconds }) =>
        `${String(purpose).padEnd(12)}  version ${String(version)}, ${String(state)}, ${String(id)}, ${ageText(ageSeconds)}`,
    ),
    `items' own    ${String(keys)} keys, generation ${String(generation)}`,
    `rotation      ${rotation === null ? 'none under way' : `${String(rotation['step'])}: ${String(rotation['done'])}`}`,
  ]
}

function ageText(seconds: JsonValue | undefined): string {
  const days = Math.floor(Number(seconds) / 86_400)
  return days === 0 ? 'less than a day old' : `${days} ${days === 1 ? 'day' : 'days'} old`
}

function listOf(value: JsonValue | undefined): readonly Fields[] {
  return Array.isArray(value) ? (value as readonly Fields[]) : []
}
