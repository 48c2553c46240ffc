// RDF that somebody gives, as a stream of drafts of transactions. Graphs of class open stream through; quads of personal
// graphs are held until the end of the input, because whose they are shows only when all are known. Signing and sending
// are the client's (http/client.ts).

import { randomBytes } from '#crypto'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { explain, type MappingProfile, personProfiles, type RdfQuad } from '../ledger/profile.ts'
import type { Policy } from '../ledger/records.ts'
import { type Draft, openPacker, type Packer } from './ingest-pack.ts'

export type { Draft } from './ingest-pack.ts'

export interface IngestOptions {
  /** Where quads go that name no graph. Without it they are refused. */
  readonly graph?: string
  /** The policy of a graph's items; undefined for a graph that the ledger does not have. */
  readonly policyOf: (graph: string) => Policy | undefined
  /** Quads of one transaction. */
  readonly quadsPerTransaction?: number
  /** How data subjects are told in personal graphs. */
  readonly profiles?: readonly MappingProfile[]
  /** Whom all quads of personal graphs concern, instead of whom the classes tell. */
  readonly dataSubjects?: readonly string[]
  readonly randomBytes?: (length: number) => Uint8Array
}

const quadsPerTransactionDefault = 250

/** @throws LedgerError GRAPH_UNKNOWN, GRAPH_MISSING, INPUT_TOO_LARGE, and what `source` throws. */
export async function* ingest(
  source: AsyncIterable<readonly RdfQuad[]> | Iterable<readonly RdfQuad[]>,
  options: IngestOptions,
): AsyncGenerator<Draft> {
  const quadsMax = options.quadsPerTransaction ?? quadsPerTransactionDefault
  if (!Number.isInteger(quadsMax) || quadsMax < 1 || quadsMax > 5_000) throw new RangeError('1 to 5000 quads')
  const packer = openPacker({ quadsMax, randomBytes: options.randomBytes ?? randomBytes })
  const policies = new Map<string, Policy>()
  const personal = new Map<string, RdfQuad[]>()
  let held = 0

  for await (const quads of source) {
    for (const quad of quads) {
      const graph = graphOf(quad, options)
      const policy = policies.get(graph) ?? knownPolicy(graph, options)
      policies.set(graph, policy)
      if (policy.class === 'personal' && options.dataSubjects === undefined) {
        if (++held > limits.ingestPersonalQuadsMax) {
          throw new LedgerError('INPUT_TOO_LARGE', {
            part: 'quads of personal graphs',
            most: limits.ingestPersonalQuadsMax,
          })
        }
        const known = personal.get(graph)
        if (known === undefined) personal.set(graph, [quad])
        else known.push(quad)
      } else {
        const draft = packer.add(
          { graph, policy, subjects: policy.class === 'personal' ? options.dataSubjects : [] },
          quad,
        )
        if (draft !== undefined) yield draft
      }
    }
  }
  for (const [graph, quads] of personal) yield* packPersonal(packer, graph, knownPolicy(graph, options), quads, options)
  const last = packer.end()
  if (last !== undefined) yield last
}

function* packPersonal(
  packer: Packer,
  graph: string,
  policy: Policy,
  quads: readonly RdfQuad[],
  { profiles = personProfiles }: IngestOptions,
): Generator<Draft> {
  const name = { termType: 'NamedNode', value: graph }
  const here = quads.map(({ subject, predicate, object }) => ({ subject, predicate, object, graph: name }))
  for (const { subjects, quads: theirs } of explain(here, () => true, profiles)) {
    for (const { quad } of theirs) {
      const draft = packer.add({ graph, policy, subjects: subjects.length === 0 ? undefined : subjects }, quad)
      if (draft !== undefined) yield draft
    }
  }
}

function graphOf({ graph }: RdfQuad, options: IngestOptions): string {
  if (graph.termType === 'NamedNode') return graph.value
  if (graph.termType === 'BlankNode')
    throw new LedgerError('GRAPH_MISSING', { reason: 'a blank node cannot name a graph' })
  if (options.graph === undefined) throw new LedgerError('GRAPH_MISSING')
  return options.graph
}

function knownPolicy(graph: string, { policyOf }: IngestOptions): Policy {
  const policy = policyOf(graph)
  if (policy === undefined) throw new LedgerError('GRAPH_UNKNOWN', { graph })
  return policy
}
