// Sending an answer whose body may still fail: its first part is gathered before the status is sent, so that what fails
// early has its own status; what fails later cuts the connection, so that no client takes a part for the whole.

import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { limits } from '../base/limits.ts'
import { concernsOperator } from './problems.ts'

/** Aborts when the client leaves before its answer is complete, or after `timeoutMs`. */
export function leavingSignal(reply: FastifyReply, timeoutMs?: number): AbortSignal {
  const leaving = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leaving.abort()
  })
  return timeoutMs === undefined ? leaving.signal : AbortSignal.any([leaving.signal, AbortSignal.timeout(timeoutMs)])
}

/**
 * `onError` hears what is this node's own fault once the status was sent.
 * @throws what the first part of the body fails with.
 */
export async function sendBody(
  reply: FastifyReply,
  mediaType: string,
  body: AsyncIterable<Uint8Array>,
  onError: (error: unknown) => void,
): Promise<FastifyReply> {
  const chunks = body[Symbol.asyncIterator]()
  const ahead: Uint8Array[] = []
  for (let bytes = 0; bytes < limits.answerAheadBytesMax; ) {
    const next = await chunks.next()
    if (next.done === true) return reply.type(mediaType).send(Buffer.concat(ahead))
    ahead.push(next.value)
    bytes += next.value.length
  }
  return reply.type(mediaType).send(Readable.from(rest(ahead, chunks, onError), { objectMode: false }))
}

async function* rest(
  ahead: readonly Uint8Array[],
  chunks: AsyncIterator<Uint8Array>,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* ahead
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
  } catch (error) {
    if (concernsOperator(error)) onError(error)
    throw error
  } finally {
    await chunks.return?.()
  }
}
