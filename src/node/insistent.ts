// Work of this node that must be done in the end, whatever stands in its way for a while: woken when there may be something to do,
// tried again with growing pauses, ended between two tries.

import { type ErrorCode, LedgerError } from '../base/errors.ts'

export interface InsistentOptions {
  /** Does all that there is to do. @throws LedgerError when something must wait */
  readonly work: () => Promise<void>
  /** It is tried again. */
  readonly onDelay: (code: ErrorCode) => void
  /** What nothing can be done about: anything else than a LedgerError, and STORAGE_FAILED. */
  readonly onFailure: (error: unknown) => void
}

const retryMsMin = 500
const retryMsMax = 30_000

export class Insistent {
  readonly #options: InsistentOptions
  #working: Promise<void> | undefined
  #again = false
  #stopped = false
  #wakeUp: () => void = () => undefined

  constructor(options: InsistentOptions) {
    this.#options = options
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** There may be something to do. */
  wake(): void {
    this.#again = true
    if (this.#stopped || this.#working !== undefined) return
    this.#working = this.#run()
      .catch(this.#options.onFailure)
      .finally(() => {
        this.#working = undefined
      })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#wakeUp()
    await this.#working
  }

  /** Resolves early when it is stopped. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#stopped) this.#wakeUp()
    })
  }

  async #run(): Promise<void> {
    let retryMs = retryMsMin
    while (this.#again && !this.#stopped) {
      this.#again = false
      try {
        await this.#options.work()
        retryMs = retryMsMin
      } catch (error) {
        if (!(error instanceof LedgerError) || error.code === 'STORAGE_FAILED') throw error
        if (this.#stopped) return
        this.#options.onDelay(error.code)
        this.#again = true
        await this.pause(retryMs)
        retryMs = Math.min(2 * retryMs, retryMsMax)
      }
    }
  }
}
