// Turns an async iterable into the kind of iterator that Comunica reads: a BufferedIterator of its own asynciterator
// module (the CommonJS one: an instance of the other would be wrapped once more).

import { createRequire } from 'node:module'
import type * as AsyncIteratorModule from 'asynciterator'

const asynciterator = createRequire(import.meta.url)('asynciterator') as typeof AsyncIteratorModule
const BufferedIterator: typeof AsyncIteratorModule.BufferedIterator = asynciterator.BufferedIterator

/** Reads ahead by a few items. What fails below goes to `onError`, and the iterator ends. Ending it ends the reading. */
export class PullIterator<T> extends BufferedIterator<T> {
  readonly #iterator: AsyncIterator<T>
  readonly #onError: (error: Error) => void
  readonly #onEnd: (ended: PullIterator<T>) => void

  constructor(items: AsyncIterable<T>, onError: (error: Error) => void, onEnd: (ended: PullIterator<T>) => void) {
    super({ maxBufferSize: 64, autoStart: false })
    this.#iterator = items[Symbol.asyncIterator]()
    this.#onError = onError
    this.#onEnd = onEnd
  }

  override _read(count: number, done: () => void): void {
    this.#pull(count).then(done, (error: unknown) => this.#fail(error))
  }

  protected override _end(destroy: boolean): void {
    super._end(destroy)
    this.#onEnd(this)
    this.#iterator.return?.().catch((error: unknown) => this.#fail(error))
  }

  async #pull(count: number): Promise<void> {
    for (let pulled = 0; pulled < count && !this.done; pulled++) {
      const next = await this.#iterator.next()
      if (next.done === true) {
        this.close()
        return
      }
      this._push(next.value)
    }
  }

  #fail(error: unknown): void {
    this.#onError(error instanceof Error ? error : new Error(String(error)))
    this.destroy()
  }
}
