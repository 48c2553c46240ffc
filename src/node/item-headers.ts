// The public headers of items by where they stand, for the rules of erasure. The rules read synchronously and the blocks
// lie on a disk, so whoever is about to execute or judge acts says which places they name, and gets a reader of those.

import { groupsBy } from '../base/groups.ts'
import type { ItemId, Sequence, TxId } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import type { ItemPlace } from '../ledger/erasure-acts.ts'
import type { ItemReader, PlacedItem } from '../ledger/ledger.ts'
import { decodeTransaction } from '../ledger/static.ts'
import { type ItemHeader, itemIdFor, type Transaction, txIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import { type RecordReader, tombstoneOf } from './erasure-records.ts'
import type { Execution } from './execution.ts'

export interface ItemHeadersOptions {
  readonly blocks: Pick<BlockArchive, 'read' | 'height'>
  readonly store: RecordReader
  readonly execution: (tx: TxId) => Promise<Execution | undefined>
}

/** Items that acts name, as of the last executed block. */
export interface NamedItems {
  readonly read: ItemReader
  /** The request whose payload an item came with; undefined for an item that was not named. */
  requestOf(item: ItemId): RequestId | undefined
}

interface NamedTransaction {
  readonly tx: TxId
  readonly request: RequestId
  readonly items: readonly ItemHeader[]
}

/** Places that transactions name: in orders and holds. */
export function placesIn(transactions: readonly Transaction[]): readonly ItemPlace[] {
  return transactions.flatMap(({ act }) => (act.type === 'erase' || act.type === 'hold' ? act.items : []))
}

export const noNamedItems: NamedItems = { read: () => undefined, requestOf: () => undefined }

export class ItemHeaders {
  readonly #options: ItemHeadersOptions

  constructor(options: ItemHeadersOptions) {
    this.#options = options
  }

  /** Reads each block once. */
  async named(places: readonly ItemPlace[]): Promise<NamedItems> {
    if (places.length === 0) return noNamedItems
    const found = new Map<string, PlacedItem>()
    const requests = new Map<ItemId, RequestId>()
    // A block of transactions names some 150 000.
    for (const [sequence, group] of groupsBy(places, (place) => place.sequence)) {
      const block = await this.#block(sequence, group)
      for (const place of group) {
        const transaction = block.get(place.transaction)
        const header = transaction?.items[place.index]
        if (transaction === undefined || header === undefined || found.has(keyOf(place))) continue
        const item = itemIdFor(transaction.tx, place.index)
        found.set(keyOf(place), { item, header, erased: (await tombstoneOf(this.#options.store, item)) !== undefined })
        requests.set(item, transaction.request)
      }
    }
    return { read: (place) => found.get(keyOf(place)), requestOf: (item) => requests.get(item) }
  }

  /** The transactions of a block that its `places` name, as far as they are changes of quads that ended with OK. */
  async #block(sequence: Sequence, places: readonly ItemPlace[]): Promise<ReadonlyMap<number, NamedTransaction>> {
    const { blocks, execution } = this.#options
    const named = new Map<number, NamedTransaction>()
    if (sequence < 1 || sequence > blocks.height) return named
    const { transactions } = decode(blockRecordSchema, await blocks.read(sequence))
    for (const index of new Set(places.map(({ transaction }) => transaction))) {
      const bytes = transactions[index]
      const transaction = bytes === undefined ? undefined : decodeTransaction(bytes)
      if (bytes === undefined || transaction?.act.type !== 'data') continue
      const tx = txIdFor(transaction)
      const executed = await execution(tx)
      const stands = executed?.code === 'OK' && executed.sequence === sequence && executed.index === index
      if (stands) named.set(index, { tx, request: requestId(bytes), items: transaction.act.items })
    }
    return named
  }
}

function keyOf({ sequence, transaction, index }: ItemPlace): string {
  return `${sequence} ${transaction} ${index}`
}
