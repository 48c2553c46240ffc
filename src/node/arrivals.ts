// Waiting for heights: whoever follows the ledger is woken when the next block is executed.

import { LedgerError } from '../base/errors.ts'

export class Arrivals {
  readonly #waiting = new Set<{ readonly height: number; readonly settle: (stopped: boolean) => void }>()
  readonly #height: () => number

  constructor(height: () => number) {
    this.#height = height
  }

  /** True once the block of this height is executed; false when `signal` aborts before. @throws LedgerError NODE_STOPPED */
  reached(height: number, signal: AbortSignal): Promise<boolean> {
    if (this.#height() >= height) return Promise.resolve(true)
    if (signal.aborted) return Promise.resolve(false)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiting)
        resolve(false)
      }
      const waiting = {
        height,
        settle: (stopped: boolean): void => {
          this.#waiting.delete(waiting)
          signal.removeEventListener('abort', leave)
          if (stopped) reject(new LedgerError('NODE_STOPPED'))
          else resolve(true)
        },
      }
      this.#waiting.add(waiting)
      signal.addEventListener('abort', leave)
    })
  }

  executed(): void {
    const height = this.#height()
    for (const waiting of this.#waiting) if (waiting.height <= height) waiting.settle(false)
  }

  close(): void {
    for (const waiting of this.#waiting) waiting.settle(true)
  }
}
