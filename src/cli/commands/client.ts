// quadrille client: keys of applications. The private half stays where it was made; the public half goes to the
// organisation, with a proof that whoever asks for its enrolment holds it.

import { existsSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { LedgerError } from '../../base/errors.ts'
import { graphId, keyId } from '../../base/hash.ts'
import { type LedgerId, ledgerIdOf, type OrganisationId } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import { bytes, id, record, type Schema, text, word } from '../../base/schema.ts'
import { proveKey, signerOf } from '../../ledger/build.ts'
import { ledgerIdFor } from '../../ledger/genesis.ts'
import { organisationIdSchema } from '../../ledger/records.ts'
import { isAbsoluteIri, isName } from '../../ledger/terms.ts'
import type { GraphRight } from '../../ledger/transaction.ts'
import { readJson } from '../../node/home.ts'
import { createApplicationKey, readOrganisationKey, writeNew } from '../../node/key-files.ts'
import { readMembership } from '../../node/membership.ts'
import { argument, type Context, type Handler, type Options, optional, required, several } from '../context.ts'
import { openClient, trustedGenesis } from '../node-access.ts'
import { organisationFrom } from './org.ts'

/** FILE.pub: what an organisation needs to enrol a key. */
interface PublicKeyFile {
  readonly kind: 'quadrille application public key 1'
  readonly name: string
  readonly ledger: LedgerId
  readonly organisation: OrganisationId
  readonly key: Uint8Array
  /** By the key itself, for this organisation on this ledger. */
  readonly proof: Uint8Array
}

const publicKeySchema: Schema<PublicKeyFile> = record<PublicKeyFile>({
  kind: word('quadrille application public key 1'),
  name: text(limits.nameBytesMax),
  ledger: id(32, ledgerIdOf),
  organisation: organisationIdSchema,
  key: bytes(32),
  proof: bytes(64),
})

export const create: Handler = async (_args, options, context) => {
  const out = required(options, 'out')
  const stem = out.slice(0, out.length - extname(out).length)
  const publicFile = `${stem}.pub`
  const name = optional(options, 'name') ?? basename(stem)
  if (!isName(name)) throw new LedgerError('USAGE', { option: '--name', expected: 'a name' })
  const ledger = ledgerIdFor((await trustedGenesis(options, context)).genesis)
  const organisation = await organisationOf(options, context)
  if (existsSync(publicFile)) throw new LedgerError('FILE_EXISTS', { file: publicFile })
  const { signing } = await createApplicationKey(out, name)
  const proof = await proveKey(ledger, organisation, signerOf(signing))
  const kind = 'quadrille application public key 1'
  const value: PublicKeyFile = { kind, name, ledger, organisation, key: signing.publicKey, proof }
  await writeNew(publicFile, `${JSON.stringify(publicKeySchema.toJson(value), undefined, 2)}\n`, 0o644)
  context.answer({ name, organisation, keyId: keyId(signing.publicKey), private: out, public: publicFile }, [
    `The private key of ${name} is in ${out}; give ${publicFile} to ${organisation}, who enrols it:`,
    `  quadrille client add ${publicFile} --graph IRI:write --key ${organisation}.org.key`,
  ])
  return 0
}

export const add: Handler = async (args, options, context) => {
  const file = await readJson(argument(args, 0), publicKeySchema)
  const { organisation, signing } = await readOrganisationKey(required(options, 'key'))
  if (file.organisation !== organisation.id) {
    throw new LedgerError('NOT_PERMITTED', { organisation: organisation.id, asked: file.organisation })
  }
  const rights = rightsFrom(several(options, 'graph'))
  const client = await openClient(options, context, signing.seed)
  if (file.ledger !== client.ledger)
    throw new LedgerError('WRONG_LEDGER', { expected: client.ledger, found: file.ledger })
  const { key, name, proof } = file
  const { height, tx } = await client.submitAct({ type: 'key-add', key, name, rights, proof })
  context.answer({ name, keyId: keyId(key), height, tx }, [`${name} is enrolled since height ${height}.`])
  return 0
}

/** --org, else whose node this home is. */
async function organisationOf(options: Options, context: Context): Promise<OrganisationId> {
  const given = optional(options, 'org')
  if (given !== undefined) return organisationFrom(given)
  if (!existsSync(context.home.node)) throw new LedgerError('USAGE', { missing: '--org' })
  return (await readMembership(context.home)).organisation
}

/** In the one order that the ledger takes. @throws LedgerError USAGE */
function rightsFrom(given: readonly string[]): readonly GraphRight[] {
  if (given.length === 0) throw new LedgerError('USAGE', { missing: '--graph' })
  const rights = new Map<string, GraphRight>()
  for (const each of given) {
    const [, iri = '', right] = /^(.+):(read|write|erase)$/.exec(each) ?? []
    if (!isAbsoluteIri(iri) || (right !== 'read' && right !== 'write' && right !== 'erase')) {
      throw new LedgerError('USAGE', {
        option: '--graph',
        expected: 'the IRI of a graph, then :read, :write or :erase',
      })
    }
    const graph = graphId(iri)
    rights.set(`${graph} ${right}`, { graph, right })
  }
  return [...rights].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, right]) => right)
}
