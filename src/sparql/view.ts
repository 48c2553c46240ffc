// What a query sees of the ledger (SPARQL 1.1 Query, section 13). The ledger's quads live in named graphs. Without FROM
// the default graph is the merge of all of them, each triple once; with FROM or FROM NAMED the dataset is what they name,
// and graphs that the ledger does not hold are empty: nothing is ever fetched.

import type { Quad, Term } from '@rdfjs/types'
import { DataFactory } from 'n3'
import type { Evaluation } from './evaluation.ts'
import { PullIterator } from './iterator.ts'
import type { Dataset } from './parse.ts'
import { boundsOf } from './ranges.ts'
import type { PatternTerm, QuadSource } from './source.ts'

type Pattern = readonly [subject: PatternTerm, predicate: PatternTerm, object: PatternTerm]

/** The RDF/JS source that Comunica is given. Its patterns' graph is a graph, the default graph, or undefined for any named one. */
export class DatasetView {
  readonly #source: QuadSource
  readonly #dataset: Dataset | undefined
  readonly #evaluation: Evaluation

  constructor(source: QuadSource, dataset: Dataset | undefined, evaluation: Evaluation) {
    this.#source = source
    this.#dataset = dataset
    this.#evaluation = evaluation
  }

  match(subject?: PatternTerm, predicate?: PatternTerm, object?: PatternTerm, graph?: PatternTerm): PullIterator<Quad> {
    const pattern: Pattern = [subject, predicate, object]
    const quads = this.#evaluation.over ? this.#inTurn(pattern, []) : this.#quads(pattern, graph)
    const iterator = new PullIterator(
      quads,
      (error) => this.#evaluation.fail(error),
      (ended) => this.#evaluation.release(ended),
    )
    this.#evaluation.track(iterator)
    return iterator
  }

  /** Exact for named graphs; for a merge at least what it holds, and zero only when it is empty. */
  async countQuads(
    subject?: PatternTerm,
    predicate?: PatternTerm,
    object?: PatternTerm,
    graph?: PatternTerm,
  ): Promise<number> {
    if (this.#evaluation.over) return 0
    const graphs = this.#graphsFor(graph)
    let count = 0
    for (const each of graphs) count += await this.#count([subject, predicate, object], each)
    return count
  }

  async #count(pattern: Pattern, graph: PatternTerm): Promise<number> {
    const bounds = boundsOf(pattern[1])
    if (bounds === undefined || this.#source.countWithin === undefined)
      return this.#source.countQuads(...pattern, graph)
    // Comunica may take it for the count without bounds, and leaves out patterns that nothing matches.
    return Math.max(1, await this.#source.countWithin([...pattern, graph], bounds))
  }

  #quads(pattern: Pattern, graph: PatternTerm): AsyncIterable<Quad> {
    const graphs = this.#graphsFor(graph)
    const [only] = graphs
    if (isDefault(graph)) return merged(this.#inTurn(pattern, graphs), pattern)
    return graphs.length === 1 ? this.#read(pattern, only) : this.#inTurn(pattern, graphs)
  }

  async *#inTurn(pattern: Pattern, graphs: readonly PatternTerm[]): AsyncGenerator<Quad, void, undefined> {
    for (const graph of graphs) yield* this.#read(pattern, graph)
  }

  #read(pattern: Pattern, graph: PatternTerm): AsyncIterable<Quad> {
    const bounds = boundsOf(pattern[1])
    const pages = bounds === undefined ? undefined : this.#source.batches?.([...pattern, graph], bounds)
    return pages === undefined ? this.#source.match(...pattern, graph) : each(pages)
  }

  /** Graphs of the source that a pattern's graph stands for; undefined stands for all. */
  #graphsFor(graph: PatternTerm): readonly PatternTerm[] {
    if (this.#dataset === undefined) return [isDefault(graph) ? undefined : graph]
    const named = (iris: readonly string[]): readonly Term[] =>
      [...new Set(iris)].map((iri) => DataFactory.namedNode(iri))
    if (isDefault(graph)) return named(this.#dataset.defaultGraphs)
    const visible = named(this.#dataset.namedGraphs)
    return graph === null || graph === undefined ? visible : visible.filter((each) => each.equals(graph))
  }
}

async function* each(pages: AsyncIterable<readonly Quad[]>): AsyncGenerator<Quad, void, undefined> {
  for await (const page of pages) yield* page
}

function isDefault(graph: PatternTerm): boolean {
  return graph?.termType === 'DefaultGraph'
}

/** Each triple once, in the default graph. Two quads differ only where the pattern leaves them room: the key is that. */
async function* merged(quads: AsyncIterable<Quad>, pattern: Pattern): AsyncGenerator<Quad, void, undefined> {
  const [subject, predicate, object] = pattern.map((term) => term === null || term === undefined)
  const seen = new Set<string>()
  for await (const quad of quads) {
    const key = `${subject ? keyOf(quad.subject) : ''} ${predicate ? keyOf(quad.predicate) : ''} ${object ? keyOf(quad.object) : ''}`
    if (seen.has(key)) continue
    seen.add(key)
    yield DataFactory.quad(quad.subject, quad.predicate, quad.object)
  }
}

/** No IRI holds a space or a quotation mark, so no two terms share a key. */
function keyOf(term: Term): string {
  if (term.termType === 'Literal') return `"${term.value}"${term.language}^${term.datatype.value}`
  return `${term.termType}<${term.value}`
}
