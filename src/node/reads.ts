// Linearizable reads that wait: each is a question to the protocol under a random name, and is answered once this node has
// executed everything that was acknowledged before it was asked, wherever that was.

import { toHex } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { ReadId } from '../consensus/contract.ts'

interface Waiting {
  /** Undefined until the protocol has said it. */
  sequence: number | undefined
  readonly settle: (outcome: number | LedgerError) => void
}

export interface ReadsOptions {
  readonly randomBytes: (length: number) => Uint8Array
  /** Hands the question to the protocol. */
  readonly ask: (id: ReadId) => void
  /** Height of the last executed block. */
  readonly height: () => number
}

export class Reads {
  readonly #options: ReadsOptions
  readonly #waiting = new Map<ReadId, Waiting>()

  constructor(options: ReadsOptions) {
    this.#options = options
  }

  /**
   * Resolves with the height that is executed here when all that was acknowledged before this call is.
   * @throws LedgerError TOO_BUSY; READ_UNCONFIRMED when `signal` ends the wait.
   */
  confirmed(signal: AbortSignal): Promise<number> {
    if (this.#waiting.size >= limits.readsMax) throw new LedgerError('TOO_BUSY')
    const id = toHex(this.#options.randomBytes(16))
    return new Promise((resolve, reject) => {
      const giveUp = (): void => settle(new LedgerError('READ_UNCONFIRMED'))
      const settle = (outcome: number | LedgerError): void => {
        this.#waiting.delete(id)
        signal.removeEventListener('abort', giveUp)
        if (outcome instanceof LedgerError) reject(outcome)
        else resolve(outcome)
      }
      this.#waiting.set(id, { sequence: undefined, settle })
      if (signal.aborted) return giveUp()
      signal.addEventListener('abort', giveUp)
      this.#options.ask(id)
    })
  }

  /** The protocol says: what is acknowledged so far stands at or below `sequence`. */
  readable(id: ReadId, sequence: number): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    waiting.sequence = sequence
    this.executed()
  }

  /** The node stops. */
  close(): void {
    for (const { settle } of this.#waiting.values()) settle(new LedgerError('NODE_STOPPED'))
  }

  /** A block was executed. */
  executed(): void {
    const height = this.#options.height()
    for (const { sequence, settle } of this.#waiting.values()) {
      if (sequence !== undefined && sequence <= height) settle(height)
    }
  }
}
