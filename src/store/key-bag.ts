// The keys that can be shredded one by one: of personal and confidential items, and of payloads that wait in the staging
// area. A bag is one generation: a file of sealed notes, "this name has this key" and "this name's key is dropped". A key
// is durable before anything is sealed under it. A dropped key stays in the file until the next generation is written
// without it, which is how an erasure destroys keys.

import { concat, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { AppendFile } from '../base/files.ts'
import type { Digest, ItemId } from '../base/ids.ts'
import { idBytes } from '../base/ids.ts'
import { generateSealingKey, open, type SealingKey, seal } from '../base/seal.ts'
import { Queue, stored } from './failure.ts'
import { localKey } from './layout.ts'

/** Whose key it is: an item, or the request whose payload is staged. Hashes of different domains, so never the same. */
export type BagName = ItemId | Digest

const added = 1
const dropped = 2
const nameBytes = 32
const noteBytes = 1 + nameBytes + 8 + 32
/** Notes that are read side by side when a bag is opened. */
const readsAtOnce = 64

export class KeyBag {
  readonly generation: number
  readonly #wrapping: SealingKey
  readonly #file: AppendFile
  readonly #byName: Map<string, SealingKey> = new Map()
  readonly #byId: Map<string, SealingKey> = new Map()
  readonly #writes: Queue = new Queue()

  /** Opens or creates the file. @throws LedgerError RECORD_TAMPERED when a note is not what was written. */
  static async open(path: string, generation: number, wrapping: SealingKey): Promise<KeyBag> {
    const bag = new KeyBag(await stored(AppendFile.open(path)), generation, wrapping)
    try {
      await stored(bag.#load())
    } catch (error) {
      await bag.#file.close()
      throw error
    }
    return bag
  }

  constructor(file: AppendFile, generation: number, wrapping: SealingKey) {
    this.#file = file
    this.generation = generation
    this.#wrapping = wrapping
  }

  /** Keys that are not dropped. */
  get size(): number {
    return this.#byName.size
  }

  /** @throws LedgerError KEY_MISSING */
  key(name: BagName): SealingKey {
    const key = this.#byName.get(name)
    if (key === undefined) throw new LedgerError('KEY_MISSING', { name })
    return key
  }

  /** The key with this id, 8 bytes in hexadecimal. */
  find(id: string): SealingKey | undefined {
    return this.#byId.get(id)
  }

  /** Gives each name that has none a key of its own, durable when this resolves. */
  add(names: readonly BagName[]): Promise<void> {
    return this.#writes.run(async () => {
      const fresh = [...new Set(names)].filter((name) => !this.#byName.has(name))
      if (fresh.length === 0) return
      const keys = fresh.map((name) => ({ name, key: generateSealingKey(this.#wrapping.algorithm) }))
      await this.#append(keys.map(({ name, key }) => noteOf(added, name, key)))
      await stored(this.#file.sync())
      for (const { name, key } of keys) this.#keep(name, key)
    })
  }

  /** Forgets keys whose records are gone. Durable with the next `add`: a key that comes back opens nothing. */
  drop(names: readonly BagName[]): Promise<void> {
    return this.#writes.run(async () => {
      const known = names.flatMap((name) => {
        const key = this.#byName.get(name)
        return key === undefined ? [] : [{ name, key }]
      })
      if (known.length === 0) return
      await this.#append(known.map(({ name, key }) => noteOf(dropped, name, { ...key, secret: new Uint8Array(32) })))
      for (const { name, key } of known) this.#forget(name, key)
    })
  }

  close(): Promise<void> {
    return this.#writes.run(() => stored(this.#file.close()))
  }

  async #append(notes: readonly Uint8Array[]): Promise<void> {
    const first = this.#file.count
    await stored(this.#file.append(notes.map((note, i) => seal(this.#wrapping, this.#aad(first + i), note))))
  }

  async #load(): Promise<void> {
    for (let start = 0; start < this.#file.count; start += readsAtOnce) {
      const places = Array.from({ length: Math.min(readsAtOnce, this.#file.count - start) }, (_, i) => start + i)
      const notes = await Promise.all(places.map((place) => this.#file.read(place)))
      for (const [i, sealed] of notes.entries()) {
        this.#take(open(this.#wrapping, this.#aad(start + i), sealed, { store: 'key bag' }))
      }
    }
  }

  #take(note: Uint8Array): void {
    if (note.length !== noteBytes) throw new LedgerError('RECORD_TAMPERED', { store: 'key bag' })
    const name = toHex(note.subarray(1, 1 + nameBytes))
    const id = note.slice(1 + nameBytes, 9 + nameBytes)
    const key = { id, algorithm: this.#wrapping.algorithm, secret: note.slice(9 + nameBytes) }
    if (note[0] === added) this.#keep(name, key)
    else this.#forget(name, key)
  }

  #keep(name: string, key: SealingKey): void {
    this.#byName.set(name, key)
    this.#byId.set(toHex(key.id), key)
  }

  #forget(name: string, key: SealingKey): void {
    this.#byName.delete(name)
    this.#byId.delete(toHex(key.id))
  }

  /** Binds a note to its place, so that notes cannot be swapped or replayed. */
  #aad(place: number): Uint8Array {
    return concat(utf8('key bag'), localKey(0, this.generation, place))
  }
}

function noteOf(type: number, name: BagName, key: SealingKey): Uint8Array {
  return concat(Uint8Array.of(type), idBytes(name), key.id, key.secret)
}
