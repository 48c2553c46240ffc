// The payload of a transaction of which some items were erased: of those only the retractions are left. It tells a node
// that comes later what still counts. That an item is erased it cannot prove by itself: the order stands in a later block.

import type { ItemId, LedgerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { encode, list, named, record, type Schema, variant } from '../base/schema.ts'
import { type OpenedItem, type OpenedPart, partOpens, readAssertions, readRetractions } from './items.ts'
import { itemPayloadSchema, type Part, partSchema, type Retractions } from './payload.ts'
import { type ItemHeader, itemIdFor, type Transaction, txIdFor } from './transaction.ts'

export type KeptItemPayload =
  | { readonly type: 'whole'; readonly assertions: Part; readonly retractions: Part }
  | { readonly type: 'erased'; readonly retractions: Part }

/** One entry for each item of the transaction, in order. */
export interface KeptPayload {
  readonly items: readonly KeptItemPayload[]
}

/** An item without its assertions. */
export interface ErasedItem {
  readonly type: 'erased'
  readonly item: ItemId
  /** What opens the retractions again. */
  readonly part: Part
  readonly retractions: OpenedPart<Retractions>
}

export const keptPayloadSchema: Schema<KeptPayload> = named(
  'kept-payload',
  record<KeptPayload>({
    items: list(
      named(
        'kept-item-payload',
        variant<KeptItemPayload>({
          whole: [1, { assertions: partSchema, retractions: partSchema }],
          erased: [2, { retractions: partSchema }],
        }),
      ),
      limits.itemsPerTransactionMax,
      1,
    ),
  }),
)

/** The items, when every part that is there opens its commitment; undefined otherwise. */
export function openKeptPayload(
  ledger: LedgerId,
  transaction: Transaction,
  payload: KeptPayload,
): readonly (OpenedItem | ErasedItem)[] | undefined {
  const headers = transaction.act.type === 'data' ? transaction.act.items : []
  if (headers.length !== payload.items.length) return undefined
  const tx = txIdFor(transaction)
  const items: (OpenedItem | ErasedItem)[] = []
  for (const [index, parts] of payload.items.entries()) {
    const header = headers[index] as ItemHeader
    const item = itemIdFor(tx, index)
    if (!partOpens(ledger, item, header, 'retractions', parts.retractions)) return undefined
    const retractions = readRetractions(parts.retractions.padded)
    if (parts.type === 'erased') {
      items.push({ type: 'erased', item, part: parts.retractions, retractions })
      continue
    }
    if (!partOpens(ledger, item, header, 'assertions', parts.assertions)) return undefined
    const assertions = readAssertions(header, parts.assertions.padded)
    items.push({ type: 'whole', item, bytes: encode(itemPayloadSchema, parts), assertions, retractions })
  }
  return items
}
