// A node's keys while it runs: what there is, and their rotation in the background, one at a time. One that a stop or a
// kill interrupted goes on at the next start.

import { toHex } from '../base/bytes.ts'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import type { KeyPurpose, KeyRing } from '../store/key-ring.ts'
import type { RotationProgress } from '../store/rotation.ts'
import type { Store } from '../store/store.ts'
import type { UnlockProvider } from '../store/unlock.ts'

export type KeyEvent =
  | ({ readonly type: 'keys' } & RotationProgress)
  /** It goes on at the next start, or when it is asked for again. */
  | { readonly type: 'rotation-failed'; readonly code: ErrorCode }

export interface KeyStatus {
  readonly unlock: UnlockProvider['provider']
  readonly keys: readonly {
    readonly purpose: KeyPurpose
    readonly version: number
    readonly state: 'active' | 'decrypt-only'
    readonly id: string
    /** Since it was made. */
    readonly ageSeconds: number
  }[]
  /** Generation of the bag of items' own keys, and how many there are. */
  readonly bag: { readonly generation: number; readonly keys: number }
  /** Null when none is under way. */
  readonly rotation: { readonly step: string; readonly done: number; readonly left: number } | null
}

export interface KeyCareOptions {
  readonly store: Pick<Store, 'rotate' | 'finishRotation'>
  readonly keyRing: KeyRing
  readonly unlock: UnlockProvider['provider']
  readonly onEvent: (event: KeyEvent) => void
}

/** Between two writes of a rotation, so that it takes no more than part of the disk. */
const restMs = 2

class Stopped extends Error {}

export class KeyCare {
  readonly #options: KeyCareOptions
  #running: Promise<void> | undefined
  #progress: RotationProgress | undefined
  #stopped = false

  constructor(options: KeyCareOptions) {
    this.#options = options
    this.#run((onProgress) => options.store.finishRotation(onProgress))
  }

  status(): KeyStatus {
    const { keyRing, unlock } = this.#options
    const now = Date.now()
    const keys = keyRing.entries().map(({ purpose, version, state, since, key }) => {
      const ageSeconds = Math.max(0, Math.round((now - since) / 1000))
      return { purpose, version, state, id: toHex(key.id), ageSeconds }
    })
    const { step = 'begun', done = 0, left = 0 } = this.#progress ?? {}
    return {
      unlock,
      keys,
      bag: { generation: keyRing.bag.generation, keys: keyRing.bag.size },
      rotation: this.#running === undefined ? null : { step, done, left },
    }
  }

  /** Begins one unless one is under way; `status` tells how far it is. */
  rotate(): KeyStatus {
    if (this.#running === undefined) this.#run((onProgress) => this.#options.store.rotate(onProgress))
    return this.status()
  }

  /** Before the store is closed. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  #run(work: (onProgress: (progress: RotationProgress) => Promise<void>) => Promise<void>): void {
    this.#progress = undefined
    this.#running = work((progress) => this.#onProgress(progress))
      .catch((error: unknown) => {
        if (error instanceof Stopped) return
        const code = error instanceof LedgerError ? error.code : 'UNEXPECTED'
        this.#options.onEvent({ type: 'rotation-failed', code })
      })
      .finally(() => {
        this.#running = undefined
      })
  }

  async #onProgress(progress: RotationProgress): Promise<void> {
    if (progress.step !== this.#progress?.step) this.#options.onEvent({ type: 'keys', ...progress })
    this.#progress = progress
    if (this.#stopped) throw new Stopped()
    await new Promise((resolve) => setTimeout(resolve, restMs))
  }
}
