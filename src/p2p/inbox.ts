// The receiving end of one stream: frames in, messages out, and a limit on how long a frame may take. A fault ends it.

import type { Stream } from '@libp2p/interface'
import { limits } from '../base/limits.ts'
import { encode } from '../base/schema.ts'
import { type Admission, admissionSchema } from './admission.ts'
import { encodeFrame, type FrameFault, FrameReader } from './frame.ts'

export interface InboxEvents {
  onMessage(message: Uint8Array): void
  onBytes(frames: number, bytes: number): void
  onFault(code: FrameFault | 'READ_TIMEOUT'): void
  onClose(): void
}

export class Inbox {
  readonly #stream: Stream
  readonly #events: InboxEvents
  readonly #reader: FrameReader
  /** When the unfinished frame began, ms, and which it is. */
  #began = 0
  #unfinished = -1
  #over = false

  constructor(stream: Stream, events: InboxEvents) {
    this.#stream = stream
    this.#events = events
    this.#reader = new FrameReader((message) => {
      if (!this.#over) events.onMessage(message)
    })
    stream.addEventListener('message', ({ data }) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) this.#take(chunk)
    })
    stream.addEventListener('remoteCloseWrite', () => this.abort('the peer ended its stream'))
    stream.addEventListener('close', () => {
      this.#over = true
      events.onClose()
    })
  }

  /** Tells the sender whether it is heard. */
  tell(admission: Admission): void {
    tell(this.#stream, admission)
  }

  /** Ends with READ_TIMEOUT when the unfinished frame is later than its grace and its size allow. */
  checkTime(now: number, graceMs: number): void {
    const awaited = this.#reader.awaited
    if (this.#over || awaited === 0) return
    if (now - this.#began > graceMs + (awaited * 1000) / limits.frameBytesPerSecondMin) this.#fail('READ_TIMEOUT')
  }

  /** Hears nothing more; the stream stays for what is still to be told. */
  mute(): void {
    this.#over = true
  }

  abort(reason: string): void {
    this.#over = true
    this.#stream.abort(new Error(reason))
  }

  #take(chunk: Uint8Array): void {
    if (this.#over) return
    const before = this.#reader.frames
    const fault = this.#reader.push(chunk)
    this.#events.onBytes(this.#reader.frames - before, chunk.length)
    if (fault !== undefined) this.#fail(fault)
    else if (this.#reader.awaited > 0 && this.#unfinished !== this.#reader.frames) {
      this.#unfinished = this.#reader.frames
      this.#began = Date.now()
    }
  }

  #fail(code: FrameFault | 'READ_TIMEOUT'): void {
    this.abort(code)
    this.#events.onFault(code)
  }
}

/** Answers on a stream that the peer opened; a stream that is already gone needs no answer. */
export function tell(stream: Stream, admission: Admission): void {
  if (stream.writeStatus === 'writable') stream.send(encodeFrame([encode(admissionSchema, admission)]))
}
