// The simplest store that there can be: what items assert, what they retract, and which are erased, in whatever order they
// come. A quad is there if an item that is not erased asserts it, and no item of its graph retracts that row at the same
// height or later: a retraction of what is still to come is one of an unknown row.

import type { ItemId } from '../../src/base/ids.ts'
import { readAssertions, readRetractions } from '../../src/ledger/items.ts'
import type { Delivered } from '../../src/ledger/ledger.ts'
import { termKey } from '../../src/ledger/terms.ts'
import { type ItemHeader, itemIdFor } from '../../src/ledger/transaction.ts'

/** The padded parts of an item, as far as they are still there: an erased item has no assertions left. */
export interface PartsLeft {
  readonly assertions: Uint8Array | undefined
  readonly retractions: Uint8Array
}

/** Where a node gets payloads: its own, or another node's. */
export type PartsSource = (item: ItemId) => PartsLeft

export class QuadStore {
  readonly #asserted = new Map<
    ItemId,
    { readonly graph: string; readonly height: number; readonly triples: readonly string[] }
  >()
  /** The last height that retracted a row. */
  readonly #retracted = new Map<string, number>()
  readonly #erased = new Set<ItemId>()

  take(item: ItemId, header: ItemHeader, height: number, { assertions, retractions }: PartsLeft): void {
    const opened = assertions === undefined ? undefined : readAssertions(header, assertions)
    if (opened?.type === 'read') {
      const { terms, triples, skolem } = opened.value
      const text = (place: number): string => {
        const term = terms[place]
        return term === undefined ? '' : termKey(term, skolem)
      }
      const lines = triples.map(
        ({ subject, predicate, object }) => `${text(subject)} ${text(predicate)} ${text(object)}`,
      )
      this.#asserted.set(item, { graph: header.graph, height, triples: lines })
    }
    const gone = readRetractions(retractions)
    if (gone.type !== 'read') return
    for (const { item: of, rows } of gone.value.retractions) {
      for (const row of rows) {
        const name = `${header.graph} ${of} ${row}`
        this.#retracted.set(name, Math.max(height, this.#retracted.get(name) ?? 0))
      }
    }
  }

  erase(item: ItemId): void {
    this.#erased.add(item)
  }

  /** The items of a block, and its tombstones. */
  follow({ header: block, outcomes, erased }: Delivered, source: PartsSource): void {
    for (const { code, transaction, tx } of outcomes) {
      if (code !== 'OK' || transaction.act.type !== 'data') continue
      for (const [index, header] of transaction.act.items.entries()) {
        const item = itemIdFor(tx, index)
        this.take(item, header, block.sequence, source(item))
      }
    }
    for (const { item } of erased) this.erase(item)
  }

  /** Every row that is there: item, row, graph, triple. */
  dump(): readonly string[] {
    return [...this.#asserted]
      .filter(([item]) => !this.#erased.has(item))
      .flatMap(([item, { graph, height, triples }]) =>
        triples.flatMap((triple, row) => {
          const gone = (this.#retracted.get(`${graph} ${item} ${row}`) ?? 0) >= height
          return gone ? [] : [`${item} ${row} ${graph} ${triple}`]
        }),
      )
      .sort()
  }
}
