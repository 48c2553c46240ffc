// The reads of one query, on the node's side: iterators over its quads that a thread pulls page by page.

import type { Quad } from '@rdfjs/types'
import { limits } from '../base/limits.ts'
import {
  type FromThread,
  type PackedPattern,
  packQuads,
  type ToThread,
  unpackBounds,
  unpackPattern,
} from './messages.ts'
import type { Bounds, PatternTerm, QuadSource } from './source.ts'

type Question = Extract<FromThread, { readonly type: 'match' | 'next' | 'close' | 'count' }>

export class Reads {
  readonly #source: QuadSource
  readonly #post: (message: ToThread) => void
  readonly #onError: (error: unknown) => void
  readonly #open = new Map<number, AsyncIterator<readonly Quad[]>>()
  #closed = false

  constructor(source: QuadSource, post: (message: ToThread) => void, onError: (error: unknown) => void) {
    this.#source = source
    this.#post = post
    this.#onError = onError
  }

  receive(question: Question): void {
    if (this.#closed) return
    this.#answer(question).catch(this.#onError)
  }

  /** Ends every read. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const read of [...this.#open.keys()]) this.#end(read)
  }

  async #answer(question: Question): Promise<void> {
    const { type, read } = question
    switch (type) {
      case 'count': {
        const pattern = unpackPattern(question.pattern)
        const count = pattern === undefined ? 0 : await countOf(this.#source, pattern, unpackBounds(question.bounds))
        if (!this.#closed) this.#post({ type: 'counted', read, count })
        break
      }
      case 'match':
        this.#open.set(read, pagesOf(this.#source, question.pattern, unpackBounds(question.bounds)))
        await this.#next(read)
        break
      case 'next':
        await this.#next(read)
        break
      case 'close':
        this.#end(read)
    }
  }

  async #next(read: number): Promise<void> {
    const next = await this.#open.get(read)?.next()
    if (this.#closed || next === undefined) return
    if (next.done === true) this.#open.delete(read)
    const quads = packQuads(next.done === true ? [] : next.value)
    this.#post({ type: 'page', read, quads, done: next.done === true })
  }

  #end(read: number): void {
    const open = this.#open.get(read)
    this.#open.delete(read)
    open?.return?.().catch(this.#onError)
  }
}

function pagesOf(
  source: QuadSource,
  packed: PackedPattern,
  bounds: Bounds | undefined,
): AsyncIterator<readonly Quad[]> {
  const pattern = unpackPattern(packed)
  if (pattern === undefined) return pages([])
  return source.batches?.(pattern, bounds) ?? pages(source.match(...pattern))
}

function countOf(
  source: QuadSource,
  pattern: readonly PatternTerm[],
  bounds: Bounds | undefined,
): Promise<number> | number {
  const within = bounds === undefined ? undefined : source.countWithin?.(pattern, bounds)
  return within ?? source.countQuads(...pattern)
}

/** A source that gives its quads one by one gives pages here. */
async function* pages(quads: AsyncIterable<Quad> | Iterable<Quad>): AsyncGenerator<readonly Quad[], void, undefined> {
  let page: Quad[] = []
  for await (const quad of quads) {
    if (page.push(quad) < limits.queryPageQuads) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
