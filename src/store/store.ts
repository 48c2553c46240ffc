// The encrypted store of one node: quads, payloads and state at one height, in one LevelDB, the root that can be erased.
// A block is one synced batch, so after any crash the store stands at a height, never between two. It knows RDF/JS terms
// and opaque bytes; what a transaction is, is the affair of others.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { endAll } from '../base/ending.ts'
import { LedgerError } from '../base/errors.ts'
import { type Digest, type ItemId, itemIdOf, type Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { type Block, weightOf } from './block-codec.ts'
import { type BlockChange, ChangeWriter, type Filled } from './change.ts'
import { checkMark, leaveMark, type MarkParts, takeMark } from './closing-mark.ts'
import { StoreCopy } from './copy.ts'
import { Database } from './database.ts'
import { Details } from './details.ts'
import { Dictionary } from './dictionary.ts'
import { Queue, stored } from './failure.ts'
import { findItem, required } from './item-records.ts'
import type { KeyRing } from './key-ring.ts'
import { localKey, readId, tables, viewOf } from './layout.ts'
import { openedOf } from './opened.ts'
import { additionAgain, pendingOf } from './pending.ts'
import { type Purged, probesOf, purge } from './purge.ts'
import { QuadIndex } from './quad-index.ts'
import { type PatternTerm, Reader } from './reader.ts'
import { RecentMap } from './recent-map.ts'
import { finishRotation, type OnRotation, type RotationParts, rotate } from './rotation.ts'
import { createSealer, openSealer, type Sealer } from './sealer.ts'
import type { SegmentParts } from './segment.ts'
import { type StagedKind, Staging } from './staging.ts'
import { emptyRoot, type Root, recordKey, recordOf, rootKey, rootOf, rootValue } from './state-records.ts'
import { identify } from './store-file.ts'
import { Upkeep } from './upkeep.ts'
import { type Verification, verifyStore } from './verification.ts'

export type { BlockChange, StoredItem, StoredRetraction, StoredRow } from './change.ts'
export type { PatternTerm, Reader } from './reader.ts'

export interface StoreOptions {
  readonly keyRing: KeyRing
  /** False leaves everything readable on disk, uncompressed: only for the test that shows what sealing hides. */
  readonly seal?: boolean
  /** Decoded index blocks that stay in memory, bytes, and as much again for decoded terms. */
  readonly cacheBytesMax?: number
  /** Rows and terms in memory that no segment holds yet, bytes; twice that while they are written. */
  readonly memoryBytesMax?: number
}

interface Parts {
  readonly database: Database
  readonly sealer: Sealer
  readonly dictionary: Dictionary
  readonly index: QuadIndex
  readonly keys: KeyRing
  readonly counts: RecentMap<string, number>
  readonly segments: SegmentParts
  readonly memoryBytesMax: number
  readonly mark: MarkParts
}

const recordsAtOnce = 256

/**
 * Opens or creates the store in `directory`.
 * @throws LedgerError STORE_LOCKED, FORMAT_UNSUPPORTED (nothing was touched), RECORD_TAMPERED, KEY_MISSING, STORAGE_FAILED
 */
export async function openStore(directory: string, options: StoreOptions): Promise<Store> {
  const { keyRing, seal = true } = options
  const { cacheBytesMax = limits.blockCacheBytesMax, memoryBytesMax = limits.memoryTableBytesMax } = options
  const id = await stored(identify(directory))
  const mark = { directory, data: join(directory, 'data') }
  await stored(checkMark(mark))
  const database = await Database.open(mark.data)
  try {
    await stored(takeMark(mark))
    const sealer = seal ? createSealer(keyRing, id) : openSealer
    const sealed = await database.get(rootKey)
    const root = sealed === undefined ? emptyRoot : rootOf(sealer.open(rootKey, sealed))
    keyRing.bag.checkReaches(root.bag)
    const index = new QuadIndex()
    const segments = {
      directory: join(directory, 'segments'),
      sealer,
      cache: new RecentMap<number, Block>(cacheBytesMax, (_name, block) => weightOf(block)),
    }
    await stored(mkdir(segments.directory, { recursive: true, mode: 0o700 }))
    const dictionary = new Dictionary(database, sealer, keyRing, index, cacheBytesMax)
    const counts = new RecentMap<string, number>(limits.storeCountsMax, () => 1)
    const store = new Store(
      { database, sealer, dictionary, index, keys: keyRing, counts, segments, memoryBytesMax, mark },
      root,
    )
    await store.start()
    return store
  } catch (error) {
    await database.close()
    throw error
  }
}

export class Store {
  /** The side-car of the local log. */
  readonly details: Details
  readonly #parts: Parts
  readonly #staging: Staging
  readonly #writes: Queue = new Queue()
  readonly #upkeep: Upkeep
  readonly #rewrites: Queue = new Queue()
  #root: Root
  #failure: unknown
  #copy: StoreCopy | undefined
  #closing = false

  constructor(parts: Parts, root: Root) {
    this.#parts = parts
    this.#staging = new Staging(parts.database, parts.sealer, parts.keys, this.#writes)
    this.details = new Details({ ...parts, writes: this.#writes })
    this.#root = root
    this.#upkeep = new Upkeep({
      ...parts,
      writes: this.#writes,
      publish: async (change, fill) => {
        const next = change(this.#root)
        await parts.database.write((write) => {
          fill(write, this.#root)
          write.put(rootKey, parts.sealer.seal(parts.keys.active('state'), rootKey, rootValue(next)))
        })
        this.#root = next
      },
    })
  }

  /** Reads what must be in memory: fences, the blocks that no segment holds, the erased items. Before anything else. */
  async start(): Promise<void> {
    const { index } = this.#parts
    await this.#upkeep.start(this.#root.segments)
    for await (const { key, plain } of this.#records(tables.erased)) {
      index.erased.set(readId(viewOf(key), 1), itemIdOf(plain))
    }
    for await (const { key, plain } of this.#records(tables.pending)) {
      const sequence = readId(viewOf(key), 1)
      if (sequence > this.#root.flushed) {
        index.memory.add(additionAgain(this.#parts, pendingOf(plain), sequence), sequence)
      }
    }
  }

  /** The last committed block; 0 at first. */
  get sequence(): Sequence {
    return this.#root.sequence
  }

  /** Items that were ever stored; the next one gets the number after it. */
  get items(): number {
    return this.#root.items
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
      await this.#upkeep.afterCommit()
      await bag.drop(change.unstage)
      if (bag.isStale) await this.#parts.keys.turnBag()
    })
  }

  async #write(change: BlockChange): Promise<void> {
    const { database, dictionary, index, counts } = this.#parts
    let filled: Filled | undefined
    try {
      await database.write((write) => {
        filled = new ChangeWriter(this.#parts, write, this.#root, change.sequence).fill(change)
      })
    } catch (error) {
      // What does not come from the disk was noticed before anything was written.
      if (error instanceof LedgerError) this.#failure = error
      throw error
    }
    if (filled === undefined) return
    index.memory.add(filled.addition, change.sequence)
    this.#root = filled.root
    for (const { id, text } of filled.addition.terms) dictionary.remember(text, id)
    if (filled.erased.size === 0) return
    for (const [local, item] of filled.erased) index.erased.set(local, item)
    index.erasures += 1
    dictionary.forget()
    counts.clear()
  }

  /** State records, in no particular order. Not while commits go on. */
  async *records(): AsyncGenerator<{ readonly key: Uint8Array; readonly value: Uint8Array }, void, undefined> {
    for await (const { plain } of this.#records(tables.record)) yield recordOf(plain)
  }

  async *#records(table: number): AsyncGenerator<{ readonly key: Uint8Array; readonly plain: Uint8Array }> {
    const { database, sealer } = this.#parts
    let after: Uint8Array | undefined
    while (true) {
      const entries = await database.entries(Uint8Array.of(table), after, recordsAtOnce)
      for (const { key, value } of entries) yield { key, plain: sealer.open(key, value) }
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

  /** By which the rows of `Reader.rows` name an item; undefined for one that is not here. */
  numberOf(item: ItemId): number | undefined {
    const { database, sealer, keys } = this.#parts
    const found = findItem(database, sealer, keys, item)
    return found?.erased === false ? found.local : undefined
  }

  /** The payload of an item as it was given; undefined when the item is not here, or not any more. @throws LedgerError KEY_MISSING */
  async itemPayload(item: ItemId, until: 'erased' | 'purged' = 'erased'): Promise<Uint8Array | undefined> {
    const { database, sealer, keys } = this.#parts
    await database.ready()
    const found = findItem(database, sealer, keys, item)
    if (found === undefined || (found.erased && until === 'erased')) return undefined
    const at = localKey(tables.payload, found.local)
    const sealed = await database.get(at)
    return sealed === undefined && found.erased ? undefined : required(sealer, at, sealed)
  }

  /** Items that a block erased and no purge removed from the disk yet. */
  erased(): readonly ItemId[] {
    return [...this.#parts.index.erased.values()]
  }

  /** Pieces of bytes that must be on no disk once these items are erased and purged (raw-scan.ts looks for them). */
  probes(items: readonly ItemId[]): Promise<readonly Uint8Array[]> {
    return probesOf(this.#parts, items)
  }

  /** Removes erased items from the disk, all or these, keys first, and details that were removed. Commits and reads go on; what is interrupted begins again. */
  purge(items?: readonly ItemId[]): Promise<Purged> {
    // What must go must not go into a copy either.
    this.#copy?.interrupt()
    return this.#rewrites.run(async () => {
      const purged = await purge(this.#rotation(), this.#upkeep, items)
      this.#parts.segments.cache.clear()
      return purged
    })
  }

  /**
   * Seals everything under new keys while commits and reads go on, and destroys the old ones. A rotation that was
   * interrupted is finished by `finishRotation`. `onProgress` may wait: it sets the pace.
   */
  rotate(onProgress?: OnRotation): Promise<void> {
    return this.#rewrites.run(() => rotate(this.#rotation(), this.#upkeep, onProgress))
  }

  /** Goes on with a rotation that was interrupted; nothing when there is none. */
  finishRotation(onProgress?: OnRotation): Promise<void> {
    return this.#rewrites.run(() => finishRotation(this.#rotation(), this.#upkeep, onProgress))
  }

  /**
   * All files and records as they are sealed, at one height, while commits go on. Rotation waits until the copy is closed;
   * a purge, or closing the store, interrupts it.
   */
  copy(): Promise<StoreCopy> {
    return new Promise((resolve, reject) => {
      const { database, segments, mark } = this.#parts
      const work = this.#rewrites.run(async () => {
        if (this.#closing) throw new LedgerError('BACKUP_INTERRUPTED')
        const copy = await this.#writes.run(() => StoreCopy.take({ database, segments, mark, root: this.#root }))
        this.#copy = copy
        resolve(copy)
        await copy.ended
        this.#copy = undefined
      })
      work.catch(reject)
    })
  }

  #rotation(): RotationParts {
    return { ...this.#parts, writes: this.#writes }
  }

  /** Reads and compares everything. Not while commits go on. */
  verify(): Promise<Verification> {
    return this.#rewrites.run(() => verifyStore(this.#parts, this.#root))
  }

  /** For metrics. */
  figures(): {
    readonly segments: number
    readonly backlogBytes: number
    readonly cache: RecentMap<never, never>['uses']
  } {
    const { index, segments } = this.#parts
    return { segments: index.segments.length, backlogBytes: this.#upkeep.backlogBytes, cache: segments.cache.uses }
  }

  /** What is in memory and has a bound, bytes: rows that no segment holds yet, decoded blocks, decoded terms. */
  get memoryBytes(): readonly [rows: number, blocks: number, terms: number] {
    const { index, segments, dictionary } = this.#parts
    return [index.memory.weight + (index.frozen?.weight ?? 0), segments.cache.weight, dictionary.cachedBytes]
  }

  /** Everything that the keys which are left open: what a search for somebody's values must go through. */
  opened(): AsyncGenerator<Uint8Array, void, undefined> {
    return openedOf(this.#parts)
  }

  /** Keeps a payload until its transaction is ordered; durable when this resolves. */
  stage(request: Digest, payload: Uint8Array, kind: StagedKind = 'shreddable'): Promise<void> {
    return this.#staging.stage(request, payload, kind)
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
    this.#closing = true
    this.#copy?.interrupt()
    await this.#upkeep.stop()
    await this.#rewrites.run(async () => undefined)
    await this.#writes.run(async () => {
      const { index } = this.#parts
      index.closed = true
      const { database, mark } = this.#parts
      await endAll(...index.segments.map((segment) => () => segment.close()), () => database.close())
      await stored(leaveMark(mark))
    })
  }
}
