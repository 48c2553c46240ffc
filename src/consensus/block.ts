// A block is a delivered batch with its place in the hash chain. Its header is a pure function of what was agreed: it names
// no view, no proposer and no state, so every correct node computes the same one whatever it went through.

import { hashOf } from '../base/hash.ts'
import { type Digest, digestOf, type Epoch, type LedgerId, ledgerIdOf, type Sequence, type Time } from '../base/ids.ts'
import { id, named, record, type Schema, timestamp, uint } from '../base/schema.ts'
import { transactionsSchema } from './batch.ts'
import { type CommitCertificate, commitCertificateSchema } from './certificate.ts'

export interface BlockHeader {
  readonly ledger: LedgerId
  readonly epoch: Epoch
  readonly sequence: Sequence
  /** Hash of the header before this one; the first block's is the ledger's own name. */
  readonly previous: Digest
  /** The batch digest that was agreed. */
  readonly batch: Digest
  /** max(batch time, previous block's time). */
  readonly time: Time
}

export const blockHeaderSchema: Schema<BlockHeader> = named(
  'block-header',
  record<BlockHeader>({
    ledger: id(32, ledgerIdOf),
    epoch: uint<Epoch>(),
    sequence: uint<Sequence>(),
    previous: id(32, digestOf),
    batch: id(32, digestOf),
    time: timestamp,
  }),
)

export function blockHash(header: BlockHeader): Digest {
  return hashOf('block', blockHeaderSchema, header)
}

/** A block as it is kept and sent: enough to recompute its header and digest, and the proof that it was agreed. */
export interface BlockRecord {
  readonly header: BlockHeader
  /** H(tokens): the read tokens themselves are forgotten. */
  readonly tokens: Digest
  /** The batch's own time, which the header's may exceed. */
  readonly batchTime: Time
  readonly transactions: readonly Uint8Array[]
  readonly certificate: CommitCertificate
}

export const blockRecordSchema: Schema<BlockRecord> = named(
  'block-record',
  record<BlockRecord>({
    header: blockHeaderSchema,
    tokens: id(32, digestOf),
    batchTime: timestamp,
    transactions: transactionsSchema,
    certificate: commitCertificateSchema,
  }),
)
