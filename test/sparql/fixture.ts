// Quads in an n3 store, as the source that a query engine is handed, and answers read whole.

import { DataFactory, Parser, Store } from 'n3'
import { concat, fromUtf8 } from '../../src/base/bytes.ts'
import type { Answer, PatternTerm, QuadSource } from '../../src/sparql/engine.ts'

export const trig: string = `
  @prefix : <urn:x:> .
  @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
  :g1 { :a :p 1 . :a :name "Ann \\"A\\" <&>, Äö"@de . :a :knows :b . }
  :g2 { :a :p 1 . :b :p 2 . :b :name "line\\none" . :b :knows :c . }
  :g3 { :c :knows :d . :c :when "2026-11-22"^^xsd:date . }
`

export function storeOf(text: string): Store {
  return new Store(new Parser({ format: 'application/trig' }).parse(text))
}

/** What it was asked for, so that tests see which graphs a query touched and that reads end. */
export class WatchedSource implements QuadSource {
  readonly patterns: string[] = []
  open = 0
  given = 0
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  match(...pattern: PatternTerm[]): ReturnType<QuadSource['match']> {
    this.patterns.push(pattern.map((term) => term?.value ?? '?').join(' '))
    return this.#read(pattern)
  }

  countQuads(...pattern: PatternTerm[]): number {
    const [subject, predicate, object, graph] = pattern.map((term) => term ?? null) as never[]
    return this.#store.countQuads(subject as never, predicate as never, object as never, graph as never)
  }

  async *#read(pattern: readonly PatternTerm[]): ReturnType<QuadSource['match']> & AsyncGenerator<never> {
    this.open += 1
    try {
      const [subject, predicate, object, graph] = pattern.map((term) => term ?? null) as never[]
      for (const quad of this.#store.match(subject as never, predicate as never, object as never, graph as never)) {
        this.given += 1
        yield quad as never
      }
    } finally {
      this.open -= 1
    }
  }
}

export async function textOf(answer: Answer): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body) chunks.push(chunk)
  return fromUtf8(concat(...chunks))
}

/** A store of `count` quads in one graph. */
export function manyQuads(count: number): Store {
  const store = new Store()
  const { namedNode, literal, quad } = DataFactory
  for (let n = 0; n < count; n++) {
    store.addQuad(quad(namedNode(`urn:s:${n}`), namedNode('urn:p'), literal(`value ${n}`), namedNode('urn:g')))
  }
  return store
}
