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

export class Inputs<Message> {
  /** Those that have something; the one whose turn is next stands first. */
  readonly #sources: Map<NodeId | 'self', Source<Message>> = new Map()
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
    else if (this.hasRoom(input.from, bytes)) this.#push(input.from, { input, bytes })
  }

  /** Whether a message of so many bytes fits its peer's queue, and an empty queue takes any; if not, it is dropped. */
  hasRoom(from: NodeId, bytes: number): boolean {
    const source = this.#sources.get(from)
    if (source === undefined) return true
    const fits = source.queue.length < limits.peerInputsMax && source.bytes + bytes <= limits.peerInputBytesMax
    if (!fits) this.#dropped += 1
    return fits
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
