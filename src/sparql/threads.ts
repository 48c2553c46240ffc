// The threads of a process that evaluate queries: started when they are needed, lent to one query at a time, ended when they
// do not come back. Loading the query engine takes a second, so one of them stays.

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { limits } from '../base/limits.ts'

/** One processor is left to consensus, but one query without end must not keep all others waiting. */
export const threadsMax: number = Math.min(limits.queryThreadsMax, Math.max(2, availableParallelism() - 1))

type Taker = (thread: Worker | Promise<Worker>) => void

/** Of one pool. */
export interface ThreadBounds {
  /** Threads at once, and no more than there are processors for. */
  readonly threads: number
  /** Heap of each, the loaded engine (some 60 MiB) included. */
  readonly heapMiB: number
}

const defaultBounds: ThreadBounds = { threads: threadsMax, heapMiB: limits.queryMemoryMiB }

/** Of the process, by their bounds: started at the first query. */
const pools = new Map<string, Threads>()

export function threadsWithin({ threads, heapMiB }: ThreadBounds = defaultBounds): Threads {
  const bounds = { threads: Math.min(threads, threadsMax), heapMiB }
  const name = JSON.stringify(bounds)
  const pool = pools.get(name) ?? new Threads(bounds)
  pools.set(name, pool)
  return pool
}

export class Threads {
  readonly bounds: ThreadBounds
  readonly #idle: Worker[] = []
  readonly #waiting: Taker[] = []
  #count = 0

  constructor(bounds: ThreadBounds) {
    this.bounds = bounds
  }

  /** A thread of one's own, until `give` or `discard`; undefined when `signal` aborts before one is free. */
  async take(signal: AbortSignal): Promise<Worker | undefined> {
    if (signal.aborted) return undefined
    const idle = this.#idle.pop()
    if (idle !== undefined) return withoutListeners(idle)
    if (this.#count < this.bounds.threads) return this.#start()
    return new Promise((resolve) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1)
        resolve(undefined)
      }
      const take: Taker = (thread) => {
        signal.removeEventListener('abort', leave)
        resolve(thread)
      }
      this.#waiting.push(take)
      signal.addEventListener('abort', leave)
    })
  }

  /** It is ready for the next one. */
  give(thread: Worker): void {
    const next = this.#waiting.shift()
    if (next !== undefined) {
      next(thread)
      return
    }
    this.#idle.push(thread)
    // What a query left behind may still exhaust its memory: nobody waits for it, and another thread takes its place.
    for (const event of ['error', 'exit']) thread.once(event, () => this.discard(thread))
    const spare = setTimeout(() => {
      if (this.#idle.length > 1 && this.#idle.includes(thread)) this.discard(thread)
    }, limits.idleThreadMs)
    spare.unref()
  }

  /** It ended, or has to: it did not stop when it was told, or used too much memory. */
  discard(thread: Worker): void {
    const place = this.#idle.indexOf(thread)
    if (place >= 0) this.#idle.splice(place, 1)
    thread.removeAllListeners()
    // A thread that ends because it had to is no news.
    thread.on('error', () => undefined)
    thread.terminate().catch(() => undefined)
    this.#count -= 1
    if (this.#waiting.length > 0) this.#waiting.shift()?.(this.#start())
  }

  /** Resolves when it has loaded the engine. */
  #start(): Promise<Worker> {
    this.#count += 1
    // Source or built, as this module is.
    const thread = new Worker(new URL(`./worker${import.meta.url.slice(-3)}`, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: this.bounds.heapMiB },
    })
    thread.unref()
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        this.discard(thread)
        reject(error)
      }
      thread.once('error', fail)
      thread.once('message', () => {
        thread.removeListener('error', fail)
        resolve(thread)
      })
    })
  }
}

/** Only these: Node.js listens to its own thread too, and without that no message arrives any more. */
function withoutListeners(thread: Worker): Worker {
  return thread.removeAllListeners('error').removeAllListeners('exit')
}
