// Reading quads as they stood at one height. Rows carry the heights between which they hold, so a reader needs no
// snapshot: commits that come while it reads are above its height. A scan goes page by page and finds its place again by
// the key, so segments may be replaced under it and a stream that nobody finishes holds nothing. Only an erasure changes
// the past: a reader from before it ends.

import { Readable } from 'node:stream'
import type { Quad, Term } from '@rdfjs/types'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Dictionary } from './dictionary.ts'
import type { IndexRow, QuadIndex } from './quad-index.ts'
import type { RecentMap } from './recent-map.ts'
import { type LocalId, matches, type PatternIds, rangeOf } from './tables.ts'
import { defaultGraph, quad, type StoredGraph, type StoredQuad, type StoredTerm, termText } from './terms.ts'

type NamedTerm = StoredQuad['subject']

/** One side of a pattern: null, undefined or a variable for anything. */
export type PatternTerm = Term | null | undefined

export interface ReaderParts {
  readonly index: QuadIndex
  readonly dictionary: Dictionary
  /** Counts by height and pattern. */
  readonly counts: RecentMap<string, number>
}

/** An RDF/JS Source (https://rdf.js.org/stream-spec/) of the quads that hold at one height, each once. */
export class Reader {
  readonly height: number
  readonly #parts: ReaderParts
  readonly #quadCount: number | undefined
  readonly #erasures: number

  /** `quadCount`: how many quads hold at the height, if that is known. */
  constructor(parts: ReaderParts, height: number, quadCount?: number) {
    this.#parts = parts
    this.height = height
    this.#quadCount = quadCount
    this.#erasures = parts.index.erasures
  }

  /** A readable object stream, also an async iterable. What fails is emitted as its `error`. */
  match(subject?: PatternTerm, predicate?: PatternTerm, object?: PatternTerm, graph?: PatternTerm): Readable {
    return new BatchStream(() => this.batches([subject, predicate, object, graph]))
  }

  /** Every quad, in no order that two nodes share. */
  quads(): Readable {
    return this.match()
  }

  /** Exactly how many quads `match` gives. */
  async countQuads(
    subject?: PatternTerm,
    predicate?: PatternTerm,
    object?: PatternTerm,
    graph?: PatternTerm,
  ): Promise<number> {
    this.#checkErasures()
    const pattern = this.#resolve([subject, predicate, object, graph])
    if (pattern === undefined) return 0
    if (this.#quadCount !== undefined && pattern.every((id) => id === undefined)) return this.#quadCount
    const { counts } = this.#parts
    // What held at a height never changes, so it is counted once however many queries plan with it.
    const name = `${this.height} ${pattern.map((id) => id ?? '').join(' ')}`
    const known = counts.get(name)
    if (known !== undefined) return known
    let count = 0
    for await (const rows of this.#rows(pattern)) count += rows.length
    counts.set(name, count)
    return count
  }

  /** What `match` gives, page by page. */
  async *batches(pattern: readonly PatternTerm[]): AsyncGenerator<readonly StoredQuad[], void, undefined> {
    this.#checkErasures()
    const resolved = this.#resolve(pattern)
    if (resolved === undefined) return
    for await (const rows of this.#rows(resolved)) {
      const terms = await this.#parts.dictionary.terms(rows)
      this.#checkErasures()
      yield rows.map((row) => quadFrom(row.quad, terms))
    }
  }

  /** Every row that holds and matches, page by page in id space: a quad once for each row that asserts it. */
  async *rows(pattern: readonly PatternTerm[]): AsyncGenerator<readonly IndexRow[], void, undefined> {
    const resolved = this.#resolve(pattern)
    if (resolved !== undefined) yield* this.#pages(resolved)
  }

  /** Like `rows`, equal quads once: they lie side by side in every order. */
  async *#rows(pattern: PatternIds): AsyncGenerator<readonly IndexRow[], void, undefined> {
    let last: IndexRow['quad'] | undefined
    for await (const page of this.#pages(pattern)) {
      const rows: IndexRow[] = []
      for (const row of page) {
        if (last !== undefined && matches(row.quad, last)) continue
        last = row.quad
        rows.push(row)
      }
      if (rows.length > 0) yield rows
    }
  }

  async *#pages(pattern: PatternIds): AsyncGenerator<readonly IndexRow[], void, undefined> {
    const range = rangeOf(pattern)
    let from: readonly number[] | undefined = range.prefix
    // A point look-up is one small read; a long scan soon takes large ones.
    for (let limit = 32; from !== undefined; limit = Math.min(4 * limit, limits.scanRowsMax)) {
      this.#checkErasures()
      const page = this.#parts.index.page(range, pattern, this.height, from, limit)
      from = page.next
      if (page.rows.length > 0) yield page.rows
      // Pages are read at once: between two of them others have their turn.
      if (from !== undefined) await new Promise(setImmediate)
    }
  }

  /** What was read before an erasure and what is read after it are not one state. */
  #checkErasures(): void {
    if (this.#parts.index.erasures !== this.#erasures) throw new LedgerError('QUERY_ABORTED_BY_ERASURE')
  }

  /** Ids of the pattern's terms; undefined when one of them is in no quad. */
  #resolve(terms: readonly PatternTerm[]): PatternIds | undefined {
    const ids: (LocalId | undefined)[] = []
    for (const term of terms) {
      if (term === null || term === undefined || term.termType === 'Variable') {
        ids.push(undefined)
        continue
      }
      const text = termText(term)
      const id =
        term.termType === 'DefaultGraph' ? 0 : text === undefined ? undefined : this.#parts.dictionary.find(text)?.id
      if (id === undefined) return undefined
      ids.push(id)
    }
    return ids
  }
}

function quadFrom(ids: IndexRow['quad'], terms: ReadonlyMap<LocalId, StoredTerm>): StoredQuad {
  const [subject, predicate, object, graph] = ids
  return quad(
    terms.get(subject) as NamedTerm,
    terms.get(predicate) as NamedTerm,
    terms.get(object) as StoredTerm,
    graph === 0 ? defaultGraph : (terms.get(graph) as StoredGraph),
  )
}

/** Pulls batches of quads when its consumer wants more. */
export class BatchStream extends Readable {
  readonly #start: () => AsyncGenerator<readonly Quad[], void, undefined>
  #batches: AsyncGenerator<readonly Quad[], void, undefined> | undefined

  constructor(start: () => AsyncGenerator<readonly Quad[], void, undefined>) {
    super({ objectMode: true, highWaterMark: 256 })
    this.#start = start
  }

  override _read(): void {
    this.#batches ??= this.#start()
    this.#batches.next().then(
      ({ done, value }) => {
        if (done === true) this.push(null)
        else for (const each of value) this.push(each)
      },
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    )
  }
}
