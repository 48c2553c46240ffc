// Figures of the mesh for metrics. Labels stay few: codes and priorities, never peers.

import type { ErrorCode } from '../base/errors.ts'
import type { Priority } from '../consensus/ports.ts'
import type { Flushed } from './outbox.ts'

export interface MeshCounters {
  readonly peersConnected: number
  readonly framesSent: number
  readonly framesReceived: number
  readonly messagesSent: number
  readonly messagesReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Messages that did not fit a peer's queue or a frame, or had no peer. */
  readonly messagesDropped: number
  /** Those of them that are larger than any frame: a fault of this node. */
  readonly messagesTooLarge: number
  /** Refusals that we gave, by code. */
  readonly refused: ReadonlyMap<ErrorCode, number>
  /** Bytes that wait now. */
  readonly queuedBytes: Readonly<Record<Priority, number>>
}

export class Counters {
  framesSent = 0
  framesReceived = 0
  messagesSent = 0
  messagesReceived = 0
  bytesSent = 0
  bytesReceived = 0
  messagesDropped = 0
  messagesTooLarge = 0
  readonly #refused = new Map<ErrorCode, number>()

  refuse(code: ErrorCode): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1)
  }

  sent(flushed: Flushed): void {
    this.framesSent += flushed.frames
    this.messagesSent += flushed.messages
    this.bytesSent += flushed.bytes
  }

  snapshot(peersConnected: number, queuedBytes: Readonly<Record<Priority, number>>): MeshCounters {
    const { framesSent, framesReceived, messagesSent, messagesReceived, bytesSent, bytesReceived } = this
    return {
      peersConnected,
      framesSent,
      framesReceived,
      messagesSent,
      messagesReceived,
      bytesSent,
      bytesReceived,
      messagesDropped: this.messagesDropped,
      messagesTooLarge: this.messagesTooLarge,
      refused: new Map(this.#refused),
      queuedBytes,
    }
  }
}
