// One query as the node sees it: a thread evaluates it, reads quads through this module, and hands the answer over piece by
// piece. The query ends with its time, with the one who asked, or when the thread is done; a thread that does not stop when
// it is told is ended.

import type { Worker } from 'node:worker_threads'
import type { Quad } from '@rdfjs/types'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type FromThread, type Task, type ToThread, unpackQuads } from './messages.ts'
import { Reads } from './reads.ts'
import type { QuadSource } from './source.ts'

export interface Answer {
  readonly type: 'answer'
  readonly mediaType: string
  /** Fails midway with what ended the query; a caller that stops reading ends it too. */
  readonly body: AsyncIterable<Uint8Array>
}

/** What an update comes to. */
export interface Delta {
  readonly type: 'delta'
  readonly added: readonly Quad[]
  /** Quads that hold now, or do not: then there is nothing to retract. */
  readonly removed: readonly Quad[]
  /** IRIs of the graphs that were read to find that out. */
  readonly read: readonly string[] | 'all'
}

export interface RunningOptions {
  readonly thread: Worker
  readonly heapMiB: number
  readonly task: Task
  readonly source: QuadSource
  /** The thread is ready for another query, or (false) has to end. */
  readonly onEnd: (usable: boolean) => void
  /** Nobody waits for it any more: it failed, or its answer was read to the end. */
  readonly onOver: () => void
}

export class Running {
  readonly answer: Promise<Answer | Delta>
  readonly #options: RunningOptions
  readonly #reads: Reads
  readonly #pieces: Uint8Array[] = []
  #settle: { resolve(answer: Answer | Delta): void; reject(error: unknown): void } | undefined
  #wake: () => void = () => undefined
  #failure: { readonly error: unknown } | undefined
  /** The thread has said everything. */
  #done = false
  #released = false
  #grace: NodeJS.Timeout | undefined

  constructor(options: RunningOptions) {
    const { thread, source, task } = options
    this.#options = options
    this.#reads = new Reads(
      source,
      (message) => this.#post(message),
      (error) => this.fail(error),
    )
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // Whoever asked may have left.
    this.answer.catch(() => undefined)
    thread.on('message', (message: FromThread) => this.#receive(message))
    thread.on('error', (error) => this.#broken(error))
    thread.on('exit', () => this.#broken(new Error('a query thread ended')))
    this.#post({ type: 'begin', task })
  }

  /** Ends it: the first reason counts. */
  fail(error: unknown): void {
    if (this.#failure !== undefined || this.#done) return
    this.#failure = { error }
    this.#options.onOver()
    this.#settle?.reject(error)
    this.#wake()
    this.#reads.close()
    if (this.#released) return
    this.#post({ type: 'stop' })
    this.#grace = setTimeout(() => this.#release(false), limits.queryStopMsMax)
  }

  #post(message: ToThread): void {
    if (!this.#released) this.#options.thread.postMessage(message)
  }

  #receive(message: FromThread): void {
    switch (message.type) {
      case 'answer':
        this.#settle?.resolve({ type: 'answer', mediaType: message.mediaType, body: this.#body() })
        break
      case 'delta': {
        const [added, removed] = [[...unpackQuads(message.added)], [...unpackQuads(message.removed)]]
        this.#settle?.resolve({ type: 'delta', added, removed, read: message.read })
        this.#options.onOver()
        break
      }
      case 'piece':
        this.#pieces.push(message.bytes)
        this.#wake()
        break
      case 'done':
        this.#release(true)
        this.#done = true
        this.#reads.close()
        this.#wake()
        break
      case 'failed':
        this.#release(true)
        this.fail(new LedgerError(message.code, message.details))
        break
      case 'ready':
        break
      default:
        this.#reads.receive(message)
    }
  }

  /** The thread is gone. */
  #broken(error: Error): void {
    this.#release(false)
    const isMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    this.fail(isMemory ? new LedgerError('QUERY_MEMORY', { memoryMiB: this.#options.heapMiB }) : error)
  }

  #release(usable: boolean): void {
    if (this.#released) return
    this.#released = true
    clearTimeout(this.#grace)
    for (const event of ['message', 'error', 'exit']) this.#options.thread.removeAllListeners(event)
    this.#options.onEnd(usable)
  }

  async *#body(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.error
        const piece = this.#pieces.shift()
        if (piece !== undefined) {
          this.#post({ type: 'more' })
          yield piece
        } else if (this.#done) return
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
      }
    } finally {
      this.fail(new LedgerError('QUERY_CANCELLED'))
      this.#options.onOver()
    }
  }
}
