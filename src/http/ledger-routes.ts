// Transactions in; blocks, results, payloads, the genesis and key numbers out. Records leave as the bytes that they are
// kept in, so that a client can hash and verify them.

import type { FastifyInstance, FastifyReply } from 'fastify'
import { encodeCbor } from '../base/cbor.ts'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { keyId } from '../base/hash.ts'
import { itemIdOf, keyIdOf, txIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytesUpTo, decode, encode, record, type Schema } from '../base/schema.ts'
import { signedGenesisSchema } from '../ledger/genesis.ts'
import { itemPayloadSchema, partSchema } from '../ledger/payload.ts'
import { decodeTransaction } from '../ledger/static.ts'
import { leavingSignal } from './answers.ts'
import { isErrorCode } from './client-request.ts'
import { identifier, type Parameters, single, wholeNumber } from './inputs.ts'
import type { HttpItem, HttpNode } from './node-port.ts'

/** Body of POST /transactions. */
interface SentTransaction {
  /** An encoded SignedTransaction. */
  readonly transaction: Uint8Array
  /** An encoded Payload; empty where the act has none. */
  readonly payload: Uint8Array
}

const cborType = 'application/cbor'
const transactionBytesMax = limits.transactionBytesMax + 256

const sentTransactionSchema: Schema<SentTransaction> = record<SentTransaction>({
  transaction: bytesUpTo(transactionBytesMax),
  payload: bytesUpTo(limits.payloadBytesMax),
})

export function ledgerRoutes(server: FastifyInstance, node: HttpNode, submitTimeoutMs: number): void {
  const bodyLimit = limits.payloadBytesMax + 3 * limits.transactionBytesMax
  server.post('/transactions', { bodyLimit }, async (request, reply) => {
    if (request.headers['content-type'] !== cborType)
      throw new LedgerError('MEDIA_TYPE_UNKNOWN', { expected: cborType })
    const sent = decode(sentTransactionSchema, request.body instanceof Uint8Array ? request.body : new Uint8Array())
    const done = await node.submit(sent.transaction, sent.payload, leavingSignal(reply, submitTimeoutMs))
    const { tx, sequence: height, index, code } = done
    if (code !== 'OK') throw new LedgerError(knownCode(code), { tx, height, index })
    return { tx, height, index, code, final: true }
  })

  /** `type`: final (default), what became of it; ordered, where it stands and no more. */
  server.get('/receipts/:tx', async (request, reply) => {
    const tx = identifier((request.params as { readonly tx: string }).tx, 'tx', txIdOf)
    const type = single(request.query as Parameters, 'type') ?? 'final'
    if (type !== 'final' && type !== 'ordered')
      throw new LedgerError('USAGE', { parameter: 'type', reason: 'expected final or ordered' })
    return reply.send(await node.receipt(tx, type))
  })

  server.get('/blocks/:height', async (request, reply) => {
    const height = heightIn(request.params)
    const [block] = await node.blocks(height, 1)
    return bytes(reply, block, new LedgerError('HEIGHT_UNKNOWN', { height: node.height }))
  })

  /** A CBOR array of byte strings; fewer than `count` where the ledger ends or the answer fills up. */
  server.get('/blocks', async (request, reply) => {
    const parameters = request.query as Parameters
    const from = wholeNumber(single(parameters, 'from'), 'from', 1, Number.MAX_SAFE_INTEGER)
    const count = wholeNumber(
      single(parameters, 'count') ?? String(limits.blocksPerAnswerMax),
      'count',
      1,
      limits.blocksPerAnswerMax,
    )
    return reply.type(cborType).send(Buffer.from(encodeCbor(await blocksWithin(node, from, count))))
  })

  server.get('/results/:height', async (request, reply) =>
    bytes(reply, await node.result(heightIn(request.params)), new LedgerError('NOT_FOUND')),
  )

  server.get('/items/:id/payload', async (request, reply) => {
    const item = await itemOf(request.params, node)
    if (item.type === 'whole') return bytes(reply, item.payload, new LedgerError('ITEM_UNKNOWN'))
    throw new LedgerError('ITEM_ERASED', { order: item.order, height: item.height })
  })

  /** What is left of an erased item. */
  server.get('/items/:id/retractions', async (request, reply) => {
    const item = await itemOf(request.params, node)
    const part = item.type === 'whole' ? decode(itemPayloadSchema, item.payload).retractions : item.retractions
    return bytes(reply, part && encode(partSchema, part), new LedgerError('NOT_FOUND'))
  })

  /** The number that the key's next transaction has. */
  server.get('/keys/:id', (request, reply) => {
    const key = identifier((request.params as { readonly id: string }).id, 'id', keyIdOf)
    return reply.send({ next: node.nextSequence(key) })
  })

  server.get('/members', (_, reply) => reply.send(node.members()))

  server.get('/genesis', (_, reply) => reply.send(signedGenesisSchema.toJson(node.genesis)))
}

/** At least one, where there is one, and no more than a frame between nodes holds: an answer is gathered in memory. */
async function blocksWithin(node: HttpNode, from: number, count: number): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = []
  let bytes = 0
  for (let height = from; height < from + count; height++) {
    const [block] = await node.blocks(height, 1)
    bytes += block?.length ?? 0
    if (block === undefined || (found.length > 0 && bytes > limits.frameBytesMax)) break
    found.push(block)
  }
  return found
}

/** Id of the key that signed a posted transaction; empty for what is none. */
export function signerOfSent(body: unknown): string {
  try {
    const { transaction } = decode(sentTransactionSchema, body instanceof Uint8Array ? body : new Uint8Array())
    return keyId(decodeTransaction(transaction).key)
  } catch (error) {
    if (error instanceof LedgerError) return ''
    throw error
  }
}

/** @throws LedgerError ITEM_UNKNOWN */
async function itemOf(params: unknown, node: HttpNode): Promise<HttpItem> {
  const found = await node.item(identifier((params as { readonly id: string }).id, 'id', itemIdOf))
  if (found === undefined) throw new LedgerError('ITEM_UNKNOWN')
  return found
}

function heightIn(params: unknown): number {
  return wholeNumber((params as { readonly height: string }).height, 'height', 1, Number.MAX_SAFE_INTEGER)
}

function bytes(reply: FastifyReply, found: Uint8Array | undefined, missing: LedgerError): FastifyReply {
  if (found === undefined) throw missing
  return reply.type(cborType).send(Buffer.from(found))
}

/** Outcomes stand in the ledger as text: a newer node may have written one that this one does not know. */
function knownCode(code: string): ErrorCode {
  return isErrorCode(code) ? code : 'UNEXPECTED'
}
