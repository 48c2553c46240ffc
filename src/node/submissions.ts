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

export interface Submissions {
  /** @throws LedgerError what is wrong with it, TOO_BUSY, or NOT_FINAL when `signal` ends the wait. */
  submit(transaction: Uint8Array, payload: Uint8Array, signal: AbortSignal): Promise<Submission>
  executed(delivered: Delivered): void
  final(sequence: Sequence): void
  rejected(id: RequestId, code: ErrorCode): void
}

export interface SubmissionsOptions {
  /** Height that is known to be final at the start. */
  readonly final: Sequence
  readonly machine: () => LedgerMachine
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

export function createSubmissions({ final, machine, payloads, verdicts, propose }: SubmissionsOptions): Submissions {
  const waiters = new Map<TxId, Set<Waiter>>()
  let finalHeight: number = final

  function settle(tx: TxId, waiter: Waiter, result: Execution | LedgerError): void {
    const of = waiters.get(tx)
    of?.delete(waiter)
    if (of?.size === 0) waiters.delete(tx)
    waiter.settle(result)
  }

  function settleFinal(): void {
    for (const [tx, of] of waiters) {
      for (const waiter of of) {
        const { execution } = waiter
        if (execution !== undefined && execution.sequence <= finalHeight) settle(tx, waiter, execution)
      }
    }
  }

  function wait(tx: TxId, id: RequestId, execution: Execution | undefined, signal: AbortSignal): Promise<Execution> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        id,
        execution,
        settle: (result) => (result instanceof LedgerError ? reject(result) : resolve(result)),
      }
      waiters.set(tx, (waiters.get(tx) ?? new Set()).add(waiter))
      const giveUp = (): void => settle(tx, waiter, new LedgerError('NOT_FINAL', { tx }))
      if (signal.aborted) giveUp()
      else signal.addEventListener('abort', giveUp, { once: true })
    })
  }

  return {
    async submit(bytes, payload, signal) {
      const verdict = verdicts.of(bytes)
      if (verdict.type === 'invalid') throw new LedgerError(verdict.code)
      const { tx, transaction } = verdict
      const before = await machine().execution(tx)
      if (before !== undefined && before.sequence <= finalHeight) return { tx, ...before }
      if (before === undefined) {
        const fault = machine().ledger.courtesyFault(transaction)
        if (fault !== undefined) throw new LedgerError(fault)
        await payloads.take(bytes, payload)
      }
      const done = wait(tx, requestId(bytes), before, signal)
      if (before === undefined) propose(bytes)
      return { tx, ...(await done) }
    },

    executed({ header, outcomes }) {
      for (const { tx, index, code, repeated } of outcomes) {
        if (repeated) continue
        for (const waiter of waiters.get(tx) ?? []) waiter.execution = { sequence: header.sequence, index, code }
      }
      settleFinal()
    },

    final(sequence) {
      finalHeight = Math.max(finalHeight, sequence)
      settleFinal()
    },

    rejected(id, code) {
      for (const [tx, of] of waiters)
        for (const waiter of of) if (waiter.id === id) settle(tx, waiter, new LedgerError(code))
    },
  }
}
