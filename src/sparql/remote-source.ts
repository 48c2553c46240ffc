// The quads of a node as a thread sees them: each read is a conversation with the node, page by page.

import type { Quad } from '@rdfjs/types'
import { type FromThread, packBounds, packPattern, type ToThread, unpackQuads } from './messages.ts'
import type { Bounds, PatternTerm, QuadSource } from './source.ts'

type Answer = Extract<ToThread, { readonly type: 'page' | 'counted' }>

export class RemoteSource implements QuadSource {
  readonly #post: (message: FromThread) => void
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #reads = 0

  constructor(post: (message: FromThread) => void) {
    this.#post = post
  }

  async *batches(pattern: readonly PatternTerm[], bounds?: Bounds): AsyncGenerator<readonly Quad[], void, undefined> {
    const read = this.#reads++
    let ended = false
    try {
      let page = await this.#ask({ type: 'match', read, pattern: packPattern(pattern), bounds: packBounds(bounds) })
      while (page.type === 'page') {
        ended = page.done
        yield [...unpackQuads(page.quads)]
        if (ended) return
        page = await this.#ask({ type: 'next', read })
      }
    } finally {
      if (!ended) this.#post({ type: 'close', read })
    }
  }

  async *match(...pattern: PatternTerm[]): AsyncGenerator<Quad, void, undefined> {
    for await (const page of this.batches(pattern)) yield* page
  }

  countQuads(...pattern: PatternTerm[]): Promise<number> {
    return this.countWithin(pattern)
  }

  async countWithin(pattern: readonly PatternTerm[], bounds?: Bounds): Promise<number> {
    const packed = packPattern(pattern)
    const answer = await this.#ask({ type: 'count', read: this.#reads++, pattern: packed, bounds: packBounds(bounds) })
    return answer.type === 'counted' ? answer.count : 0
  }

  answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.read)
    this.#waiting.delete(answer.read)
    waiting?.(answer)
  }

  #ask(question: Extract<FromThread, { readonly type: 'match' | 'next' | 'count' }>): Promise<Answer> {
    return new Promise((resolve) => {
      this.#waiting.set(question.read, resolve)
      this.#post(question)
    })
  }
}
