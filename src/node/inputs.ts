// What waits for a core's next turn: a queue for each peer and one for this node itself, taken in rotation so that no peer
// holds up another. A peer's queue is bounded: what does not fit is dropped and counted, because protocols send again.
// This node's own inputs are answers that the core waits for and requests of its own clients: none of them is dropped.

import { InvariantError } from '../base/errors.ts'
import type { NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Input } from '../consensus/contract.ts'

interface Waiting<Message> {
  readonly input: Input<Message>
  readonly bytes: number
}

interface Source<Message> {
  readonly queue: Waiting<Message>[]
  bytes: number
}

/** Of one peer: messages that are being checked. */
interface Checking {
  messages: number
  bytes: number
}

export class Inputs<Message> {
  /** Those that have something; the one whose turn is next stands first. */
  readonly #sources: Map<NodeId | 'self', Source<Message>> = new Map()
  readonly #checking: Map<NodeId, Checking> = new Map()
  /** Of many ticks only the newest says anything. */
  #tick: Input<Message> | undefined
  #dropped = 0

  get isEmpty(): boolean {
    return this.#tick === undefined && this.#sources.size === 0
  }

  /** Messages of peers that did not fit. */
  get dropped(): number {
    return this.#dropped
  }

  /** `bytes`: encoded length of a peer's message. */
  put(input: Input<Message>, bytes: number): void {
    if (input.type === 'tick') this.#tick = input
    else if (input.type !== 'receive') this.#push('self', { input, bytes: 0 })
    else if (this.#fits(input.from, bytes, 0)) this.#push(input.from, { input, bytes })
  }

  /**
   * Begins the check of a message of so many bytes, payloads included; what is being checked takes room like what waits.
   * Gives what ends it; undefined when there is no room: then the message is dropped.
   */
  check(from: NodeId, bytes: number): (() => void) | undefined {
    const checking = this.#checking.get(from) ?? { messages: 0, bytes: 0 }
    if (!this.#fits(from, checking.bytes + bytes, checking.messages)) return undefined
    this.#checking.set(from, checking)
    checking.messages += 1
    checking.bytes += bytes
    return () => {
      checking.messages -= 1
      checking.bytes -= bytes
      if (checking.messages === 0) this.#checking.delete(from)
    }
  }

  /** At most `count`: the tick first, then one of each source in rotation. */
  take(count: number): readonly Input<Message>[] {
    const taken: Input<Message>[] = this.#tick === undefined ? [] : [this.#tick]
    this.#tick = undefined
    while (taken.length < count) {
      const [next] = this.#sources
      if (next === undefined) break
      taken.push(this.#shift(...next))
    }
    return taken
  }

  clear(): void {
    this.#tick = undefined
    this.#sources.clear()
  }

  #push(name: NodeId | 'self', waiting: Waiting<Message>): void {
    const source = this.#sources.get(name) ?? { queue: [], bytes: 0 }
    source.queue.push(waiting)
    source.bytes += waiting.bytes
    this.#sources.set(name, source)
  }

  /** Whether so many more bytes, in one message after `messages` others, fit a peer's bounds: a first message always does. */
  #fits(from: NodeId, bytes: number, messages: number): boolean {
    const source = this.#sources.get(from)
    const count = messages + (source?.queue.length ?? 0)
    const total = bytes + (source?.bytes ?? 0)
    const fits = count === 0 || (count < limits.peerInputsMax && total <= limits.peerInputBytesMax)
    if (!fits) this.#dropped += 1
    return fits
  }

  /** The oldest of a source, which then goes to the end of the rotation if it has more. */
  #shift(name: NodeId | 'self', source: Source<Message>): Input<Message> {
    const oldest = source.queue.shift()
    if (oldest === undefined) throw new InvariantError('a source in the rotation has something')
    source.bytes -= oldest.bytes
    this.#sources.delete(name)
    if (source.queue.length > 0) this.#sources.set(name, source)
    return oldest.input
  }
}

/**
 * Hands the messages of peers on, within the bounds of each: a message is dropped when as many of its peer as may be are still
 * being handled. Whoever asks faster than disks answer would otherwise fill the memory. `handle` never rejects.
 */
export function handled(
  handle: (from: NodeId, message: Uint8Array) => Promise<void>,
): (from: NodeId, message: Uint8Array) => void {
  const inputs = new Inputs<never>()
  return (from, message) => {
    const done = inputs.check(from, message.length)
    if (done !== undefined) handle(from, message).finally(done)
  }
}
