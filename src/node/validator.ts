// Runs a protocol core among the other parts: messages come in from the mesh, are checked and become inputs; effects go
// out to the mesh, the journal, the machine and the payload pool. Nothing here knows which protocol it is.

import { type ErrorCode, LedgerError } from '../base/errors.ts'
import type { NodeId } from '../base/ids.ts'
import { decode, encode } from '../base/schema.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import type { ResultCertificate } from '../consensus/certificate.ts'
import type { CoreStatus, Effect, Protocol, ReadId, Setup } from '../consensus/contract.ts'
import type { Clock, Journal, Transport } from '../consensus/ports.ts'
import type { ClaimChecker } from './claims.ts'
import { startLoop } from './loop.ts'
import type { LedgerMachine } from './machine.ts'
import type { PayloadPool } from './payloads.ts'
import type { Sync } from './sync.ts'
import type { Verdicts } from './verdicts.ts'
import { type CarriedPayload, type Envelope, envelopeSchema } from './wire.ts'

const tickMs = 50

/** What concerns the node's log, metrics and operator, and nothing else. */
export type ValidatorEvent = Extract<Effect<unknown>, { readonly type: 'refuse' | 'accuse' | 'lead' | 'fence' }>

export interface ValidatorOptions {
  readonly protocol: Protocol<unknown>
  readonly setup: Setup
  readonly journal: Journal
  readonly clock: Clock
  readonly transport: Transport
  readonly machine: LedgerMachine
  readonly sync: Sync
  readonly payloads: PayloadPool
  readonly verdicts: Verdicts
  readonly claims: ClaimChecker
  readonly onFinal: (certificate: ResultCertificate) => Promise<void>
  readonly onRejected: (id: RequestId, code: ErrorCode) => void
  /** Executed up to where this read is linearizable. */
  readonly onReadable: (id: ReadId) => void
  readonly onEvent: (event: ValidatorEvent) => void
  /** Something impossible happened or a disk failed: the node must stop. */
  readonly onFailure: (error: unknown) => void
}

export interface Validator {
  propose(transaction: Uint8Array): void
  /** Answered by `onReadable`. */
  read(id: ReadId): void
  receive(from: NodeId, message: Uint8Array, payloads: readonly CarriedPayload[]): void
  status(): CoreStatus
  stop(): Promise<void>
}

export function startValidator(options: ValidatorOptions): Validator {
  const { protocol, setup, journal, clock, transport, machine, sync, payloads, verdicts, claims, onFailure } = options
  const core = protocol.start(setup)
  const loop = startLoop({ core, journal, act, onFailure })
  /** Blocks are executed one after another, whether agreed here or fetched. */
  let execution: Promise<void> = Promise.resolve()
  let open = true

  function inOrder(task: () => Promise<void>): void {
    execution = execution.then(() => (open ? task() : undefined)).catch(onFailure)
  }

  function act(effect: Exclude<Effect<unknown>, { readonly type: 'save' }>): void {
    switch (effect.type) {
      case 'send':
        sendMessage(effect)
        break
      case 'check':
        check(effect)
        break
      case 'deliver':
        inOrder(async () => {
          const { outcome, next } = await machine.apply(effect.sequence, effect.batch, effect.certificate)
          loop.push({ type: 'applied', outcome, next })
        })
        break
      case 'fetch':
        inOrder(async () => {
          const done = await sync.fetch(effect.sequence, effect.from)
          if (done) loop.push({ type: 'installed', outcome: machine.applied, roster: machine.ledger.roster() })
          else loop.push({ type: 'fetchFailed', token: effect.token })
        })
        break
      case 'final':
        inOrder(() => options.onFinal(effect.certificate))
        break
      case 'cut':
        inOrder(() => journal.cut(effect.before))
        break
      case 'readable':
        inOrder(async () => options.onReadable(effect.id))
        break
      case 'reject':
        options.onRejected(effect.id, effect.code)
        break
      default:
        options.onEvent(effect)
    }
  }

  function sendMessage({ to, message, carries }: Extract<Effect<unknown>, { readonly type: 'send' }>): void {
    const bytes = encodeOnce(message)
    const envelope: Envelope = { type: 'protocol', message: bytes, payloads: payloads.carried(carries) }
    transport.send(to, 'consensus', encode(envelopeSchema, envelope))
  }

  // A core sends one message object to each peer in turn.
  let lastMessage: unknown
  let lastBytes: Uint8Array = new Uint8Array()
  function encodeOnce(message: unknown): Uint8Array {
    if (message !== lastMessage) {
      lastBytes = encode(protocol.messages, message)
      lastMessage = message
    }
    return lastBytes
  }

  function check({ token, batch }: Extract<Effect<unknown>, { readonly type: 'check' }>): void {
    payloads
      .ready(batch.transactions)
      .then((valid) => loop.push({ type: 'checked', token, verdict: valid ? 'valid' : 'invalid' }))
      .catch(onFailure)
  }

  function receive(from: NodeId, bytes: Uint8Array, carried: readonly CarriedPayload[]): void {
    try {
      const message = decode(protocol.messages, bytes)
      if (!claims.hold(protocol.claims(message, setup.ledger), setup.roster)) throw new LedgerError('SIGNATURE_INVALID')
      for (const request of protocol.forwarded(message)) {
        const verdict = verdicts.of(request)
        if (verdict.type === 'invalid') throw new LedgerError(verdict.code)
      }
      payloads.offer(carried)
      loop.push({ type: 'receive', from, message })
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      options.onEvent({ type: 'refuse', from, code: error.code })
    }
  }

  const ticking = setInterval(() => {
    loop.push({ type: 'tick', now: clock.now() })
    payloads.tick()
  }, tickMs)

  return {
    propose: (transaction) => loop.push({ type: 'request', id: requestId(transaction), bytes: transaction }),
    read: (id) => loop.push({ type: 'read', id }),
    receive,
    status: () => core.status(),
    async stop() {
      open = false
      clearInterval(ticking)
      sync.stop()
      await loop.stop()
      await execution
    },
  }
}
