// Payloads on their way. They travel beside messages and the protocol core never sees them; here they wait, checked
// against their commitments and durable in the staging area, until their block is executed. Missing ones are asked of peers.

import { invariant, LedgerError } from '../base/errors.ts'
import type { LedgerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode } from '../base/schema.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { type OpenedItem, openPayload } from '../ledger/items.ts'
import { payloadSchema } from '../ledger/payload.ts'
import { hasPayload, type Transaction } from '../ledger/transaction.ts'
import type { Verdicts } from './verdicts.ts'
import type { CarriedPayload } from './wire.ts'

/** A payload that opens its commitments, with what it says. */
export interface OpenedPayload {
  readonly bytes: Uint8Array
  readonly items: readonly OpenedItem[]
}

export interface PayloadPoolOptions {
  readonly ledger: LedgerId
  readonly verdicts: Verdicts
  /** Durable when it resolves. */
  readonly stage: (id: RequestId, payload: Uint8Array) => Promise<void>
  readonly staged: (id: RequestId) => Promise<Uint8Array | undefined>
  /** Asks peers for payloads; answers come by `offer`. `again`: the first question brought nothing. */
  readonly ask: (ids: readonly RequestId[], again: boolean) => void
  readonly onFailure: (error: unknown) => void
}

interface Wait {
  readonly transaction: Transaction
  readonly here: Promise<void>
  readonly settle: () => void
}

export class PayloadPool {
  readonly #options: PayloadPoolOptions
  /** Offered, not yet checked; what nobody asked for is the first to go. */
  readonly #loose: Shelf = new Shelf(limits.stagedBytesMax)
  /** Checked and durable. */
  readonly #here: Map<RequestId, OpenedPayload> = new Map()
  /** Executed, kept for peers that are a little behind. */
  readonly #recent: Shelf = new Shelf(limits.recentPayloadBytesMax)
  readonly #waiting: Map<RequestId, Wait> = new Map()

  constructor(options: PayloadPoolOptions) {
    this.#options = options
  }

  /** Takes what a peer sent; it is checked when somebody waits for it. */
  offer(payloads: readonly CarriedPayload[]): void {
    for (const { id, payload } of payloads) {
      if (this.#here.has(id)) continue
      this.#loose.put(id, payload)
      const wait = this.#waiting.get(id)
      if (wait !== undefined) this.#tryLoose(id, wait.transaction).catch(this.#options.onFailure)
    }
  }

  /** Resolves when the payload of every transaction is checked and durable; false when one is statically invalid. */
  async ready(transactions: readonly Uint8Array[]): Promise<boolean> {
    const waits: Promise<void>[] = []
    for (const bytes of transactions) {
      const verdict = this.#options.verdicts.of(bytes)
      if (verdict.type === 'invalid') return false
      if (hasPayload(verdict.transaction)) waits.push(this.#wait(requestId(bytes), verdict.transaction))
    }
    await Promise.all(waits)
    return true
  }

  /**
   * Takes a request with its payload, from a client or from the peer that forwards it; durable when it resolves.
   * @throws LedgerError what is wrong with the request; PAYLOAD_UNAVAILABLE when the payload is not the one it committed to.
   */
  async take(bytes: Uint8Array, payload: Uint8Array): Promise<void> {
    const id = requestId(bytes)
    const transaction = this.#validated(bytes)
    if (hasPayload(transaction) && !this.#here.has(id)) await this.#keep(id, transaction, payload)
  }

  /** The opened payload of a transaction, once it is here. */
  async opened(bytes: Uint8Array): Promise<OpenedPayload> {
    const id = requestId(bytes)
    await this.#wait(id, this.#validated(bytes))
    const opened = this.#here.get(id)
    invariant(opened !== undefined, 'a payload that was waited for is here')
    return opened
  }

  /** Payloads to send along with these requests, as far as they are here. */
  carried(ids: readonly RequestId[]): readonly CarriedPayload[] {
    return ids.flatMap((id) => {
      const payload = this.#here.get(id)?.bytes ?? this.#recent.get(id)
      return payload === undefined ? [] : [{ id, payload }]
    })
  }

  /** Their block is executed: they are in the store, and here only for peers that are a little behind. */
  release(ids: readonly RequestId[]): void {
    for (const id of ids) {
      const opened = this.#here.get(id)
      if (opened !== undefined) this.#recent.put(id, opened.bytes)
      this.#here.delete(id)
      this.#loose.remove(id)
    }
  }

  /** Asks peers again for what is missing. */
  askAgain(): void {
    const missing = [...this.#waiting.keys()].slice(0, limits.batchTransactionsMax)
    if (missing.length > 0) this.#options.ask(missing, true)
  }

  #validated(bytes: Uint8Array): Transaction {
    const verdict = this.#options.verdicts.of(bytes)
    if (verdict.type === 'invalid') throw new LedgerError(verdict.code)
    return verdict.transaction
  }

  async #wait(id: RequestId, transaction: Transaction): Promise<void> {
    if (this.#here.has(id)) return
    const before = await this.#options.staged(id)
    // It may have come while the disk was asked.
    if (this.#here.has(id)) return
    if (before !== undefined) {
      this.#here.set(id, this.#open(id, transaction, before))
      return
    }
    const wait = this.#waiting.get(id) ?? this.#beginWait(id, transaction)
    await this.#tryLoose(id, transaction)
    if (this.#waiting.has(id)) this.#options.ask([id], false)
    await wait.here
  }

  #beginWait(id: RequestId, transaction: Transaction): Wait {
    let settle = (): void => undefined
    const here = new Promise<void>((resolve) => {
      settle = resolve
    })
    const wait = { transaction, here, settle }
    this.#waiting.set(id, wait)
    return wait
  }

  /** Tries what was offered; a payload that does not open is dropped and the wait goes on. */
  async #tryLoose(id: RequestId, transaction: Transaction): Promise<void> {
    const bytes = this.#loose.get(id)
    if (bytes === undefined) return
    this.#loose.remove(id)
    try {
      await this.#keep(id, transaction, bytes)
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code === 'STORAGE_FAILED') throw error
    }
  }

  async #keep(id: RequestId, transaction: Transaction, bytes: Uint8Array): Promise<void> {
    const opened = this.#open(id, transaction, bytes)
    await this.#options.stage(id, bytes)
    this.#here.set(id, opened)
    const wait = this.#waiting.get(id)
    this.#waiting.delete(id)
    wait?.settle()
  }

  #open(id: RequestId, transaction: Transaction, bytes: Uint8Array): OpenedPayload {
    if (bytes.length === 0) throw new LedgerError('PAYLOAD_UNAVAILABLE', { request: id })
    const payload = decode(payloadSchema, bytes)
    const verdict = openPayload(this.#options.ledger, transaction, payload)
    if (verdict.type === 'fault') throw new LedgerError('PAYLOAD_UNAVAILABLE', { request: id, reason: verdict.code })
    return { bytes, items: verdict.items }
  }
}

/** Payloads by request up to so many bytes; the oldest go first. */
class Shelf {
  readonly #bytesMax: number
  readonly #payloads: Map<RequestId, Uint8Array> = new Map()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get(id: RequestId): Uint8Array | undefined {
    return this.#payloads.get(id)
  }

  put(id: RequestId, payload: Uint8Array): void {
    this.remove(id)
    this.#payloads.set(id, payload)
    this.#bytes += payload.length
    for (const oldest of this.#payloads.keys()) {
      if (this.#bytes <= this.#bytesMax) return
      this.remove(oldest)
    }
  }

  remove(id: RequestId): void {
    this.#bytes -= this.#payloads.get(id)?.length ?? 0
    this.#payloads.delete(id)
  }
}
