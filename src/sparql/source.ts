// What a query engine is handed: quads that hold at one height, as RDF/JS terms. Structural, so that any RDF/JS store
// whose streams are async iterables will do.

import type { Literal, Quad, Term } from '@rdfjs/types'

/** One side of a pattern: null or undefined for anything. */
export type PatternTerm = Term | null | undefined

/** Values of objects, both included; what is left out bounds nothing. */
export interface Bounds {
  readonly from?: Literal | undefined
  readonly to?: Literal | undefined
}

export interface QuadSource {
  /**
   * What `match` gives, page by page, where a source can. With bounds, one that has an order of values leaves out quads
   * whose object lies outside of them, as far as it can tell.
   */
  batches?(pattern: readonly PatternTerm[], bounds?: Bounds): AsyncGenerator<readonly Quad[], void, undefined>
  match(subject?: PatternTerm, predicate?: PatternTerm, object?: PatternTerm, graph?: PatternTerm): AsyncIterable<Quad>
  /** How many quads `match` gives; joins are planned by it, so it should be exact. */
  countQuads(
    subject?: PatternTerm,
    predicate?: PatternTerm,
    object?: PatternTerm,
    graph?: PatternTerm,
  ): Promise<number> | number
  /** How many quads `batches` gives. */
  countWithin?(pattern: readonly PatternTerm[], bounds: Bounds): Promise<number>
}
