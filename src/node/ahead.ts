// Blocks that came while others are executed: what waits, in order, and where the next question begins. What a peer gave is not
// believed here; whoever executes it checks it, and everything behind a block that does not hold is dropped.

import { LedgerError } from '../base/errors.ts'
import { type NodeId, type Sequence, sequenceOf } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import { decodeTransaction } from '../ledger/static.ts'
import { hasPayload } from '../ledger/transaction.ts'
import type { BlocksAnswer } from './serve.ts'
import type { ServedBlock } from './wire.ts'

/** Answers that wait while another is executed: each is as large as a frame at most. */
const waitingMax = 2

/** What one answer brought. */
export interface Given {
  readonly by: NodeId
  readonly blocks: readonly Uint8Array[]
  readonly took: Took
}

/** How long an answer took. */
export interface Took {
  /** Since it was asked, ms. */
  readonly ms: number
  /** Of them without a block to execute, ms. */
  readonly idleMs: number
}

/** A block too large for one answer: whoever gave its first payloads gives the others when asked for it again. */
interface Rest {
  readonly by: NodeId
  readonly got: ReadonlySet<RequestId>
}

export class Ahead {
  #waiting: Given[] = []
  #last: number
  #next: Sequence
  #rest: Rest | undefined
  #busy = false
  #ended = false
  #drops = 0
  /** Of all times without a block to execute, and since when this one lasts. */
  #idleMs = 0
  #idleSince: number | undefined
  #wake: (() => void)[] = []

  /** `from`: the first block that is wanted. */
  constructor(from: Sequence) {
    this.#next = from
    this.#last = from - 1
  }

  /** The first block of the next question. */
  get next(): Sequence {
    return this.#next
  }

  /** Who is to be asked next, because it has the rest of a block. */
  get owing(): NodeId | undefined {
    return this.#rest?.by
  }

  get isFull(): boolean {
    return this.#waiting.length >= waitingMax
  }

  /** Whether something is executed or waits for it. */
  get isBusy(): boolean {
    return this.#busy || this.#waiting.length > 0
  }

  get ended(): boolean {
    return this.#ended
  }

  /** How often everything that waited was dropped: what was asked before is not worth waiting for. */
  get drops(): number {
    return this.#drops
  }

  /** For how long there was no block to execute, ms. */
  get idleMs(): number {
    return this.#idleMs + (this.#idleSince === undefined ? 0 : performance.now() - this.#idleSince)
  }

  /** An answer to a question for `next`, with at least one block. */
  add(by: NodeId, { from, blocks }: BlocksAnswer, took: Took): void {
    const known = this.#rest?.by === by ? this.#rest.got : new Set<RequestId>()
    const fresh = blocks.slice(this.#last + 1 - from).map(({ block }) => block)
    this.#last += fresh.length
    // A further block is given only whole.
    const [first] = blocks
    const rest = blocks.length === 1 && first !== undefined ? restOf(first, known) : undefined
    this.#rest = rest && { by, got: rest }
    this.#next = sequenceOf(rest === undefined ? this.#last + 1 : from)
    if (fresh.length > 0) this.#waiting.push({ by, blocks: fresh, took })
    this.#changed()
  }

  /** The peer that owes the rest of a block does not give it. */
  forgo(): void {
    this.#rest = undefined
    this.#next = sequenceOf(this.#last + 1)
  }

  /** The oldest answer; undefined once it ended. What was taken before is done with. */
  async take(): Promise<Given | undefined> {
    this.#busy = false
    this.#changed()
    this.#idleSince = performance.now()
    while (this.#waiting.length === 0 && !this.#ended) await this.changed()
    this.#idleMs = this.idleMs
    this.#idleSince = undefined
    if (this.#ended) return undefined
    this.#busy = true
    const [given] = this.#waiting.splice(0, 1)
    this.#changed()
    return given
  }

  /** Drops what waits; `from` is wanted next. */
  drop(from: Sequence): void {
    this.#waiting = []
    this.#rest = undefined
    this.#next = from
    this.#last = from - 1
    this.#drops += 1
    this.#changed()
  }

  end(): void {
    this.#ended = true
    this.#rest = undefined
    this.#changed()
  }

  /** Resolves with the next change, or after `ms`. */
  changed(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
      this.#wake.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Resolves after `ms`, or when it ended. */
  async pause(ms: number): Promise<void> {
    const end = performance.now() + ms
    while (!this.#ended && performance.now() < end) await this.changed(end - performance.now())
  }

  #changed(): void {
    const woken = this.#wake
    this.#wake = []
    for (const wake of woken) wake()
  }
}

/** Payloads of a block that came so far, when some are missing and this answer brought one; else undefined. */
function restOf({ block, payloads, kept }: ServedBlock, known: ReadonlySet<RequestId>): Set<RequestId> | undefined {
  const brought = new Set([...payloads, ...kept].map(({ id }) => id))
  try {
    const { transactions } = decode(blockRecordSchema, block)
    const lacking = transactions.filter((bytes) => !known.has(requestId(bytes)) && hasPayload(decodeTransaction(bytes)))
    const found = lacking.map(requestId).filter((id) => brought.has(id))
    return found.length === 0 || found.length === lacking.length ? undefined : new Set([...known, ...found])
  } catch (error) {
    // Whoever executes it says so, and whose fault it is.
    if (error instanceof LedgerError) return undefined
    throw error
  }
}
