// A delivered batch as blocks keep it, and the digest that was agreed for it.

import { concat } from '../base/bytes.ts'
import { hash } from '../base/hash.ts'
import { type Digest, idBytes, type Time } from '../base/ids.ts'
import { type Batch, requestId, summarize, summaryDigest } from '../consensus/batch.ts'

/** The read tokens are forgotten, their hash stays. */
export interface KeptBatch {
  readonly time: Time
  /** H(tokens). */
  readonly tokens: Digest
  readonly transactions: readonly Uint8Array[]
}

/** The same for a batch and for what is kept of it. */
export function agreedDigest(batch: Batch | KeptBatch): Digest {
  if (typeof batch.tokens !== 'string') return summaryDigest(summarize(batch as Batch))
  const transactions = hash('transactions', concat(...batch.transactions.map((each) => idBytes(requestId(each)))))
  return summaryDigest({ time: batch.time, tokens: batch.tokens, transactions })
}
