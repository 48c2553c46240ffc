// Erasure over HTTP: reports of orders for anybody here, and for the controller what concerns a person. Persons are named in
// bodies, never in addresses, which end up in logs.

import type { FastifyInstance } from 'fastify'
import { DataFactory, Writer } from 'n3'
import { fromUtf8, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { itemIdOf, txIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { id, list, type Schema, text, variant } from '../base/schema.ts'
import { sendBody } from './answers.ts'
import { identifier } from './inputs.ts'
import type { HttpNode, HttpSelection } from './node-port.ts'

const selectionSchema: Schema<HttpSelection> = variant<HttpSelection>({
  person: [1, { person: text(limits.iriBytesMax) }],
  items: [2, { items: list(id(32, itemIdOf), limits.placesPerActMax, 1) }],
  graph: [3, { graph: text(limits.iriBytesMax) }],
  due: [4, {}],
})

export function erasureRoutes(server: FastifyInstance, node: HttpNode, onError: (error: unknown) => void): void {
  server.get('/erasures/:order', async (request, reply) => {
    const order = identifier((request.params as { readonly order: string }).order, 'order', txIdOf)
    const report = await node.erasure(order)
    if (report === undefined) throw new LedgerError('ORDER_UNKNOWN', { order })
    return reply.send(report)
  })

  /** Body: a Selection as JSON. */
  server.post('/persons/overview', async (request, reply) => reply.send(await node.overview(selectionIn(request.body))))

  server.post('/persons/export', async (request, reply) => {
    const selection = selectionIn(request.body)
    if (selection.type !== 'person') throw new LedgerError('USAGE', { expected: 'a person' })
    const { items } = (await node.overview(selection)) as { readonly items: readonly unknown[] }
    if (items.length === 0) throw new LedgerError('PERSON_UNKNOWN')
    return sendBody(reply, 'application/n-quads', nquadsOf(node, selection.person), onError)
  })
}

async function* nquadsOf(node: HttpNode, person: string): AsyncGenerator<Uint8Array> {
  const writer = new Writer({ format: 'N-Quads' })
  for await (const { subject, predicate, object, graph } of node.personQuads(person)) {
    yield utf8(writer.quadToString(subject, predicate, object, DataFactory.namedNode(graph)))
  }
}

/** @throws LedgerError MALFORMED */
function selectionIn(body: unknown): HttpSelection {
  try {
    const value = JSON.parse(fromUtf8(body instanceof Uint8Array ? body : new Uint8Array()))
    return selectionSchema.fromJson(value, '')
  } catch (error) {
    if (error instanceof LedgerError) throw error
    throw new LedgerError('MALFORMED', { reason: 'the body is not JSON' }, error)
  }
}
