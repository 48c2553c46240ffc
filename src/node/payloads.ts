// Payloads on their way. They travel beside messages and the protocol core never sees them; here they wait, checked
// against their commitments and durable in the staging area, until their block is executed. Missing ones are asked of peers.

import { LedgerError } from '../base/errors.ts'
import type { LedgerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode } from '../base/schema.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { type OpenedItem, openPayload } from '../ledger/items.ts'
import { type Payload, payloadSchema } from '../ledger/payload.ts'
import { hasPayload, type Transaction } from '../ledger/transaction.ts'
import type { Verdicts } from './verdicts.ts'
import type { CarriedPayload } from './wire.ts'

/** A payload that opens its commitments, with what it says. */
export interface OpenedPayload {
  readonly bytes: Uint8Array
  readonly payload: Payload
  readonly items: readonly OpenedItem[]
}

export interface PayloadPool {
  /** Keeps what a peer sent until somebody asks for it; what nobody asked for is the first to go. */
  offer(payloads: readonly CarriedPayload[]): void
  /** Resolves when the payload of every transaction is checked and durable; false when one is statically invalid. */
  ready(transactions: readonly Uint8Array[]): Promise<boolean>
  /** Takes a client's own payload. @throws LedgerError PAYLOAD_UNAVAILABLE when it does not open the commitments. */
  take(transaction: Uint8Array, payload: Uint8Array): Promise<void>
  /** The opened payload of a transaction that is ready. */
  opened(transaction: Uint8Array): Promise<OpenedPayload>
  /** Payloads to send along with these requests, as far as they are here. */
  carried(ids: readonly RequestId[]): readonly CarriedPayload[]
  /** Their block is executed: they are in the store and no longer here. */
  release(ids: readonly RequestId[]): void
  /** Asks peers again for what is missing. */
  tick(): void
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

interface Waiter {
  readonly transaction: Transaction
  readonly settle: () => void
}

export function createPayloadPool(options: PayloadPoolOptions): PayloadPool {
  const { ledger, verdicts, stage, staged, ask, onFailure } = options
  /** Offered, not yet checked. */
  const loose = new Map<RequestId, Uint8Array>()
  /** Checked and durable. */
  const here = new Map<RequestId, OpenedPayload>()
  /** Executed, kept for peers that are a little behind; the oldest go first. */
  const recent = new Map<RequestId, Uint8Array>()
  const waiting = new Map<RequestId, Waiter[]>()
  let recentBytes = 0
  let looseBytes = 0

  function open(id: RequestId, transaction: Transaction, bytes: Uint8Array): OpenedPayload {
    const payload = decode(payloadSchema, bytes)
    const verdict = openPayload(ledger, transaction, payload)
    if (verdict.type === 'fault') throw new LedgerError('PAYLOAD_UNAVAILABLE', { request: id, reason: verdict.code })
    return { bytes, payload, items: verdict.items }
  }

  async function keep(id: RequestId, transaction: Transaction, bytes: Uint8Array): Promise<OpenedPayload> {
    const opened = open(id, transaction, bytes)
    await stage(id, bytes)
    here.set(id, opened)
    const waiters = waiting.get(id) ?? []
    waiting.delete(id)
    for (const waiter of waiters) waiter.settle()
    return opened
  }

  function dropLoose(id: RequestId): void {
    looseBytes -= loose.get(id)?.length ?? 0
    loose.delete(id)
  }

  /** Tries what was offered; a payload that does not open is dropped and the wait goes on. */
  async function tryLoose(id: RequestId, transaction: Transaction): Promise<void> {
    const bytes = loose.get(id)
    if (bytes === undefined) return
    dropLoose(id)
    try {
      await keep(id, transaction, bytes)
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code === 'STORAGE_FAILED') onFailure(error)
    }
  }

  async function wait(id: RequestId, transaction: Transaction): Promise<void> {
    if (here.has(id)) return
    const before = await staged(id)
    if (before !== undefined) {
      here.set(id, open(id, transaction, before))
      return
    }
    const settled = new Promise<void>((settle) => {
      waiting.set(id, [...(waiting.get(id) ?? []), { transaction, settle }])
    })
    if (loose.has(id)) await tryLoose(id, transaction)
    if (waiting.has(id)) ask([id], false)
    await settled
  }

  return {
    offer(payloads) {
      for (const { id, payload } of payloads) {
        if (here.has(id) || loose.has(id)) continue
        loose.set(id, payload)
        looseBytes += payload.length
        const waiter = waiting.get(id)?.[0]
        if (waiter !== undefined) void tryLoose(id, waiter.transaction)
      }
      for (const id of loose.keys()) {
        if (looseBytes <= limits.stagedBytesMax) break
        dropLoose(id)
      }
    },

    async ready(transactions) {
      const valid = transactions.map((bytes) => ({ id: requestId(bytes), verdict: verdicts.of(bytes) }))
      const waits: Promise<void>[] = []
      for (const { id, verdict } of valid) {
        if (verdict.type === 'invalid') return false
        if (hasPayload(verdict.transaction)) waits.push(wait(id, verdict.transaction))
      }
      await Promise.all(waits)
      return true
    },

    async take(bytes, payload) {
      const id = requestId(bytes)
      const verdict = verdicts.of(bytes)
      if (verdict.type === 'invalid') throw new LedgerError(verdict.code)
      if (hasPayload(verdict.transaction) && !here.has(id)) await keep(id, verdict.transaction, payload)
    },

    async opened(bytes) {
      const id = requestId(bytes)
      const verdict = verdicts.of(bytes)
      if (verdict.type === 'invalid') throw new LedgerError(verdict.code)
      await wait(id, verdict.transaction)
      const opened = here.get(id)
      if (opened === undefined) throw new LedgerError('PAYLOAD_UNAVAILABLE', { request: id })
      return opened
    },

    carried: (ids) =>
      ids.flatMap((id) => {
        const payload = here.get(id)?.bytes ?? recent.get(id)
        return payload === undefined ? [] : [{ id, payload }]
      }),

    release(ids) {
      for (const id of ids) {
        const bytes = here.get(id)?.bytes
        here.delete(id)
        dropLoose(id)
        if (bytes === undefined || recent.has(id)) continue
        recent.set(id, bytes)
        recentBytes += bytes.length
      }
      for (const [id, bytes] of recent) {
        if (recentBytes <= limits.recentPayloadBytesMax) break
        recent.delete(id)
        recentBytes -= bytes.length
      }
    },

    tick() {
      if (waiting.size > 0) ask([...waiting.keys()].slice(0, limits.batchTransactionsMax), true)
    },
  }
}
