// Reading quads as they stood at one height. Rows carry the heights between which they hold, so a reader needs no
// snapshot: commits that come while it reads are above its height. A scan goes page by page and finds its place again by
// the key, so segments may be replaced under it and a stream that nobody finishes holds nothing. Only an erasure changes
// the past: a reader from before it ends.

import { Readable } from 'node:stream'
import type { Literal, Quad, Term } from '@rdfjs/types'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Dictionary } from './dictionary.ts'
import { firstInlineId, inlineId, isMasked, orderedValue } from './inline-ids.ts'
import type { IndexRow, QuadIndex } from './quad-index.ts'
import type { RecentMap } from './recent-map.ts'
import { type LocalId, matches, orders, type PatternIds, type Range, rangeOf } from './tables.ts'
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
    const patterns = this.#resolve([subject, predicate, object, graph])
    const isAll = patterns[0]?.every((id) => id === undefined) === true
    if (this.#quadCount !== undefined && isAll) return this.#quadCount
    const { counts } = this.#parts
    // What held at a height never changes, so it is counted once however many queries plan with it.
    const name = `${this.height} ${patterns.map((pattern) => pattern.map((id) => id ?? '').join(' ')).join()}`
    const known = counts.get(name)
    if (known !== undefined) return known
    let count = 0
    for (const pattern of patterns) for await (const rows of this.#rows(pattern)) count += rows.length
    this.#checkErasures()
    counts.set(name, count)
    return count
  }

  /** What `match` gives, page by page. */
  async *batches(pattern: readonly PatternTerm[]): AsyncGenerator<readonly StoredQuad[], void, undefined> {
    this.#checkErasures()
    for (const each of this.#resolve(pattern)) for await (const rows of this.#rows(each)) yield await this.#quads(rows)
  }

  /** Every row that holds and matches, page by page in id space: a quad once for each row that asserts it. */
  async *rows(pattern: readonly PatternTerm[]): AsyncGenerator<readonly IndexRow[], void, undefined> {
    for (const each of this.#resolve(pattern)) yield* this.#pages(rangeOf(each), each)
  }

  /**
   * Quads of one predicate whose object is a literal of the bounds' datatype between them, both included, by value
   * (inline-ids.ts says of what). @throws TypeError for bounds that have no order or not one datatype
   */
  async *between(
    predicate: Term,
    from: Literal,
    to: Literal,
    graph?: PatternTerm,
  ): AsyncGenerator<readonly StoredQuad[], void, undefined> {
    const [low, high] = [orderedValue(from), orderedValue(to)]
    if (low === undefined || high === undefined || from.datatype.value !== to.datatype.value) {
      throw new TypeError('the bounds of a range are numbers or times of one datatype')
    }
    for (const pattern of this.#resolve([undefined, predicate, undefined, graph])) {
      for (const range of rangesBetween(pattern[1] as LocalId, from, to, pattern[3] !== undefined)) {
        for await (const rows of this.#distinct(this.#pages(range, pattern))) {
          const quads = await this.#quads(rows)
          yield quads.filter(({ object }) => {
            if (object.termType !== 'Literal' || object.datatype.value !== from.datatype.value) return false
            const value = orderedValue(object)
            return value !== undefined && value >= low && value <= high
          })
        }
      }
    }
  }

  async #quads(rows: readonly IndexRow[]): Promise<readonly StoredQuad[]> {
    const terms = await this.#parts.dictionary.terms(rows)
    this.#checkErasures()
    return rows.map((row) => quadFrom(row.quad, terms))
  }

  #rows(pattern: PatternIds): AsyncGenerator<readonly IndexRow[], void, undefined> {
    return this.#distinct(this.#pages(rangeOf(pattern), pattern))
  }

  /** Equal quads once: they lie side by side in every order, but for those whose object an open item says inline. */
  async *#distinct(pages: AsyncIterable<readonly IndexRow[]>): AsyncGenerator<readonly IndexRow[], void, undefined> {
    let last: IndexRow['quad'] | undefined
    for await (const page of pages) {
      const rows: IndexRow[] = []
      for (const row of page) {
        if (last !== undefined && matches(row.quad, last)) continue
        last = row.quad
        if (!isMasked(row.quad[2]) || !(await this.#standsInline(row))) rows.push(row)
      }
      if (rows.length > 0) yield rows
    }
  }

  async #standsInline(row: IndexRow): Promise<boolean> {
    const [subject, predicate, object, graph] = row.quad
    const term = (await this.#parts.dictionary.terms([row])).get(object)
    const inline = term === undefined ? undefined : inlineId(term)
    return inline !== undefined && this.#parts.index.holds([subject, predicate, inline, graph], this.height)
  }

  async *#pages(range: Range, pattern: PatternIds): AsyncGenerator<readonly IndexRow[], void, undefined> {
    let from: readonly number[] | undefined = range.from ?? range.prefix
    for (let limit = firstPageRows; from !== undefined; limit = Math.min(4 * limit, limits.scanRowsMax)) {
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

  /** The pattern in ids: none when a term of it is in no quad, two when its object goes by two numbers. */
  #resolve(terms: readonly PatternTerm[]): readonly PatternIds[] {
    const ids: (LocalId | undefined)[] = []
    let twin: LocalId | undefined
    for (const [column, term] of terms.entries()) {
      if (term === null || term === undefined || term.termType === 'Variable') {
        ids.push(undefined)
        continue
      }
      const text = termText(term)
      const found =
        term.termType === 'DefaultGraph' ? 0 : text === undefined ? undefined : this.#parts.dictionary.find(text)?.id
      const inline = inlineId(term)
      if (found === undefined && inline === undefined) return []
      if (column === 2 && inline !== undefined) twin = found
      ids.push(inline ?? found)
    }
    const [subject, predicate, object, graph] = ids
    return twin === undefined
      ? [ids]
      : [
          [subject, predicate, object, graph],
          [subject, predicate, twin, graph],
        ]
  }
}

/** Where a predicate's literals between two stand: inline ones together, and all that the dictionary has. */
function rangesBetween(predicate: LocalId, from: Literal, to: Literal, filtered: boolean): readonly Range[] {
  const range = { order: objectOrder, prefix: [predicate], filtered }
  const [low, high] = [inlineId(from), inlineId(to)]
  if (low === undefined || high === undefined) return [range]
  // Equal values in other forms stand right beside the bounds.
  return [
    { ...range, through: [predicate, firstInlineId - 1] },
    { ...range, from: [predicate, low - besideBound], through: [predicate, high + besideBound] },
  ]
}

/** A point look-up is answered by one page. */
const firstPageRows = 128

/** The order by predicate and object. */
const objectOrder = orders.findIndex(([first, second]) => first === 1 && second === 2)
const besideBound = 4

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
