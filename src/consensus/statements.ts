// What validators sign that others show later: the COMMIT over an agreed batch, and the RESULT of having executed a block.
// A RESULT at a checkpoint also names the state and the next roster, and is PBFT's CHECKPOINT message.

import { type Digest, digestOf, type Epoch, type LedgerId, ledgerIdOf, type Round, type Sequence } from '../base/ids.ts'
import { encode, id, list, named, record, type Schema, uint } from '../base/schema.ts'

/** (ledger, epoch, round, sequence, batch digest): what PBFT's votes are about. */
export interface Agreement {
  readonly ledger: LedgerId
  readonly epoch: Epoch
  readonly round: Round
  readonly sequence: Sequence
  readonly digest: Digest
}

export const agreementSchema: Schema<Agreement> = named(
  'agreement',
  record<Agreement>({
    ledger: id(32, ledgerIdOf),
    epoch: uint<Epoch>(),
    round: uint<Round>(),
    sequence: uint<Sequence>(),
    digest: id(32, digestOf),
  }),
)

export interface Checkpoint {
  /** Hash of the whole ledger state after this height. */
  readonly state: Digest
  /** Hash of the roster that is in force after this height. */
  readonly roster: Digest
}

/** What executing the block at `sequence` gave. */
export interface Result {
  readonly ledger: LedgerId
  readonly epoch: Epoch
  readonly sequence: Sequence
  readonly block: Digest
  /** Leaves of the consortium log after this block. */
  readonly logSize: number
  /** RFC 6962 root of those leaves. */
  readonly logRoot: Digest
  /** One at every checkpoint, none between. */
  readonly checkpoint: readonly Checkpoint[]
}

export const checkpointSchema: Schema<Checkpoint> = named(
  'checkpoint',
  record<Checkpoint>({ state: id(32, digestOf), roster: id(32, digestOf) }),
)

export const resultSchema: Schema<Result> = named(
  'result',
  record<Result>({
    ledger: id(32, ledgerIdOf),
    epoch: uint<Epoch>(),
    sequence: uint<Sequence>(),
    block: id(32, digestOf),
    logSize: uint(),
    logRoot: id(32, digestOf),
    checkpoint: list(checkpointSchema, 1),
  }),
)

/** The bytes that PRE-PREPARE, PREPARE and COMMIT sign, each in its own domain. */
export function agreementBytes(agreement: Agreement): Uint8Array {
  return encode(agreementSchema, agreement)
}

/** What a result says, as one string: equal iff equal in every field but the ledger. */
export function resultKey({ epoch, sequence, block, logSize, logRoot, checkpoint }: Result): string {
  const states = checkpoint.map(({ state, roster }) => `${state}/${roster}`)
  return [epoch, sequence, block, logSize, logRoot, ...states].join('/')
}

/** The bytes that RESULT signs. */
export function resultBytes(result: Result): Uint8Array {
  return encode(resultSchema, result)
}
