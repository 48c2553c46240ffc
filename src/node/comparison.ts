// The state of the ledger holds no quads, so equal states do not show that two copies hold the same ones. Nodes compare: at stable
// checkpoints each sums up, graph by graph, what its own index gives, and tells the others. A graph of which more validators than
// may lie hold something else answers nothing here, CONTENT_DIVERGED, until it was rebuilt.

import type { ErrorCode } from '../base/errors.ts'
import { graphId } from '../base/hash.ts'
import type { Digest, GraphId, NodeId, Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { faultModelOf, majority, oneCorrect } from '../consensus/quorum.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { Queue } from '../store/failure.ts'
import type { Store } from '../store/store.ts'
import { namedNode } from '../store/terms.ts'
import { field, readVersioned, writeVersioned } from '../store/versioned.ts'
import { Insistent } from './insistent.ts'
import { QuadSum } from './quad-sum.ts'
import type { Envelope } from './wire.ts'

export type ContentEvent =
  /** This copy of a graph is not what the others hold. */
  | { readonly type: 'content'; readonly code: 'CONTENT_DIVERGED'; readonly graph: string; readonly height: Sequence }
  /** A validator holds something else than this node; too few say so to tell which of the two is wrong. */
  | { readonly type: 'content-differs'; readonly node: NodeId; readonly graph: string; readonly height: Sequence }
  /** It is tried again. */
  | { readonly type: 'content-unread'; readonly code: ErrorCode }

export type ContentTold = Extract<Envelope, { readonly type: 'content' }>

export interface ComparisonOptions {
  readonly ledger: Pick<Ledger, 'genesis' | 'graphs' | 'roster' | 'erasureRoot' | 'parameters'>
  readonly store: Pick<Store, 'at'>
  /** Where it stands which graphs are to be rebuilt. */
  readonly notes: { readonly diverged: string }
  readonly peers: () => readonly NodeId[]
  readonly send: (to: NodeId, told: ContentTold) => unknown
  readonly onEvent: (event: ContentEvent) => void
  readonly onFailure: (error: unknown) => void
}

const fileKind = 'quadrille diverged graphs'
/** Of the time between two comparisons, one part of so many goes into summing up. */
const share = 20
/** Checkpoints of which what was told is kept: of each validator, and of this node. */
const keptCheckpoints = 3

/** What one node holds at a checkpoint, by graph. */
interface Held {
  readonly sequence: Sequence
  /** Items erased so far: an erasure changes every height. */
  readonly erased: number
  readonly sums: ReadonlyMap<GraphId, Digest>
}

export class Comparison {
  readonly #options: ComparisonOptions
  readonly #diverged: Map<string, Sequence>
  readonly #insistent: Insistent
  /** One after another: of two at once the older might be the last to replace the file. */
  readonly #writes: Queue = new Queue()
  readonly #heard: Map<NodeId, readonly Held[]> = new Map()
  /** Validators that hold something else, by the IRI of the graph. */
  readonly #differing: Map<string, readonly NodeId[]> = new Map()
  #own: readonly Held[] = []
  #due: Sequence | undefined
  /** How long the last sum took, and when the checkpoint before came. */
  #tookMs = 0
  #checkpointAt = performance.now()
  #betweenMs = Number.POSITIVE_INFINITY

  private constructor(options: ComparisonOptions, diverged: Map<string, Sequence>) {
    this.#options = options
    this.#diverged = diverged
    const { onEvent, onFailure } = options
    const onDelay = (code: ErrorCode): void => {
      if (code !== 'QUERY_ABORTED_BY_ERASURE') onEvent({ type: 'content-unread', code })
    }
    this.#insistent = new Insistent({ work: () => this.#sumUp(), onDelay, onFailure })
  }

  /** @throws LedgerError STORAGE_FAILED, MALFORMED */
  static async open(options: ComparisonOptions): Promise<Comparison> {
    const fields = (await readVersioned(options.notes.diverged, fileKind, 1)) ?? {}
    const found = Object.keys(fields).map((iri) => [iri, Number(field(fields, iri, fileKind)) as Sequence] as const)
    return new Comparison(options, new Map(found))
  }

  /** IRIs of graphs that answer nothing, with the height that showed it. */
  get diverged(): ReadonlyMap<string, Sequence> {
    return this.#diverged
  }

  /** Validators that hold other quads of some graph than this node, where nobody can tell who is wrong. */
  differing(): readonly NodeId[] {
    return [...new Set([...this.#differing.values()].flat())]
  }

  /** A checkpoint is stable and executed here. All nodes sum up the same ones, the busier the fewer. */
  reached(sequence: Sequence): void {
    const now = performance.now()
    this.#betweenMs = now - this.#checkpointAt
    this.#checkpointAt = now
    const stride = 2 ** Math.max(0, Math.ceil(Math.log2((share * this.#tookMs) / this.#betweenMs)))
    if (sequence % (stride * this.#options.ledger.parameters().checkpointInterval) !== 0) return
    this.#due = sequence
    this.#insistent.wake()
  }

  async hear(from: NodeId, { sequence, erased, graphs }: ContentTold): Promise<void> {
    const { ledger } = this.#options
    if (!ledger.roster().validators.some(({ node }) => node === from)) return
    const before = this.#heard.get(from) ?? []
    const sums = new Map(graphs.map(({ graph, sum }) => [graph, sum]))
    const known = before.find((held) => held.sequence === sequence && held.erased === erased)
    const held: Held = { sequence, erased, sums: new Map([...(known?.sums ?? []), ...sums]) }
    const rest = before.filter((each) => each !== known)
    if (held.sums.size <= limits.graphsComparedMax) this.#heard.set(from, [held, ...rest].slice(0, keptCheckpoints))
    const own = this.#own.find((each) => each.sequence === sequence)
    if (own !== undefined) await this.#compare(own)
  }

  stop(): Promise<void> {
    return this.#insistent.stop()
  }

  /** @throws LedgerError QUERY_ABORTED_BY_ERASURE: once more, then */
  async #sumUp(): Promise<void> {
    const { ledger, store } = this.#options
    const sequence = this.#due
    if (sequence === undefined || this.#own[0]?.sequence === sequence) return
    const began = performance.now()
    const { size: erased } = ledger.erasureRoot()
    const reader = store.at(sequence)
    const sums = new Map<GraphId, Digest>()
    for (const { iri } of ledger.graphs().slice(0, limits.graphsComparedMax)) {
      const sum = new QuadSum()
      for await (const quads of reader.batches([undefined, undefined, undefined, namedNode(iri)])) {
        for (const quad of quads) sum.add(quad)
        if (this.#insistent.stopped) return
      }
      sums.set(graphId(iri), sum.digest())
    }
    this.#tookMs = performance.now() - began
    const own: Held = { sequence, erased, sums }
    this.#own = [own, ...this.#own].slice(0, keptCheckpoints)
    this.#tell(own)
    await this.#compare(own)
  }

  #tell({ sequence, erased, sums }: Held): void {
    const { peers, send } = this.#options
    const all = [...sums].map(([graph, sum]) => ({ graph, sum }))
    for (let at = 0; at < all.length; at += limits.graphsPerMessageMax) {
      const graphs = all.slice(at, at + limits.graphsPerMessageMax)
      for (const peer of peers()) send(peer, { type: 'content', sequence, erased, graphs })
    }
  }

  /** With what the validators told of the same quads. */
  async #compare({ sequence, erased, sums }: Held): Promise<void> {
    const { ledger } = this.#options
    for (const { iri } of ledger.graphs()) {
      const own = sums.get(graphId(iri))
      if (own === undefined || this.#diverged.has(iri)) continue
      const others = new Map<Digest, NodeId[]>()
      for (const [node, told] of this.#heard) {
        const held = told.find((each) => each.sequence === sequence && each.erased === erased)
        const sum = held?.sums.get(graphId(iri))
        if (sum !== undefined && sum !== own) others.set(sum, [...(others.get(sum) ?? []), node])
      }
      if ([...others.values()].some((nodes) => nodes.length >= this.#needed())) await this.#distrust(iri, sequence)
      else this.#noteDiffering(iri, sequence, [...others.values()].flat())
    }
  }

  #noteDiffering(graph: string, height: Sequence, nodes: readonly NodeId[]): void {
    const before = this.#differing.get(graph) ?? []
    if (nodes.length === 0) this.#differing.delete(graph)
    else this.#differing.set(graph, nodes)
    for (const node of nodes) {
      if (!before.includes(node)) this.#options.onEvent({ type: 'content-differs', node, graph, height })
    }
  }

  /** So many that hold the same show that it is this copy which is wrong: one of them does not lie; or most of all. */
  #needed(): number {
    const { ledger } = this.#options
    const faults = faultModelOf(ledger.genesis.protocol)
    const n = ledger.roster().validators.length
    return faults === 'byzantine' ? oneCorrect(faults, n) : majority(n)
  }

  async #distrust(graph: string, height: Sequence): Promise<void> {
    const { notes, onEvent } = this.#options
    this.#diverged.set(graph, height)
    this.#differing.delete(graph)
    onEvent({ type: 'content', code: 'CONTENT_DIVERGED', graph, height })
    await this.#writes.run(async () => {
      const fields = Object.fromEntries([...this.#diverged].map(([iri, at]) => [iri, String(at)]))
      await writeVersioned(notes.diverged, fileKind, 1, fields)
    })
  }
}
