// What peers send us: one inbound stream for each peer and priority. A newer one on another connection replaces an older
// one (the peer came back and the old connection is dead); a second one on the same connection is a breach.

import type { Connection, Stream } from '@libp2p/interface'
import type { ErrorCode } from '../base/errors.ts'
import type { NodeId } from '../base/ids.ts'
import type { Priority } from '../consensus/ports.ts'
import type { Refusal, Standing } from './admission.ts'
import type { Counters } from './counters.ts'
import { Inbox, tell } from './inbox.ts'

export interface ReceptionWorld {
  readonly counters: Counters
  readonly readTimeoutMs: number
  standing(peerId: string): Standing
  onMessage(from: NodeId, priority: Priority, bytes: Uint8Array): void
  /** The peer broke a rule; its stream is closed already. */
  onBreach(peerId: string, code: ErrorCode): void
}

interface Seat {
  readonly peerId: string
  readonly priority: Priority
  readonly connection: Connection
  readonly inbox: Inbox
}

export class Reception {
  readonly #world: ReceptionWorld
  readonly #seats = new Set<Seat>()

  constructor(world: ReceptionWorld) {
    this.#world = world
  }

  /** Handles a stream that a peer opened. */
  accept(priority: Priority, stream: Stream, connection: Connection): void {
    const peerId = connection.remotePeer.toString()
    const standing = this.#world.standing(peerId)
    if (standing.type === 'refused') {
      turnAway(stream, standing.code)
      return
    }
    const older = [...this.#seats].find((seat) => seat.peerId === peerId && seat.priority === priority)
    if (older?.connection === connection) {
      turnAway(stream, 'STREAM_LIMIT')
      this.#world.onBreach(peerId, 'STREAM_LIMIT')
      return
    }
    older?.inbox.abort('replaced by a newer stream')
    this.#seat(standing.member.node, { peerId, priority, connection }, stream).tell({ type: 'welcome' })
  }

  /** Ends what this peer sends, saying why. False when it was sending nothing. */
  dismiss(peerId: string, code: Refusal): boolean {
    const seats = [...this.#seats].filter((seat) => seat.peerId === peerId)
    for (const seat of seats) {
      seat.inbox.tell({ type: 'refused', code })
      seat.inbox.mute()
      this.#seats.delete(seat)
    }
    return seats.length > 0
  }

  checkTime(now: number): void {
    for (const { inbox } of this.#seats) inbox.checkTime(now, this.#world.readTimeoutMs)
  }

  #seat(node: NodeId, place: Omit<Seat, 'inbox'>, stream: Stream): Inbox {
    const { counters } = this.#world
    const inbox = new Inbox(stream, {
      onMessage: (message) => {
        counters.messagesReceived += 1
        this.#world.onMessage(node, place.priority, message)
      },
      onBytes: (frames, bytes) => {
        counters.framesReceived += frames
        counters.bytesReceived += bytes
      },
      onFault: (code) => this.#world.onBreach(place.peerId, code),
      onClose: () => this.#seats.delete(seat),
    })
    const seat: Seat = { ...place, inbox }
    this.#seats.add(seat)
    return inbox
  }
}

/** Says why and ends our side; what the peer still sends is not read and its connection ends soon. */
function turnAway(stream: Stream, code: Refusal): void {
  tell(stream, { type: 'refused', code })
  stream.close().catch((error: unknown) => stream.abort(error instanceof Error ? error : new Error(code)))
}
