// SPARQL 1.1 Update as far as a node can do it: it computes what the update comes to. The change itself is a transaction that
// an application signs, with a key that no node has (client-update.ts).

import type { FastifyReply } from 'fastify'
import { Writer } from 'n3'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Dataset, Delta, QueryEngine } from '../sparql/engine.ts'
import { leavingSignal } from './answers.ts'
import { type DeltaDocument, deltaMediaType, deltaSchema } from './delta.ts'
import type { HttpNode } from './node-port.ts'

export interface AskedUpdate {
  readonly text: string
  readonly dataset: Dataset | undefined
  readonly accept: string | undefined
}

export interface UpdateOptions {
  readonly node: HttpNode
  readonly engine: QueryEngine
  readonly queryTimeoutMs: number
}

/** Sends the delta. @throws LedgerError UPDATE_UNSIGNED unless it was asked for a delta. */
export async function answerUpdate(
  { text, dataset, accept }: AskedUpdate,
  height: number,
  { node, engine, queryTimeoutMs: timeoutMs }: UpdateOptions,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (accept?.includes(deltaMediaType) !== true) throw new LedgerError('UPDATE_UNSIGNED')
  const delta = await engine.update(text, node.source(height), {
    dataset,
    signal: leavingSignal(reply),
    timeoutMs,
  })
  const document = await documentOf(delta, height, node)
  // As bytes: to text fastify adds a charset.
  return reply.type(deltaMediaType).send(Buffer.from(JSON.stringify(deltaSchema.toJson(document))))
}

async function documentOf({ added, removed, read }: Delta, height: number, node: HttpNode): Promise<DeltaDocument> {
  const known = node.graphs()
  const graphs = read === 'all' ? known : read.filter((graph) => known.includes(graph))
  if (graphs.length > limits.itemsPerTransactionMax) {
    throw new LedgerError('TOO_LARGE', { graphsReadMax: limits.itemsPerTransactionMax })
  }
  const writer = new Writer({ format: 'N-Quads' })
  const assert = added
    .map((quad) => writer.quadToString(quad.subject, quad.predicate, quad.object, quad.graph))
    .join('')
  const retract = await node.heldRows(removed, height)
  return { kind: 'quadrille delta 1', ledger: node.ledger, height, read: [...graphs].sort(), assert, retract }
}
