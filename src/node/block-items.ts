// What the changes of quads in a block do to the store: items with their rows, retractions, and of items that came
// without their assertions (because a later block erases them) the retractions alone.

import { invariant } from '../base/errors.ts'
import type { Delivered, Ledger } from '../ledger/ledger.ts'
import type { ItemHeader } from '../ledger/transaction.ts'
import type { StateRecord, StoredItem, StoredRetraction } from '../store/change.ts'
import { keptRecord } from './erasure-records.ts'
import type { OpenedPayload } from './payloads.ts'
import { rowsOf } from './rows.ts'

/** What a block does to items, but for erasing them. */
export interface ItemsChange {
  readonly items: readonly StoredItem[]
  readonly retractions: readonly StoredRetraction[]
  /** Of items that came without their assertions. */
  readonly kept: readonly StateRecord[]
}

/** `opened`: the payload of the transaction at this place, once it is here. */
export async function itemsOf(
  ledger: Pick<Ledger, 'graph' | 'policy'>,
  { outcomes }: Delivered,
  opened: (index: number) => Promise<OpenedPayload>,
): Promise<ItemsChange> {
  const items: StoredItem[] = []
  const retractions: StoredRetraction[] = []
  const kept: StateRecord[] = []
  const carried = outcomes.filter(({ code, transaction }) => code === 'OK' && transaction.act.type === 'data')
  // All at once: a node that fetched the block may lack many, and asks for them together.
  const payloads = await Promise.all(carried.map(({ index }) => opened(index)))
  for (const [number, { transaction }] of carried.entries()) {
    const payload = payloads[number] as OpenedPayload
    if (transaction.act.type !== 'data') continue
    for (const [place, item] of payload.items.entries()) {
      const header = transaction.act.items[place] as ItemHeader
      const graph = ledger.graph(header.graph)?.iri
      const kind = ledger.policy(header.policy)?.class
      invariant(graph !== undefined && kind !== undefined, 'an item was accepted without its graph or policy')
      if (item.type === 'erased') kept.push(keptRecord(item.item, item.part))
      else {
        const rows = item.assertions.type === 'void' ? [] : rowsOf(item.assertions.value)
        items.push({ item: item.item, graph, class: kind, payload: item.bytes, rows })
      }
      if (item.retractions.type === 'void') continue
      for (const { item: of, rows: gone } of item.retractions.value.retractions)
        retractions.push({ item: of, graph, rows: gone })
    }
  }
  return { items, retractions, kept }
}
