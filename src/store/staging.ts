// The staging area: payloads of transactions that are not ordered yet, sealed as they will be once they are: each under a key
// of its own, so that one that never becomes part of the ledger can be forgotten like any other, or under a key of the store
// if it concerns nobody. Many that arrive together share their fsyncs.
// Staging and commits take turns in one queue, so no payload is written while its key is being dropped.

import { concat, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { type Digest, digestOf, idBytes } from '../base/ids.ts'
import { keyedHash } from '../base/seal.ts'
import type { Database, Entry } from './database.ts'
import type { Queue } from './failure.ts'
import type { KeyRing } from './key-ring.ts'
import { hashedKey, tables } from './layout.ts'
import type { Sealer } from './sealer.ts'

/** How a payload is sealed: 'shreddable' under a key of its own, 'open' under one of the store. */
export type StagedKind = 'open' | 'shreddable'

interface Waiting {
  readonly request: Digest
  readonly kind: StagedKind
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
  readonly #writes: Queue
  #waiting: Waiting[] = []

  /** `writes`: the queue that the store's commits go through. */
  constructor(database: Database, sealer: Sealer, keys: KeyRing, writes: Queue) {
    this.#database = database
    this.#sealer = sealer
    this.#keys = keys
    this.#writes = writes
  }

  /** Durable when this resolves. */
  stage(request: Digest, payload: Uint8Array, kind: StagedKind): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, kind, payload, done: { resolve, reject } })
      // Whoever comes before its turn joins the first of them.
      if (this.#waiting.length === 1) void this.#writes.run(() => this.#work())
    })
  }

  /** Undefined when there is none, also when its key is gone: that is how it is forgotten. @throws LedgerError RECORD_TAMPERED */
  async staged(request: Digest): Promise<Uint8Array | undefined> {
    const key = stagedKey(this.#keys, request)
    const sealed = await this.#database.get(key)
    return sealed === undefined ? undefined : this.#open(key, sealed)?.slice(32)
  }

  /** All requests that have a payload here. */
  async *requests(): AsyncGenerator<Digest, void, undefined> {
    const prefix = Uint8Array.of(tables.staged)
    let after: Uint8Array | undefined
    while (true) {
      const entries = await this.#database.entries(prefix, after, 64)
      for (const { key, value } of entries) {
        const staged = this.#open(key, value)
        if (staged !== undefined) yield digestOf(staged.subarray(0, 32))
      }
      if (entries.length === 0) return
      after = entries.at(-1)?.key
    }
  }

  /** Forgets payloads of requests that will not be ordered any more. */
  unstage(requests: readonly Digest[]): Promise<void> {
    return this.#writes.run(async () => {
      await this.#database.write((write) => {
        for (const request of requests) write.del(stagedKey(this.#keys, request))
      })
      await this.#keys.bag.drop(requests)
    })
  }

  /** Stages all that waits now. */
  async #work(): Promise<void> {
    const group = this.#waiting
    this.#waiting = []
    try {
      await this.#keys.bag.add(group.filter(({ kind }) => kind === 'shreddable').map(({ request }) => request))
      const sealed = group.flatMap((each) => this.#seal(each))
      await this.#database.write((write) => {
        for (const { key, value } of sealed) write.put(key, value)
      })
      // One that could not be sealed was rejected before, so this says nothing to it.
      for (const { done } of group) done.resolve()
    } catch (error) {
      for (const { done } of group) done.reject(error)
    }
  }

  /** The entry of one payload. One that cannot be sealed fails by itself. */
  #seal({ request, kind, payload, done }: Waiting): readonly Entry[] {
    const key = stagedKey(this.#keys, request)
    try {
      const sealing = kind === 'open' ? this.#keys.active('payload') : this.#keys.bag.key(request)
      return [{ key, value: this.#sealer.seal(sealing, key, concat(idBytes(request), payload)) }]
    } catch (error) {
      done.reject(error)
      return []
    }
  }

  #open(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    try {
      return this.#sealer.open(key, sealed)
    } catch (error) {
      if (error instanceof LedgerError && error.code === 'KEY_MISSING') return undefined
      throw error
    }
  }
}
