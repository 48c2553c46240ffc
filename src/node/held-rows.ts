// Which rows of which items make a quad hold: what a transaction names to retract it.

import type { Quad } from '@rdfjs/types'
import { LedgerError } from '../base/errors.ts'
import type { ItemId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode } from '../base/schema.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import { decodeTransaction } from '../ledger/static.ts'
import { itemIdFor, txIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { Store } from '../store/store.ts'

export interface HeldRows {
  /** IRI. */
  readonly graph: string
  readonly item: ItemId
  /** In ascending order. */
  readonly rows: readonly number[]
}

export interface HeldRowsOptions {
  readonly store: Pick<Store, 'at' | 'numberOf'>
  readonly blocks: Pick<BlockArchive, 'read'>
}

/** Nothing for a quad that does not hold. @throws LedgerError TOO_LARGE */
export async function heldRows(
  quads: readonly Quad[],
  height: number,
  { store, blocks }: HeldRowsOptions,
): Promise<readonly HeldRows[]> {
  const reader = store.at(height)
  // By the height at which they came, the number that the store has for their item, and their graph.
  const found = new Map<number, Map<number, { readonly graph: string; readonly rows: number[] }>>()
  let count = 0
  for (const { subject, predicate, object, graph } of quads) {
    for await (const page of reader.rows([subject, predicate, object, graph])) {
      for (const { item, row, asserted } of page) {
        if (++count > limits.updateRowsMax) throw new LedgerError('TOO_LARGE', { rowsMax: limits.updateRowsMax })
        const block = found.get(asserted) ?? new Map()
        found.set(asserted, block)
        const known = block.get(item) ?? { graph: graph.value, rows: [] }
        block.set(item, known)
        known.rows.push(row)
      }
    }
  }
  const held: HeldRows[] = []
  for (const [asserted, items] of found) {
    for (const id of itemsIn(await blocks.read(asserted))) {
      const number = store.numberOf(id)
      const known = number === undefined ? undefined : items.get(number)
      if (known !== undefined) held.push({ graph: known.graph, item: id, rows: known.rows.toSorted((a, b) => a - b) })
    }
  }
  return held
}

function* itemsIn(block: Uint8Array): Generator<ItemId> {
  for (const bytes of decode(blockRecordSchema, block).transactions) {
    const transaction = decodeTransaction(bytes)
    if (transaction.act.type !== 'data') continue
    const tx = txIdFor(transaction)
    for (const index of transaction.act.items.keys()) yield itemIdFor(tx, index)
  }
}
