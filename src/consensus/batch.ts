// What a protocol agrees on at one sequence: a batch of requests, whose digest covers the time, the read tokens and the
// transactions, and nothing that differs between views (so a batch keeps its digest when a new leader proposes it again).

import { hash, hashOf } from '../base/hash.ts'
import { type Digest, digestOf, idBytes, type Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, bytesUpTo, encode, id, list, named, record, type Schema, timestamp } from '../base/schema.ts'

export interface Batch {
  /** The proposer's clock. A block's time is max(batch time, previous block's time). */
  readonly time: Time
  /** Linearizable read tokens, 16 random bytes each, at most one for each validator. */
  readonly tokens: readonly Uint8Array[]
  /** Encoded signed transactions; the protocol never looks inside. */
  readonly transactions: readonly Uint8Array[]
}

/** H of a request's bytes: how the protocol names it. */
export type RequestId = Digest

const tokensSchema: Schema<readonly Uint8Array[]> = list(bytes(16), limits.batchTokensMax)
export const transactionsSchema: Schema<readonly Uint8Array[]> = list(
  bytesUpTo(limits.transactionBytesMax),
  limits.batchTransactionsMax,
)

export const batchSchema: Schema<Batch> = named(
  'batch',
  record<Batch>({ time: timestamp, tokens: tokensSchema, transactions: transactionsSchema }),
)

/** What stands for a batch in hashes: enough to recompute its digest once the tokens are forgotten. */
export interface BatchSummary {
  readonly time: Time
  readonly tokens: Digest
  readonly transactions: Digest
}

export const batchSummarySchema: Schema<BatchSummary> = named(
  'batch-summary',
  record<BatchSummary>({ time: timestamp, tokens: id(32, digestOf), transactions: id(32, digestOf) }),
)

/** Fills a gap after a view change; one fixed encoding, time 0. */
export const nullBatch: Batch = { time: 0 as Time, tokens: [], transactions: [] }

// A request is named when it comes, in each batch that holds it, and when it is executed; its bytes never change.
const requestIds: WeakMap<Uint8Array, RequestId> = new WeakMap()

export function requestId(transaction: Uint8Array): RequestId {
  const known = requestIds.get(transaction)
  if (known !== undefined) return known
  const id = hash('transaction', transaction)
  requestIds.set(transaction, id)
  return id
}

/** H over the ids of the transactions, in order. */
export function transactionsHash(transactions: readonly Uint8Array[]): Digest {
  return requestsHash(transactions.map(requestId))
}

/** The same for whoever has only the ids. */
export function requestsHash(requests: readonly RequestId[]): Digest {
  return hash('transactions', ...requests.map(idBytes))
}

export function summarize(batch: Batch): BatchSummary {
  return {
    time: batch.time,
    tokens: hash('tokens', encode(tokensSchema, batch.tokens)),
    transactions: transactionsHash(batch.transactions),
  }
}

export function batchDigest(batch: Batch): Digest {
  return summaryDigest(summarize(batch))
}

export function summaryDigest(summary: BatchSummary): Digest {
  return hashOf('batch', batchSummarySchema, summary)
}

export function isNullBatch(batch: Batch): boolean {
  return batch.time === 0 && batch.tokens.length === 0 && batch.transactions.length === 0
}
