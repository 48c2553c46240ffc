// Runs a protocol core among the other parts: messages come in from the mesh, are checked and become inputs; effects go
// out to the mesh, the journal, the machine and the payload pool. Nothing here knows which protocol it is.

import { endAll } from '../base/ending.ts'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import type { NodeId, Sequence } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import type { ResultCertificate } from '../consensus/certificate.ts'
import type { Core, CoreStatus, Effect, Protocol, ReadId, Setup } from '../consensus/contract.ts'
import type { Clock, Journal, Transport } from '../consensus/ports.ts'
import type { ClaimChecker } from './claims.ts'
import type { ConsensusKeys } from './consensus-keys.ts'
import { type Loop, startLoop } from './loop.ts'
import type { LedgerMachine } from './machine.ts'
import { Outgoing } from './outgoing.ts'
import type { PayloadPool } from './payloads.ts'
import type { Sync } from './sync.ts'
import type { CarriedPayload } from './wire.ts'

const tickMs = 50
const askAgainMs = 1_000

/** What concerns the node's log, metrics and operator, and nothing else. */
export type ValidatorEvent = Extract<
  Effect<unknown>,
  { readonly type: 'refuse' | 'drop' | 'accuse' | 'lead' | 'fence' }
>

export interface ValidatorOptions {
  readonly protocol: Protocol<unknown>
  readonly setup: Setup
  readonly journal: Journal
  readonly clock: Clock
  readonly transport: Transport
  readonly machine: LedgerMachine
  readonly sync: Sync
  readonly payloads: PayloadPool
  readonly claims: ClaimChecker
  readonly keys: ConsensusKeys
  readonly onFinal: (certificate: ResultCertificate) => Promise<void>
  readonly onRejected: (id: RequestId, code: ErrorCode) => void
  readonly onReadable: (id: ReadId, sequence: Sequence) => void
  readonly onEvent: (event: ValidatorEvent) => void
  /** Something impossible happened or a disk failed: the node must stop. */
  readonly onFailure: (error: unknown) => void
}

export class Validator {
  readonly #options: ValidatorOptions
  readonly #core: Core<unknown>
  readonly #loop: Loop<unknown>
  readonly #outgoing: Outgoing
  readonly #ticking: NodeJS.Timeout
  readonly #asking: NodeJS.Timeout
  /** Blocks are executed one after another, whether agreed here or fetched. */
  #execution: Promise<void> = Promise.resolve()
  #open = true
  #catchingUp = false

  constructor(options: ValidatorOptions) {
    const { protocol, setup, journal, clock, payloads, onFailure } = options
    this.#options = options
    this.#core = protocol.start(setup)
    this.#outgoing = new Outgoing(options)
    this.#loop = startLoop({ core: this.#core, journal, act: (effect) => this.#act(effect), onFailure })
    this.#ticking = setInterval(() => this.#loop.push({ type: 'tick', now: clock.now() }), tickMs)
    this.#asking = setInterval(() => payloads.askAgain(), askAgainMs)
  }

  propose(transaction: Uint8Array): void {
    this.#loop.push({ type: 'request', id: requestId(transaction), bytes: transaction })
  }

  /** A linearizable read; answered by `onReadable`. */
  read(id: ReadId): void {
    this.#loop.push({ type: 'read', id })
  }

  /** A protocol message of a peer; it reaches the core only if everything that it rests on verifies. */
  receive(from: NodeId, bytes: Uint8Array, carried: readonly CarriedPayload[]): void {
    const checked = this.#loop.check(from, sizeOf(bytes, carried))
    if (checked === undefined) return
    this.#admit(from, bytes, carried)
      .catch((error: unknown) => {
        const { onEvent, onFailure } = this.#options
        if (error instanceof LedgerError && error.code !== 'STORAGE_FAILED') {
          onEvent({ type: 'refuse', from, code: error.code })
        } else onFailure(error)
      })
      .finally(checked)
  }

  async #admit(from: NodeId, bytes: Uint8Array, carried: readonly CarriedPayload[]): Promise<void> {
    const { protocol, setup, claims, payloads } = this.#options
    const message = decode(protocol.messages, bytes)
    const holds = await claims.hold(protocol.claims(message, setup.ledger), (epoch) => this.#core.rosters(epoch))
    if (holds === 'unknown') return
    if (holds === 'no') throw new LedgerError('SIGNATURE_INVALID')
    const requests = protocol.forwarded(message)
    if (requests.length === 0) {
      payloads.offer(from, carried)
      this.#loop.push({ type: 'receive', from, message }, bytes.length)
      return
    }
    const taken = await Promise.all(requests.map((request) => this.#takes(from, request, carried)))
    const kept = requests.filter((_, place) => taken[place])
    if (kept.length === 0) return
    this.#loop.push({ type: 'receive', from, message: protocol.withForwarded(message, kept) }, bytes.length)
  }

  /**
   * Whether a forwarded request may reach the core: a leader must not propose what nobody can vote for. What this node's
   * state thinks of it is no reason: the state may be behind, and whoever forwards it waits for an outcome.
   */
  async #takes(from: NodeId, request: Uint8Array, carried: readonly CarriedPayload[]): Promise<boolean> {
    try {
      await this.#options.payloads.take(request, payloadOf(request, carried), from)
      return true
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code === 'STORAGE_FAILED') throw error
      if (error.code !== 'TOO_BUSY') this.#options.onEvent({ type: 'refuse', from, code: error.code })
      return false
    }
  }

  status(): CoreStatus {
    return this.#core.status()
  }

  /** The core gets nothing more and signs nothing more; blocks are still served. */
  async halt(): Promise<void> {
    clearInterval(this.#ticking)
    await this.#loop.stop()
  }

  async stop(): Promise<void> {
    this.#open = false
    clearInterval(this.#ticking)
    clearInterval(this.#asking)
    const served = this.#options.sync.stop()
    this.#options.payloads.close()
    await endAll(
      () => this.#loop.stop(),
      () => this.#execution,
      () => served,
    )
  }

  #act(effect: Exclude<Effect<unknown>, { readonly type: 'save' }>): void {
    const { machine, journal, onFinal, onRejected, onReadable, onEvent } = this.#options
    switch (effect.type) {
      case 'send':
        this.#outgoing.send(effect)
        break
      case 'check':
        this.#check(effect)
        break
      case 'deliver':
        this.#inOrder(async () => {
          const applied = await machine.apply(effect.sequence, effect.batch, effect.certificate)
          await this.#followKeys()
          this.#loop.push({ type: 'applied', ...applied })
        })
        break
      case 'fetch':
        this.#inOrder(() => this.#fetch(effect))
        break
      case 'final':
        this.#inOrder(() => onFinal(effect.certificate))
        break
      case 'cut':
        this.#inOrder(() => journal.cut(effect.before))
        break
      case 'reject':
        onRejected(effect.id, effect.code)
        break
      case 'readable':
        onReadable(effect.id, effect.sequence)
        break
      default:
        onEvent(effect)
    }
  }

  #inOrder(task: () => Promise<void>): void {
    this.#execution = this.#execution
      .then(() => (this.#open ? task() : undefined))
      .catch((error: unknown) => {
        // After a failure nothing may be executed on top of what was left half done.
        if (!this.#open) return
        this.#open = false
        this.#options.onFailure(error)
      })
  }

  async #fetch({ token, sequence, from }: Extract<Effect<unknown>, { readonly type: 'fetch' }>): Promise<void> {
    const { machine, sync } = this.#options
    const before = machine.applied.sequence
    const done = await sync.fetch(sequence, from)
    if (done || machine.applied.sequence > before) await this.#installed()
    if (!done) this.#loop.push({ type: 'fetchFailed', token })
  }

  async #installed(): Promise<void> {
    await this.#followKeys()
    const { applied: outcome, checkpoint, mandate } = this.#options.machine
    this.#loop.push({ type: 'installed', outcome, checkpoint, mandate })
  }

  /** Before the core may sign anything in the next block's epoch. */
  #followKeys(): Promise<void> {
    const { machine, keys } = this.#options
    return keys.follow([...machine.succession.known, ...machine.succession.inForce])
  }

  /**
   * A node that does not vote hears of blocks from its peers only: fetches what is there up to `sequence`, for as long as
   * others are ahead of this node (`isBehind`): who told that height may have lied.
   */
  catchUp(sequence: Sequence, from: NodeId, isBehind: () => boolean): void {
    if (this.#catchingUp) return
    this.#catchingUp = true
    this.#inOrder(async () => {
      const { machine, sync } = this.#options
      const before = machine.applied.sequence
      if (sequence > before) await sync.fetch(sequence, [from], isBehind)
      if (machine.applied.sequence > before) await this.#installed()
      this.#catchingUp = false
    })
  }

  #check({ token, batch }: Extract<Effect<unknown>, { readonly type: 'check' }>): void {
    const { payloads, onFailure } = this.#options
    payloads
      .ready(batch.transactions)
      .then((valid) => this.#loop.push({ type: 'checked', token, verdict: valid ? 'valid' : 'invalid' }))
      .catch(onFailure)
  }
}

function sizeOf(message: Uint8Array, carried: readonly CarriedPayload[]): number {
  return carried.reduce((sum, { payload }) => sum + payload.length, message.length)
}

function payloadOf(request: Uint8Array, carried: readonly CarriedPayload[]): Uint8Array {
  const id = requestId(request)
  return carried.find((each) => each.id === id)?.payload ?? new Uint8Array()
}
