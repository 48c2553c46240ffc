// The encrypted store of one node: quads, payloads and state at one height, in one LevelDB, the root that can be erased.
// A block is one synced batch, so after any crash the store stands at a height, never between two. It knows RDF/JS terms
// and opaque bytes; what a transaction is, is the affair of others.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { randomBytes } from '#crypto'
import { fromHex, toHex } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import type { Digest, ItemId, Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { type BlockChange, ChangeWriter, findItem, required } from './change.ts'
import { Database } from './database.ts'
import { Dictionary } from './dictionary.ts'
import { Queue, stored } from './failure.ts'
import type { KeyRing } from './key-ring.ts'
import { localKey, tables } from './layout.ts'
import { type PatternTerm, Reader } from './reader.ts'
import { RecentMap } from './recent-map.ts'
import { createSealer, openSealer, type Sealer } from './sealer.ts'
import { Staging } from './staging.ts'
import { emptyRoot, type Root, recordKey, recordOf, rootKey, rootOf } from './state-records.ts'
import { field, readVersioned, writeVersioned } from './versioned.ts'

export type { BlockChange, StoredItem, StoredRetraction, StoredRow } from './change.ts'
export type { PatternTerm, Reader } from './reader.ts'

export interface StoreOptions {
  readonly keyRing: KeyRing
  /** False leaves everything readable on disk, uncompressed: only for the test that shows what sealing hides. */
  readonly seal?: boolean
}

interface Parts {
  readonly database: Database
  readonly sealer: Sealer
  readonly dictionary: Dictionary
  readonly keys: KeyRing
  readonly counts: RecentMap<string, number>
}

const kind = 'quadrille store'
const formatVersion = 1
const recordsAtOnce = 256

/**
 * Opens or creates the store in `directory`.
 * @throws LedgerError STORE_LOCKED, FORMAT_UNSUPPORTED (nothing was touched), RECORD_TAMPERED, KEY_MISSING, STORAGE_FAILED
 */
export async function openStore(directory: string, { keyRing, seal = true }: StoreOptions): Promise<Store> {
  const id = await stored(identify(directory))
  const database = await Database.open(join(directory, 'data'), seal)
  try {
    const sealer = seal ? createSealer(keyRing, id) : openSealer
    const sealed = await database.get(rootKey)
    const root = sealed === undefined ? emptyRoot : rootOf(sealer.open(rootKey, sealed))
    keyRing.bag.checkReaches(root.bag)
    const dictionary = new Dictionary(database, sealer, keyRing)
    const counts = new RecentMap<string, number>(limits.storeCountsMax, () => 1)
    return new Store({ database, sealer, dictionary, keys: keyRing, counts }, root)
  } catch (error) {
    await database.close()
    throw error
  }
}

/** The random id of the store in this folder: 16 bytes, made with the store. */
async function identify(directory: string): Promise<Uint8Array> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'store.json')
  const fields = await readVersioned(path, kind, formatVersion)
  if (fields !== undefined) return fromHex(field(fields, 'id', kind))
  const id = randomBytes(16)
  await writeVersioned(path, kind, formatVersion, { id: toHex(id) })
  return id
}

export class Store {
  readonly #parts: Parts
  readonly #staging: Staging
  readonly #writes: Queue = new Queue()
  #root: Root
  #failure: unknown

  constructor(parts: Parts, root: Root) {
    this.#parts = parts
    this.#staging = new Staging(parts.database, parts.sealer, parts.keys, this.#writes)
    this.#root = root
  }

  /** The last committed block; 0 at first. */
  get sequence(): Sequence {
    return this.#root.sequence
  }

  /** What the last commit gave as `meta`; undefined before the first. */
  meta(): Uint8Array | undefined {
    return this.sequence === 0 ? undefined : this.#root.meta
  }

  /**
   * Makes a block durable, all or nothing. Its sequence is the next one; one at or below `sequence` changes nothing.
   * After a failure of the disk every later commit fails too: open the store again.
   */
  commit(change: BlockChange): Promise<void> {
    return this.#writes.run(async () => {
      if (this.#failure !== undefined) throw this.#failure
      if (change.sequence <= this.sequence) return
      if (change.sequence !== this.sequence + 1) {
        throw new RangeError(`sequence ${change.sequence} does not follow ${this.sequence}`)
      }
      const { bag } = this.#parts.keys
      await bag.add(change.items.filter((item) => item.class !== 'open').map((item) => item.item))
      await this.#write(change)
      await bag.drop(change.unstage)
      if (bag.isStale) await this.#parts.keys.turnBag()
    })
  }

  async #write(change: BlockChange): Promise<void> {
    let root = this.#root
    let freshTerms: ReadonlyMap<string, number> = new Map()
    try {
      await this.#parts.database.write(async (write) => {
        const writer = new ChangeWriter(this.#parts, write, this.#root, change.sequence)
        root = await writer.fill(change)
        freshTerms = writer.freshTerms
      })
    } catch (error) {
      // What does not come from the disk was noticed before anything was written.
      if (error instanceof LedgerError) this.#failure = error
      throw error
    }
    for (const [text, id] of freshTerms) this.#parts.dictionary.remember(text, id)
    this.#root = root
  }

  /** State records, in no particular order. Not while commits go on. */
  async *records(): AsyncGenerator<{ readonly key: Uint8Array; readonly value: Uint8Array }, void, undefined> {
    const { database, sealer } = this.#parts
    let after: Uint8Array | undefined
    while (true) {
      const entries = await database.entries(Uint8Array.of(tables.record), after, recordsAtOnce)
      for (const { key, value } of entries) yield recordOf(sealer.open(key, value))
      if (entries.length === 0) return
      after = entries.at(-1)?.key
    }
  }

  /** The value of one state record. */
  async record(key: Uint8Array): Promise<Uint8Array | undefined> {
    const { database, sealer, keys } = this.#parts
    const at = recordKey(keys, key)
    const sealed = await database.get(at)
    return sealed === undefined ? undefined : recordOf(sealer.open(at, sealed)).value
  }

  /** The payload of an item as it was given; undefined when the item is not here. @throws LedgerError KEY_MISSING */
  async itemPayload(item: ItemId): Promise<Uint8Array | undefined> {
    const { database, sealer, keys } = this.#parts
    const found = findItem(database, sealer, keys, item)
    if (found === undefined) return undefined
    const at = localKey(tables.payload, found.local)
    return required(sealer, at, await database.get(at))
  }

  /** Keeps a payload until its transaction is ordered; durable when this resolves. */
  stage(request: Digest, payload: Uint8Array): Promise<void> {
    return this.#staging.stage(request, payload)
  }

  staged(request: Digest): Promise<Uint8Array | undefined> {
    return this.#staging.staged(request)
  }

  /** Requests that have a staged payload. */
  stagedRequests(): AsyncIterable<Digest> {
    return this.#staging.requests()
  }

  /** Forgets payloads of requests that will not be ordered any more. A commit does it for those that were. */
  unstage(requests: readonly Digest[]): Promise<void> {
    return this.#staging.unstage(requests)
  }

  /** The quads that held after block `height`, from 0 to `sequence`. */
  at(height: number): Reader {
    if (!Number.isSafeInteger(height) || height < 0 || height > this.sequence) {
      throw new RangeError(`height ${height} is not between 0 and ${this.sequence}`)
    }
    return new Reader(this.#parts, height, height === this.sequence ? this.#root.quads : undefined)
  }

  /** RDF/JS Source: quads that hold now, as of the call; commits that follow do not show. */
  match(subject?: PatternTerm, predicate?: PatternTerm, object?: PatternTerm, graph?: PatternTerm): Readable {
    return this.at(this.sequence).match(subject, predicate, object, graph)
  }

  /** Exactly how many quads `match` gives. */
  countQuads(
    subject?: PatternTerm,
    predicate?: PatternTerm,
    object?: PatternTerm,
    graph?: PatternTerm,
  ): Promise<number> {
    return this.at(this.sequence).countQuads(subject, predicate, object, graph)
  }

  quads(): Readable {
    return this.match()
  }

  /** Waits for what is under way. The key ring stays open: it is not the store's. */
  async close(): Promise<void> {
    await this.#writes.run(() => this.#parts.database.close())
  }
}
