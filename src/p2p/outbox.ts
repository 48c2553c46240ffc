// What waits for one peer at one priority: a bounded queue of messages that leaves in frames as fast as the stream takes
// them. Bytes are counted until the stream itself took them over; when they do not fit, the message is dropped and said so.

import { limits } from '../base/limits.ts'
import { bytesInFrame, encodeFrame } from './frame.ts'

/** The sending half of a libp2p stream. */
export interface Sink {
  /** False: take no more until it drained. May throw when the stream is closed. */
  send(bytes: Uint8Array): boolean
  readonly writableNeedsDrain: boolean
}

export interface Flushed {
  readonly frames: number
  readonly messages: number
  readonly bytes: number
}

export class Outbox {
  #queue: Uint8Array[] = []
  #head = 0
  #bytes = 0

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** False when it does not fit: then it was not taken. An empty queue takes any message. */
  push(message: Uint8Array): boolean {
    const size = bytesInFrame(message)
    if (this.#bytes > 0 && this.#bytes + size > limits.peerQueueBytesMax) return false
    this.#queue.push(message)
    this.#bytes += size
    return true
  }

  /** Sends frames until nothing waits or the stream wants to drain first. @throws what the stream's send throws. */
  flush(sink: Sink): Flushed {
    let frames = 0
    let messages = 0
    let bytes = 0
    let open = !sink.writableNeedsDrain
    while (open && this.#bytes > 0) {
      const next = this.#take()
      const frame = encodeFrame(next)
      frames += 1
      messages += next.length
      bytes += frame.length
      open = sink.send(frame)
    }
    return { frames, messages, bytes }
  }

  clear(): void {
    this.#queue = []
    this.#head = 0
    this.#bytes = 0
  }

  /** The messages of the next frame: one, and more while they keep it within its target. */
  #take(): readonly Uint8Array[] {
    const taken: Uint8Array[] = []
    let size = 0
    for (; this.#head < this.#queue.length; this.#head++) {
      const message = this.#queue[this.#head] as Uint8Array
      if (taken.length > 0 && size + bytesInFrame(message) > limits.frameBytesTarget) break
      taken.push(message)
      size += bytesInFrame(message)
    }
    this.#bytes -= size
    if (this.#head === this.#queue.length || this.#head > 4096) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return taken
  }
}
