// Terms and their local numbers. A term is found by a keyed hash of its text, so that keys say nothing; its text is sealed.
// Numbers are given in order of first use and never change, so both ways are remembered for as long as memory allows.

import { fromUtf8, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { keyedHash } from '../base/seal.ts'
import type { Database, Write } from './database.ts'
import type { KeyRing } from './key-ring.ts'
import { hashedKey, type LocalId, localKey, readId, tables, viewOf } from './layout.ts'
import { RecentMap } from './recent-map.ts'
import type { Sealer } from './sealer.ts'
import { type StoredTerm, termOf } from './terms.ts'

/** What a cached entry weighs beyond its characters. */
const entryCharacters = 64
const fewTerms = 16

export class Dictionary {
  readonly #database: Database
  readonly #sealer: Sealer
  readonly #keys: KeyRing
  readonly #ids: RecentMap<string, LocalId> = new RecentMap(
    limits.termCacheCharactersMax / 2,
    (text) => text.length + entryCharacters,
  )
  readonly #terms: RecentMap<LocalId, StoredTerm> = new RecentMap(
    limits.termCacheCharactersMax / 2,
    (_id, term) => term.value.length + entryCharacters,
  )

  /** A new term is looked for and then written: its key is made once. */
  #hashed: { readonly text: string | undefined; readonly key: Uint8Array } = { text: undefined, key: new Uint8Array() }

  constructor(database: Database, sealer: Sealer, keys: KeyRing) {
    this.#database = database
    this.#sealer = sealer
    this.#keys = keys
  }

  /** The number of the term with this text; undefined when it was never stored. */
  find(text: string): LocalId | undefined {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const key = this.#lookupKey(text)
    const sealed = this.#database.getSync(key)
    if (sealed === undefined) return undefined
    const id = readId(viewOf(this.#sealer.open(key, sealed)), 0)
    this.#ids.set(text, id)
    return id
  }

  /** Puts a new term into a batch. `remember` it once the batch is on disk. */
  write(write: Write, text: string, id: LocalId): void {
    const sealing = this.#keys.active('dictionary')
    const lookup = this.#lookupKey(text)
    const term = localKey(tables.term, id)
    write.put(lookup, this.#sealer.seal(sealing, lookup, localKey(0, id).subarray(1)))
    write.put(term, this.#sealer.seal(sealing, term, utf8(text)))
  }

  remember(text: string, id: LocalId): void {
    this.#ids.set(text, id)
  }

  /** The terms with these numbers. @throws LedgerError RECORD_TAMPERED when one is not there. */
  async terms(ids: ReadonlySet<LocalId>): Promise<ReadonlyMap<LocalId, StoredTerm>> {
    const found = new Map<LocalId, StoredTerm>()
    const missing: LocalId[] = []
    for (const id of ids) {
      const term = this.#terms.get(id)
      if (term === undefined) missing.push(id)
      else found.set(id, term)
    }
    if (missing.length === 0) return found
    const keys = missing.map((id) => localKey(tables.term, id))
    // A few are sooner had at once than by way of a thread.
    const few = keys.length <= fewTerms
    const values = few ? keys.map((key) => this.#database.getSync(key)) : await this.#database.getMany(keys)
    missing.forEach((id, place) => {
      const sealed = values[place]
      if (sealed === undefined) throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'term' })
      const term = termOf(fromUtf8(this.#sealer.open(keys[place] as Uint8Array, sealed)))
      this.#terms.set(id, term)
      found.set(id, term)
    })
    return found
  }

  #lookupKey(text: string): Uint8Array {
    if (this.#hashed.text !== text) {
      const digest = keyedHash(this.#keys.active('lookup').secret, utf8(`term ${text}`))
      this.#hashed = { text, key: hashedKey(tables.lookup, digest) }
    }
    return this.#hashed.key
  }
}
