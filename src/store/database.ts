// LevelDB as the store uses it: bytes in, bytes out, its errors told as ours. One batch at a time is synced; no iterator
// stays open between two reads, because an open one keeps deleted values alive.

import { Level } from 'level'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { stored } from './failure.ts'
import { afterPrefix } from './layout.ts'

export interface Write {
  put(key: Uint8Array, value: Uint8Array): void
  del(key: Uint8Array): void
}

export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export class Database {
  readonly #level: Level<Uint8Array, Uint8Array>

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

  /** A few microseconds: for look-ups while a batch is made. */
  getSync(key: Uint8Array): Uint8Array | undefined {
    return this.#level.getSync(key)
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return stored(this.#level.get(key))
  }

  /**
   * Entries of the keys that begin with `prefix`, after the key `after` if given: at most `limit`, at most about a
   * megabyte, none only at the end.
   */
  entries(prefix: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<readonly Entry[]> {
    return stored(this.#entries(prefix, after, limit))
  }

  async #entries(prefix: Uint8Array, after: Uint8Array | undefined, limit: number): Promise<readonly Entry[]> {
    const iterator = this.#level.iterator({ ...range(prefix, after), limit, ...scanOptions })
    try {
      return (await iterator.nextv(limit)).map(([key, value]) => ({ key, value }))
    } finally {
      await iterator.close()
    }
  }

  /** What `fill` puts and deletes, all or nothing, on disk when this resolves. */
  async write(fill: (write: Write) => void | Promise<void>): Promise<void> {
    const batch = this.#level.batch()
    try {
      await fill({ put: (key, value) => void batch.put(key, value), del: (key) => void batch.del(key) })
    } catch (error) {
      await batch.close()
      throw error
    }
    await stored(batch.write({ sync: true }))
  }

  close(): Promise<void> {
    return stored(this.#level.close())
  }
}

/** The default of 16 KiB would cut a scan into tiny reads; a full read of index rows is far below this. */
const scanOptions = { highWaterMarkBytes: 1_048_576 }

function range(prefix: Uint8Array, after: Uint8Array | undefined): { gte: Uint8Array } | { gt: Uint8Array } {
  const end = { lt: afterPrefix(prefix) }
  return after === undefined ? { gte: prefix, ...end } : { gt: after, ...end }
}
