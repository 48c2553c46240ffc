// The keys that can be shredded one by one: of personal and confidential items, and of payloads that wait in the staging
// area. A generation of the bag is a file of sealed notes, "this name has this key" and "this name's key is dropped". A key
// is durable before anything is sealed under it. A dropped key stays in the file until the next generation, which is
// written without it and under another wrapping key; then the old file goes. No later key ever wraps a dropped one.

import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { concat, fromHex, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { AppendFile, syncDirectory } from '../base/files.ts'
import type { Digest, ItemId } from '../base/ids.ts'
import { bytes, record, type Schema, word } from '../base/schema.ts'
import { generateSealingKey, open, type SealAlgorithm, type SealingKey, seal, sealOverhead } from '../base/seal.ts'
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

/** Dropped notes that a bag may hold beyond twice its live ones before a new generation is worth its writing. */
const droppedMax = 8_192
const notesPerAppend = 1_024

const algorithmSchema: Schema<SealAlgorithm> = word('xchacha20-poly1305', 'aes-256-gcm')
export const sealingKeySchema: Schema<SealingKey> = record<SealingKey>({
  id: bytes(8),
  algorithm: algorithmSchema,
  secret: bytes(32),
})

/** Which file a bag stands in, and the key that wraps its keys. */
export interface BagGeneration {
  readonly number: number
  readonly path: string
  readonly wrapping: SealingKey
}

/** How far a bag reached once: what it must reach ever after. */
export interface BagMark {
  readonly generation: number
  readonly notes: number
}

/** A name in hexadecimal, and its key. */
export interface BagNote {
  readonly name: string
  readonly key: SealingKey
}

export class KeyBag {
  #generation: BagGeneration
  #file: AppendFile
  /** Keys that are not dropped, and the place of the note that gave each. */
  readonly #byName: Map<string, { readonly key: SealingKey; readonly place: number }> = new Map()
  readonly #byId: Map<string, SealingKey> = new Map()
  readonly #writes: Queue = new Queue()
  #durable = 0
  #failure: unknown

  /** Opens or creates the file. @throws LedgerError RECORD_TAMPERED when a note but the last is not what was written. */
  static async open(generation: BagGeneration): Promise<KeyBag> {
    const bag = new KeyBag(await stored(openFile(generation)), generation)
    try {
      await stored(bag.#load())
      await bag.#sync()
    } catch (error) {
      await bag.#file.close()
      throw error
    }
    return bag
  }

  constructor(file: AppendFile, generation: BagGeneration) {
    this.#file = file
    this.#generation = generation
  }

  /** Number of the generation, from 1. */
  get generation(): number {
    return this.#generation.number
  }

  /** What is on the disk. */
  get mark(): BagMark {
    return { generation: this.generation, notes: this.#durable }
  }

  /** @throws LedgerError RECORD_TAMPERED when it does not reach as far as it once did: keys are lost. */
  checkReaches({ generation, notes }: BagMark): void {
    if (this.generation < generation || (this.generation === generation && this.#durable < notes)) {
      throw new LedgerError('RECORD_TAMPERED', { store: 'key bag', record: this.#durable })
    }
  }

  /** Whether most of its notes are about keys that were dropped. */
  get isStale(): boolean {
    return this.#file.count > 3 * this.size + droppedMax
  }

  /** Keys that are not dropped. */
  get size(): number {
    return this.#byName.size
  }

  /** @throws LedgerError KEY_MISSING */
  key(name: BagName): SealingKey {
    const key = this.#byName.get(name)?.key
    if (key === undefined) throw new LedgerError('KEY_MISSING', { name })
    return key
  }

  /** The key with this id, 8 bytes in hexadecimal. */
  find(id: string): SealingKey | undefined {
    return this.#byId.get(id)
  }

  /** The bytes of the file that hold the name's key; undefined when it has none. */
  sealedNote(name: BagName): Promise<Uint8Array | undefined> {
    return this.#writes.run(async () => {
      const found = this.#byName.get(name)
      return found === undefined ? undefined : stored(this.#file.read(found.place))
    })
  }

  /** Gives each name that has none a key of its own, durable when this resolves. */
  add(names: readonly BagName[]): Promise<void> {
    return this.#writes.run(async () => {
      if (this.#failure !== undefined) throw this.#failure
      const fresh = [...new Set(names)].filter((name) => !this.#byName.has(name))
      if (fresh.length === 0) return
      const keys = fresh.map((name) => ({ name, key: generateSealingKey(this.#generation.wrapping.algorithm) }))
      const first = this.#file.count
      await append(
        this.#file,
        this.#generation,
        keys.map(({ name, key }) => noteOf(added, name, key)),
      )
      await this.#sync()
      for (const [place, { name, key }] of keys.entries()) this.#keep(name, key, first + place)
    })
  }

  /** Each name with its key, for a backup. */
  notes(): readonly BagNote[] {
    return [...this.#byName].map(([name, { key }]) => ({ name, key }))
  }

  /** Takes keys from a backup for names that have none here; durable when it resolves. How many. */
  take(notes: readonly BagNote[]): Promise<number> {
    return this.#writes.run(async () => {
      const fresh = notes.filter(({ name }) => !this.#byName.has(name))
      for (let start = 0; start < fresh.length; start += notesPerAppend) {
        const some = fresh.slice(start, start + notesPerAppend)
        const first = this.#file.count
        await append(
          this.#file,
          this.#generation,
          some.map(({ name, key }) => noteOf(added, name, key)),
        )
        for (const [place, { name, key }] of some.entries()) this.#keep(name, key, first + place)
      }
      await this.#sync()
      return fresh.length
    })
  }

  /** Forgets keys whose records are gone. Durable with the next `add`: a key that comes back opens nothing. */
  drop(names: readonly BagName[]): Promise<void> {
    return this.#writes.run(async () => {
      const known = names.flatMap((name) => {
        const key = this.#byName.get(name)?.key
        return key === undefined ? [] : [{ name, key }]
      })
      if (known.length === 0) return
      const blank = new Uint8Array(32)
      await append(
        this.#file,
        this.#generation,
        known.map(({ name, key }) => noteOf(dropped, name, { ...key, secret: blank })),
      )
      for (const { name, key } of known) this.#forget(name, key)
    })
  }

  /**
   * Writes the live keys into `next`; once that is on disk and `decide` has made it the one that will be opened, the old
   * file goes. Whatever is interrupted, one whole generation is there.
   */
  turn(next: BagGeneration, decide: () => Promise<void>): Promise<void> {
    return this.#writes.run(async () => {
      const old = this.#file
      await stored(rm(next.path, { force: true }))
      const file = await stored(openFile(next))
      try {
        const live = [...this.#byName]
        const notes = live.map(([name, { key }]) => noteOf(added, name, key))
        for (let start = 0; start < notes.length; start += notesPerAppend) {
          await append(file, next, notes.slice(start, start + notesPerAppend))
        }
        await stored(file.sync())
        await decide()
        for (const [place, [name, { key }]] of live.entries()) this.#keep(name, key, place)
      } catch (error) {
        // Which generation will be opened is not known now: a key given in this one might not be found again.
        this.#failure = error
        await file.close()
        throw error
      }
      this.#file = file
      this.#generation = next
      this.#durable = file.count
      await stored(old.close())
      await stored(rm(old.path))
      await stored(syncDirectory(dirname(old.path)))
    })
  }

  close(): Promise<void> {
    return this.#writes.run(() => stored(this.#file.close()))
  }

  async #sync(): Promise<void> {
    const { count } = this.#file
    await stored(this.#file.sync())
    this.#durable = count
  }

  async #load(): Promise<void> {
    for (let start = 0; start < this.#file.count; start += readsAtOnce) {
      const places = Array.from({ length: Math.min(readsAtOnce, this.#file.count - start) }, (_, i) => start + i)
      const notes = await Promise.all(places.map((place) => this.#file.read(place)))
      for (const [i, sealed] of notes.entries()) {
        const aad = aadOf(this.#generation, start + i)
        this.#take(open(this.#generation.wrapping, aad, sealed, { store: 'key bag' }), start + i)
      }
    }
  }

  #take(note: Uint8Array, place: number): void {
    if (note.length !== noteBytes) throw new LedgerError('RECORD_TAMPERED', { store: 'key bag' })
    const name = toHex(note.subarray(1, 1 + nameBytes))
    const id = note.slice(1 + nameBytes, 9 + nameBytes)
    const key = { id, algorithm: this.#generation.wrapping.algorithm, secret: note.slice(9 + nameBytes) }
    if (note[0] === added) this.#keep(name, key, place)
    else this.#forget(name, key)
  }

  #keep(name: string, key: SealingKey, place: number): void {
    this.#byName.set(name, { key, place })
    this.#byId.set(toHex(key.id), key)
  }

  #forget(name: string, key: SealingKey): void {
    this.#byName.delete(name)
    this.#byId.delete(toHex(key.id))
  }
}

function openFile({ path, wrapping }: BagGeneration): Promise<AppendFile> {
  return AppendFile.open(path, { sealed: true, recordBytesMax: noteBytes + sealOverhead(wrapping.algorithm) })
}

async function append(file: AppendFile, generation: BagGeneration, notes: readonly Uint8Array[]): Promise<void> {
  const first = file.count
  await stored(file.append(notes.map((note, i) => seal(generation.wrapping, aadOf(generation, first + i), note))))
}

/** Binds a note to its place, so that notes cannot be swapped or replayed. */
function aadOf(generation: BagGeneration, place: number): Uint8Array {
  return concat(utf8('key bag'), localKey(0, generation.number, place))
}

function noteOf(type: number, name: string, key: SealingKey): Uint8Array {
  return concat(Uint8Array.of(type), fromHex(name), key.id, key.secret)
}
