// quadrille genesis: from cards to a draft, from a draft and signatures to what nodes start on.

import { LedgerError } from '../../base/errors.ts'
import { idBytes } from '../../base/ids.ts'
import { checkGenesis, genesisFaults } from '../../ledger/founding.ts'
import { ledgerIdFor, type SignedGenesis, signedGenesisSchema } from '../../ledger/genesis.ts'
import { assemble, describeGenesis, draftSignatureSchema, makeDraft, readCard } from '../../node/ceremony.ts'
import { readJson } from '../../node/home.ts'
import { readRules } from '../../node/rules-file.ts'
import { fingerprint } from '../../node/words.ts'
import { argument, type Context, type Handler, optional, required, several } from '../context.ts'

export const draft: Handler = async (_args, options, context) => {
  const name = required(options, 'name')
  const consensus = required(options, 'consensus')
  if (consensus !== 'pbft' && consensus !== 'raft') {
    throw new LedgerError('USAGE', { option: '--consensus', expected: 'pbft or raft' })
  }
  const files = several(options, 'card')
  if (files.length === 0) throw new LedgerError('USAGE', { missing: '--card' })
  const cards = await Promise.all(files.map(readCard))
  const rules = await readRules(
    optional(options, 'rules'),
    cards.map(({ organisation }) => organisation.id),
    consensus,
  )
  const made = makeDraft(cards, { name, consensus, created: Date.now() }, rules)
  describe(made, context)
  context.document(signedGenesisSchema.toJson(made))
  return 0
}

/** Exit code 1 when something is wrong with it; signatures count only where there are some. */
export const check: Handler = async (args, _options, context) => {
  const signed = await readJson(argument(args, 0), signedGenesisSchema)
  const { genesis, signatures } = signed
  const faults = signatures.length === 0 ? genesisFaults(genesis) : checkGenesis(signed)
  const ledger = ledgerIdFor(genesis)
  const words = fingerprint(idBytes(ledger))
  const said = faults.map(({ code, details }) => {
    const { message, next } = new LedgerError(code, details)
    return { code, message, next }
  })
  context.answer(
    {
      ledger,
      fingerprint: words,
      signed: signatures.map(({ organisation }) => organisation),
      description: [...describeGenesis(genesis)],
      faults: said,
    },
    [
      ...describeGenesis(genesis),
      signatures.length === 0
        ? 'Nobody has signed it yet.'
        : `Signed by ${signatures.map((each) => each.organisation).join(', ')}.`,
      'Read these words aloud to the other founders; all must have the same:',
      `  ${words}`,
      ...said.map(({ code, message, next }) => `${code}: ${message} ${next}`),
    ],
  )
  return faults.length === 0 ? 0 : 1
}

export const assembleDraft: Handler = async (args, _options, context) => {
  const [path = '', ...files] = args
  const read = await readJson(path, signedGenesisSchema)
  const signatures = await Promise.all(files.map((file) => readJson(file, draftSignatureSchema)))
  const signed = assemble(read, signatures)
  describe(signed, context)
  context.document(signedGenesisSchema.toJson(signed))
  return 0
}

function describe({ genesis }: SignedGenesis, context: Context): void {
  for (const line of describeGenesis(genesis)) context.note(line)
  context.note('Read these words aloud to the other founders; all must have the same:')
  context.note(`  ${fingerprint(idBytes(ledgerIdFor(genesis)))}`)
}
