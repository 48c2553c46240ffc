// Tells the node's local log who asked what and what became of it. Leaves get routes, statuses and codes; addresses, texts and
// keys go to the side-car. Looks at a node's health are not noted.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../base/errors.ts'
import { cut } from '../node/local-details.ts'
import type { Asker } from '../node/local-log.ts'
import { signerOfSent } from './ledger-routes.ts'
import type { HttpNode } from './node-port.ts'

const quiet: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/status', '/health', '/metrics'])
const textTypes = /^(application\/(json|sparql-query|sparql-update|x-www-form-urlencoded)|text\/)/
/** Of a body, bytes that are looked at for its text. */
const textBytes = 16_384

/** Gives what hears of a refusal before its answer is sent. */
export function noteRequests(
  server: FastifyInstance,
  node: HttpNode,
): (request: FastifyRequest, code: ErrorCode) => void {
  const codes = new WeakMap<FastifyRequest, ErrorCode>()
  server.addHook('onRequest', async (request, reply) => {
    // However it ends, also where the answer is a stream that the client leaves.
    reply.raw.once('close', () => {
      const route = request.routeOptions.url ?? 'none'
      const status = reply.raw.statusCode
      if (quiet.has(route) && (status < 400 || status === 503)) return
      const code = codes.get(request) ?? ''
      const asker = askerOf(request)
      const type = status < 400 && code === '' ? 'access' : 'refused'
      node.local.note({ type, method: methodOf(request), route, status, code }, asker)
      if (type === 'refused') return
      if (route === '/dump') node.local.note({ type: 'exported', kind: 'dump' }, asker)
      if (route === '/persons/export') node.local.note({ type: 'exported', kind: 'person' }, asker)
    })
  })
  return (request, code) => void codes.set(request, code)
}

/** For the side-car. */
export function askerOf(request: FastifyRequest): Asker {
  const from = request.socket.remoteAddress ?? ''
  const time = Date.now()
  return {
    identity: from,
    about: () => ({
      time,
      from,
      key: request.routeOptions.url === '/transactions' ? signerOfSent(request.body) : '',
      asked: cut(`${request.method} ${decoded(request.url)}`),
      text: cut(textOf(request)),
    }),
  }
}

/** A word of ours: what a client calls its method is its own text. */
function methodOf({ method }: FastifyRequest): string {
  return /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$/.test(method) ? method : 'other'
}

function textOf(request: FastifyRequest): string {
  const { body } = request
  const type = request.headers['content-type'] ?? ''
  if (!(body instanceof Uint8Array) || !textTypes.test(type)) return ''
  const text = Buffer.from(body.subarray(0, textBytes)).toString()
  return type.includes('urlencoded') ? decoded(text) : text
}

/** As it was before it was put into an address. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.slice(0, textBytes).replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}
