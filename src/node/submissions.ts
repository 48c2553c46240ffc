// Clients that wait: each transaction is answered once its block is final, with the outcome that the ledger gave it. Asking
// again with the same bytes gives the same answer, whichever node is asked.

import { type ErrorCode, LedgerError } from '../base/errors.ts'
import type { Sequence, TxId } from '../base/ids.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import type { Delivered } from '../ledger/ledger.ts'
import type { Transaction } from '../ledger/transaction.ts'
import type { Execution } from './execution.ts'
import type { LedgerMachine } from './machine.ts'
import type { PayloadPool } from './payloads.ts'
import type { Verdicts } from './verdicts.ts'

export interface Submission extends Execution {
  readonly tx: TxId
}

export interface SubmissionsOptions {
  /** Height that is known to be final at the start. */
  readonly final: Sequence
  readonly machine: LedgerMachine
  readonly payloads: PayloadPool
  readonly verdicts: Verdicts
  /** Hands a request to the protocol. */
  readonly propose: (transaction: Uint8Array) => void
}

interface Waiter {
  readonly id: RequestId
  execution: Execution | undefined
  settle: (result: Execution | LedgerError) => void
}

export class Submissions {
  readonly #options: SubmissionsOptions
  readonly #waiters: Map<TxId, Set<Waiter>> = new Map()
  #final: number
  #halted: ErrorCode | undefined

  constructor(options: SubmissionsOptions) {
    this.#options = options
    this.#final = options.final
  }

  /** Nothing is written any more, and whoever waits hears why. */
  halt(code: ErrorCode): void {
    this.#halted = code
    this.giveUp(code)
  }

  /** Whoever waits now hears why it may wait for ever. */
  giveUp(code: ErrorCode): void {
    for (const [tx, waiters] of this.#waiters)
      for (const waiter of waiters) this.#settle(tx, waiter, new LedgerError(code))
  }

  /** @throws LedgerError what is wrong with it, TOO_BUSY, or NOT_FINAL when `signal` ends the wait. */
  async submit(bytes: Uint8Array, payload: Uint8Array, signal: AbortSignal): Promise<Submission> {
    if (this.#halted !== undefined) throw new LedgerError(this.#halted)
    const { machine, verdicts, propose } = this.#options
    const verdict = verdicts.of(bytes)
    if (verdict.type === 'invalid') throw new LedgerError(verdict.code)
    const { tx, transaction } = verdict
    const request = requestId(bytes)
    // Registered before the look, so that a block that is executed in between answers it.
    const { waiter, done } = this.#wait(tx, request, signal)
    try {
      const before = await machine.execution(tx)
      if (before !== undefined) {
        waiter.execution = before
        this.#settleFinal()
      } else if (waiter.execution === undefined) {
        await this.#admit(bytes, payload, transaction)
        propose(bytes)
      }
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      // A block may have executed it since the look, and then it is its own repetition.
      if (waiter.execution === undefined) this.#settle(tx, waiter, error)
      else this.#settleFinal()
    }
    return { tx, ...(await done) }
  }

  /** A courtesy to the client, before the protocol spends anything on what this node's state shows to be hopeless. */
  async #admit(bytes: Uint8Array, payload: Uint8Array, transaction: Transaction): Promise<void> {
    const fault = await this.#options.machine.courtesyFault(transaction)
    if (fault !== undefined) throw new LedgerError(fault)
    await this.#options.payloads.take(bytes, payload)
  }

  /** `requests`: of the block's transactions, in order. */
  executed({ header, outcomes }: Delivered, requests: readonly RequestId[]): void {
    for (const { tx, index, code, admitted } of outcomes) {
      const request = requests[index] as RequestId
      for (const waiter of this.#waiters.get(tx) ?? []) {
        if (admitted) waiter.execution = { request, sequence: header.sequence, index, code }
        else if (waiter.id === request && code !== 'OK' && code !== 'REPEATED')
          this.#settle(tx, waiter, new LedgerError(code))
      }
    }
    this.#settleFinal()
  }

  final(sequence: Sequence): void {
    this.#final = Math.max(this.#final, sequence)
    this.#settleFinal()
  }

  rejected(id: RequestId, code: ErrorCode): void {
    for (const [tx, waiters] of this.#waiters) {
      for (const waiter of waiters) if (waiter.id === id) this.#settle(tx, waiter, new LedgerError(code))
    }
  }

  #wait(tx: TxId, id: RequestId, signal: AbortSignal): { readonly waiter: Waiter; readonly done: Promise<Execution> } {
    const waiter: Waiter = { id, execution: undefined, settle: () => undefined }
    const done = new Promise<Execution>((resolve, reject) => {
      const giveUp = (): void => this.#settle(tx, waiter, new LedgerError('NOT_FINAL', { tx }))
      waiter.settle = (result) => {
        signal.removeEventListener('abort', giveUp)
        if (result instanceof LedgerError) reject(result)
        else resolve(result)
      }
      this.#waiters.set(tx, (this.#waiters.get(tx) ?? new Set()).add(waiter))
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp)
    })
    // `submit` looks at it at its end; until then nobody does, and the client may leave meanwhile.
    done.catch(() => undefined)
    return { waiter, done }
  }

  #settleFinal(): void {
    for (const [tx, waiters] of this.#waiters) {
      for (const waiter of waiters) {
        const { id, execution } = waiter
        if (execution === undefined) continue
        if (execution.request !== id) this.#settle(tx, waiter, new LedgerError('REPEATED', { tx }))
        else if (execution.sequence <= this.#final) this.#settle(tx, waiter, execution)
      }
    }
  }

  #settle(tx: TxId, waiter: Waiter, result: Execution | LedgerError): void {
    const waiters = this.#waiters.get(tx)
    if (waiters?.delete(waiter) !== true) return
    if (waiters.size === 0) this.#waiters.delete(tx)
    waiter.settle(result)
  }
}
