// The messages of PBFT (Castro and Liskov, OSDI 1999 and TOCS 2002) as they stand on the wire. The ledger's name is in every
// signed statement, and not repeated in votes: a vote made for another ledger simply does not verify here. What must verify
// before a message may be received stands in claims.ts; what it means to a replica is the affair of the other files.

import { type Digest, digestOf, type Epoch, type NodeId, nodeIdOf, type Sequence, type View } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bool, bytes, id, list, named, record, type Schema, uint, variant } from '../base/schema.ts'
import { type Batch, batchSchema, transactionsSchema } from '../consensus/batch.ts'
import {
  type CommitCertificate,
  commitCertificateSchema,
  type NodeSignature,
  nodeSignatureSchema,
  type ResultCertificate,
  resultCertificateSchema,
} from '../consensus/certificate.ts'
import { type Result, resultSchema } from '../consensus/statements.ts'

/** What a vote is for. The leader's PRE-PREPARE counts as its PREPARE. */
export type Phase = 'pre-prepare' | 'prepare' | 'commit'

/** A signature over (ledger, epoch, view, sequence, digest) in the domain of its phase. */
export interface Vote {
  readonly signer: NodeId
  readonly epoch: Epoch
  readonly view: View
  readonly sequence: Sequence
  readonly digest: Digest
  readonly signature: Uint8Array
}

/** A RESULT, at every K-th sequence PBFT's CHECKPOINT. */
export interface SignedResult {
  readonly signer: NodeId
  readonly result: Result
  readonly signature: Uint8Array
}

/** Proof that a batch prepared (section 4.2): the leader's PRE-PREPARE and q-1 PREPAREs of others, in order of node id. */
export interface PreparedCertificate {
  readonly view: View
  readonly sequence: Sequence
  readonly digest: Digest
  readonly proposal: NodeSignature
  readonly prepares: readonly NodeSignature[]
}

/** VIEW-CHANGE (section 4.4): the sender's stable checkpoint, and what prepared at it above that, by ascending sequence. */
export interface ViewChange {
  readonly signer: NodeId
  readonly epoch: Epoch
  readonly view: View
  /** One, or none while the genesis is the last stable checkpoint. */
  readonly stable: readonly ResultCertificate[]
  readonly prepared: readonly PreparedCertificate[]
  readonly signature: Uint8Array
}

/** What a new view carries over at one sequence; the signature is the new leader's PRE-PREPARE. */
export interface CarriedOver {
  readonly sequence: Sequence
  readonly digest: Digest
  readonly signature: Uint8Array
}

/** Names a VIEW-CHANGE that everybody holds or can fetch. */
export interface ViewChangeName {
  readonly node: NodeId
  readonly digest: Digest
}

/** NEW-VIEW (section 4.4): V by name, O in full. */
export interface NewView {
  readonly signer: NodeId
  readonly epoch: Epoch
  readonly view: View
  /** A quorum's, in ascending order of node id. */
  readonly changes: readonly ViewChangeName[]
  readonly proposals: readonly CarriedOver[]
  readonly signature: Uint8Array
}

/** Own votes of whoever asked, as far as the sender holds them, above its stable checkpoint. */
export interface Recalled {
  readonly epoch: Epoch
  readonly nonce: number
  readonly proposals: readonly Vote[]
  readonly prepares: readonly Vote[]
  readonly commits: readonly Vote[]
  /** The last one, if any. */
  readonly changes: readonly ViewChange[]
  /** The sender's, or none while the epoch's beginning is the last stable checkpoint. */
  readonly stable: readonly ResultCertificate[]
}

export type PbftMessage =
  /** Requests of the sender's clients, or of those whom it helps. */
  | { readonly type: 'request'; readonly transactions: readonly Uint8Array[] }
  /** A validator's read token for the leader's next batch: the sender's own, or one that it passes on. */
  | { readonly type: 'token'; readonly owner: NodeId; readonly token: Uint8Array }
  | { readonly type: 'pre-prepare'; readonly vote: Vote; readonly batch: Batch }
  | { readonly type: 'prepare'; readonly vote: Vote }
  | { readonly type: 'commit'; readonly vote: Vote }
  | { readonly type: 'result'; readonly signed: SignedResult }
  /** How far the sender is, so that others can help it and it can ask others. `help`: also with batches. */
  | {
      readonly type: 'status'
      readonly epoch: Epoch
      readonly view: View
      /** False between its VIEW-CHANGE and the NEW-VIEW. */
      readonly active: boolean
      readonly delivered: Sequence
      readonly final: Sequence
      readonly stable: Sequence
      readonly help: boolean
    }
  /** A batch that was agreed, with its proof. */
  | { readonly type: 'decided'; readonly certificate: CommitCertificate; readonly batch: Batch }
  /** A quorum of equal results; at a checkpoint, the proof that it is stable. */
  | { readonly type: 'certified'; readonly certificate: ResultCertificate }
  | { readonly type: 'view-change'; readonly change: ViewChange }
  | { readonly type: 'new-view'; readonly newView: NewView }
  /** Asks for what a NEW-VIEW names and the sender does not hold. */
  | { readonly type: 'want'; readonly changes: readonly Digest[]; readonly batches: readonly Digest[] }
  /** A batch that was wanted; its digest says which. */
  | { readonly type: 'batch'; readonly batch: Batch }
  /** The sender started: what did it sign in this epoch, as far as the receiver knows? */
  | { readonly type: 'recall'; readonly epoch: Epoch; readonly nonce: number }
  | ({ readonly type: 'recalled' } & Recalled)

export type PbftMessageOf<Type extends PbftMessage['type']> = Extract<PbftMessage, { readonly type: Type }>

export const voteSchema: Schema<Vote> = named(
  'pbft-vote',
  record<Vote>({
    signer: id(16, nodeIdOf),
    epoch: uint<Epoch>(),
    view: uint<View>(),
    sequence: uint<Sequence>(),
    digest: id(32, digestOf),
    signature: bytes(64),
  }),
)

export const signedResultSchema: Schema<SignedResult> = named(
  'pbft-signed-result',
  record<SignedResult>({ signer: id(16, nodeIdOf), result: resultSchema, signature: bytes(64) }),
)

/** Of one block, at most one of each validator. */
export const signedResultsSchema: Schema<readonly SignedResult[]> = list(signedResultSchema, limits.validatorsMax)

export const preparedCertificateSchema: Schema<PreparedCertificate> = named(
  'pbft-prepared-certificate',
  record<PreparedCertificate>({
    view: uint<View>(),
    sequence: uint<Sequence>(),
    digest: id(32, digestOf),
    proposal: nodeSignatureSchema,
    prepares: list(nodeSignatureSchema, limits.validatorsMax),
  }),
)

export const viewChangeSchema: Schema<ViewChange> = named(
  'pbft-view-change',
  record<ViewChange>({
    signer: id(16, nodeIdOf),
    epoch: uint<Epoch>(),
    view: uint<View>(),
    stable: list(resultCertificateSchema, 1),
    prepared: list(preparedCertificateSchema, limits.windowMax),
    signature: bytes(64),
  }),
)

export const newViewSchema: Schema<NewView> = named(
  'pbft-new-view',
  record<NewView>({
    signer: id(16, nodeIdOf),
    epoch: uint<Epoch>(),
    view: uint<View>(),
    changes: list(record<ViewChangeName>({ node: id(16, nodeIdOf), digest: id(32, digestOf) }), limits.validatorsMax),
    proposals: list(
      record<CarriedOver>({ sequence: uint<Sequence>(), digest: id(32, digestOf), signature: bytes(64) }),
      limits.windowMax,
    ),
    signature: bytes(64),
  }),
)

export const messageSchema: Schema<PbftMessage> = named(
  'pbft-message',
  variant<PbftMessage>({
    request: [1, { transactions: transactionsSchema }],
    token: [2, { owner: id(16, nodeIdOf), token: bytes(16) }],
    'pre-prepare': [3, { vote: voteSchema, batch: batchSchema }],
    prepare: [4, { vote: voteSchema }],
    commit: [5, { vote: voteSchema }],
    result: [6, { signed: signedResultSchema }],
    status: [
      7,
      {
        epoch: uint<Epoch>(),
        view: uint<View>(),
        active: bool,
        delivered: uint<Sequence>(),
        final: uint<Sequence>(),
        stable: uint<Sequence>(),
        help: bool,
      },
    ],
    decided: [8, { certificate: commitCertificateSchema, batch: batchSchema }],
    certified: [9, { certificate: resultCertificateSchema }],
    'view-change': [10, { change: viewChangeSchema }],
    'new-view': [11, { newView: newViewSchema }],
    want: [
      12,
      { changes: list(id(32, digestOf), limits.validatorsMax), batches: list(id(32, digestOf), limits.windowMax) },
    ],
    batch: [13, { batch: batchSchema }],
    recall: [14, { epoch: uint<Epoch>(), nonce: uint() }],
    recalled: [
      15,
      {
        epoch: uint<Epoch>(),
        nonce: uint(),
        proposals: list(voteSchema, limits.windowMax),
        prepares: list(voteSchema, limits.windowMax),
        commits: list(voteSchema, limits.windowMax),
        changes: list(viewChangeSchema, 1),
        stable: list(resultCertificateSchema, 1),
      },
    ],
  }),
)
