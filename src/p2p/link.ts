// Our sending half towards one peer: a stream for each priority on one connection, opened together, each welcomed by the
// peer before it counts, closed together. The peer's own sending half is a link of its own, maybe on another connection.

import type { Connection, Stream } from '@libp2p/interface'
import { LedgerError } from '../base/errors.ts'
import { decode } from '../base/schema.ts'
import type { Priority } from '../consensus/ports.ts'
import { type Admission, admissionBytesMax, admissionSchema, priorities, type Refusal } from './admission.ts'
import { withResolvers } from './compat.ts'
import { FrameReader } from './frame.ts'
import { type Flushed, Outbox } from './outbox.ts'

type Streams = Readonly<Record<Priority, Stream>>

/** Opens both streams. @throws LedgerError with the peer's refusal, or what libp2p or the signal threw. */
export async function openLink(
  connection: Connection,
  protocol: (priority: Priority) => string,
  signal: AbortSignal,
  onFlushed: (flushed: Flushed) => void,
): Promise<Link> {
  const opened: Stream[] = []
  try {
    for (const priority of priorities) {
      const stream = await connection.newStream(protocol(priority), { signal })
      opened.push(stream)
      await welcomed(stream, signal)
    }
    const [consensus, sync] = opened as [Stream, Stream]
    return new Link(connection, { consensus, sync }, onFlushed)
  } catch (error) {
    for (const stream of opened) stream.abort(new Error('the link was not completed'))
    throw error
  }
}

export class Link {
  readonly connection: Connection
  /** Settles when it can send no more; with the code when the peer told us why. */
  readonly closed: Promise<Refusal | undefined>
  readonly #streams: Streams
  readonly #outboxes: Readonly<Record<Priority, Outbox>> = { consensus: new Outbox(), sync: new Outbox() }
  readonly #onFlushed: (flushed: Flushed) => void
  #refusal: Refusal | undefined
  #open = true
  #flushing = false

  constructor(connection: Connection, streams: Streams, onFlushed: (flushed: Flushed) => void) {
    this.connection = connection
    this.#streams = streams
    this.#onFlushed = onFlushed
    const { promise, resolve } = withResolvers<Refusal | undefined>()
    this.closed = promise
    for (const priority of priorities) {
      const stream = streams[priority]
      stream.addEventListener('drain', () => this.#flush())
      onAdmission(stream, (admission) => {
        if (admission?.type === 'refused') this.#refusal = admission.code
        this.close('the peer ended it')
      })
      stream.addEventListener('close', () => {
        this.close('a stream closed')
        resolve(this.#refusal)
      })
      // It may have closed between its welcome and now.
      if (stream.status !== 'open') {
        this.close('a stream closed')
        resolve(this.#refusal)
      }
    }
  }

  send(priority: Priority, message: Uint8Array): boolean {
    if (!this.#open || !this.#outboxes[priority].push(message)) return false
    if (!this.#flushing) {
      this.#flushing = true
      queueMicrotask(() => {
        this.#flushing = false
        this.#flush()
      })
    }
    return true
  }

  queuedBytes(priority: Priority): number {
    return this.#outboxes[priority].bytes
  }

  close(reason: string): void {
    if (!this.#open) return
    this.#open = false
    for (const priority of priorities) {
      this.#outboxes[priority].clear()
      this.#streams[priority].abort(new Error(reason))
    }
  }

  /** Catch-up leaves only while no vote waits. */
  #flush(): void {
    if (!this.#open) return
    try {
      this.#onFlushed(this.#outboxes.consensus.flush(this.#streams.consensus))
      if (this.#outboxes.consensus.bytes === 0) this.#onFlushed(this.#outboxes.sync.flush(this.#streams.sync))
    } catch (error) {
      this.close(error instanceof Error ? error.message : 'a stream does not take more')
    }
  }
}

async function welcomed(stream: Stream, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = withResolvers<Admission | undefined>()
  const stop = onAdmission(stream, resolve)
  const onClose = (): void => reject(new Error('the stream closed before an answer'))
  const onAbort = (): void => reject(new Error('no answer in time'))
  stream.addEventListener('close', onClose)
  signal.addEventListener('abort', onAbort)
  try {
    const admission = await promise
    if (admission === undefined) throw new LedgerError('UNKNOWN_MESSAGE')
    if (admission.type === 'refused') throw new LedgerError(admission.code)
  } finally {
    stop()
    stream.removeEventListener('close', onClose)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Calls back with what the peer says about admission; undefined when it says anything else. Gives what ends it. */
function onAdmission(stream: Stream, answer: (admission: Admission | undefined) => void): () => void {
  const reader = new FrameReader((message) => {
    try {
      answer(decode(admissionSchema, message))
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      answer(undefined)
    }
  }, admissionBytesMax)
  const onMessage = ({ data }: { readonly data: Uint8Array | Iterable<Uint8Array> }): void => {
    for (const chunk of data instanceof Uint8Array ? [data] : data) {
      if (reader.push(chunk) !== undefined) answer(undefined)
    }
  }
  stream.addEventListener('message', onMessage)
  return () => stream.removeEventListener('message', onMessage)
}
