// What a node knows of items from the blocks that it keeps: where accepted ones stand, and which were erased.

import type { ItemId } from '../../src/base/ids.ts'
import type { Delivered, ItemReader, PlacedItem } from '../../src/ledger/ledger.ts'
import { itemIdFor } from '../../src/ledger/transaction.ts'

export class Archive {
  readonly #placed = new Map<string, Omit<PlacedItem, 'erased'>>()
  readonly #erased = new Set<ItemId>()

  constructor(delivered: readonly Delivered[] = []) {
    for (const block of delivered) this.keep(block)
  }

  keep({ header, outcomes, erased }: Delivered): void {
    for (const { code, transaction, tx, index } of outcomes) {
      if (code !== 'OK' || transaction.act.type !== 'data') continue
      for (const [place, item] of transaction.act.items.entries()) {
        this.#placed.set(`${header.sequence} ${index} ${place}`, { item: itemIdFor(tx, place), header: item })
      }
    }
    for (const { item } of erased) this.#erased.add(item)
  }

  readonly read: ItemReader = ({ sequence, transaction, index }) => {
    const placed = this.#placed.get(`${sequence} ${transaction} ${index}`)
    return placed === undefined ? undefined : { ...placed, erased: this.#erased.has(placed.item) }
  }
}
