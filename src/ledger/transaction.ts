// A transaction: what an application or an organisation signs. Only this public part is ordered, hashed and kept for ever;
// the quads travel beside it as payload (payload.ts) and can be erased.

import { encodeCbor } from '../base/cbor.ts'
import type { CommitmentAlgorithm } from '../base/commitment.ts'
import { hashBytes, keyId } from '../base/hash.ts'
import {
  type GraphId,
  graphIdOf,
  type ItemId,
  idBytes,
  itemIdOf,
  type KeyId,
  keyIdOf,
  type LedgerId,
  ledgerIdOf,
  type NodeId,
  nodeIdOf,
  type OrganisationId,
  type PolicyId,
  policyIdOf,
  type Sequence,
  type Time,
  type TxId,
  txIdOf,
} from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import {
  bytes,
  bytesUpTo,
  encode,
  id,
  list,
  named,
  record,
  type Schema,
  text,
  timestamp,
  uint,
  variant,
  word,
} from '../base/schema.ts'
import { type AnchorAct, anchorActs } from './anchor.ts'
import { type ErasureAct, erasureActs } from './erasure-acts.ts'
import { type GovernanceAct, governanceActs } from './governance-acts.ts'
import { type Graph, graphSchema, organisationIdSchema, type Policy, policySchema } from './records.ts'

export type { CommitmentAlgorithm } from '../base/commitment.ts'

/** How the payload of an item reaches those who must hold it. */
export type Carriage =
  /** It travels with the proposal; nobody votes before it is here and durable. */
  | { readonly type: 'proposal' }
  /** These nodes signed that they hold it. */
  | { readonly type: 'receipts'; readonly receipts: readonly Receipt[] }

export interface Receipt {
  readonly node: NodeId
  readonly key: Uint8Array
  readonly signature: Uint8Array
}

/** The public header of one item; its index is its place in the transaction. */
export interface ItemHeader {
  readonly graph: GraphId
  readonly policy: PolicyId
  /** log2 of the bytes that the padded assertions take: 8 (256 B) to 20 (1 MiB). */
  readonly sizeClass: number
  readonly algorithm: CommitmentAlgorithm
  /** 32 bytes. */
  readonly assertions: Uint8Array
  /** 32 bytes. */
  readonly retractions: Uint8Array
  readonly carriage: Carriage
}

/** The version of a graph that a change was computed from. */
export interface Base {
  readonly graph: GraphId
  readonly version: Sequence
}

/** 'erase': to order erasures and holds, and to approve them, of items that the organisation controls. */
export type Right = 'read' | 'write' | 'erase'

export interface GraphRight {
  readonly graph: GraphId
  readonly right: Right
}

export type Act =
  /** A change of quads. `base` lists only graphs that the result depended on. */
  | { readonly type: 'data'; readonly items: readonly ItemHeader[]; readonly base: readonly Base[] }
  /** Enrols an application key of the signing organisation, or replaces its rights. */
  | {
      readonly type: 'key-add'
      readonly key: Uint8Array
      readonly name: string
      readonly rights: readonly GraphRight[]
      /** By the key itself over keyProofBytes: nobody enrols the key of another. */
      readonly proof: Uint8Array
    }
  /** Ends an application key of the signing organisation. */
  | { readonly type: 'key-revoke'; readonly key: KeyId }
  /** Registers a policy; its controller is the signing organisation. */
  | { readonly type: 'policy-add'; readonly policy: Policy }
  /** Registers a graph; its owner is the signing organisation. */
  | { readonly type: 'graph-add'; readonly graph: Graph }
  | ErasureAct
  | GovernanceAct
  | AnchorAct

export interface Transaction {
  readonly ledger: LedgerId
  /** Ed25519 public key of the application or organisation that signs: 32 bytes. */
  readonly key: Uint8Array
  /** The signer's own number for this transaction: each is executed at most once. */
  readonly sequence: number
  /** A block with a later time does not execute it. */
  readonly expires: Time
  readonly act: Act
}

/** What is ordered: the exact bytes that were signed, and the signature under the key that they name. */
export interface SignedTransaction {
  readonly body: Uint8Array
  readonly signature: Uint8Array
}

const receiptSchema: Schema<Receipt> = named(
  'receipt',
  record<Receipt>({ node: id(16, nodeIdOf), key: bytes(32), signature: bytes(64) }),
)

const carriageSchema: Schema<Carriage> = named(
  'carriage',
  variant<Carriage>({ proposal: [1, {}], receipts: [2, { receipts: list(receiptSchema, limits.validatorsMax, 1) }] }),
)

export const itemHeaderSchema: Schema<ItemHeader> = named(
  'item-header',
  record<ItemHeader>({
    graph: id(16, graphIdOf),
    policy: id(16, policyIdOf),
    sizeClass: uint(20),
    algorithm: word('sha256', 'pedersen'),
    assertions: bytes(32),
    retractions: bytes(32),
    carriage: carriageSchema,
  }),
)

const baseSchema: Schema<Base> = named('base', record<Base>({ graph: id(16, graphIdOf), version: uint<Sequence>() }))

export const graphRightSchema: Schema<GraphRight> = named(
  'graph-right',
  record<GraphRight>({ graph: id(16, graphIdOf), right: word('read', 'write', 'erase') }),
)

/** Numbers 18 to 29 are taken by acts to come: 24 to 26 by prepare, commit and abort across ledgers. */
export const actSchema: Schema<Act> = named(
  'act',
  variant<Act>({
    data: [
      1,
      {
        items: list(itemHeaderSchema, limits.itemsPerTransactionMax, 1),
        base: list(baseSchema, limits.itemsPerTransactionMax),
      },
    ],
    'key-add': [
      2,
      {
        key: bytes(32),
        name: text(limits.nameBytesMax),
        rights: list(graphRightSchema, limits.rightsPerKeyMax),
        proof: bytes(64),
      },
    ],
    'key-revoke': [3, { key: id(32, keyIdOf) }],
    'policy-add': [4, { policy: policySchema }],
    'graph-add': [5, { graph: graphSchema }],
    ...erasureActs,
    ...governanceActs,
    ...anchorActs,
  }),
)

export const transactionSchema: Schema<Transaction> = named(
  'transaction',
  record<Transaction>({
    ledger: id(32, ledgerIdOf),
    key: bytes(32),
    sequence: uint(),
    expires: timestamp,
    act: actSchema,
  }),
)

export const signedTransactionSchema: Schema<SignedTransaction> = named(
  'signed-transaction',
  record<SignedTransaction>({ body: bytesUpTo(limits.transactionBytesMax), signature: bytes(64) }),
)

/** H(ledger, key id, client sequence). */
export function txIdFor({ ledger, key, sequence }: Pick<Transaction, 'ledger' | 'key' | 'sequence'>): TxId {
  return txIdOfKey(ledger, keyId(key), sequence)
}

/** The same for whoever has the key's id at hand. */
export function txIdOfKey(ledger: LedgerId, key: KeyId, sequence: number): TxId {
  return txIdOf(hashBytes('tx', encodeCbor([idBytes(ledger), idBytes(key), sequence])))
}

/** H('item', txId, index). */
export function itemIdFor(tx: TxId, index: number): ItemId {
  return itemIdOf(hashBytes('item', encodeCbor([idBytes(tx), index])))
}

/** What a node signs, in domain receipt, when it holds a durable payload that opens these commitments. */
export interface ReceiptStatement {
  readonly ledger: LedgerId
  readonly item: ItemId
  readonly assertions: Uint8Array
  readonly retractions: Uint8Array
}

export const receiptStatementSchema: Schema<ReceiptStatement> = named(
  'receipt-statement',
  record<ReceiptStatement>({
    ledger: id(32, ledgerIdOf),
    item: id(32, itemIdOf),
    assertions: bytes(32),
    retractions: bytes(32),
  }),
)

export function receiptBytes(statement: ReceiptStatement): Uint8Array {
  return encode(receiptStatementSchema, statement)
}

/** What an application key signs, in domain proof-of-possession, to be enrolled by this organisation and no other. */
export interface KeyProof {
  readonly ledger: LedgerId
  readonly organisation: OrganisationId
  readonly key: Uint8Array
}

export const keyProofSchema: Schema<KeyProof> = named(
  'key-proof',
  record<KeyProof>({ ledger: id(32, ledgerIdOf), organisation: organisationIdSchema, key: bytes(32) }),
)

export function keyProofBytes(proof: KeyProof): Uint8Array {
  return encode(keyProofSchema, proof)
}

/** Whether a payload belongs to it: only changes of quads have one. */
export function hasPayload(transaction: Transaction): boolean {
  return transaction.act.type === 'data'
}
