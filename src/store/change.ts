// What one block does to the store, written into one batch: new terms, the items' payloads and rows, retractions, state
// records, staged payloads that are no longer needed, and the height. It only fills the batch; store.ts makes it durable.

import type { Literal, NamedNode } from '@rdfjs/types'
import { utf8 } from '../base/bytes.ts'
import { InvariantError, LedgerError } from '../base/errors.ts'
import { type Digest, type ItemId, idBytes, type Sequence } from '../base/ids.ts'
import { keyedHash, type SealingKey } from '../base/seal.ts'
import type { Database, Write } from './database.ts'
import type { Dictionary } from './dictionary.ts'
import { heightsOf, indexKey, indexValue, orders, type QuadIds } from './index-orders.ts'
import type { KeyRing } from './key-ring.ts'
import { hashedKey, type LocalId, localKey, readId, tables, viewOf, writeId } from './layout.ts'
import type { Sealer } from './sealer.ts'
import { stagedKey } from './staging.ts'
import { type Root, recordKey, recordValue, rootKey, rootValue } from './state-records.ts'
import { Tally } from './tally.ts'
import { namedNode, termText } from './terms.ts'

/** A triple that an item asserts; its place in the item is its row. */
export interface StoredRow {
  readonly subject: NamedNode
  readonly predicate: NamedNode
  readonly object: NamedNode | Literal
}

export interface StoredItem {
  readonly item: ItemId
  /** IRI of the graph that its rows belong to. */
  readonly graph: string
  /** Payloads of open items are sealed under a key of the store, of others under a key of their own that can be shredded. */
  readonly class: 'open' | 'personal' | 'confidential'
  readonly payload: Uint8Array
  readonly rows: readonly StoredRow[]
}

export interface StoredRetraction {
  readonly item: ItemId
  /** IRI of the graph that the retraction was made for: rows of other graphs are passed over. */
  readonly graph: string
  readonly rows: readonly number[]
}

export interface StateRecord {
  readonly key: Uint8Array
  /** Undefined: the record goes. */
  readonly value: Uint8Array | undefined
}

/** Everything that one block changes. Items come first, so a retraction may name an item of the same block. */
export interface BlockChange {
  readonly sequence: Sequence
  /** What the node wants to find again with this height; opaque. */
  readonly meta: Uint8Array
  readonly records: readonly StateRecord[]
  readonly items: readonly StoredItem[]
  /** Rows and items that are not known are passed over. */
  readonly retractions: readonly StoredRetraction[]
  /** Requests whose staged payload is no longer needed. */
  readonly unstage: readonly Digest[]
}

export interface ChangeParts {
  readonly database: Database
  readonly sealer: Sealer
  readonly dictionary: Dictionary
  readonly keys: KeyRing
}

interface KnownItem {
  readonly local: LocalId
  readonly height: number
  readonly rows: readonly QuadIds[]
  /** Rows retracted in this batch, or before it as far as they were looked at. */
  readonly retracted: Set<number>
  readonly fresh: boolean
}

/** Fills one batch. Its results count only once the batch is on disk. */
export class ChangeWriter {
  readonly freshTerms: Map<string, LocalId> = new Map()
  readonly #parts: ChangeParts
  readonly #write: Write
  readonly #items: Map<ItemId, KnownItem> = new Map()
  /** The rows of an item share the objects of their terms. */
  readonly #met: Map<NamedNode | Literal, LocalId> = new Map()
  readonly #height: Sequence
  readonly #indexKey: SealingKey
  readonly #tally: Tally
  readonly #before: Root
  #terms: number
  #itemCount: number

  constructor(parts: ChangeParts, write: Write, before: Root, height: Sequence) {
    this.#parts = parts
    this.#write = write
    this.#height = height
    this.#indexKey = parts.keys.active('index')
    this.#tally = new Tally(parts.database, parts.sealer, before.terms)
    this.#before = before
    this.#terms = before.terms
    this.#itemCount = before.items
  }

  /** The root record after `change`. @throws TypeError for a term that cannot be stored. */
  async fill(change: BlockChange): Promise<Root> {
    const { keys } = this.#parts
    for (const item of change.items) this.#assert(item)
    for (const retraction of change.retractions) this.#retract(retraction)
    for (const { key, value } of change.records) {
      const at = recordKey(keys, key)
      if (value === undefined) this.#write.del(at)
      else this.#put(keys.active('state'), at, recordValue(key, value))
    }
    for (const request of change.unstage) this.#write.del(stagedKey(keys, request))
    const root: Root = {
      sequence: change.sequence,
      terms: this.#terms,
      items: this.#itemCount,
      quads: this.#before.quads + (await this.#tally.settle(this.#write, this.#indexKey)),
      bag: keys.bag.mark,
      meta: change.meta,
    }
    this.#put(keys.active('state'), rootKey, rootValue(root))
    return root
  }

  #assert(item: StoredItem): void {
    const at = itemKey(this.#parts.keys, item.item)
    if (this.#items.has(item.item) || this.#parts.database.getSync(at) !== undefined) {
      throw new InvariantError(`item ${item.item} is stored twice`)
    }
    this.#itemCount += 1
    const local = this.#itemCount
    const { keys } = this.#parts
    const sealing = item.class === 'open' ? keys.active('payload') : keys.bag.key(item.item)
    const graph = this.#termId(namedNode(item.graph))
    const rows = item.rows.map(
      (row): QuadIds => [this.#termId(row.subject), this.#termId(row.predicate), this.#termId(row.object), graph],
    )
    this.#put(keys.active('index'), at, localKey(0, local, this.#height).subarray(1))
    this.#put(sealing, localKey(tables.payload, local), item.payload)
    this.#put(sealing, localKey(tables.rows, local), rowsValue(graph, rows))
    for (const [row, ids] of rows.entries()) {
      this.#index(ids, local, row, this.#height, 0)
      this.#tally.asserted(ids)
    }
    this.#items.set(item.item, { local, height: this.#height, rows, retracted: new Set(), fresh: true })
  }

  #retract({ item: id, graph, rows }: StoredRetraction): void {
    const item = this.#items.get(id) ?? this.#load(id)
    if (item === undefined) return
    const graphId = this.#find(termText(namedNode(graph)))
    for (const row of rows) {
      const ids = item.rows[row]
      if (ids === undefined || ids[3] !== graphId || item.retracted.has(row)) continue
      item.retracted.add(row)
      if (!item.fresh && this.#retractedBefore(item, ids, row)) continue
      this.#index(ids, item.local, row, item.height, this.#height)
      this.#tally.retracted(ids)
    }
  }

  #load(id: ItemId): KnownItem | undefined {
    const { database, keys, sealer } = this.#parts
    const found = findItem(database, sealer, keys, id)
    if (found === undefined) return undefined
    const at = localKey(tables.rows, found.local)
    const rows = rowsOf(required(sealer, at, database.getSync(at)))
    const item = { ...found, rows, retracted: new Set<number>(), fresh: false }
    this.#items.set(id, item)
    return item
  }

  /** The first retraction of a row counts; later ones change nothing. */
  #retractedBefore(item: KnownItem, ids: QuadIds, row: number): boolean {
    const at = indexKey(0, ids, item.local, row)
    return heightsOf(required(this.#parts.sealer, at, this.#parts.database.getSync(at)))[1] !== 0
  }

  #index(ids: QuadIds, local: LocalId, row: number, asserted: number, retracted: number): void {
    const first = indexKey(0, ids, local, row)
    const value = this.#parts.sealer.seal(this.#indexKey, first, indexValue(asserted, retracted))
    this.#write.put(first, value)
    for (let order = 1; order < orders.length; order++) this.#write.put(indexKey(order, ids, local, row), value)
  }

  #termId(term: NamedNode | Literal): LocalId {
    const met = this.#met.get(term)
    if (met !== undefined) return met
    const id = this.#idOf(term)
    this.#met.set(term, id)
    return id
  }

  #idOf(term: NamedNode | Literal): LocalId {
    const text = termText(term)
    if (text === undefined) throw new TypeError(`a ${term.termType} of this kind cannot be stored`)
    const known = this.#find(text)
    if (known !== undefined) return known
    this.#terms += 1
    this.freshTerms.set(text, this.#terms)
    this.#parts.dictionary.write(this.#write, text, this.#terms)
    return this.#terms
  }

  #find(text: string | undefined): LocalId | undefined {
    return text === undefined ? undefined : (this.freshTerms.get(text) ?? this.#parts.dictionary.find(text))
  }

  #put(key: SealingKey, at: Uint8Array, plain: Uint8Array): void {
    this.#write.put(at, this.#parts.sealer.seal(key, at, plain))
  }
}

/** Local number of an item and the height that it was asserted at; undefined when it is not here. */
export function findItem(
  database: Database,
  sealer: Sealer,
  keys: KeyRing,
  item: ItemId,
): { readonly local: LocalId; readonly height: number } | undefined {
  const at = itemKey(keys, item)
  const sealed = database.getSync(at)
  if (sealed === undefined) return undefined
  const view = viewOf(sealer.open(at, sealed))
  return { local: readId(view, 0), height: readId(view, 8) }
}

function itemKey(keys: KeyRing, item: ItemId): Uint8Array {
  return hashedKey(tables.item, keyedHash(keys.active('lookup').secret, utf8('item '), idBytes(item)))
}

/** Opens a record that must be there. */
export function required(sealer: Sealer, at: Uint8Array, sealed: Uint8Array | undefined): Uint8Array {
  if (sealed === undefined) throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'absent' })
  return sealer.open(at, sealed)
}

/** Graph id, then subject, predicate and object of each row. */
function rowsValue(graph: LocalId, rows: readonly QuadIds[]): Uint8Array {
  const value = new Uint8Array(8 + 24 * rows.length)
  const view = new DataView(value.buffer)
  writeId(view, 0, graph)
  rows.forEach((ids, row) => {
    for (const column of [0, 1, 2] as const) writeId(view, 8 + 24 * row + 8 * column, ids[column])
  })
  return value
}

function rowsOf(value: Uint8Array): readonly QuadIds[] {
  const view = viewOf(value)
  const graph = readId(view, 0)
  return Array.from({ length: (value.length - 8) / 24 }, (_, row): QuadIds => {
    const at = 8 + 24 * row
    return [readId(view, at), readId(view, at + 8), readId(view, at + 16), graph]
  })
}
