// What a core sends, on its way to the mesh. A message to many is encoded once, and requests that are forwarded one by one
// within a turn leave together, with as many payloads as fit beside a message.

import type { NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { encode } from '../base/schema.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import type { Effect, Protocol } from '../consensus/contract.ts'
import type { Transport } from '../consensus/ports.ts'
import type { PayloadPool } from './payloads.ts'
import { envelopeSchema } from './wire.ts'

export interface OutgoingOptions {
  readonly protocol: Protocol<unknown>
  readonly payloads: Pick<PayloadPool, 'carried'>
  readonly transport: Pick<Transport, 'send'>
}

interface Forwards {
  /** The first of the messages that they were in. */
  readonly message: unknown
  readonly requests: Uint8Array[]
}

export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #forwards: Map<NodeId, Forwards> = new Map()
  // A core sends one message object to each peer in turn.
  #lastMessage: unknown
  #lastCarries: readonly RequestId[] = []
  #lastBytes: Uint8Array = new Uint8Array()

  constructor(options: OutgoingOptions) {
    this.#options = options
  }

  send({ to, message, carries }: Extract<Effect<unknown>, { readonly type: 'send' }>): void {
    const requests = this.#options.protocol.forwarded(message)
    if (requests.length === 0) {
      this.#send(to, message, carries)
      return
    }
    if (this.#forwards.size === 0) queueMicrotask(() => this.#forward())
    const known = this.#forwards.get(to)
    if (known === undefined) this.#forwards.set(to, { message, requests: [...requests] })
    else known.requests.push(...requests)
  }

  #forward(): void {
    const { protocol } = this.#options
    for (const [to, { message, requests }] of this.#forwards) {
      for (const part of this.#parts(requests)) {
        this.#send(to, protocol.withForwarded(message, part), part.map(requestId))
      }
    }
    this.#forwards.clear()
  }

  /** Requests that fit one message and whose payloads fit beside it. */
  #parts(requests: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
    const parts: Uint8Array[][] = []
    let [room, payloadRoom] = [0, 0]
    for (const request of requests) {
      const payloadBytes = this.#options.payloads.carried([requestId(request)])[0]?.payload.length ?? 0
      const last = parts.at(-1)
      const fits = request.length <= room && payloadBytes <= payloadRoom
      if (last !== undefined && fits && last.length < limits.batchTransactionsMax) last.push(request)
      else {
        parts.push([request])
        room = limits.batchBytesMax
        payloadRoom = limits.carriedBytesMax
      }
      room -= request.length
      payloadRoom -= payloadBytes
    }
    return parts
  }

  #send(to: NodeId, message: unknown, carries: readonly RequestId[]): void {
    const { protocol, payloads, transport } = this.#options
    if (message !== this.#lastMessage || carries !== this.#lastCarries) {
      const envelope = {
        type: 'protocol' as const,
        message: encode(protocol.messages, message),
        payloads: payloads.carried(carries),
      }
      this.#lastBytes = encode(envelopeSchema, envelope)
      this.#lastMessage = message
      this.#lastCarries = carries
    }
    transport.send(to, 'consensus', this.#lastBytes)
  }
}
