// quadrille node: the home of a node, before it runs.

import { LedgerError } from '../../base/errors.ts'
import { cardRequestSchema } from '../../ledger/card.ts'
import { isName } from '../../ledger/terms.ts'
import { isMultiaddr } from '../../node/config.ts'
import { initNode, requestFor, requestWithSuccessor } from '../../node/membership.ts'
import { type Handler, type Options, optional, required, several, whole } from '../context.ts'
import { unlockFrom, unlockText } from '../unlock-option.ts'
import { organisationFrom } from './org.ts'

const httpPortDefault = 4780

export const init: Handler = async (_args, options, context) => {
  const organisation = organisationFrom(required(options, 'org'))
  const addresses = several(options, 'listen')
  const wrong = addresses.find((address) => !isMultiaddr(address))
  if (addresses.length === 0) throw new LedgerError('USAGE', { missing: '--listen' })
  if (wrong !== undefined) {
    throw new LedgerError('USAGE', { listen: wrong, expected: 'a multiaddress such as /ip4/192.0.2.1/tcp/4701' })
  }
  const unlock = unlockFrom('--unlock', required(options, 'unlock'))
  const name = optional(options, 'name') ?? `${organisation}-1`
  if (!isName(name)) throw new LedgerError('USAGE', { option: '--name', expected: 'a name' })
  const port = whole(options, 'http', 1, 65_535) ?? httpPortDefault
  const http = { host: '127.0.0.1', port }
  const { id } = await initNode(context.home, { organisation, name, role: roleFrom(options), addresses, http, unlock })
  context.answer(
    { node: id, name, organisation, home: context.home.root, unlock: unlockText(unlock), http: `127.0.0.1:${port}` },
    [
      `Node ${name} of ${organisation} lives in ${context.home.root}.`,
      `Its keys open with ${unlockText(unlock)}: without it they are lost, and with it they are not secret.`,
      'Next: quadrille node request > node.json, and let your organisation sign that.',
    ],
  )
  return 0
}

export const request: Handler = async (_args, options, context) => {
  const role = optional(options, 'role') === undefined ? undefined : roleFrom(options)
  context.document(cardRequestSchema.toJson(await requestFor(context.home, { role })))
  return 0
}

export const rotateKey: Handler = async (_args, options, context) => {
  const role = optional(options, 'role') === undefined ? undefined : roleFrom(options)
  const made = await requestWithSuccessor(context.home, { role })
  context.note('The new key lies beside the old one, which signs until the ledger names the new one.')
  context.note('Next: let your organisation sign this request, and propose the card: quadrille proposal draft --card')
  context.document(cardRequestSchema.toJson(made))
  return 0
}

function roleFrom(options: Options): 'validator' | 'learner' {
  const role = optional(options, 'role') ?? 'validator'
  if (role === 'validator' || role === 'learner') return role
  throw new LedgerError('USAGE', { option: '--role', expected: 'validator or learner' })
}
