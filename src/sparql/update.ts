// SPARQL 1.1 Update evaluated to a delta: which quads would come and go, and what that was read from. Nothing is changed
// here. Operations are carried out one after another over the quads that hold and the delta so far; within one operation
// all is read before anything counts as changed (SPARQL 1.1 Update, section 4.3).

import type { Quad, Term } from '@rdfjs/types'
import { termToId } from 'n3'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { changesOf } from './evaluate.ts'
import type { Evaluation } from './evaluation.ts'
import type { Dataset } from './parse.ts'
import { parseUpdate, type UpdateOperation } from './parse-update.ts'
import type { Delta } from './running.ts'
import type { PatternTerm, QuadSource } from './source.ts'
import { DatasetView } from './view.ts'

export type Changes = Omit<Delta, 'type'>

/** `dataset` is what WHERE sees where the text has no USING. @throws LedgerError as evaluate.ts does, GRAPH_MISSING, TOO_LARGE */
export async function evaluateUpdate(
  text: string,
  source: QuadSource,
  dataset: Dataset | undefined,
  evaluation: Evaluation,
): Promise<Changes> {
  const overlay = new Overlay(source)
  for (const operation of parseUpdate(text)) {
    await Promise.race([carryOut(operation, overlay, dataset, evaluation), evaluation.failed])
  }
  return overlay.delta()
}

async function carryOut(
  operation: UpdateOperation,
  overlay: Overlay,
  dataset: Dataset | undefined,
  evaluation: Evaluation,
): Promise<void> {
  if (operation.type === 'clear') {
    for await (const quad of overlay.match(null, null, null, operation.graph)) overlay.remove(quad)
    overlay.apply()
    return
  }
  if (operation.dataset !== undefined && dataset !== undefined) {
    throw new LedgerError('USAGE', { reason: 'USING or WITH in the text, and using-graph-uri beside it' })
  }
  const view = new DatasetView(overlay, operation.dataset ?? dataset, evaluation)
  const { removed, added } = await changesOf(operation, view, evaluation)
  for (const quad of removed) overlay.remove(inGraph(quad))
  for (const quad of added) overlay.add(inGraph(quad))
  overlay.apply()
}

/** Everything on the ledger stands in a graph. */
function inGraph(quad: Quad): Quad {
  if (quad.graph.termType !== 'NamedNode') throw new LedgerError('GRAPH_MISSING')
  return quad
}

/** The quads that hold, with the delta so far laid over them. */
class Overlay implements QuadSource {
  readonly #source: QuadSource
  readonly #added = new Map<string, Quad>()
  readonly #removed = new Map<string, Quad>()
  readonly #read = new Set<string>()
  #readAll = false
  #pending: (() => void)[] = []

  constructor(source: QuadSource) {
    this.#source = source
  }

  async *match(...pattern: PatternTerm[]): AsyncGenerator<Quad, void, undefined> {
    this.#note(pattern[3])
    const added = [...this.#added.values()].filter((quad) => fits(quad, pattern))
    const own = new Set(added.map(keyOf))
    for await (const quad of this.#source.match(...pattern)) {
      const key = keyOf(quad)
      if (!this.#removed.has(key) && !own.has(key)) yield quad
    }
    yield* added
  }

  async countQuads(...pattern: PatternTerm[]): Promise<number> {
    this.#note(pattern[3])
    return (await this.#source.countQuads(...pattern)) + this.#added.size
  }

  add(quad: Quad): void {
    this.#pending.push(() => this.#added.set(keyOf(quad), quad))
    this.#bound()
  }

  remove(quad: Quad): void {
    this.#pending.push(() => {
      this.#added.delete(keyOf(quad))
      this.#removed.set(keyOf(quad), quad)
    })
    this.#bound()
  }

  apply(): void {
    for (const change of this.#pending) change()
    this.#pending = []
    this.#bound()
  }

  delta(): Changes {
    return {
      added: [...this.#added.values()],
      removed: [...this.#removed.values()],
      read: this.#readAll ? 'all' : [...this.#read],
    }
  }

  #bound(): void {
    if (this.#pending.length + this.#added.size + this.#removed.size > limits.updateQuadsMax) {
      throw new LedgerError('TOO_LARGE', { quadsMax: limits.updateQuadsMax })
    }
  }

  #note(graph: PatternTerm): void {
    if (graph?.termType === 'NamedNode') this.#read.add(graph.value)
    else this.#readAll = true
  }
}

function keyOf({ subject, predicate, object, graph }: Quad): string {
  return JSON.stringify([subject, predicate, object, graph].map((term) => termToId(term as never)))
}

function fits({ subject, predicate, object, graph }: Quad, pattern: readonly PatternTerm[]): boolean {
  const terms: readonly Term[] = [subject, predicate, object, graph]
  return pattern.every((wanted, place) => wanted === null || wanted === undefined || wanted.equals(terms[place]))
}
