// The messages of Raft (Ongaro, "Consensus: Bridging Theory and Practice", Stanford 2014) as they stand on the wire. Terms
// count over the whole life of a ledger. Only acknowledgements and results are signed: they are what certificates are made
// of. Who sent a message the connection says, and members trust one another's code.

import { type Digest, digestOf, type Epoch, type NodeId, nodeIdOf, type Sequence, type Term } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bool, bytes, id, list, named, record, type Schema, uint, variant } from '../base/schema.ts'
import { type Batch, batchSchema, transactionsSchema } from '../consensus/batch.ts'
import {
  type NodeSignature,
  nodeSignatureSchema,
  type ResultCertificate,
  resultCertificateSchema,
} from '../consensus/certificate.ts'
import { type Roster, rosterSchema } from '../consensus/roster.ts'
import { type Result, resultSchema } from '../consensus/statements.ts'

/** One place of the log; its index is its sequence. */
export interface Entry {
  readonly term: Term
  readonly batch: Batch
  /** Not empty in a configuration entry (section 4.3): the old and the new rosters while joint, then the new one. */
  readonly configuration: readonly Roster[]
  /**
   * In a joint one: that the block which ended the epoch of the older roster is committed. Blocks up to there are proven by this,
   * and not by later acknowledgements, whose signers only that block makes known.
   */
  readonly proof: readonly CommitProof[]
}

/** A signature over (ledger, epoch, term, index, running hash of the log up to index), in the term of that entry. */
export interface Acknowledgement {
  readonly epoch: Epoch
  readonly index: Sequence
  readonly hash: Digest
  readonly signature: Uint8Array
}

/** Acknowledgements of one entry by a majority: it and all before it are committed. */
export interface CommitProof {
  readonly epoch: Epoch
  readonly term: Term
  readonly index: Sequence
  readonly hash: Digest
  readonly signatures: readonly NodeSignature[]
}

export type RaftMessage =
  /** Requests of the sender's clients, for the leader (section 6.2). */
  | { readonly type: 'request'; readonly transactions: readonly Uint8Array[] }
  /** RequestVote (section 3.4). `pre`: would you? (9.6). `transfer`: the leader itself asked for this election (3.10). */
  | {
      readonly type: 'vote'
      readonly term: Term
      readonly pre: boolean
      readonly transfer: boolean
      readonly last: Sequence
      readonly lastTerm: Term
    }
  /** `term`: the one that was asked for when granted, else the sender's own. */
  | { readonly type: 'voted'; readonly term: Term; readonly pre: boolean; readonly granted: boolean }
  /** AppendEntries (section 3.5). */
  | {
      readonly type: 'append'
      readonly term: Term
      readonly previous: Sequence
      readonly previousTerm: Term
      readonly entries: readonly Entry[]
      readonly proof: readonly CommitProof[]
    }
  /** The sender's log is the leader's up to `index`. */
  | {
      readonly type: 'acknowledge'
      readonly signer: NodeId
      readonly term: Term
      readonly index: Sequence
      readonly acknowledgements: readonly Acknowledgement[]
    }
  /** The sender does not have entry `previous` of that term; it could agree at `hint`, whose term is `hintTerm`. */
  | {
      readonly type: 'mismatch'
      readonly term: Term
      readonly previous: Sequence
      readonly hint: Sequence
      readonly hintTerm: Term
    }
  /** The leader lives; `round` counts what it wants confirmed (section 6.4). */
  | {
      readonly type: 'heartbeat'
      readonly term: Term
      readonly round: number
      readonly proof: readonly CommitProof[]
    }
  | { readonly type: 'alive'; readonly term: Term; readonly round: number }
  /** InstallSnapshot (section 5.3): the log is gone up to here; the blocks have it. */
  | {
      readonly type: 'install'
      readonly term: Term
      readonly index: Sequence
      readonly indexTerm: Term
      readonly hash: Digest
      readonly configuration: readonly Roster[]
    }
  /** TimeoutNow (section 3.10): begin an election at once. */
  | { readonly type: 'take-over'; readonly term: Term }
  /** For the leader: which index must I have applied to answer this read? (Section 6.4.) */
  | { readonly type: 'read'; readonly id: Uint8Array }
  | { readonly type: 'read-index'; readonly id: Uint8Array; readonly index: Sequence }
  /** `again`: the sender still does not know that it is final. */
  | {
      readonly type: 'result'
      readonly signer: NodeId
      readonly result: Result
      readonly signature: Uint8Array
      readonly again: boolean
    }
  | { readonly type: 'certified'; readonly certificate: ResultCertificate }

export type RaftMessageOf<Type extends RaftMessage['type']> = Extract<RaftMessage, { readonly type: Type }>

export const configurationSchema: Schema<readonly Roster[]> = list(rosterSchema, 2)

const acknowledgementSchema: Schema<Acknowledgement> = named(
  'raft-acknowledgement',
  record<Acknowledgement>({
    epoch: uint<Epoch>(),
    index: uint<Sequence>(),
    hash: id(32, digestOf),
    signature: bytes(64),
  }),
)

const commitProofSchema: Schema<CommitProof> = named(
  'raft-commit-proof',
  record<CommitProof>({
    epoch: uint<Epoch>(),
    term: uint<Term>(),
    index: uint<Sequence>(),
    hash: id(32, digestOf),
    signatures: list(nodeSignatureSchema, limits.validatorsMax),
  }),
)

const proof: Schema<readonly CommitProof[]> = list(commitProofSchema, 1)

export const entrySchema: Schema<Entry> = named(
  'raft-entry',
  record<Entry>({ term: uint<Term>(), batch: batchSchema, configuration: configurationSchema, proof }),
)

export const entriesSchema: Schema<readonly Entry[]> = list(entrySchema, limits.entriesPerAppendMax)

const term: Schema<Term> = uint<Term>()
const index: Schema<Sequence> = uint<Sequence>()

export const messageSchema: Schema<RaftMessage> = named(
  'raft-message',
  variant<RaftMessage>({
    request: [1, { transactions: transactionsSchema }],
    vote: [2, { term, pre: bool, transfer: bool, last: index, lastTerm: term }],
    voted: [3, { term, pre: bool, granted: bool }],
    append: [4, { term, previous: index, previousTerm: term, entries: entriesSchema, proof }],
    acknowledge: [
      5,
      {
        signer: id(16, nodeIdOf),
        term,
        index,
        acknowledgements: list(acknowledgementSchema, limits.entriesPerAppendMax),
      },
    ],
    mismatch: [6, { term, previous: index, hint: index, hintTerm: term }],
    heartbeat: [7, { term, round: uint(), proof }],
    alive: [8, { term, round: uint() }],
    install: [9, { term, index, indexTerm: term, hash: id(32, digestOf), configuration: configurationSchema }],
    'take-over': [10, { term }],
    read: [11, { id: bytes(16) }],
    'read-index': [12, { id: bytes(16), index }],
    result: [13, { signer: id(16, nodeIdOf), result: resultSchema, signature: bytes(64), again: bool }],
    certified: [14, { certificate: resultCertificateSchema }],
  }),
)
