// Terms and their local numbers. A term is found by a keyed hash of its text, so that the tables say nothing; its text
// stands in the shared dictionary when an open item uses it, and with each other item that uses it (its partition), sealed
// under that item's key, so that it goes with the item. Numbers never change, so what is shared is remembered.

import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { keyedHash } from '../base/seal.ts'
import { type Content, contentOf } from './content.ts'
import type { Database } from './database.ts'
import { inlineTerm, isInline, partitionIds } from './inline-ids.ts'
import type { KeyRing } from './key-ring.ts'
import { localKey, tables, viewOf } from './layout.ts'
import type { Found, QuadIndex } from './quad-index.ts'
import { RecentMap } from './recent-map.ts'
import type { Sealer } from './sealer.ts'
import { type LocalId, quadColumns, quadWidth } from './tables.ts'
import { defaultGraph, quad, type StoredQuad, type StoredTerm, termOf } from './terms.ts'

type NamedTerm = StoredQuad['subject']

/** What a cached entry weighs beyond its characters. */
const entryBytes = 64

export class Dictionary {
  readonly #database: Database
  readonly #sealer: Sealer
  readonly #keys: KeyRing
  readonly #index: QuadIndex
  readonly #ids: RecentMap<string, Found>
  readonly #terms: RecentMap<LocalId, StoredTerm>
  /** The text that was hashed last. */
  #hashed: { readonly text: string; readonly hash: readonly [number, number] } | undefined

  /** `cacheBytesMax`: of the terms that it remembers, in both directions, as Latin characters take them. */
  constructor(database: Database, sealer: Sealer, keys: KeyRing, index: QuadIndex, cacheBytesMax: number) {
    this.#database = database
    this.#sealer = sealer
    this.#keys = keys
    this.#index = index
    this.#ids = new RecentMap(cacheBytesMax / 2, (text) => text.length + entryBytes)
    this.#terms = new RecentMap(cacheBytesMax / 2, (_id, term) => term.value.length + entryBytes)
  }

  get cachedBytes(): number {
    return this.#ids.weight + this.#terms.weight
  }

  /** The number of the term with this text; undefined when no live item uses it. */
  find(text: string): Found | undefined {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const [high, low] = this.hash(text)
    const found = this.#index.lookup(high, low)
    if (found?.shared === true) this.#ids.set(text, found)
    return found
  }

  /** Two halves of a 96-bit keyed hash: among 10^9 terms two share one with a chance below 10^-10. */
  hash(text: string): readonly [number, number] {
    // A new term is looked for in vain, then entered.
    if (this.#hashed?.text === text) return this.#hashed.hash
    const view = viewOf(keyedHash(this.#keys.active('lookup').secret, utf8(text)))
    const hash = [
      view.getUint32(0) * 65_536 + view.getUint16(4),
      view.getUint32(6) * 65_536 + view.getUint16(10),
    ] as const
    this.#hashed = { text, hash }
    return hash
  }

  /** A term that a durable block put into the shared dictionary. */
  remember(text: string, id: LocalId): void {
    this.#ids.set(text, { id, shared: true })
  }

  /** Forgets what it remembers: an erased item's terms must not stay. */
  forget(): void {
    this.#ids.clear()
    this.#terms.clear()
    this.#hashed = undefined
  }

  /**
   * The quads of rows of the first order, their terms decoded once. @throws LedgerError RECORD_TAMPERED when one is not
   * there, KEY_MISSING
   */
  async quads(rows: Float64Array): Promise<readonly StoredQuad[]> {
    const quads: StoredQuad[] = []
    // Most columns repeat what stood in the row before.
    const ids = [-1, -1, -1, -1]
    const last: (StoredTerm | undefined)[] = []
    for (let at = 0; at < rows.length; at += quadWidth) {
      for (let column = 0; column < 4; column++) {
        const id = rows[at + column] as LocalId
        if (id === ids[column]) continue
        ids[column] = id
        last[column] =
          id === 0 ? undefined : (this.#known(id) ?? (await this.term(id, rows[at + quadColumns.item] as LocalId)))
      }
      const [subject, predicate, object, graph] = last as [NamedTerm, NamedTerm, StoredTerm, NamedTerm | undefined]
      quads.push(quad(subject, predicate, object, graph ?? defaultGraph))
    }
    return quads
  }

  /** The term that a row of this item names. @throws LedgerError RECORD_TAMPERED, KEY_MISSING */
  async term(id: LocalId, item: LocalId): Promise<StoredTerm> {
    const known = this.#known(id)
    if (known !== undefined) return known
    const text = id < partitionIds ? this.#index.text(id) : await this.#partitionText(id, item)
    if (text === undefined) throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'term' })
    return this.#keep(id, text)
  }

  #known(id: LocalId): StoredTerm | undefined {
    return isInline(id) ? inlineTerm(id) : this.#terms.get(id)
  }

  /** Takes the item's other terms along: its other rows need them. */
  async #partitionText(id: LocalId, item: LocalId): Promise<string | undefined> {
    const { partition } = await this.#content(item)
    for (const [other, text] of partition) if (other !== id) this.#keep(other, text)
    return partition.get(id) ?? this.#index.text(id)
  }

  async #content(item: LocalId): Promise<Content> {
    const at = localKey(tables.content, item)
    const sealed = await this.#database.get(at)
    if (sealed === undefined) throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'content' })
    return contentOf(this.#sealer.open(at, sealed))
  }

  #keep(id: LocalId, text: string): StoredTerm {
    const term = termOf(text)
    this.#terms.set(id, term)
    return term
  }
}
