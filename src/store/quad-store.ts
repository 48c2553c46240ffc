// An encrypted RDF/JS store in one folder, for programs that have no consortium: Source, Sink and Store, with reads at every
// earlier state. It is the node's store (store.ts) with its own key ring beside it; each change of quads is one block.

import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { DataFactory, Literal, Quad, Store as RdfStore, Stream, Term } from '@rdfjs/types'
import { type ItemId, itemIdOf, type Sequence, sequenceOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { StoredItem, StoredRetraction } from './change.ts'
import { Queue } from './failure.ts'
import { createKeyRing, hasKeyRing, type KeyRing, openKeyRing } from './key-ring.ts'
import { type QuadMaker, quadMaker, storedGraph, storedPattern, storedRow } from './plain-terms.ts'
import { BatchStream, type PatternTerm, type Reader } from './reader.ts'
import { openStore as openNodeStore, type Store } from './store.ts'
import { namedNode } from './terms.ts'
import { createUnlock, type UnlockProvider, unlock } from './unlock.ts'
import type { Verification } from './verification.ts'

export type { PatternTerm } from './reader.ts'

export interface QuadStoreOptions {
  /** What opens the keys. A key file is made with a new store when there is none; keep it outside of the folder. */
  readonly unlock: UnlockProvider
  /** Makes the terms and quads that reads give; by default plain immutable ones. */
  readonly dataFactory?: DataFactory
  /** Decoded index blocks that stay in memory, bytes, and as much again for decoded terms. */
  readonly cacheBytesMax?: number
  /** What is in memory until it goes into a file, bytes; twice that while it is written. */
  readonly memoryBytesMax?: number
}

/** Quads of one state. */
export interface QuadView {
  match(subject?: PatternTerm, predicate?: PatternTerm, object?: PatternTerm, graph?: PatternTerm): QuadStream
  /** Exactly how many quads `match` gives. */
  countQuads(subject?: PatternTerm, predicate?: PatternTerm, object?: PatternTerm, graph?: PatternTerm): Promise<number>
  /**
   * Quads whose object is a literal of the bounds' datatype between them, both included, by value: numbers, dates, times.
   * The stream fails with a TypeError for bounds that have no order or not one datatype.
   */
  matchBetween(predicate: Term, bounds: Bounds, graph?: PatternTerm): QuadStream
}

export interface Bounds {
  readonly from: Literal
  readonly to: Literal
}

/** A readable object stream; what fails is its `error`, and a `for await` throws it. */
export type QuadStream = Readable & Stream<Quad> & AsyncIterable<Quad>

/**
 * Opens the store in `directory`, or makes it.
 * @throws LedgerError UNLOCK_FAILED, KEY_CHECK_FAILED, KEY_MISSING, STORE_LOCKED, RECORD_TAMPERED, FORMAT_UNSUPPORTED,
 * STORAGE_FAILED
 */
export async function openStore(directory: string, options: QuadStoreOptions): Promise<QuadStore> {
  const { unlock: provider, dataFactory, ...memory } = options
  const keys = join(directory, 'keys')
  const keyRing = (await hasKeyRing(keys))
    ? await openKeyRing(keys, await unlock(provider, keys))
    : await createKeyRing(keys, await createUnlock(provider, keys))
  try {
    const store = await openNodeStore(join(directory, 'store'), { keyRing, ...memory })
    return new QuadStore(store, keyRing, quadMaker(dataFactory))
  } catch (error) {
    await keyRing.close()
    throw error
  }
}

/** An RDF/JS Store (https://rdf.js.org/stream-spec/). */
export class QuadStore implements RdfStore, QuadView {
  readonly #store: Store
  readonly #keyRing: KeyRing
  readonly #make: QuadMaker
  readonly #changes: Queue = new Queue()

  constructor(store: Store, keyRing: KeyRing, make: QuadMaker) {
    this.#store = store
    this.#keyRing = keyRing
    this.#make = make
  }

  /** Number of changes so far: the state that `at` knows by this number. */
  get height(): Sequence {
    return this.#store.sequence
  }

  /** The quads after change `height`; later changes do not show. @throws RangeError */
  at(height: number): QuadView {
    return new View(this.#store.at(height), this.#make)
  }

  match(subject?: PatternTerm, predicate?: PatternTerm, object?: PatternTerm, graph?: PatternTerm): QuadStream {
    return this.at(this.height).match(subject, predicate, object, graph)
  }

  countQuads(
    subject?: PatternTerm,
    predicate?: PatternTerm,
    object?: PatternTerm,
    graph?: PatternTerm,
  ): Promise<number> {
    return this.at(this.height).countQuads(subject, predicate, object, graph)
  }

  matchBetween(predicate: Term, bounds: Bounds, graph?: PatternTerm): QuadStream {
    return this.at(this.height).matchBetween(predicate, bounds, graph)
  }

  /** Adds the quads, all or none, in one change; durable when this resolves. @throws TypeError for a term it cannot keep */
  add(quads: Iterable<Quad>): Promise<void> {
    return this.#changes.run(() => this.#add([...quads]))
  }

  /** Removes the quads, all in one change; those that are not here are passed over. Durable when this resolves. */
  delete(quads: Iterable<Quad>): Promise<void> {
    return this.#changes.run(() => this.#delete([...quads]))
  }

  /** RDF/JS Sink: adds what the stream gives, some thousand quads a change. Emits `end` when all is durable, or `error`. */
  import(stream: Stream<Quad>): EventEmitter {
    return this.#drain(stream, (quads) => this.add(quads))
  }

  remove(stream: Stream<Quad>): EventEmitter {
    return this.#drain(stream, (quads) => this.delete(quads))
  }

  removeMatches(
    subject?: Term | null,
    predicate?: Term | null,
    object?: Term | null,
    graph?: Term | null,
  ): EventEmitter {
    return this.remove(this.match(subject, predicate, object, graph))
  }

  deleteGraph(graph: Quad['graph'] | string): EventEmitter {
    return this.removeMatches(null, null, null, typeof graph === 'string' ? namedNode(graph) : graph)
  }

  /**
   * Seals everything under new keys while reads and changes go on, and destroys the old ones. What is interrupted goes on
   * at the next call.
   */
  rotateKeys(): Promise<void> {
    return this.#store.rotate()
  }

  /** Reads and compares everything that is stored. Changes wait. */
  verify(): Promise<Verification> {
    return this.#changes.run(() => this.#store.verify())
  }

  /** Waits for changes that were begun. */
  async close(): Promise<void> {
    await this.#changes.run(async () => undefined)
    await this.#store.close()
    await this.#keyRing.close()
  }

  async #add(quads: readonly Quad[]): Promise<void> {
    const byGraph = new Map<string, StoredItem['rows'][number][]>()
    for (const each of quads) {
      const graph = storedGraph(each.graph)
      const rows = byGraph.get(graph)
      if (rows === undefined) byGraph.set(graph, [storedRow(each)])
      else rows.push(storedRow(each))
    }
    const items = [...byGraph].map(([graph, rows], place): StoredItem => {
      const item = itemOf(this.#store.items + 1 + place)
      return { item, graph, class: 'open', payload: new Uint8Array(), rows }
    })
    if (items.length > 0) await this.#commit(items, [])
  }

  async #delete(quads: readonly Quad[]): Promise<void> {
    const reader = this.#store.at(this.height)
    const retractions: StoredRetraction[] = []
    for (const { subject, predicate, object, graph } of quads) {
      const pattern = [subject, predicate, object, graph].map(storedPattern)
      for await (const rows of reader.rows(pattern)) {
        for (const { item, row } of rows) {
          retractions.push({ item: itemOf(item), graph: storedGraph(graph), rows: [row] })
        }
      }
    }
    if (retractions.length > 0) await this.#commit([], retractions)
  }

  #commit(items: readonly StoredItem[], retractions: readonly StoredRetraction[]): Promise<void> {
    const sequence = sequenceOf(this.height + 1)
    return this.#store.commit({
      sequence,
      meta: new Uint8Array(),
      records: [],
      items,
      retractions,
      erasures: [],
      unstage: [],
    })
  }

  #drain(stream: Stream<Quad>, change: (quads: readonly Quad[]) => Promise<void>): EventEmitter {
    const events = new EventEmitter()
    const source = stream instanceof Readable ? stream : new Readable({ objectMode: true }).wrap(stream as never)
    const work = async (): Promise<void> => {
      let quads: Quad[] = []
      for await (const each of source) {
        quads.push(each as Quad)
        if (quads.length < limits.quadsPerChange) continue
        await change(quads)
        quads = []
      }
      await change(quads)
    }
    work().then(
      () => events.emit('end'),
      (error: unknown) => events.emit('error', error),
    )
    return events
  }
}

/** Without a consortium an item's id says only its number. */
function itemOf(local: number): ItemId {
  return itemIdOf(local.toString(16).padStart(64, '0'))
}

class View implements QuadView {
  readonly #reader: Reader
  readonly #make: QuadMaker

  constructor(reader: Reader, make: QuadMaker) {
    this.#reader = reader
    this.#make = make
  }

  match(...pattern: readonly PatternTerm[]): QuadStream {
    const [subject, predicate, object, graph] = pattern.map(storedPattern)
    return new BatchStream(() => this.#reader.batches([subject, predicate, object, graph]), this.#make)
  }

  matchBetween(predicate: Term, { from, to }: Bounds, graph?: PatternTerm): QuadStream {
    return new BatchStream(() => this.#reader.between(predicate, from, to, storedPattern(graph)), this.#make)
  }

  countQuads(...pattern: readonly PatternTerm[]): Promise<number> {
    const [subject, predicate, object, graph] = pattern.map(storedPattern)
    return this.#reader.countQuads(subject, predicate, object, graph)
  }
}
