// The side-car of a node's local log: what its leaves must not say (who asked from where, and for what), sealed under a key of
// the store and kept in the root that can be erased. Records are found by the reference that a leaf names; references begin
// with their time, so they stand in its order. What a record says is the affair of others.

import { concat } from '../base/bytes.ts'
import type { Database } from './database.ts'
import type { Queue } from './failure.ts'
import type { KeyRing } from './key-ring.ts'
import { tables } from './layout.ts'
import type { Sealer } from './sealer.ts'

export interface Detail {
  /** 16 bytes. */
  readonly reference: Uint8Array
  readonly bytes: Uint8Array
}

export interface SealedDetail extends Detail {
  /** As it stands on the disk. */
  readonly sealed: Uint8Array
}

export interface DetailsParts {
  readonly database: Database
  readonly sealer: Sealer
  readonly keys: KeyRing
  /** The queue that the store's commits go through: a rotation never misses what is written meanwhile. */
  readonly writes: Queue
}

const recordsAtOnce = 256
const prefix = Uint8Array.of(tables.details)

export class Details {
  readonly #parts: DetailsParts

  constructor(parts: DetailsParts) {
    this.#parts = parts
  }

  /** Durable when it resolves. */
  put(details: readonly Detail[]): Promise<void> {
    const { database, sealer, keys, writes } = this.#parts
    return writes.run(() =>
      database.write((write) => {
        for (const { reference, bytes } of details) {
          const at = concat(prefix, reference)
          write.put(at, sealer.seal(keys.active('details'), at, bytes))
        }
      }),
    )
  }

  /** Undefined for one that is not here, or not any more. @throws LedgerError RECORD_TAMPERED */
  async get(reference: Uint8Array): Promise<Uint8Array | undefined> {
    const { database, sealer } = this.#parts
    const at = concat(prefix, reference)
    const sealed = await database.get(at)
    return sealed === undefined ? undefined : sealer.open(at, sealed)
  }

  /** All, in ascending order of references. What is removed meanwhile may still be given. */
  async *all(): AsyncGenerator<SealedDetail, void, undefined> {
    const { database, sealer } = this.#parts
    for (let after: Uint8Array | undefined; ; ) {
      const entries = await database.entries(prefix, after, recordsAtOnce)
      if (entries.length === 0) return
      for (const { key, value } of entries) {
        yield { reference: key.slice(1), bytes: sealer.open(key, value), sealed: value }
      }
      after = entries.at(-1)?.key
    }
  }

  /** Their bytes leave the files with the next purge, or with LevelDB's own merging. */
  remove(references: readonly Uint8Array[]): Promise<void> {
    const { database, writes } = this.#parts
    return writes.run(() =>
      database.write((write) => {
        for (const reference of references) write.del(concat(prefix, reference))
      }),
    )
  }
}
