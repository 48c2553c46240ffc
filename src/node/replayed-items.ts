// The public headers of items met in a replay, for the rules of erasure: a verifier has no block archive to read them from.
// Some 300 bytes of memory for each item.

import type { ItemId } from '../base/ids.ts'
import type { ItemPlace } from '../ledger/erasure-acts.ts'
import type { Delivered, ItemReader } from '../ledger/ledger.ts'
import { type ItemHeader, itemIdFor } from '../ledger/transaction.ts'

export class ReplayedItems {
  readonly #headers: Map<string, { readonly item: ItemId; readonly header: ItemHeader }> = new Map()
  readonly #erased: Set<ItemId> = new Set()

  readonly read: ItemReader = (place) => {
    const found = this.#headers.get(keyOf(place))
    return found && { ...found, erased: this.#erased.has(found.item) }
  }

  take({ header: { sequence }, outcomes, erased }: Delivered): void {
    for (const { item } of erased) this.#erased.add(item)
    for (const { transaction, tx, code, index: place } of outcomes) {
      if (code !== 'OK' || transaction.act.type !== 'data') continue
      for (const [index, header] of transaction.act.items.entries()) {
        this.#headers.set(keyOf({ sequence, transaction: place, index }), { item: itemIdFor(tx, index), header })
      }
    }
  }
}

function keyOf({ sequence, transaction, index }: ItemPlace): string {
  return `${sequence} ${transaction} ${index}`
}
