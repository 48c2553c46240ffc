// Reading quads as they stood at one height. Rows carry the heights between which they hold, so a reader needs no
// snapshot: commits that come while it reads are above its height. A scan goes page by page and finds its place again by
// the key, so segments may be replaced under it and a stream that nobody finishes holds nothing. Only an erasure changes
// the past: a reader from before it ends.

import { Readable } from 'node:stream'
import type { Literal, Quad, Term } from '@rdfjs/types'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Dictionary } from './dictionary.ts'
import { type Bounds, idsBetween, inlineId, inlineValue, isInline, isMasked, orderedValue } from './inline-ids.ts'
import type { IndexRow, QuadIndex } from './quad-index.ts'
import type { RecentMap } from './recent-map.ts'
import {
  type LocalId,
  orders,
  type PatternIds,
  type QuadIds,
  quadColumns,
  quadWidth,
  type Range,
  rangeOf,
} from './tables.ts'
import { type StoredQuad, termText } from './terms.ts'

/** One side of a pattern: null, undefined or a variable for anything. */
export type PatternTerm = Term | null | undefined

/** With `only`, objects of other datatypes may be left out. */
type ReadBounds = Bounds & { readonly only?: string }

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
  readonly #refused: ReadonlyMap<string, unknown>

  /** `quadCount`: how many quads hold at the height, if that is known. */
  constructor(
    parts: ReaderParts,
    height: number,
    quadCount?: number,
    refused: ReadonlyMap<string, unknown> = new Map(),
  ) {
    this.#parts = parts
    this.height = height
    this.#quadCount = quadCount
    this.#erasures = parts.index.erasures
    this.#refused = refused
  }

  /** The same, but nothing is answered from these graphs, by IRI: CONTENT_DIVERGED. An answer that left them out would be wrong. */
  refusing(graphs: ReadonlyMap<string, unknown>): Reader {
    return graphs.size === 0 ? this : new Reader(this.#parts, this.height, this.#quadCount, graphs)
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
  countQuads(
    subject?: PatternTerm,
    predicate?: PatternTerm,
    object?: PatternTerm,
    graph?: PatternTerm,
  ): Promise<number> {
    return this.countWithin([subject, predicate, object, graph], {})
  }

  /** Exactly how many quads `batches` gives. */
  async countWithin(pattern: readonly PatternTerm[], bounds: Bounds): Promise<number> {
    this.#checkErasures()
    const patterns = this.#resolve(pattern)
    const isAll = patterns[0]?.every((id) => id === undefined) === true
    if (this.#quadCount !== undefined && isAll) return this.#quadCount
    const { counts } = this.#parts
    const ranges = patterns.map((pattern) => rangesOf(pattern, bounds))
    // What held at a height never changes, so it is counted once however many queries plan with it.
    const name = `${this.height} ${JSON.stringify([patterns, ranges])}`
    const known = counts.get(name)
    if (known !== undefined) return known
    let count = 0
    for (const pattern of patterns) {
      for await (const rows of this.#distinct(pattern, bounds)) count += rows.length / quadWidth
    }
    this.#checkErasures()
    counts.set(name, count)
    return count
  }

  /**
   * What `match` gives, page by page. With bounds, those with an object that lies outside of them are left out where an
   * order of values tells so, and given where none does.
   */
  batches(
    pattern: readonly PatternTerm[],
    bounds: Bounds = {},
  ): AsyncGenerator<readonly StoredQuad[], void, undefined> {
    return this.#read(pattern, bounds, (quads) => quads)
  }

  /** Every row that holds and matches, page by page in id space: a quad once for each row that asserts it. */
  async *rows(pattern: readonly PatternTerm[]): AsyncGenerator<readonly IndexRow[], void, undefined> {
    for (const each of this.#resolve(pattern)) {
      for await (const rows of this.#pages(each, {})) yield indexRows(rows)
    }
  }

  /**
   * Quads of one predicate whose object is a literal of the bounds' datatype between them, both included, by value
   * (inline-ids.ts says of what). @throws TypeError for bounds that have no order or not one datatype
   */
  between(
    predicate: Term,
    from: Literal,
    to: Literal,
    graph?: PatternTerm,
  ): AsyncGenerator<readonly StoredQuad[], void, undefined> {
    const [low, high] = [orderedValue(from), orderedValue(to)]
    if (low === undefined || high === undefined || from.datatype.value !== to.datatype.value) {
      throw new TypeError('the bounds of a range are numbers or times of one datatype')
    }
    const pattern = [undefined, predicate, undefined, graph]
    const only = from.datatype.value
    return this.#read(pattern, { from, to, only }, (quads, rows) =>
      quads.filter(({ object }, place) => {
        if (object.termType !== 'Literal' || object.datatype.value !== only) return false
        const id = rows[place * quadWidth + 2] as LocalId
        const value = isInline(id) ? inlineValue(id) : orderedValue(object)
        return value !== undefined && value >= low && value <= high
      }),
    )
  }

  async *#read(
    pattern: readonly PatternTerm[],
    bounds: ReadBounds,
    wanted: (quads: readonly StoredQuad[], rows: Float64Array) => readonly StoredQuad[],
  ): AsyncGenerator<readonly StoredQuad[], void, undefined> {
    this.#checkErasures()
    for (const each of this.#resolve(pattern)) {
      for await (const rows of this.#distinct(each, bounds)) {
        const quads = await this.#parts.dictionary.quads(rows)
        this.#checkErasures()
        const left = wanted(quads, rows)
        // A stream that is given nothing asks no more.
        if (left.length > 0) yield left
      }
    }
  }

  /** Equal quads once: they lie side by side in every order, but for those whose object an open item says inline. */
  async *#distinct(pattern: PatternIds, bounds: ReadBounds): AsyncGenerator<Float64Array, void, undefined> {
    const last = new Float64Array(4).fill(-1)
    for await (const rows of this.#pages(pattern, bounds)) {
      let end = 0
      for (let at = 0; at < rows.length; at += quadWidth) {
        if (rows[at] === last[0] && rows[at + 1] === last[1] && rows[at + 2] === last[2] && rows[at + 3] === last[3])
          continue
        for (let column = 0; column < 4; column++) last[column] = rows[at + column] as number
        if (isMasked(last[2] as LocalId) && (await this.#standsInline(rows, at))) continue
        if (end < at) rows.copyWithin(end, at, at + quadWidth)
        end += quadWidth
      }
      if (end > 0) yield rows.subarray(0, end)
    }
  }

  async #standsInline(rows: Float64Array, at: number): Promise<boolean> {
    const [subject, predicate, object, graph] = rows.subarray(at, at + 4) as unknown as QuadIds
    const inline = inlineId(await this.#parts.dictionary.term(object, rows[at + quadColumns.item] as LocalId))
    return inline !== undefined && this.#parts.index.holds([subject, predicate, inline, graph], this.height)
  }

  async *#pages(pattern: PatternIds, bounds: ReadBounds): AsyncGenerator<Float64Array, void, undefined> {
    let limit = firstPageRows
    for (const range of rangesOf(pattern, bounds)) {
      let from: readonly number[] | undefined = range.from ?? range.prefix
      while (from !== undefined) {
        this.#checkErasures()
        const page = this.#parts.index.page(range, pattern, this.height, from, limit)
        from = page.next
        limit = Math.min(4 * limit, limits.scanRowsMax)
        if (page.rows.length > 0) yield page.rows
        // Pages are read at once: between two of them others have their turn.
        if (from !== undefined) await new Promise(setImmediate)
      }
    }
  }

  #checkGraph(graph: PatternTerm): void {
    const [first] = this.#refused.keys()
    if (first === undefined || graph?.termType === 'DefaultGraph') return
    const refused = graph?.termType === 'NamedNode' ? graph.value : first
    if (this.#refused.has(refused)) throw new LedgerError('CONTENT_DIVERGED', { graph: refused })
  }

  /** What was read before an erasure and what is read after it are not one state. */
  #checkErasures(): void {
    if (this.#parts.index.erasures !== this.#erasures) throw new LedgerError('QUERY_ABORTED_BY_ERASURE')
  }

  /** The pattern in ids: none when a term of it is in no quad, two when its object goes by two numbers. */
  #resolve(terms: readonly PatternTerm[]): readonly PatternIds[] {
    this.#checkGraph(terms[3])
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

/** Where the rows of a pattern stand; bounds tell of the objects of one predicate. */
function rangesOf(pattern: PatternIds, bounds: ReadBounds): readonly Range[] {
  const [subject, predicate, object, graph] = pattern
  const bounded = bounds.from !== undefined || bounds.to !== undefined
  if (!bounded || subject !== undefined || predicate === undefined || object !== undefined) return [rangeOf(pattern)]
  return idsBetween(bounds, bounds.only).map(([first, last]) => ({
    order: objectOrder,
    prefix: [predicate],
    from: [predicate, first],
    through: [predicate, last],
    filtered: graph !== undefined,
  }))
}

/** A point look-up is answered by one page. */
const firstPageRows = 128

/** The order by predicate and object. */
const objectOrder = orders.findIndex(([first, second]) => first === 1 && second === 2)

function indexRows(rows: Float64Array): readonly IndexRow[] {
  return Array.from({ length: rows.length / quadWidth }, (_, place) => {
    const [s, p, o, g, item, row, asserted, retracted] = rows.subarray(place * quadWidth, (place + 1) * quadWidth)
    return { quad: [s, p, o, g], item, row, asserted, retracted } as unknown as IndexRow
  })
}

type Batches = AsyncGenerator<readonly StoredQuad[], void, undefined>

/** Pulls batches of quads, none of them empty, when its consumer wants more, and gives what `make` makes of them. */
export class BatchStream extends Readable {
  readonly #start: () => Batches
  readonly #make: (quad: StoredQuad) => Quad
  #batches: Batches | undefined

  constructor(start: () => Batches, make: (quad: StoredQuad) => Quad = (quad) => quad) {
    super({ objectMode: true, highWaterMark: 256 })
    this.#start = start
    this.#make = make
  }

  override _read(): void {
    this.#batches ??= this.#start()
    this.#batches.next().then(
      ({ done, value }) => {
        if (done === true) this.push(null)
        else for (const each of value) this.push(this.#make(each))
      },
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    )
  }

  /** All of it at once, which takes the memory that it takes. */
  override async toArray(options?: { readonly signal?: AbortSignal }): Promise<Quad[]> {
    if (this.#begun || options?.signal !== undefined) return super.toArray(options)
    const quads: Quad[] = []
    this.#batches = this.#start()
    for await (const batch of this.#batches) for (const each of batch) quads.push(this.#make(each))
    this.destroy()
    return quads
  }

  get #begun(): boolean {
    return this.#batches !== undefined || this.destroyed || this.readableFlowing !== null
  }

  /** Past the stream's buffer where nothing reads the stream yet: that costs several times what a quad does. */
  override [Symbol.asyncIterator](): NodeJS.AsyncIterator<Quad> {
    if (this.#begun) return super[Symbol.asyncIterator]()
    this.#batches = this.#start()
    return new Each(this.#batches, this.#make, this)
  }
}

/** The items of batches, one by one. */
class Each implements NodeJS.AsyncIterator<Quad> {
  readonly #batches: Batches
  readonly #make: (quad: StoredQuad) => Quad
  readonly #stream: Readable
  #batch: readonly StoredQuad[] = []
  #place = 0
  #over = false

  constructor(batches: Batches, make: (quad: StoredQuad) => Quad, stream: Readable) {
    this.#batches = batches
    this.#make = make
    this.#stream = stream
  }

  next(): Promise<IteratorResult<Quad, undefined>> {
    const value = this.#batch[this.#place]
    if (value === undefined) return this.#turn()
    this.#place += 1
    return Promise.resolve({ done: false, value: this.#make(value) })
  }

  async return(): Promise<IteratorResult<Quad, undefined>> {
    this.#over = true
    await this.#batches.return()
    this.#stream.destroy()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #turn(): Promise<IteratorResult<Quad, undefined>> {
    if (this.#stream.destroyed && !this.#over) throw this.#stream.errored ?? new Error('the stream was destroyed')
    const next = await this.#batches.next()
    if (next.done === true) return this.return()
    this.#batch = next.value
    this.#place = 1
    return { done: false, value: this.#make(this.#batch[0] as StoredQuad) }
  }
}
