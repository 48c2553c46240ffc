// The client's side: from what an application wants to say to a signed transaction with its payload. Runs in a browser; the
// signer may be a key of the platform that signs asynchronously, and never has to show its private half.

import { commit, openingBytes } from '../base/commitment.ts'
import type { SignatureDomain } from '../base/domains.ts'
import { LedgerError } from '../base/errors.ts'
import { policyId } from '../base/hash.ts'
import type { GraphId, LedgerId, OrganisationId, Time, TxId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { encode } from '../base/schema.ts'
import { type SigningKey, sign } from '../base/signature.ts'
import { approvalBytes, comparePlaces, type ErasureReason, type ItemPlace } from './erasure-acts.ts'
import { padPart, partContext } from './items.ts'
import {
  type Assertions,
  assertionsSchema,
  type ItemPayload,
  type ItemTerm,
  type ItemTriple,
  payloadSchema,
  type Retraction,
  type Retractions,
  retractionsSchema,
} from './payload.ts'
import type { Policy } from './records.ts'
import { assertionsFault, retractionsFault } from './terms.ts'
import {
  type Act,
  type Base,
  type ItemHeader,
  itemIdFor,
  keyProofBytes,
  signedTransactionSchema,
  type Transaction,
  transactionSchema,
  txIdFor,
} from './transaction.ts'

export interface Signer {
  /** Ed25519: 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes, over `bytes` in `domain` as base/signature.ts has it. */
  readonly sign: (domain: SignatureDomain, bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>
}

/** A signer over a private key in memory. */
export function signerOf(key: SigningKey): Signer {
  return { publicKey: key.publicKey, sign: (domain, bytes) => sign(domain, bytes, key.seed) }
}

/** What every transaction says beside its act. */
export interface Envelope {
  readonly ledger: LedgerId
  readonly key: Signer
  /** The next unused number of this key. */
  readonly sequence: number
  /** A block with a later time does not execute it. */
  readonly expires: Time
}

export interface ItemInput {
  readonly graph: GraphId
  /** As the ledger has it. */
  readonly policy: Policy
  /** IRIs of the data subjects: at least one when the policy is personal, else none. */
  readonly subjects: readonly string[]
  readonly terms: readonly ItemTerm[]
  readonly triples: readonly ItemTriple[]
  readonly retractions: readonly Retraction[]
}

export interface DataInput extends Envelope {
  readonly items: readonly ItemInput[]
  /** Only graphs that the change was computed from. */
  readonly base: readonly Base[]
  /** So many bytes that nobody can guess: base/random in production. */
  readonly randomBytes: (length: number) => Uint8Array
}

export interface ActInput extends Envelope {
  readonly act: Exclude<Act, { readonly type: 'data' }>
}

export interface ErasureInput extends Envelope {
  readonly items: readonly ItemPlace[]
  readonly reason: ErasureReason
  /** 16 random bytes that the controller's case file knows. */
  readonly reference: Uint8Array
  /** Another key of the controller that may erase. */
  readonly approver: Signer
}

export interface BuiltAct {
  /** Encoded SignedTransaction. */
  readonly bytes: Uint8Array
  readonly tx: TxId
}

export interface BuiltData extends BuiltAct {
  /** Encoded Payload, to be sent beside it. */
  readonly payload: Uint8Array
}

/** Items: 1 to 256. @throws LedgerError TOO_LARGE, POLICY_UNSUPPORTED, or PAYLOAD_MALFORMED for an item that would be void. */
export async function buildData(input: DataInput): Promise<BuiltData> {
  const most = limits.itemsPerTransactionMax
  if (input.items.length > most) throw new LedgerError('TOO_LARGE', { items: input.items.length, most })
  const tx = txIdFor({ ledger: input.ledger, key: input.key.publicKey, sequence: input.sequence })
  const skolem = input.randomBytes(16)
  const built = input.items.map((item, index) => buildItem(input, tx, skolem, item, index))
  const payload = encode(payloadSchema, { items: built.map(({ parts }) => parts) })
  if (payload.length > limits.payloadBytesMax) {
    throw new LedgerError('TOO_LARGE', { bytes: payload.length, most: limits.payloadBytesMax })
  }
  const base = [...input.base].sort((a, b) => (a.graph < b.graph ? -1 : 1))
  const bytes = await signed(input, { type: 'data', items: built.map(({ header }) => header), base })
  return { bytes, payload, tx }
}

/** A transaction without payload: keys, policies, graphs. @throws LedgerError TOO_LARGE */
export async function buildAct(input: ActInput): Promise<BuiltAct> {
  const bytes = await signed(input, input.act)
  return { bytes, tx: txIdFor({ ledger: input.ledger, key: input.key.publicKey, sequence: input.sequence }) }
}

/**
 * An erasure order with its approval: the second pair of eyes signs the same content under its own key. Items in any order.
 * @throws LedgerError TOO_LARGE
 */
export async function buildErasure({
  items,
  reason,
  reference,
  approver,
  ...envelope
}: ErasureInput): Promise<BuiltAct> {
  const { ledger, key, sequence } = envelope
  const order = txIdFor({ ledger, key: key.publicKey, sequence })
  const content = { items: [...items].sort(comparePlaces), reason, reference }
  const signature = await approver.sign('erasure-approval', approvalBytes({ ledger, order, ...content }))
  return buildAct({ ...envelope, act: { type: 'erase', ...content, approval: { key: approver.publicKey, signature } } })
}

/** The proof that a key-add act carries: made by the application's key for the organisation that will enrol it. */
export async function proveKey(ledger: LedgerId, organisation: OrganisationId, key: Signer): Promise<Uint8Array> {
  return await key.sign('proof-of-possession', keyProofBytes({ ledger, organisation, key: key.publicKey }))
}

async function signed({ ledger, key, sequence, expires }: Envelope, act: Act): Promise<Uint8Array> {
  const transaction: Transaction = { ledger, key: key.publicKey, sequence, expires, act }
  const body = encode(transactionSchema, transaction)
  const bytes = encode(signedTransactionSchema, { body, signature: await key.sign('transaction', body) })
  if (bytes.length > limits.transactionBytesMax) {
    throw new LedgerError('TOO_LARGE', { bytes: bytes.length, most: limits.transactionBytesMax })
  }
  return bytes
}

interface BuiltItem {
  readonly header: ItemHeader
  readonly parts: ItemPayload
}

function buildItem(
  { ledger, randomBytes }: DataInput,
  tx: TxId,
  skolem: Uint8Array,
  input: ItemInput,
  index: number,
): BuiltItem {
  const { graph, policy, subjects, terms, triples } = input
  if (policy.carriage !== 'proposal') throw new LedgerError('POLICY_UNSUPPORTED', { policy: policy.name })
  const assertions: Assertions = { skolem, subjects, terms, triples }
  const retractions: Retractions = {
    retractions: [...input.retractions].sort((a, b) => (a.item < b.item ? -1 : 1)),
  }
  requireWhole(input, assertions, retractions)
  const item = itemIdFor(tx, index)
  const paddedAssertions = padPart(encode(assertionsSchema, assertions))
  const paddedRetractions = padPart(encode(retractionsSchema, retractions))
  const openings = { assertions: randomBytes(openingBytes), retractions: randomBytes(openingBytes) }
  const place = { graph, policy: policyId(policy.name), sizeClass: Math.log2(paddedAssertions.length) }
  const commitTo = (part: 'assertions' | 'retractions', padded: Uint8Array): Uint8Array =>
    commit(policy.algorithm, partContext(ledger, item, place, part), openings[part], padded)
  return {
    header: {
      ...place,
      algorithm: policy.algorithm,
      assertions: commitTo('assertions', paddedAssertions),
      retractions: commitTo('retractions', paddedRetractions),
      carriage: { type: 'proposal' },
    },
    parts: {
      assertions: { opening: openings.assertions, padded: paddedAssertions },
      retractions: { opening: openings.retractions, padded: paddedRetractions },
    },
  }
}

function requireWhole({ policy }: ItemInput, assertions: Assertions, retractions: Retractions): void {
  const isPersonal = policy.class === 'personal'
  const named = assertions.subjects.length > 0
  const subjects =
    isPersonal === named || (isPersonal && assertions.triples.length === 0)
      ? undefined
      : `class ${policy.class} with ${assertions.subjects.length} data subjects`
  const reason = assertionsFault(assertions) ?? retractionsFault(retractions) ?? subjects
  if (reason !== undefined) throw new LedgerError('PAYLOAD_MALFORMED', { reason })
}
