// Frames on a stream: four bytes of length (of what follows, big-endian), one of version, then messages, each with four
// bytes of length. Many small messages share a frame; a large one has its own. What the messages mean is for others.

import { limits } from '../base/limits.ts'

const frameVersion = 1
const lengthBytes = 4
const headBytes = lengthBytes + 1

/** What a peer that sends such a frame did wrong. */
export type FrameFault = 'FRAME_TOO_LARGE' | 'UNKNOWN_MESSAGE' | 'MALFORMED'

/** Bytes that `message` adds to a frame. */
export function bytesInFrame(message: Uint8Array): number {
  return lengthBytes + message.length
}

/** One frame with these messages. */
export function encodeFrame(messages: readonly Uint8Array[]): Uint8Array {
  const body = messages.reduce((sum, message) => sum + bytesInFrame(message), 0)
  const frame = new Uint8Array(headBytes + body)
  const view = new DataView(frame.buffer)
  view.setUint32(0, 1 + body)
  view.setUint8(lengthBytes, frameVersion)
  let offset = headBytes
  for (const message of messages) {
    view.setUint32(offset, message.length)
    frame.set(message, offset + lengthBytes)
    offset += bytesInFrame(message)
  }
  return frame
}

/** Takes bytes as they arrive and gives whole messages, each a copy of its own. Holds no more than arrived, twice. */
export class FrameReader {
  readonly #lengthMax: number
  readonly #onMessage: (message: Uint8Array) => void
  #held: Uint8Array = new Uint8Array(0)
  #used = 0
  #frames = 0

  /** `messageBytesMax`: of one message; a frame may be as long as one such message makes it. */
  constructor(onMessage: (message: Uint8Array) => void, messageBytesMax: number = limits.frameBytesMax) {
    this.#onMessage = onMessage
    this.#lengthMax = 1 + lengthBytes + messageBytesMax
  }

  /** Whole frames so far: tells an unfinished frame from the one after it. */
  get frames(): number {
    return this.#frames
  }

  /** The length that the unfinished frame claims, or that of its length itself; 0 between frames. */
  get awaited(): number {
    if (this.#used === 0) return 0
    return this.#used < lengthBytes ? lengthBytes : viewOf(this.#held).getUint32(0)
  }

  /** Gives each message that `chunk` completes. After a fault the stream is of no further use. */
  push(chunk: Uint8Array): FrameFault | undefined {
    const bytes = this.#used === 0 ? chunk : this.#join(chunk)
    const view = viewOf(bytes)
    let offset = 0
    while (bytes.length - offset >= lengthBytes) {
      const length = view.getUint32(offset)
      if (length > this.#lengthMax) return 'FRAME_TOO_LARGE'
      const end = offset + lengthBytes + length
      if (bytes.length < end) break
      const fault = this.#readFrame(bytes.subarray(offset + lengthBytes, end))
      if (fault !== undefined) return fault
      offset = end
    }
    this.#keep(bytes.subarray(offset))
    return undefined
  }

  #readFrame(body: Uint8Array): FrameFault | undefined {
    if (body.length === 0) return 'MALFORMED'
    if (body[0] !== frameVersion) return 'UNKNOWN_MESSAGE'
    const view = viewOf(body)
    const messages: Uint8Array[] = []
    for (let offset = 1; offset < body.length; ) {
      const start = offset + lengthBytes
      if (start > body.length) return 'MALFORMED'
      const end = start + view.getUint32(offset)
      if (end > body.length) return 'MALFORMED'
      messages.push(body.slice(start, end))
      offset = end
    }
    this.#frames += 1
    for (const message of messages) this.#onMessage(message)
    return undefined
  }

  /** The held bytes with `chunk` behind them; the room doubles, so that many small chunks cost no more than one. */
  #join(chunk: Uint8Array): Uint8Array {
    const length = this.#used + chunk.length
    if (length > this.#held.length) {
      const wider = new Uint8Array(Math.max(length, 2 * this.#held.length))
      wider.set(this.#held.subarray(0, this.#used))
      this.#held = wider
    }
    this.#held.set(chunk, this.#used)
    this.#used = length
    return this.#held.subarray(0, length)
  }

  #keep(rest: Uint8Array): void {
    const inPlace = rest.buffer === this.#held.buffer && rest.byteOffset === this.#held.byteOffset
    if (!inPlace) this.#held = rest.slice()
    this.#used = rest.length
    if (rest.length === 0) this.#held = new Uint8Array(0)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
