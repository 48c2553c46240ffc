// What executing a block gave: an outcome for each transaction, and what changed.

import type { ErrorCode } from '../base/errors.ts'
import type { Digest, TxId } from '../base/ids.ts'
import type { BlockHeader } from '../consensus/block.ts'
import type { Roster } from '../consensus/roster.ts'
import type { Signer } from './delivery.ts'
import type { Tombstone } from './erasure.ts'
import type { StateChange } from './table.ts'
import type { Transaction } from './transaction.ts'

export type OutcomeCode = 'OK' | ErrorCode

export interface TransactionOutcome {
  /** Place in its block. */
  readonly index: number
  readonly tx: TxId
  readonly code: OutcomeCode
  readonly signer: Pick<Signer, 'key' | 'organisation' | 'node'>
  readonly transaction: Transaction
  /**
   * False when it was not taken at all (REPEATED, KEY_UNKNOWN, SEQUENCE_EXPIRED, SEQUENCE_TOO_FAR): its number is not
   * used up, it changes nothing and leaves no leaf.
   */
  readonly admitted: boolean
}

export interface Delivered {
  readonly header: BlockHeader
  readonly hash: Digest
  readonly outcomes: readonly TransactionOutcome[]
  readonly changes: readonly StateChange[]
  /** Items that this block erased: their tombstones belong into its own write. */
  readonly erased: readonly Tombstone[]
  /** The roster of the next epoch, when this block is the last of its epoch. */
  readonly next: Roster | undefined
}
