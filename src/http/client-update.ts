// SPARQL Update for an application: a node computes what it comes to, the application signs that as a transaction. Where a
// graph that it was computed from has changed meanwhile, it is computed again.

import { Parser } from 'n3'
import { randomBytes } from '#crypto'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { graphId } from '../base/hash.ts'
import type { LedgerId, Sequence } from '../base/ids.ts'
import type { JsonValue } from '../base/schema.ts'
import type { DataInput, ItemInput } from '../ledger/build.ts'
import type { RdfQuad } from '../ledger/profile.ts'
import type { Policy } from '../ledger/records.ts'
import { type Draft, ingest } from '../node/ingest.ts'
import { type DeltaDocument, deltaSchema } from './delta.ts'

export type DataPart = Pick<DataInput, 'items' | 'base' | 'randomBytes'>

export interface UpdateParts {
  readonly policyOf: (graph: string) => Policy | undefined
  /** Whom quads of personal graphs concern; by default found by the classes of their subjects. */
  readonly dataSubjects: readonly string[] | undefined
}

/** How often an update is computed again. */
export const updateTriesMax = 5

/** Outcomes after which it is worth computing it again. */
export const changedMeanwhile: readonly ErrorCode[] = ['CONFLICT', 'BASE_TOO_OLD']

/** @throws LedgerError MALFORMED, WRONG_LEDGER */
export function readDelta(value: JsonValue, ledger: LedgerId): DeltaDocument {
  const delta = deltaSchema.fromJson(value, 'delta')
  if (delta.ledger !== ledger) throw new LedgerError('WRONG_LEDGER', { expected: ledger, found: delta.ledger })
  return delta
}

export function isEmpty({ assert, retract }: DeltaDocument): boolean {
  return assert === '' && retract.length === 0
}

/** What one transaction says of it. @throws LedgerError TOO_LARGE, GRAPH_UNKNOWN */
export async function dataOf(delta: DeltaDocument, parts: UpdateParts): Promise<DataPart> {
  const draft = await draftOf(delta, parts)
  const items: ItemInput[] = (draft?.items ?? []).map((item) => ({
    ...item,
    graph: graphId(item.graph),
    retractions: [],
  }))
  for (const graph of new Set(delta.retract.map((each) => each.graph))) {
    const retractions = delta.retract.filter((each) => each.graph === graph)
    const policy = parts.policyOf(graph)
    if (policy === undefined) throw new LedgerError('GRAPH_UNKNOWN', { graph })
    items.push({ graph: graphId(graph), policy, subjects: [], terms: [], triples: [], retractions })
  }
  return {
    items,
    base: delta.read.map((graph) => ({ graph: graphId(graph), version: delta.height as Sequence })),
    // The only 16 bytes that a transaction draws name its blank nodes, and a draft has named them already.
    randomBytes: (length) =>
      draft !== undefined && length === draft.skolem.length ? draft.skolem : randomBytes(length),
  }
}

async function draftOf({ assert }: DeltaDocument, { policyOf, dataSubjects }: UpdateParts): Promise<Draft | undefined> {
  const quads = new Parser({ format: 'N-Quads' }).parse(assert) as readonly RdfQuad[]
  const options = { policyOf, quadsPerTransaction: 5_000, ...(dataSubjects === undefined ? {} : { dataSubjects }) }
  const drafts: Draft[] = []
  for await (const draft of ingest([quads], options)) drafts.push(draft)
  if (drafts.length > 1) throw new LedgerError('TOO_LARGE', { transactions: drafts.length })
  return drafts[0]
}
