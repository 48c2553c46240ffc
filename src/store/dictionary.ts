// Terms and their local numbers. A term is found by a keyed hash of its text, so that the tables say nothing; its text
// stands in the shared dictionary when an open item uses it, and with each other item that uses it (its partition), sealed
// under that item's key, so that it goes with the item. Numbers never change, so what is shared is remembered.

import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { keyedHash } from '../base/seal.ts'
import { type Content, contentOf } from './content.ts'
import type { Database } from './database.ts'
import { inlineTerm, isInline, partitionIds } from './inline-ids.ts'
import type { KeyRing } from './key-ring.ts'
import { localKey, tables, viewOf } from './layout.ts'
import type { Found, IndexRow, QuadIndex } from './quad-index.ts'
import { RecentMap } from './recent-map.ts'
import type { Sealer } from './sealer.ts'
import type { LocalId } from './tables.ts'
import { type StoredTerm, termOf } from './terms.ts'

/** What a cached entry weighs beyond its characters. */
const entryCharacters = 64
export class Dictionary {
  readonly #database: Database
  readonly #sealer: Sealer
  readonly #keys: KeyRing
  readonly #index: QuadIndex
  readonly #ids: RecentMap<string, Found> = new RecentMap(
    limits.termCacheCharactersMax / 2,
    (text) => text.length + entryCharacters,
  )
  readonly #terms: RecentMap<LocalId, StoredTerm> = new RecentMap(
    limits.termCacheCharactersMax / 2,
    (_id, term) => term.value.length + entryCharacters,
  )

  constructor(database: Database, sealer: Sealer, keys: KeyRing, index: QuadIndex) {
    this.#database = database
    this.#sealer = sealer
    this.#keys = keys
    this.#index = index
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
    const view = viewOf(keyedHash(this.#keys.active('lookup').secret, utf8(text)))
    return [view.getUint32(0) * 65_536 + view.getUint16(4), view.getUint32(6) * 65_536 + view.getUint16(10)]
  }

  /** A term that a durable block put into the shared dictionary. */
  remember(text: string, id: LocalId): void {
    this.#ids.set(text, { id, shared: true })
  }

  /** Forgets what it remembers: an erased item's terms must not stay. */
  forget(): void {
    this.#ids.clear()
    this.#terms.clear()
  }

  /** The terms of these rows. @throws LedgerError RECORD_TAMPERED when one is not there, KEY_MISSING */
  async terms(rows: readonly IndexRow[]): Promise<ReadonlyMap<LocalId, StoredTerm>> {
    const found = new Map<LocalId, StoredTerm>()
    for (const { quad, item } of rows) {
      for (const id of quad) {
        if (id === 0 || found.has(id)) continue
        const known = isInline(id) ? inlineTerm(id) : this.#terms.get(id)
        if (known !== undefined) {
          found.set(id, known)
          continue
        }
        const text = id < partitionIds ? this.#index.text(id) : await this.#partitionText(id, item, found)
        if (text === undefined) throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'term' })
        this.#keep(id, text, found)
      }
    }
    return found
  }

  /** Takes the item's other terms along: its other rows need them. */
  async #partitionText(id: LocalId, item: LocalId, found: Map<LocalId, StoredTerm>): Promise<string | undefined> {
    const { partition } = await this.#content(item)
    for (const [other, text] of partition) if (other !== id) this.#keep(other, text, found)
    return partition.get(id) ?? this.#index.text(id)
  }

  async #content(item: LocalId): Promise<Content> {
    const at = localKey(tables.content, item)
    const sealed = await this.#database.get(at)
    if (sealed === undefined) throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'content' })
    return contentOf(this.#sealer.open(at, sealed))
  }

  #keep(id: LocalId, text: string, found: Map<LocalId, StoredTerm>): void {
    const term = termOf(text)
    this.#terms.set(id, term)
    found.set(id, term)
  }
}
