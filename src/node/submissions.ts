// Clients that wait: each transaction is answered once its block is final, with the outcome that the ledger gave it. Asking
// again with the same bytes gives the same answer, whichever node is asked.

import { type ErrorCode, LedgerError } from '../base/errors.ts'
import type { Sequence, TxId } from '../base/ids.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import type { Delivered } from '../ledger/ledger.ts'
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
  readonly settle: (result: Execution | LedgerError) => void
}

export class Submissions {
  readonly #options: SubmissionsOptions
  readonly #waiters: Map<TxId, Set<Waiter>> = new Map()
  #final: number

  constructor(options: SubmissionsOptions) {
    this.#options = options
    this.#final = options.final
  }

  /** @throws LedgerError what is wrong with it, TOO_BUSY, or NOT_FINAL when `signal` ends the wait. */
  async submit(bytes: Uint8Array, payload: Uint8Array, signal: AbortSignal): Promise<Submission> {
    const { machine, payloads, verdicts, propose } = this.#options
    const verdict = verdicts.of(bytes)
    if (verdict.type === 'invalid') throw new LedgerError(verdict.code)
    const { tx, transaction } = verdict
    const request = requestId(bytes)
    const before = await machine.execution(tx)
    if (before !== undefined && before.request !== request) throw new LedgerError('REPEATED', { tx })
    if (before !== undefined && before.sequence <= this.#final) return { tx, ...before }
    if (before === undefined) {
      const fault = machine.ledger.courtesyFault(transaction)
      // A number that was used while we looked is answered like one that was used before.
      if (fault !== undefined && fault !== 'REPEATED') throw new LedgerError(fault)
      await payloads.take(bytes, payload)
    }
    const done = this.#wait(tx, request, await machine.execution(tx), signal)
    if (before === undefined) propose(bytes)
    return { tx, ...(await done) }
  }

  /** `requests`: of the block's transactions, in order. */
  executed({ header, outcomes }: Delivered, requests: readonly RequestId[]): void {
    for (const { tx, index, code, repeated } of outcomes) {
      if (repeated) continue
      const execution: Execution = { request: requests[index] as RequestId, sequence: header.sequence, index, code }
      for (const waiter of this.#waiters.get(tx) ?? []) waiter.execution = execution
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

  #wait(tx: TxId, id: RequestId, execution: Execution | undefined, signal: AbortSignal): Promise<Execution> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => this.#settle(tx, waiter, new LedgerError('NOT_FINAL', { tx }))
      const settle = (result: Execution | LedgerError): void => {
        signal.removeEventListener('abort', giveUp)
        if (result instanceof LedgerError) reject(result)
        else resolve(result)
      }
      const waiter: Waiter = { id, execution, settle }
      this.#waiters.set(tx, (this.#waiters.get(tx) ?? new Set()).add(waiter))
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp)
      this.#settleFinal()
    })
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
