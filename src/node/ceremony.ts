// The founding of a ledger by organisations on machines of their own: only node requests, cards, drafts and signatures pass
// between them, all of them public. Nothing here touches the network.

import { LedgerError } from '../base/errors.ts'
import { type LedgerId, ledgerIdOf, timeOf } from '../base/ids.ts'
import { bytes, id, named, record, type Schema } from '../base/schema.ts'
import { faultModelOf, quorumOf, toleratedOf } from '../consensus/quorum.ts'
import {
  type CardRequest,
  cardRequestFault,
  cardRequestSchema,
  type NodeCard,
  nodeCardSchema,
  signCard,
} from '../ledger/card.ts'
import { checkGenesis, draftGenesis, type GenesisFault, genesisFaults, signGenesis } from '../ledger/founding.ts'
import {
  type FounderSignature,
  type Genesis,
  ledgerIdFor,
  type SignedGenesis,
  signedGenesisSchema,
} from '../ledger/genesis.ts'
import { type ProposalStatement, proposalStatementSchema } from '../ledger/governance-acts.ts'
import { organisationIdSchema } from '../ledger/records.ts'
import { readJson, readText } from './home.ts'
import type { OrganisationKey } from './key-files.ts'
import type { Rules } from './rules-file.ts'

/** What `org sign` makes of a draft: the founder's signature, and the draft that it is for. */
export interface DraftSignature extends FounderSignature {
  readonly ledger: LedgerId
}

export const draftSignatureSchema: Schema<DraftSignature> = named(
  'draft-signature',
  record<DraftSignature>({
    ledger: id(32, ledgerIdOf),
    organisation: organisationIdSchema,
    signature: bytes(64),
  }),
)

/** What an organisation is asked to sign. */
export type ToSign =
  | { readonly type: 'card'; readonly request: CardRequest }
  | { readonly type: 'draft'; readonly genesis: Genesis }
  | { readonly type: 'proposal'; readonly statement: ProposalStatement }

/** A file from `node request`, `genesis draft` or `proposal draft`. @throws LedgerError FILE_UNREADABLE, MALFORMED */
export async function readToSign(path: string): Promise<ToSign> {
  const text = await readText(path)
  if (has(text, 'proposal')) return { type: 'proposal', statement: await readJson(path, proposalStatementSchema) }
  if (has(text, 'genesis')) {
    return { type: 'draft', genesis: (await readJson(path, signedGenesisSchema)).genesis }
  }
  return { type: 'card', request: await readJson(path, cardRequestSchema) }
}

function has(text: string, name: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && name in value
  } catch {
    return false
  }
}

/** @throws LedgerError CARD_INVALID, KEY_WEAK or SIGNATURE_INVALID unless the node proves its keys and names this organisation. */
export function signRequest(request: CardRequest, { organisation, signing }: OrganisationKey): NodeCard {
  const { name, organisation: claimed } = request.node
  if (claimed !== organisation.id) {
    throw new LedgerError('CARD_INVALID', { node: name, organisation: claimed, expected: organisation.id })
  }
  const fault = cardRequestFault(request)
  if (fault !== undefined) throw new LedgerError(fault, { node: name })
  return signCard(request, organisation, signing)
}

/** @throws LedgerError what is wrong with the draft first, NOT_PERMITTED when this organisation is no founder in it. */
export function signDraft(genesis: Genesis, { organisation, signing }: OrganisationKey): DraftSignature {
  requireNone(genesisFaults(genesis))
  return { ledger: ledgerIdFor(genesis), ...signGenesis(genesis, organisation.id, signing) }
}

/** @throws LedgerError for a card that does not hold. What the founders still have to mend, `genesisFaults` tells. */
export function makeDraft(
  cards: readonly NodeCard[],
  choices: { readonly name: string; readonly consensus: string; readonly created: number },
  rules: Rules,
): SignedGenesis {
  const { name, consensus, created } = choices
  return {
    genesis: draftGenesis({ name, protocol: `${consensus}/1`, created: timeOf(created), cards, ...rules }),
    signatures: [],
  }
}

/** @throws LedgerError WRONG_LEDGER for a signature over another draft; SIGNATURE_MISSING and everything else that is wrong. */
export function assemble({ genesis }: SignedGenesis, signatures: readonly DraftSignature[]): SignedGenesis {
  const ledger = ledgerIdFor(genesis)
  const stray = signatures.find((signature) => signature.ledger !== ledger)
  if (stray !== undefined)
    throw new LedgerError('WRONG_LEDGER', { organisation: stray.organisation, signed: stray.ledger })
  const sorted = signatures
    .map(({ organisation, signature }) => ({ organisation, signature }))
    .sort((a, b) => (a.organisation < b.organisation ? -1 : 1))
  const signed = { genesis, signatures: sorted }
  requireNone(checkGenesis(signed))
  return signed
}

/** A genesis that a node may start on. @throws LedgerError FILE_UNREADABLE, MALFORMED, and everything that is wrong with it. */
export async function readGenesis(path: string): Promise<SignedGenesis> {
  const signed = await readJson(path, signedGenesisSchema)
  requireNone(checkGenesis(signed))
  return signed
}

export async function readCard(path: string): Promise<NodeCard> {
  return await readJson(path, nodeCardSchema)
}

/** As an error that names the first fault and how many more there are. */
function requireNone(faults: readonly GenesisFault[]): void {
  const [first, ...more] = faults
  if (first === undefined) return
  throw new LedgerError(first.code, more.length === 0 ? first.details : { ...first.details, more: more.length })
}

/** What a genesis means, in plain words: one line for each thing that a founder should read before signing. */
export function describeGenesis(genesis: Genesis): readonly string[] {
  const validators = genesis.nodes.filter(({ role }) => role === 'validator')
  const n = validators.length
  const faults = faultModelOf(genesis.protocol)
  const f = toleratedOf(faults, n)
  const failures =
    faults === 'byzantine'
      ? `${f} may fail or lie`
      : `${f} may be away and none may lie (certificates say crash-fault: they rest on trust in every member)`
  const { organisations, thresholds, policies, graphs } = genesis
  return [
    `Ledger "${genesis.name}", ${genesis.protocol}, drafted ${new Date(genesis.created).toISOString()}.`,
    `${n} validators, of which ${failures} and ${quorumOf(faults, n)} must agree.`,
    ...organisations.map(({ id: member, name }) => {
      const own = genesis.nodes.filter(({ organisation }) => organisation === member)
      return `  ${name} (${member}) runs ${own.map((node) => `${node.name} (${node.role})`).join(', ') || 'no node'}.`
    }),
    `${thresholds.roster} of ${organisations.length} organisations must sign to admit or remove members and nodes, ${thresholds.rules} to change rules.`,
    ...policies.map(({ name, class: kind, purpose, legalBasis, retentionDays }) => {
      const kept = retentionDays === 0 ? 'without a period' : `for ${retentionDays} days`
      return `Policy "${name}": ${kind} data, for ${purpose}, legal basis ${legalBasis}, kept ${kept}.`
    }),
    ...graphs.map(({ iri, owner, policy, writers }) => {
      const may = writers.length === 0 ? 'every member' : writers.join(', ')
      return `Graph <${iri}> of ${owner} under policy "${policy}"; ${may} may write.`
    }),
  ]
}
