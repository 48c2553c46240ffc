// What one block does to the store, written into one batch: the items' payloads and content, what the tables gain,
// retractions, erasures, state records, staged payloads that are no longer needed, and the height. It only fills the
// batch; store.ts makes it durable.

import type { Literal, NamedNode } from '@rdfjs/types'
import { InvariantError } from '../base/errors.ts'
import { groupsBy } from '../base/groups.ts'
import { type Digest, type ItemId, idBytes, type Sequence } from '../base/ids.ts'
import type { SealingKey } from '../base/seal.ts'
import { contentOf, contentRecord } from './content.ts'
import type { Database, Write } from './database.ts'
import type { Dictionary } from './dictionary.ts'
import { countOf, inlineId, inlineTerm, isInline, isMasked, maskedIds, partitionIds } from './inline-ids.ts'
import { findItem, itemKey, itemRecord, required } from './item-records.ts'
import type { KeyRing } from './key-ring.ts'
import { localKey, tables } from './layout.ts'
import type { Addition } from './memory-tables.ts'
import { pendingRecord } from './pending.ts'
import type { Found, QuadIndex } from './quad-index.ts'
import type { Sealer } from './sealer.ts'
import { stagedKey } from './staging.ts'
import { type Root, recordKey, recordValue, rootKey, rootValue } from './state-records.ts'
import type { LocalId, QuadIds } from './tables.ts'
import { Tally } from './tally.ts'
import { namedNode, termOf, termText } from './terms.ts'

/** A triple that an item asserts; its place in the item is its row. */
export interface StoredRow {
  readonly subject: NamedNode
  readonly predicate: NamedNode
  readonly object: NamedNode | Literal
}

export interface StoredItem {
  readonly item: ItemId
  /** IRI of the graph that its rows belong to; empty for the default graph, which no ledger has. */
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
  /**
   * Items whose rows nobody is given any more, at whatever height, and whose payload is gone for every reader. Their own
   * retractions stay. Their bytes go with the next `purge`.
   */
  readonly erasures: readonly ItemId[]
  /** Requests whose staged payload is no longer needed. */
  readonly unstage: readonly Digest[]
}

export interface ChangeParts {
  readonly database: Database
  readonly sealer: Sealer
  readonly dictionary: Dictionary
  readonly keys: KeyRing
  readonly index: QuadIndex
}

interface KnownItem {
  readonly local: LocalId
  readonly height: number
  readonly rows: readonly QuadIds[]
  /** Rows retracted in this batch, or before it as far as they were looked at. */
  readonly retracted: Set<number>
  readonly fresh: boolean
}

/** What the batch means for memory, once it is on disk. */
export interface Filled {
  readonly root: Root
  readonly addition: Addition
  readonly erased: ReadonlyMap<LocalId, ItemId>
}

/** Fills one batch. Its results count only once the batch is on disk. */
export class ChangeWriter {
  readonly #parts: ChangeParts
  readonly #write: Write
  /** Items that this block brings. Others are read when they are needed and not kept: together they may say more than fits memory. */
  readonly #items: Map<ItemId, KnownItem> = new Map()
  /** Rows of other items that this block retracts. */
  readonly #retracted: Map<ItemId, Set<number>> = new Map()
  readonly #height: Sequence
  readonly #tally: Tally
  readonly #before: Root
  readonly #quads: number[] = []
  /** Items whose content record tells their rows again at a start, and all other rows. */
  readonly #openItems: LocalId[] = []
  readonly #pendingQuads: number[] = []
  readonly #lookups: number[] = []
  readonly #terms: { readonly id: LocalId; readonly text: string }[] = []
  /** Terms that this block brought, or put into the shared dictionary. */
  readonly #found: Map<string, Found> = new Map()
  readonly #erased: Map<LocalId, ItemId> = new Map()
  /** Inline numbers of the masked ones that were met. */
  readonly #unmasked: Map<LocalId, LocalId> = new Map()
  #termCount: number
  #itemCount: number

  constructor(parts: ChangeParts, write: Write, before: Root, height: Sequence) {
    this.#parts = parts
    this.#write = write
    this.#height = height
    this.#tally = new Tally(parts.index, {
      isFresh: (id) => countOf(id) > before.terms,
      canonical: (id) => this.#unmasked.get(id) ?? id,
      twins: (id) => this.#twins(id),
    })
    this.#before = before
    this.#termCount = before.terms
    this.#itemCount = before.items
  }

  /** @throws TypeError for a term that cannot be stored. */
  fill(change: BlockChange): Filled {
    const { keys } = this.#parts
    for (const item of change.items) this.#assert(item)
    // Each item is read once, however many transactions of a block retract rows of it.
    const retracted = groupsBy(change.retractions, ({ item }) => item)
    for (const [item, retractions] of retracted) this.#retract(item, retractions)
    for (const item of change.erasures) this.#erase(item)
    for (const { key, value } of change.records) {
      const at = recordKey(keys, key)
      if (value === undefined) this.#write.del(at)
      else this.#put(keys.active('state'), at, recordValue(key, value))
    }
    for (const request of change.unstage) this.#write.del(stagedKey(keys, request))
    const root: Root = {
      ...this.#before,
      sequence: change.sequence,
      terms: this.#termCount,
      items: this.#itemCount,
      quads: this.#before.quads + this.#tally.settle(),
      bag: keys.bag.mark,
      meta: change.meta,
    }
    this.#put(keys.active('state'), rootKey, rootValue(root))
    const addition = { quads: this.#quads, lookups: this.#lookups, terms: this.#terms }
    if (this.#quads.length + this.#lookups.length + this.#terms.length > 0) {
      const at = localKey(tables.pending, change.sequence)
      const pending = { openItems: this.#openItems, quads: this.#pendingQuads, addition }
      this.#put(keys.active('index'), at, pendingRecord(pending))
    }
    return { root, addition, erased: this.#erased }
  }

  #assert(item: StoredItem): void {
    const { database, keys, sealer } = this.#parts
    const at = itemKey(keys, item.item)
    if (this.#items.has(item.item) || database.getSync(at) !== undefined) {
      throw new InvariantError(`item ${item.item} is stored twice`)
    }
    this.#itemCount += 1
    const local = this.#itemCount
    const open = item.class === 'open'
    const sealing = open ? keys.active('payload') : keys.bag.key(item.item)
    const partition = new Map<LocalId, string>()
    const idOf = this.#numbering(open ? undefined : { local, partition })
    const graph = item.graph === '' ? 0 : idOf(namedNode(item.graph))
    const rows = item.rows.map((row): QuadIds => [idOf(row.subject), idOf(row.predicate), idOf(row.object), graph])
    this.#put(keys.active('index'), at, itemRecord({ local, height: this.#height, erased: false }))
    this.#put(sealing, localKey(tables.payload, local), item.payload)
    this.#put(sealing, localKey(tables.content, local), contentRecord({ rows, partition }, sealer.compress))
    if (open) this.#openItems.push(local)
    for (const [row, ids] of rows.entries()) {
      this.#quads.push(ids[0], ids[1], ids[2], ids[3], local, row, this.#height, 0)
      // The content of any other item may be out of reach when its key is gone.
      if (!open) this.#pendingQuads.push(...ids, local, row, this.#height, 0)
      this.#tally.asserted(ids)
    }
    this.#items.set(item.item, { local, height: this.#height, rows, retracted: new Set(), fresh: true })
  }

  #retract(id: ItemId, retractions: readonly StoredRetraction[]): void {
    const item = this.#items.get(id) ?? this.#load(id)
    if (item === undefined) return
    if (!item.fresh) this.#retracted.set(id, item.retracted)
    for (const retraction of retractions) this.#retractRows(item, retraction)
  }

  #retractRows(item: KnownItem, { graph, rows }: StoredRetraction): void {
    const graphId = graph === '' ? 0 : this.#find(termText(namedNode(graph)))?.id
    for (const row of rows) {
      const ids = item.rows[row]
      if (ids === undefined || ids[3] !== graphId || !this.#holds(item, ids, row)) continue
      item.retracted.add(row)
      const ended = [...ids, item.local, row, item.height, this.#height]
      this.#quads.push(...ended)
      this.#pendingQuads.push(...ended)
      this.#tally.ended(ids, item.local, row, item.fresh)
    }
  }

  #erase(id: ItemId): void {
    const item = this.#items.get(id) ?? this.#load(id)
    if (item === undefined) return
    const { keys } = this.#parts
    const { local, height } = item
    for (const [row, ids] of item.rows.entries()) {
      if (this.#holds(item, ids, row)) this.#tally.ended(ids, local, row, item.fresh)
    }
    this.#put(keys.active('index'), itemKey(keys, id), itemRecord({ local, height, erased: true }))
    this.#put(keys.active('index'), localKey(tables.erased, local), idBytes(id))
    this.#items.delete(id)
    this.#erased.set(local, id)
  }

  /** Whether no retraction of the row was met, in this block or before: the first one counts. */
  #holds(item: KnownItem, ids: QuadIds, row: number): boolean {
    if (item.retracted.has(row)) return false
    return item.fresh || this.#parts.index.retractedAt(ids, item.local, row) === 0
  }

  #load(id: ItemId): KnownItem | undefined {
    const { database, keys, sealer } = this.#parts
    const found = findItem(database, sealer, keys, id)
    if (found === undefined || found.erased || this.#erased.has(found.local)) return undefined
    const at = localKey(tables.content, found.local)
    const { rows, partition } = contentOf(required(sealer, at, database.getSync(at)))
    for (const [id, text] of partition) this.#unmask(id, text)
    return { ...found, rows, retracted: this.#retracted.get(id) ?? new Set(), fresh: false }
  }

  /** Gives the terms of one item their numbers. `own`: its partition, when it can be erased. */
  #numbering(
    own: { readonly local: LocalId; readonly partition: Map<LocalId, string> } | undefined,
  ): (term: NamedNode | Literal) => LocalId {
    // The rows of an item share the objects of their terms.
    const met = new Map<NamedNode | Literal, LocalId>()
    return (term) => {
      const known = met.get(term)
      if (known !== undefined) return known
      const text = termText(term)
      if (text === undefined) throw new TypeError(`a ${term.termType} of this kind cannot be stored`)
      const inline = inlineId(term)
      if (inline !== undefined && own === undefined) return inline
      const found = this.#find(text)
      const id = found?.id ?? this.#nextId(own === undefined ? 0 : inline === undefined ? partitionIds : maskedIds)
      if (inline !== undefined) this.#unmasked.set(id, inline)
      met.set(term, id)
      if (found?.shared === true || own?.partition.has(id) === true) return id
      this.#found.set(text, { id, shared: own === undefined })
      const [high, low] = this.#parts.dictionary.hash(text)
      this.#lookups.push(high, low, own?.local ?? 0, id)
      if (own === undefined) this.#terms.push({ id, text })
      else own.partition.set(id, text)
      return id
    }
  }

  #nextId(kind: LocalId): LocalId {
    this.#termCount += 1
    return kind + this.#termCount
  }

  #unmask(id: LocalId, text: string): void {
    const inline = isMasked(id) ? inlineId(termOf(text)) : undefined
    if (inline !== undefined) this.#unmasked.set(id, inline)
  }

  #twins(canonical: LocalId): readonly LocalId[] {
    const term = isInline(canonical) ? inlineTerm(canonical) : undefined
    const masked = term === undefined ? undefined : this.#find(termText(term))?.id
    return masked === undefined ? [canonical] : [canonical, masked]
  }

  #find(text: string | undefined): Found | undefined {
    return text === undefined ? undefined : (this.#found.get(text) ?? this.#parts.dictionary.find(text))
  }

  #put(key: SealingKey, at: Uint8Array, plain: Uint8Array): void {
    this.#write.put(at, this.#parts.sealer.seal(key, at, plain))
  }
}
