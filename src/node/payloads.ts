// Payloads on their way. They travel beside messages and the protocol core never sees them. Of each request this pool knows
// one thing: that its payload is wanted (somebody waits), or that it is held (checked against its commitments and durable
// in the staging area) until its block is executed or it has waited for too many blocks. Missing ones are asked of peers.

import { InvariantError, LedgerError } from '../base/errors.ts'
import type { LedgerId, NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode } from '../base/schema.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { type FaultModel, oneCorrect } from '../consensus/quorum.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'
import { type OpenedItem, openPayload } from '../ledger/items.ts'
import { type ErasedItem, keptPayloadSchema, openKeptPayload } from '../ledger/kept-payload.ts'
import { payloadSchema } from '../ledger/payload.ts'
import { hasPayload, type Transaction } from '../ledger/transaction.ts'
import { type Account, HeldBytes } from './held-bytes.ts'
import { KeptClaims } from './kept-claims.ts'
import { Offers, Shelf } from './offers.ts'
import type { Verdicts } from './verdicts.ts'
import type { CarriedPayload } from './wire.ts'

/** A payload that opens its commitments, with what it says. */
export interface OpenedPayload {
  /** Encoded Payload; undefined when some of its items are erased: then it is passed on to nobody. */
  readonly bytes: Uint8Array | undefined
  readonly items: readonly (OpenedItem | ErasedItem)[]
}

export interface PayloadPoolOptions {
  readonly ledger: LedgerId
  readonly verdicts: Verdicts
  /** Of payloads that wait for their block. */
  readonly stagedBytesMax?: number | undefined
  /** Durable when it resolves. */
  readonly stage: (id: RequestId, payload: Uint8Array, transaction: Transaction) => Promise<void>
  readonly staged: (id: RequestId) => Promise<Uint8Array | undefined>
  readonly unstage: (ids: readonly RequestId[]) => Promise<void>
  /** Asks peers for payloads; answers come by `offer`. `again`: the first question brought nothing. */
  readonly ask: (ids: readonly RequestId[], again: boolean) => void
  readonly onFailure: (error: unknown) => void
  readonly faults: FaultModel
  /** Validators, of which more than may lie must say that an item is erased before it is believed. */
  readonly roster: () => Roster | undefined
}

interface Wanted {
  readonly type: 'wanted'
  readonly transaction: Transaction
  /** Execution waits for it: asked for before those that only votes wait for. */
  urgent: boolean
  /** A vote waits for it, which may go out only when it is durable. */
  voted: boolean
  /** It came and is being made durable. */
  arrived: boolean
  readonly here: Promise<OpenedPayload>
  readonly settle: (payload: OpenedPayload) => void
  readonly fail: (error: LedgerError) => void
}

interface Held {
  readonly type: 'held'
  readonly payload: OpenedPayload
  /** In the staging area. What only an execution needed is not: the block's own write makes it durable. */
  durable: boolean
  /** Blocks that were executed since it came. */
  blocks: number
  readonly account: Account
}

export class PayloadPool {
  readonly #options: PayloadPoolOptions
  readonly #requests: Map<RequestId, Wanted | Held> = new Map()
  readonly #offers: Offers = new Offers()
  /** What is left of payloads, encoded KeptPayloads. */
  readonly #keptOffers: Offers = new Offers()
  readonly #keptClaims: Map<RequestId, KeptClaims> = new Map()
  /** What peers are asked for at the end of this turn of the event loop, and whether again. */
  #asking: Map<RequestId, boolean> = new Map()
  /** Executed, kept for peers that are a little behind. */
  readonly #recent: Shelf = new Shelf(limits.recentPayloadBytesMax)
  readonly #heldBytes: HeldBytes
  /** What executions wait for although this node looked everywhere, since when, and for how long they did before, ms. */
  readonly #lacking: Set<RequestId> = new Set()
  #lackingSince = 0
  #waitedMs = 0
  #closed = false

  constructor(options: PayloadPoolOptions) {
    this.#options = options
    this.#heldBytes = new HeldBytes(options)
  }

  /** For how long executions have waited for payloads that peers had to be asked for, ms. */
  get waitedMs(): number {
    return this.#waitedMs + (this.#lacking.size === 0 ? 0 : performance.now() - this.#lackingSince)
  }

  /** Keeps what a peer sent until somebody waits for it. Whether somebody did, and it is the right one. */
  offer(from: NodeId, payloads: readonly CarriedPayload[]): boolean {
    let isOfUse = false
    for (const { id, payload } of payloads) {
      const request = this.#requests.get(id)
      if (request?.type === 'held' || request?.arrived === true) continue
      this.#offers.put(from, id, payload)
      if (request === undefined) continue
      this.#tryOffers(id, request.transaction).catch(this.#options.onFailure)
      isOfUse ||= request.arrived
    }
    return isOfUse
  }

  /**
   * Takes what is left of a payload of which items were erased. It counts once this node must execute it and so many validators
   * say the same that one of them is honest. Whoever lies about it alone changes nothing.
   */
  offerKept(from: NodeId, payloads: readonly CarriedPayload[]): void {
    const roster = this.#options.roster()
    if (roster === undefined || validatorOf(roster, from) === undefined) return
    for (const { id, payload } of payloads) {
      const request = this.#requests.get(id)
      if (request?.type === 'held') continue
      decode(keptPayloadSchema, payload)
      this.#keptOffers.put(from, id, payload)
      if (request?.urgent === true) this.#tryKept(id, request.transaction)
    }
  }

  #tryKept(id: RequestId, transaction: Transaction): void {
    const roster = this.#options.roster()
    const offers = this.#keptOffers.take(id)
    if (roster === undefined || offers.length === 0) return
    const known = this.#keptClaims.get(id)
    const claims = known ?? new KeptClaims()
    this.#keptClaims.set(id, claims)
    for (const { from, payload } of offers) claims.put(from, decode(keptPayloadSchema, payload))
    const settled = claims.settled(oneCorrect(this.#options.faults, roster.validators.length))
    for (const claim of settled) {
      const items = openKeptPayload(this.#options.ledger, transaction, claim)
      if (items === undefined) continue
      this.#settle(id, { bytes: undefined, items }, false)
      return
    }
    if (known === undefined) this.#ask(id, true)
  }

  /** Forgets payloads of requests of which items were erased. */
  erased(ids: readonly RequestId[]): void {
    for (const id of ids) {
      this.#recent.remove(id)
      this.#offers.take(id)
      this.#keptOffers.take(id)
    }
  }

  /** Resolves when the payload of every transaction is held; false when one is statically invalid. */
  async ready(transactions: readonly Uint8Array[]): Promise<boolean> {
    const waits: Promise<unknown>[] = []
    for (const bytes of transactions) {
      const verdict = this.#options.verdicts.of(bytes)
      if (verdict.type === 'invalid') return false
      if (hasPayload(verdict.transaction)) waits.push(this.#durable(requestId(bytes), verdict.transaction))
    }
    await Promise.all(waits)
    return true
  }

  /** The payload of a transaction whose block is to be executed, once it is here. @throws LedgerError NODE_STOPPED */
  opened(bytes: Uint8Array): Promise<OpenedPayload> {
    return this.#wait(requestId(bytes), this.#validated(bytes), true)
  }

  /**
   * Takes a request with its payload, from a client or from the peer that forwards it; durable when it resolves.
   * @throws LedgerError what is wrong with the request; PAYLOAD_UNAVAILABLE when the payload is not the one it committed
   * to; TOO_BUSY when this node holds as many as it may, in all or of this peer: what is never ordered is held for long.
   */
  async take(bytes: Uint8Array, payload: Uint8Array, from?: NodeId): Promise<void> {
    const id = requestId(bytes)
    const transaction = this.#validated(bytes)
    if (!hasPayload(transaction)) return
    if (this.#requests.get(id)?.type === 'held') return this.#makeDurable(id, transaction)
    const account = this.#heldBytes.accountOf(from)
    if (!this.#heldBytes.hasRoom(account, payload.length)) throw new LedgerError('TOO_BUSY')
    await this.#hold(id, transaction, this.#open(id, transaction, payload), account)
  }

  /** Payloads to send along with these requests, as far as they are in memory and fit beside a message. */
  carried(ids: readonly RequestId[]): readonly CarriedPayload[] {
    const found: CarriedPayload[] = []
    let bytes = 0
    for (const id of ids) {
      const request = this.#requests.get(id)
      const payload = request?.type === 'held' ? request.payload.bytes : this.#recent.get(id)
      bytes += payload?.length ?? 0
      if (bytes > limits.carriedBytesMax) break
      if (payload !== undefined) found.push({ id, payload })
    }
    return found
  }

  /** As many of these as fit one answer, from memory or from the staging area. */
  async answer(ids: readonly RequestId[]): Promise<readonly CarriedPayload[]> {
    const found: CarriedPayload[] = []
    let bytes = 0
    for (const id of ids) {
      const payload = this.carried([id])[0]?.payload ?? (await this.#options.staged(id))
      bytes += payload?.length ?? 0
      if (bytes > limits.carriedBytesMax) break
      if (payload !== undefined) found.push({ id, payload })
    }
    return found
  }

  /** A block is executed and these are in the store. What has waited for too many blocks is forgotten. */
  async executed(ids: readonly RequestId[]): Promise<void> {
    this.#options.verdicts.executed(ids)
    for (const id of ids) {
      const request = this.#requests.get(id)
      if (request?.type === 'held') {
        if (request.payload.bytes !== undefined) this.#recent.put(id, request.payload.bytes)
        this.#forget(id)
      }
      this.#keptClaims.delete(id)
      this.#offers.take(id)
      this.#keptOffers.take(id)
    }
    const late: RequestId[] = []
    for (const [id, request] of this.#requests) {
      if (request.type === 'held' && ++request.blocks > limits.stagedBlocksMax) late.push(id)
    }
    for (const id of late) this.#forget(id)
    if (late.length > 0) await this.#options.unstage(late)
  }

  /** Asks peers again for what is missing, what execution waits for first. */
  askAgain(): void {
    const wanted = [...this.#requests].filter(isMissing)
    const urgent = wanted.filter(([, { urgent: isUrgent }]) => isUrgent)
    // Votes of views gone by may still wait; the newest are worth most.
    const others = wanted.filter(([, { urgent: isUrgent }]) => !isUrgent).reverse()
    for (const [id] of others.slice(limits.wantedPayloadsMax)) this.#requests.delete(id)
    const ids = [...urgent, ...others].slice(0, limits.batchTransactionsMax).map(([id]) => id)
    if (ids.length > 0) this.#options.ask(ids, true)
  }

  /** Ends every wait. */
  close(): void {
    this.#closed = true
    for (const request of this.#requests.values()) {
      if (request.type === 'wanted') request.fail(new LedgerError('NODE_STOPPED'))
    }
  }

  #validated(bytes: Uint8Array): Transaction {
    const verdict = this.#options.verdicts.of(bytes)
    if (verdict.type === 'invalid') throw new LedgerError(verdict.code)
    return verdict.transaction
  }

  /** Resolves when the payload is in the staging area, or in the store because its block was executed meanwhile. */
  async #durable(id: RequestId, transaction: Transaction): Promise<void> {
    await this.#wait(id, transaction, false)
    await this.#makeDurable(id, transaction)
  }

  async #makeDurable(id: RequestId, transaction: Transaction): Promise<void> {
    const request = this.#requests.get(id)
    if (request?.type !== 'held' || request.durable || request.payload.bytes === undefined) return
    await this.#options.stage(id, request.payload.bytes, transaction)
    request.durable = true
    // Its block was executed before this was written, and takes it away no more.
    if (this.#requests.get(id) !== request) await this.#options.unstage([id])
  }

  async #wait(id: RequestId, transaction: Transaction, urgent: boolean): Promise<OpenedPayload> {
    if (this.#closed) throw new LedgerError('NODE_STOPPED')
    const known = this.#requests.get(id)
    if (known?.type === 'held') return known.payload
    const wanted = known ?? newWanted(transaction)
    this.#requests.set(id, wanted)
    wanted.urgent ||= urgent
    wanted.voted ||= !urgent
    if (urgent) this.#tryKept(id, transaction)
    if (known === undefined) await this.#find(id, transaction, wanted)
    if (urgent && this.#requests.get(id) === wanted) this.#lacks(id)
    return wanted.here
  }

  #lacks(id: RequestId): void {
    if (this.#lacking.size === 0) this.#lackingSince = performance.now()
    this.#lacking.add(id)
  }

  async #find(id: RequestId, transaction: Transaction, wanted: Wanted): Promise<void> {
    await this.#tryOffers(id, transaction)
    if (this.#requests.get(id) !== wanted || wanted.arrived) return
    const before = await this.#options.staged(id)
    if (before !== undefined) this.#settle(id, this.#open(id, transaction, before), true)
    else this.#ask(id, false)
  }

  /** Tries what was offered; a payload that does not open is dropped and the wait goes on. */
  async #tryOffers(id: RequestId, transaction: Transaction): Promise<void> {
    for (const { payload } of this.#offers.take(id)) {
      let opened: OpenedPayload
      try {
        opened = this.#open(id, transaction, payload)
      } catch (error) {
        if (error instanceof LedgerError) continue
        throw error
      }
      const request = this.#requests.get(id)
      if (request?.type === 'wanted') request.arrived = true
      if (request?.type === 'wanted' && !request.voted) this.#settle(id, opened, false)
      else await this.#hold(id, transaction, opened)
      return
    }
  }

  async #hold(
    id: RequestId,
    transaction: Transaction,
    payload: OpenedPayload,
    account: Account = 'self',
  ): Promise<void> {
    if (payload.bytes !== undefined) await this.#options.stage(id, payload.bytes, transaction)
    this.#settle(id, payload, true, account)
  }

  #settle(id: RequestId, payload: OpenedPayload, durable: boolean, account: Account = 'self'): void {
    const request = this.#requests.get(id)
    if (request?.type === 'held') return
    if (this.#lacking.delete(id) && this.#lacking.size === 0) this.#waitedMs += performance.now() - this.#lackingSince
    this.#requests.set(id, { type: 'held', payload, durable, blocks: 0, account })
    this.#heldBytes.add(account, payload.bytes?.length ?? 0)
    request?.settle(payload)
  }

  /** Asks peers for what is still missing when this turn of the event loop ends: a block lacks many at once. */
  #ask(id: RequestId, again: boolean): void {
    if (this.#asking.size === 0) setImmediate(() => this.#askNow())
    this.#asking.set(id, again || this.#asking.get(id) === true)
  }

  #askNow(): void {
    const asking = [...this.#asking].filter(([id]) => {
      const request = this.#requests.get(id)
      return request?.type === 'wanted' && !request.arrived
    })
    this.#asking = new Map()
    if (this.#closed) return
    for (const again of [true, false]) {
      const ids = asking.filter(([, each]) => each === again).map(([id]) => id)
      for (let from = 0; from < ids.length; from += limits.batchTransactionsMax) {
        this.#options.ask(ids.slice(from, from + limits.batchTransactionsMax), again)
      }
    }
  }

  #forget(id: RequestId): void {
    const request = this.#requests.get(id)
    if (request?.type !== 'held') throw new InvariantError('only what is held is forgotten')
    this.#requests.delete(id)
    this.#heldBytes.add(request.account, -(request.payload.bytes?.length ?? 0))
  }

  #open(id: RequestId, transaction: Transaction, bytes: Uint8Array): OpenedPayload {
    if (bytes.length === 0 || bytes.length > limits.payloadBytesMax) {
      throw new LedgerError('PAYLOAD_UNAVAILABLE', {
        request: id,
        bytes: bytes.length,
        bytesMax: limits.payloadBytesMax,
      })
    }
    const verdict = openPayload(this.#options.ledger, transaction, decode(payloadSchema, bytes))
    if (verdict.type === 'fault') throw new LedgerError('PAYLOAD_UNAVAILABLE', { request: id, reason: verdict.code })
    return { bytes, items: verdict.items }
  }
}

function isMissing(entry: [RequestId, Wanted | Held]): entry is [RequestId, Wanted] {
  return entry[1].type === 'wanted' && !entry[1].arrived
}

function newWanted(transaction: Transaction): Wanted {
  let settle: Wanted['settle'] = () => undefined
  let fail: Wanted['fail'] = () => undefined
  const here = new Promise<OpenedPayload>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  // Whoever waits hears of it; a wait that nobody is left in must not end the process.
  here.catch(() => undefined)
  return { type: 'wanted', transaction, urgent: false, voted: false, arrived: false, here, settle, fail }
}
