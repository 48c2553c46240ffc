// quadrille org: what happens on an organisation's offline machine. The private key is read here and nowhere else.

import { basename } from 'node:path'
import { toHex } from '../../base/bytes.ts'
import { LedgerError } from '../../base/errors.ts'
import { idBytes, type OrganisationId, organisationIdOf } from '../../base/ids.ts'
import { nodeCardSchema } from '../../ledger/card.ts'
import { describeGenesis, draftSignatureSchema, readToSign, signDraft, signRequest } from '../../node/ceremony.ts'
import { createOrganisationKey, readOrganisationKey } from '../../node/key-files.ts'
import { ballotFileSchema, describeProposal, signProposal } from '../../node/proposals.ts'
import { fingerprint } from '../../node/words.ts'
import { argument, type Handler, optional, required } from '../context.ts'

export const init: Handler = async (args, options, context) => {
  const name = argument(args, 0)
  const out = required(options, 'out')
  const id = organisationFrom(optional(options, 'id') ?? basename(out).split('.')[0] ?? '')
  const { organisation } = await createOrganisationKey(out, { id, name })
  const words = fingerprint(organisation.key)
  context.answer({ id, name, key: toHex(organisation.key), fingerprint: words, file: out }, [
    `${name} is "${id}". Its private key is in ${out}: keep it offline, and a copy in a safe.`,
    'Others recognise it by these words; read them aloud when they ask:',
    `  ${words}`,
  ])
  return 0
}

export const sign: Handler = async (args, options, context) => {
  const toSign = await readToSign(argument(args, 0))
  const key = await readOrganisationKey(required(options, 'key'))
  const { name } = key.organisation
  if (toSign.type === 'card') {
    const card = signRequest(toSign.request, key)
    context.note(`${name} says that node ${card.node.name} is its own.`)
    context.document(nodeCardSchema.toJson(card))
  } else if (toSign.type === 'proposal') {
    for (const line of describeProposal(toSign.statement)) context.note(line)
    context.note(`${name} agrees.`)
    context.document(ballotFileSchema.toJson(signProposal(toSign.statement, key)))
  } else {
    const signature = signDraft(toSign.genesis, key)
    for (const line of describeGenesis(toSign.genesis)) context.note(line)
    context.note(`${name} signs this ledger. Compare these words with the other founders:`)
    context.note(`  ${fingerprint(idBytes(signature.ledger))}`)
    context.document(draftSignatureSchema.toJson(signature))
  }
  return 0
}

/** @throws LedgerError USAGE */
export function organisationFrom(id: string): OrganisationId {
  try {
    return organisationIdOf(id)
  } catch {
    throw new LedgerError('USAGE', {
      reason: 'an organisation has a short name of 1 to 32 of a-z, 0-9 and "-", a letter first',
    })
  }
}
