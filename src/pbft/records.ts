// The journal of a replica: whatever its votes rest on, durable before they leave. Together the records give back, after a
// crash, every own vote byte for byte and all that a VIEW-CHANGE must show.

import type { Epoch, Sequence, View } from '../base/ids.ts'
import { bool, decode, encode, list, named, record, type Schema, uint, variant } from '../base/schema.ts'
import { type Batch, batchSchema } from '../consensus/batch.ts'
import { type ResultCertificate, resultCertificateSchema } from '../consensus/certificate.ts'
import type { JournalRecord, Mandate, Parameters } from '../consensus/contract.ts'
import { rosterSchema } from '../consensus/roster.ts'
import {
  type NewView,
  newViewSchema,
  type PreparedCertificate,
  preparedCertificateSchema,
  type SignedResult,
  signedResultSchema,
  type ViewChange,
  type Vote,
  viewChangeSchema,
  voteSchema,
} from './messages.ts'

export type PbftRecord =
  /** The leader's PRE-PREPARE and its batch (none when a new view carried it over), and the own PREPARE, if any. */
  | {
      readonly type: 'accepted'
      readonly proposal: Vote
      readonly batch: readonly Batch[]
      readonly prepare: readonly Vote[]
    }
  /** What makes this batch prepared, and the own COMMIT. */
  | { readonly type: 'prepared'; readonly certificate: PreparedCertificate; readonly commit: Vote }
  | { readonly type: 'result'; readonly signed: SignedResult }
  /** A stable checkpoint; all records before it may go. */
  | { readonly type: 'stable'; readonly certificate: ResultCertificate }
  /** This replica has another result than a quorum. */
  | { readonly type: 'fenced'; readonly certificate: ResultCertificate }
  /** It has theirs again. What it signed before, at or below `disowned`, may be wrong. */
  | { readonly type: 'repaired'; readonly epoch: Epoch; readonly disowned: Sequence }
  /** Left for `view`, with the own VIEW-CHANGE. */
  | { readonly type: 'changing'; readonly view: View; readonly change: ViewChange }
  /** Entered `view`. What the NEW-VIEW follows from is not kept: others believe it when f+1 entered it. */
  | { readonly type: 'entered'; readonly newView: NewView }
  /** An epoch began after `since`, with the stable checkpoint that ended the one before, if it is at hand. */
  | ({
      readonly type: 'epoch'
      readonly ending: readonly ResultCertificate[]
      /** This node found that it signed in it what it does not remember. */
      readonly forgot: boolean
    } & Omit<Mandate, 'until'>)

const parametersSchema: Schema<Parameters> = record<Parameters>({
  checkpointInterval: uint(),
  window: uint(),
  batchTransactionsMax: uint(),
  batchBytesMax: uint(),
  pipelineMax: uint(),
  requestsMax: uint(),
  resendMs: uint(),
  suspectMs: uint(),
  suspectMsMax: uint(),
  idleBatchMs: uint(),
})

export const recordSchema: Schema<PbftRecord> = named(
  'pbft-record',
  variant<PbftRecord>({
    accepted: [1, { proposal: voteSchema, batch: list(batchSchema, 1), prepare: list(voteSchema, 1) }],
    prepared: [2, { certificate: preparedCertificateSchema, commit: voteSchema }],
    result: [3, { signed: signedResultSchema }],
    stable: [4, { certificate: resultCertificateSchema }],
    changing: [5, { view: uint<View>(), change: viewChangeSchema }],
    entered: [6, { newView: newViewSchema }],
    fenced: [7, { certificate: resultCertificateSchema }],
    repaired: [8, { epoch: uint<Epoch>(), disowned: uint<Sequence>() }],
    epoch: [
      9,
      {
        roster: rosterSchema,
        parameters: parametersSchema,
        since: uint<Sequence>(),
        ending: list(resultCertificateSchema, 1),
        forgot: bool,
      },
    ],
  }),
)

export function journalRecord(sequence: Sequence, value: PbftRecord): JournalRecord {
  return { sequence, bytes: encode(recordSchema, value) }
}

/** In which epoch a record was written. */
export function epochOfRecord(record: PbftRecord): Epoch {
  switch (record.type) {
    case 'accepted':
      return record.proposal.epoch
    case 'prepared':
      return record.commit.epoch
    case 'result':
      return record.signed.result.epoch
    case 'stable':
    case 'fenced':
      return record.certificate.result.epoch
    case 'changing':
      return record.change.epoch
    case 'entered':
      return record.newView.epoch
    case 'repaired':
      return record.epoch
    case 'epoch':
      return record.roster.epoch
  }
}

/** @throws LedgerError when the journal is not one of this protocol's. */
export function readRecord(found: JournalRecord): PbftRecord {
  return decode(recordSchema, found.bytes)
}
