// Static verdicts on transactions, remembered until they are executed: the same transaction comes from its client, in a
// forwarded request and in a proposal, and its signature is worth checking once.

import type { LedgerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { verify } from '../base/signature.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { type StaticVerdict, staticVerdict } from '../ledger/static.ts'

/** What remembering takes however short a transaction is: a peer may send many that are one byte long. */
const overheadBytes = 256

interface Known {
  readonly verdict: StaticVerdict
  readonly bytes: number
}

export class Verdicts {
  readonly #ledger: LedgerId
  readonly #bytesMax: number
  /** The oldest first. */
  readonly #known: Map<RequestId, Known> = new Map()
  #bytes = 0

  /** `bytesMax`: of the transactions whose verdicts are remembered, together, and 256 for each. */
  constructor(ledger: LedgerId, bytesMax: number = limits.verdictBytesMax) {
    this.#ledger = ledger
    this.#bytesMax = bytesMax
  }

  /** How many are remembered. */
  get size(): number {
    return this.#known.size
  }

  of(transaction: Uint8Array): StaticVerdict {
    const id = requestId(transaction)
    const before = this.#known.get(id)
    if (before !== undefined) return before.verdict
    const verdict = staticVerdict(this.#ledger, transaction, verify)
    const bytes = transaction.length + overheadBytes
    this.#known.set(id, { verdict, bytes })
    this.#bytes += bytes
    for (const oldest of this.#known.keys()) {
      if (this.#bytes <= this.#bytesMax) break
      this.#forget(oldest)
    }
    return verdict
  }

  /** These are executed: nobody needs to judge them again. */
  executed(ids: readonly RequestId[]): void {
    for (const id of ids) this.#forget(id)
  }

  #forget(id: RequestId): void {
    this.#bytes -= this.#known.get(id)?.bytes ?? 0
    this.#known.delete(id)
  }
}
