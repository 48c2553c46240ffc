// From a payload to what its items say: padding, opening of commitments, and the verdict on each part. A payload whose parts
// do not all open is not the payload of its transaction. A part that opens and is malformed is void, by itself: its author
// signed the commitment, so the opened part is evidence against that author (PAYLOAD_MALFORMED).

import { type CommitmentContext, opens } from '../base/commitment.ts'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import type { ItemId, LedgerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode, type Schema } from '../base/schema.ts'
import {
  type Assertions,
  assertionsSchema,
  itemPayloadSchema,
  type Part,
  type Payload,
  type Retractions,
  retractionsSchema,
} from './payload.ts'
import { assertionsFault, retractionsFault } from './terms.ts'
import { type ItemHeader, itemIdFor, type Transaction, txIdFor } from './transaction.ts'

/** log2 of the smallest and of the largest size of a padded part. */
export const sizeClassMin = 8
export const sizeClassMax = 20

const end = 0x80

/** `content`, a byte 0x80, and zeros up to a power of two from 256. @throws LedgerError TOO_LARGE above the largest class. */
export function padPart(content: Uint8Array): Uint8Array {
  let sizeClass = sizeClassMin
  while (2 ** sizeClass < content.length + 1) sizeClass++
  if (sizeClass > sizeClassMax)
    throw new LedgerError('TOO_LARGE', { bytes: content.length, most: limits.itemBytesMax - 1 })
  const padded = new Uint8Array(2 ** sizeClass)
  padded.set(content)
  padded[content.length] = end
  return padded
}

/** @throws LedgerError MALFORMED unless `padPart` gives these bytes. */
export function unpadPart(padded: Uint8Array): Uint8Array {
  const length = padded.findLastIndex((byte) => byte !== 0)
  const content = padded.subarray(0, Math.max(0, length))
  if (padded[length] !== end || padded.length > limits.itemBytesMax || padPart(content).length !== padded.length) {
    throw new LedgerError('MALFORMED', { expected: 'padding up to a power of two' })
  }
  return content
}

export type OpenedPart<T> =
  | { readonly type: 'read'; readonly value: T }
  /** `reason` in plain words and without any of the content. */
  | { readonly type: 'void'; readonly code: ErrorCode; readonly reason: string }

export interface OpenedItem {
  readonly type: 'whole'
  readonly item: ItemId
  /** Encoded ItemPayload: what is kept, sealed, and what opens the commitments again. */
  readonly bytes: Uint8Array
  readonly assertions: OpenedPart<Assertions>
  readonly retractions: OpenedPart<Retractions>
}

export type OpenedPayload =
  | { readonly type: 'opens'; readonly items: readonly OpenedItem[] }
  | { readonly type: 'fault'; readonly code: ErrorCode }

/** Whether `payload` is the one that `transaction` committed to, and what it says. Faults: TOO_LARGE, PAYLOAD_MISMATCH. */
export function openPayload(ledger: LedgerId, transaction: Transaction, payload: Payload): OpenedPayload {
  const headers = transaction.act.type === 'data' ? transaction.act.items : []
  if (headers.length !== payload.items.length) return { type: 'fault', code: 'PAYLOAD_MISMATCH' }
  const size = payload.items.reduce(
    (sum, each) => sum + each.assertions.padded.length + each.retractions.padded.length,
    0,
  )
  if (size > limits.payloadBytesMax) return { type: 'fault', code: 'TOO_LARGE' }
  const tx = txIdFor(transaction)
  const items: OpenedItem[] = []
  for (const [index, header] of headers.entries()) {
    const parts = payload.items[index]
    const item = itemIdFor(tx, index)
    if (
      parts === undefined ||
      !partOpens(ledger, item, header, 'assertions', parts.assertions) ||
      !partOpens(ledger, item, header, 'retractions', parts.retractions)
    ) {
      return { type: 'fault', code: 'PAYLOAD_MISMATCH' }
    }
    items.push({
      type: 'whole',
      item,
      bytes: encode(itemPayloadSchema, parts),
      assertions: readAssertions(header, parts.assertions.padded),
      retractions: readRetractions(parts.retractions.padded),
    })
  }
  return { type: 'opens', items }
}

/** What a part's commitment is bound to. */
export function partContext(
  ledger: LedgerId,
  item: ItemId,
  { graph, policy, sizeClass }: Pick<ItemHeader, 'graph' | 'policy' | 'sizeClass'>,
  part: 'assertions' | 'retractions',
): CommitmentContext {
  return { ledger, item, part, graph, policy, sizeClass }
}

/** Whether one part is what its header committed to. */
export function partOpens(
  ledger: LedgerId,
  item: ItemId,
  header: ItemHeader,
  part: 'assertions' | 'retractions',
  { opening, padded }: Part,
): boolean {
  return opens(header.algorithm, partContext(ledger, item, header, part), opening, padded, header[part])
}

/** What an opened assertions part of `header` says. */
export function readAssertions(header: ItemHeader, padded: Uint8Array): OpenedPart<Assertions> {
  if (padded.length !== 2 ** header.sizeClass) return malformed('a size class other than the one in the header')
  return readPart(
    assertionsSchema,
    padded,
    (assertions) => assertionsFault(assertions) ?? subjectsFault(header, assertions),
  )
}

/** What an opened retractions part says. */
export function readRetractions(padded: Uint8Array): OpenedPart<Retractions> {
  return readPart(retractionsSchema, padded, retractionsFault)
}

/**
 * Items under Pedersen commitments are those of class personal, and no others (rules.ts sees to that): they name whom
 * they concern. An item that asserts nothing concerns nobody.
 */
function subjectsFault({ algorithm }: ItemHeader, { subjects, triples }: Assertions): string | undefined {
  if (algorithm !== 'pedersen')
    return subjects.length === 0 ? undefined : 'data subjects in an item that is not personal'
  return subjects.length > 0 || triples.length === 0 ? undefined : 'a personal item without data subjects'
}

function readPart<T>(schema: Schema<T>, padded: Uint8Array, faultOf: (value: T) => string | undefined): OpenedPart<T> {
  try {
    const value = decode(schema, unpadPart(padded))
    const reason = faultOf(value)
    return reason === undefined ? { type: 'read', value } : malformed(reason)
  } catch (error) {
    if (error instanceof LedgerError) return malformed('bytes of another form')
    throw error
  }
}

function malformed(reason: string): { type: 'void'; code: ErrorCode; reason: string } {
  return { type: 'void', code: 'PAYLOAD_MALFORMED', reason }
}
