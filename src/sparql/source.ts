// What a query engine is handed: quads that hold at one height, as RDF/JS terms. Structural, so that any RDF/JS store
// whose streams are async iterables will do.

import type { Quad, Term } from '@rdfjs/types'

/** One side of a pattern: null or undefined for anything. */
export type PatternTerm = Term | null | undefined

export interface QuadSource {
  /** What `match` gives, page by page, where a source can. */
  batches?(pattern: readonly PatternTerm[]): AsyncGenerator<readonly Quad[], void, undefined>
  match(subject?: PatternTerm, predicate?: PatternTerm, object?: PatternTerm, graph?: PatternTerm): AsyncIterable<Quad>
  /** How many quads `match` gives; joins are planned by it, so it should be exact. */
  countQuads(
    subject?: PatternTerm,
    predicate?: PatternTerm,
    object?: PatternTerm,
    graph?: PatternTerm,
  ): Promise<number> | number
}
