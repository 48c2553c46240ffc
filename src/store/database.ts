// LevelDB as the store uses it: bytes in, bytes out, its errors told as ours. One batch at a time is synced; no iterator
// stays open between two reads, because an open one keeps deleted values alive. Compaction opens it anew, so everything
// but `getSync` waits for that.

import { Level } from 'level'
import { randomBytes } from '#crypto'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { stored } from './failure.ts'
import { afterPrefix } from './layout.ts'

type LevelSnapshot = ReturnType<Level<Uint8Array, Uint8Array>['snapshot']>

export interface Write {
  put(key: Uint8Array, value: Uint8Array): void
  del(key: Uint8Array): void
}

export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** What was there at one moment. It keeps what is deleted meanwhile on the disk until it is closed. */
export interface Snapshot {
  entries(prefix: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<readonly Entry[]>
  close(): Promise<void>
}

export class Database {
  readonly #level: Level<Uint8Array, Uint8Array>
  readonly #uses: Set<Promise<unknown>> = new Set()
  #reopening: Promise<void> | undefined

  /** @throws LedgerError STORE_LOCKED when another process, or this one, has it open; STORAGE_FAILED */
  static async open(path: string): Promise<Database> {
    const level = new Level<Uint8Array, Uint8Array>(path, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      // Its values are sealed: there is nothing to compress.
      compression: false,
      writeBufferSize: limits.storeWriteBufferBytes,
      cacheSize: limits.storeCacheBytes,
    })
    try {
      await level.open()
    } catch (error) {
      const cause = (error as { cause?: { code?: string } }).cause
      throw new LedgerError(cause?.code === 'LEVEL_LOCKED' ? 'STORE_LOCKED' : 'STORAGE_FAILED', {}, error)
    }
    return new Database(level)
  }

  constructor(level: Level<Uint8Array, Uint8Array>) {
    this.#level = level
  }

  /** A few microseconds: for look-ups while a batch is made, or right after `ready`. */
  getSync(key: Uint8Array): Uint8Array | undefined {
    return this.#level.getSync(key)
  }

  /** Resolves when it is open. */
  async ready(): Promise<void> {
    while (this.#reopening !== undefined) await this.#reopening
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#use(() => this.#level.get(key))
  }

  /**
   * Entries of the keys that begin with `prefix`, after the key `after` if given: at most `limit`, at most about a
   * megabyte, none only at the end.
   */
  entries(prefix: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<readonly Entry[]> {
    return this.#use(() => this.#entries(prefix, after, limit))
  }

  /** Everything as it is now, whatever is written later. Close it before a compaction. */
  async snapshot(): Promise<Snapshot> {
    await this.ready()
    const snapshot: LevelSnapshot = this.#level.snapshot()
    return {
      entries: (prefix, after, limit) => this.#use(() => this.#entries(prefix, after, limit, snapshot)),
      close: () => snapshot.close(),
    }
  }

  async #entries(
    prefix: Uint8Array,
    after: Uint8Array | undefined,
    limit: number,
    snapshot?: LevelSnapshot,
  ): Promise<readonly Entry[]> {
    const at = snapshot === undefined ? {} : { snapshot }
    const iterator = this.#level.iterator({ ...range(prefix, after), limit, ...scanOptions, ...at })
    try {
      return (await iterator.nextv(limit)).map(([key, value]) => ({ key, value }))
    } finally {
      await iterator.close()
    }
  }

  /** What `fill` puts and deletes, all or nothing, on disk when this resolves; without `sync`, on disk after the next that is. */
  write(fill: (write: Write) => void, sync = true): Promise<void> {
    return this.#use(async () => {
      const batch = this.#level.batch()
      try {
        fill({ put: (key, value) => void batch.put(key, value), del: (key) => void batch.del(key) })
      } catch (error) {
        await batch.close()
        throw error
      }
      await batch.write({ sync })
    })
  }

  /** Everything that was written is on disk when this resolves. */
  sync(): Promise<void> {
    return this.write((write) => write.del(Uint8Array.of(0)))
  }

  /**
   * Deleted bytes leave the disk. A compaction may put what is in memory, deleted or not, into a file of its own and merge
   * nothing; so there are two, each with sentinels beyond all keys, and the second finds every file in its range. Then the
   * log of recent batches begins anew.
   */
  async compact(): Promise<void> {
    const [first, last] = [Uint8Array.of(0), Uint8Array.of(0xff)]
    // The package's types know only what browsers can do too.
    const level = this.#level as unknown as { compactRange(start: Uint8Array, end: Uint8Array): Promise<void> }
    for (let turn = 0; turn < 2; turn++) {
      await this.write((write) => {
        for (const sentinel of [first, last]) write.put(sentinel, randomBytes(16))
      })
      await this.#use(() => level.compactRange(first, last))
    }
    await this.ready()
    const reopened = stored(this.#reopen())
    this.#reopening = reopened.finally(() => {
      this.#reopening = undefined
    })
    await reopened
  }

  close(): Promise<void> {
    return this.#use(() => this.#level.close())
  }

  async #reopen(): Promise<void> {
    await Promise.allSettled(this.#uses)
    await this.#level.close()
    await this.#level.open()
  }

  async #use<T>(work: () => Promise<T>): Promise<T> {
    await this.ready()
    const use = work()
    this.#uses.add(use)
    try {
      return await stored(use)
    } finally {
      this.#uses.delete(use)
    }
  }
}

/** The default of 16 KiB would cut a scan into tiny reads; a full read of index rows is far below this. */
const scanOptions = { highWaterMarkBytes: 1_048_576 }

function range(prefix: Uint8Array, after: Uint8Array | undefined): { gte: Uint8Array } | { gt: Uint8Array } {
  const end = { lt: afterPrefix(prefix) }
  return after === undefined ? { gte: prefix, ...end } : { gt: after, ...end }
}
