// The staging area: payloads of transactions that are not ordered yet, each sealed under a key of its own, so that one
// that never becomes part of the ledger can be forgotten like any other. Many that arrive together share their fsyncs.

import { concat, utf8 } from '../base/bytes.ts'
import { type Digest, digestOf, idBytes } from '../base/ids.ts'
import { keyedHash } from '../base/seal.ts'
import type { Database } from './database.ts'
import type { KeyRing } from './key-ring.ts'
import { hashedKey, tables } from './layout.ts'
import type { Sealer } from './sealer.ts'

interface Waiting {
  readonly request: Digest
  readonly payload: Uint8Array
  readonly done: PromiseWithOutcome
}

interface PromiseWithOutcome {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export function stagedKey(keys: KeyRing, request: Digest): Uint8Array {
  return hashedKey(tables.staged, keyedHash(keys.active('lookup').secret, utf8('staged '), idBytes(request)))
}

export class Staging {
  readonly #database: Database
  readonly #sealer: Sealer
  readonly #keys: KeyRing
  #waiting: Waiting[] = []
  #working: Promise<void> | undefined

  constructor(database: Database, sealer: Sealer, keys: KeyRing) {
    this.#database = database
    this.#sealer = sealer
    this.#keys = keys
  }

  /** Durable when this resolves. */
  stage(request: Digest, payload: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, payload, done: { resolve, reject } })
      this.#working ??= this.#work()
    })
  }

  /** @throws LedgerError RECORD_TAMPERED, KEY_MISSING */
  async staged(request: Digest): Promise<Uint8Array | undefined> {
    const key = stagedKey(this.#keys, request)
    const sealed = await this.#database.get(key)
    return sealed === undefined ? undefined : this.#sealer.open(key, sealed).slice(32)
  }

  /** All requests that have a payload here. */
  async *requests(): AsyncGenerator<Digest, void, undefined> {
    const prefix = Uint8Array.of(tables.staged)
    let after: Uint8Array | undefined
    while (true) {
      const entries = await this.#database.entries(prefix, after, 64)
      for (const { key, value } of entries) yield digestOf(this.#sealer.open(key, value).subarray(0, 32))
      if (entries.length === 0) return
      after = entries.at(-1)?.key
    }
  }

  /** Forgets payloads of requests that will not be ordered any more. */
  async unstage(requests: readonly Digest[]): Promise<void> {
    await this.#database.write((write) => {
      for (const request of requests) write.del(stagedKey(this.#keys, request))
    })
    await this.#keys.bag.drop(requests)
  }

  /** Resolves when nothing is being staged. */
  async idle(): Promise<void> {
    await this.#working
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#keys.bag.add(group.map(({ request }) => request))
        await this.#database.write((write) => {
          for (const { request, payload } of group) {
            const key = stagedKey(this.#keys, request)
            write.put(key, this.#sealer.seal(this.#keys.bag.key(request), key, concat(idBytes(request), payload)))
          }
        })
        for (const { done } of group) done.resolve()
      } catch (error) {
        for (const { done } of group) done.reject(error)
      }
    }
    this.#working = undefined
  }
}
