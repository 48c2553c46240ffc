// Evidence of a malformed payload that anybody can check who knows the ledger's name: the transaction as its author signed
// it, and the part that opens one of its commitments and is nonetheless no delta of a graph. Nobody but the author can have
// made it: only the author signed the commitment, and no other content opens it. It shows the part as it is, so it belongs to
// those who may see the item, and not into a log.

import type { ErrorCode } from '../base/errors.ts'
import { LedgerError } from '../base/errors.ts'
import { keyId } from '../base/hash.ts'
import type { ItemId, KeyId, LedgerId, TxId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode, named, record, type Schema, uint, word } from '../base/schema.ts'
import { type OpenedPart, partOpens, readAssertions, readRetractions } from './items.ts'
import { type Part, type Payload, partSchema } from './payload.ts'
import { staticVerdict, type VerifySignature } from './static.ts'
import {
  type ItemHeader,
  itemIdFor,
  type SignedTransaction,
  signedTransactionSchema,
  type Transaction,
} from './transaction.ts'

export interface MalformedPart {
  readonly signed: SignedTransaction
  /** Place of the item in the transaction. */
  readonly index: number
  readonly which: 'assertions' | 'retractions'
  readonly part: Part
}

export const malformedPartSchema: Schema<MalformedPart> = named(
  'malformed-part',
  record<MalformedPart>({
    signed: signedTransactionSchema,
    index: uint(limits.itemsPerTransactionMax),
    which: word('assertions', 'retractions'),
    part: partSchema,
  }),
)

export type EvidenceVerdict =
  /** The holder of `author` made a void part. `reason` in plain words and without any of the content. */
  | {
      readonly type: 'proven'
      readonly author: KeyId
      readonly tx: TxId
      readonly item: ItemId
      readonly which: MalformedPart['which']
      readonly code: ErrorCode
      readonly reason: string
    }
  /** MALFORMED and its like, SIGNATURE_INVALID, WRONG_LEDGER, PAYLOAD_MISMATCH; EVIDENCE_EMPTY: the part is sound. */
  | { readonly type: 'void'; readonly code: ErrorCode }

/** Encoded evidence for each void part of a payload that opens the commitments of `bytes`. */
export function malformedParts(bytes: Uint8Array, transaction: Transaction, payload: Payload): readonly Uint8Array[] {
  if (transaction.act.type !== 'data') return []
  const signed = decode(signedTransactionSchema, bytes)
  return transaction.act.items.flatMap((header, index) =>
    (['assertions', 'retractions'] as const).flatMap((which) => {
      const part = payload.items[index]?.[which]
      const isVoid = part !== undefined && readWhich(header, which, part).type === 'void'
      return isVoid ? [encode(malformedPartSchema, { signed, index, which, part })] : []
    }),
  )
}

/** What the bytes of one piece of evidence prove on this ledger; never throws for what somebody sent. */
export function verifyMalformedPart(ledger: LedgerId, bytes: Uint8Array, verify: VerifySignature): EvidenceVerdict {
  try {
    return verdictOn(ledger, decode(malformedPartSchema, bytes), verify)
  } catch (error) {
    if (error instanceof LedgerError) return { type: 'void', code: error.code }
    throw error
  }
}

function verdictOn(
  ledger: LedgerId,
  { signed, index, which, part }: MalformedPart,
  verify: VerifySignature,
): EvidenceVerdict {
  const verdict = staticVerdict(ledger, encode(signedTransactionSchema, signed), verify)
  if (verdict.type === 'invalid') return { type: 'void', code: verdict.code }
  const { transaction, tx } = verdict
  const header = transaction.act.type === 'data' ? transaction.act.items[index] : undefined
  const item = itemIdFor(tx, index)
  if (header === undefined || !partOpens(ledger, item, header, which, part))
    return { type: 'void', code: 'PAYLOAD_MISMATCH' }
  const opened = readWhich(header, which, part)
  if (opened.type === 'read') return { type: 'void', code: 'EVIDENCE_EMPTY' }
  const { code, reason } = opened
  return { type: 'proven', author: keyId(transaction.key), tx, item, which, code, reason }
}

function readWhich(header: ItemHeader, which: MalformedPart['which'], { padded }: Part): OpenedPart<unknown> {
  return which === 'assertions' ? readAssertions(header, padded) : readRetractions(padded)
}
