// What a block changed, quad by quad, as this node may show it: quads that began to hold and quads that ceased to, each by
// comparing what holds before the block and after it. What is erased is shown at no height; that it was erased is.

import type { Quad } from '@rdfjs/types'
import { DataFactory } from 'n3'
import type { ItemId, Time, TxId } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import { readAssertions, readRetractions, unpadPart } from '../ledger/items.ts'
import { assertionsSchema, itemPayloadSchema, type Retraction } from '../ledger/payload.ts'
import { decodeTransaction } from '../ledger/static.ts'
import { type Act, type ItemHeader, itemIdFor, txIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { StoredRow } from '../store/change.ts'
import type { Store } from '../store/store.ts'
import type { LedgerMachine } from './machine.ts'
import { rowsOf } from './rows.ts'

export type Change =
  /** First of each block. */
  | { readonly type: 'block'; readonly height: number; readonly time: Time }
  | { readonly type: 'added' | 'removed'; readonly quad: Quad }
  | { readonly type: 'erased'; readonly item: ItemId }

export interface ChangesOptions {
  readonly machine: Pick<LedgerMachine, 'item' | 'itemsOf' | 'execution' | 'ledger'>
  readonly blocks: Pick<BlockArchive, 'read'>
  readonly store: Pick<Store, 'at'>
}

/** @throws LedgerError QUERY_ABORTED_BY_ERASURE when an item was erased meanwhile. */
export async function* changesAt(height: number, options: ChangesOptions): AsyncGenerator<Change, void, undefined> {
  const { machine, blocks, store } = options
  const { header, transactions } = decode(blockRecordSchema, await blocks.read(height))
  yield { type: 'block', height, time: header.time }
  const [before, after] = [store.at(height - 1), store.at(height)]
  const carriedOut: { readonly tx: TxId; readonly act: Act }[] = []
  for (const bytes of transactions) {
    const transaction = decodeTransaction(bytes)
    const tx = txIdFor(transaction)
    const execution = await machine.execution(tx)
    if (execution?.sequence === height && execution.code === 'OK') carriedOut.push({ tx, act: transaction.act })
  }
  for (const { tx, act } of carriedOut) {
    if (act.type === 'erase') for (const item of await machine.itemsOf(tx)) yield { type: 'erased', item }
  }
  for (const { tx, act } of carriedOut) {
    if (act.type !== 'data') continue
    for (const [index, item] of act.items.entries()) {
      for await (const quad of touched(itemIdFor(tx, index), item, options)) {
        const { subject, predicate, object, graph } = quad
        const held = (await before.countQuads(subject, predicate, object, graph)) > 0
        const holds = (await after.countQuads(subject, predicate, object, graph)) > 0
        if (held !== holds) yield { type: holds ? 'added' : 'removed', quad }
      }
    }
  }
}

/** Every quad that an item asserts or whose row it retracts, once. */
async function* touched(
  id: ItemId,
  header: ItemHeader,
  options: ChangesOptions,
): AsyncGenerator<Quad, void, undefined> {
  const { machine } = options
  const graph = machine.ledger.graph(header.graph)?.iri
  if (graph === undefined) return
  const kept = await machine.item(id)
  if (kept === undefined) return
  const seen = new Set<string>()
  const fresh = function* (rows: Iterable<StoredRow>): Generator<Quad> {
    for (const row of rows) {
      const quad = DataFactory.quad(
        row.subject as never,
        row.predicate as never,
        row.object as never,
        DataFactory.namedNode(graph),
      )
      const key = JSON.stringify(quad)
      if (seen.has(key)) continue
      seen.add(key)
      yield quad as Quad
    }
  }
  let retractions: readonly Retraction[] = []
  if (kept.type === 'erased') {
    if (kept.retractions !== undefined) retractions = retracted(kept.retractions.padded)
  } else {
    const payload = decode(itemPayloadSchema, kept.payload)
    const assertions = readAssertions(header, payload.assertions.padded)
    if (assertions.type !== 'void') yield* fresh(rowsOf(assertions.value))
    retractions = retracted(payload.retractions.padded)
  }
  for (const { item, rows } of retractions) yield* fresh(await rowsAt(item, rows, machine))
}

function retracted(padded: Uint8Array): readonly Retraction[] {
  const read = readRetractions(padded)
  return read.type === 'void' ? [] : read.value.retractions
}

/** Rows of an earlier item that is still here. */
async function rowsAt(
  item: ItemId,
  places: readonly number[],
  machine: ChangesOptions['machine'],
): Promise<readonly StoredRow[]> {
  const kept = await machine.item(item)
  if (kept?.type !== 'whole') return []
  const { assertions } = decode(itemPayloadSchema, kept.payload)
  // Rows of a void part stand in no graph, so nothing comes of them.
  const rows = rowsOf(decode(assertionsSchema, unpadPart(assertions.padded)))
  return places.flatMap((place) => rows[place] ?? [])
}
