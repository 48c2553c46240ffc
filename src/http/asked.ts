// Tells the node's local log who asked what and what became of it. Leaves get routes, statuses and codes; addresses, texts and
// keys go to the side-car. Looks at a node's health are not noted.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../base/errors.ts'
import { cut } from '../node/local-details.ts'
import type { Asker } from '../node/local-log.ts'
import { signerOfSent } from './ledger-routes.ts'
import type { HttpNode } from './node-port.ts'

const quiet: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/status', '/health', '/metrics'])
const textTypes = /^(application\/(json|sparql-query|sparql-update|x-www-form-urlencoded)|text\/)/
/** Of a body, bytes that are looked at for its text. */
const textBytes = 16_384

/** Notes each request once its answer ended. */
export class RequestNotes {
  readonly #node: HttpNode
  readonly #codes: WeakMap<FastifyRequest, ErrorCode> = new WeakMap()

  constructor(node: HttpNode) {
    this.#node = node
  }

  attach(server: FastifyInstance): void {
    server.addHook('onRequest', async (request, reply) => this.follow(request, reply))
  }

  /** However it ends, also where the answer is a stream that the client leaves. */
  follow(request: FastifyRequest, reply: FastifyReply): void {
    reply.raw.once('close', () => this.#ended(request, reply.raw.statusCode))
  }

  /** Before the answer that refuses is sent. */
  refused(request: FastifyRequest, code: ErrorCode): void {
    this.#codes.set(request, code)
  }

  #ended(request: FastifyRequest, status: number): void {
    const { local } = this.#node
    const route = request.routeOptions.url ?? 'none'
    if (quiet.has(route) && (status < 400 || status === 503)) return
    const code = this.#codes.get(request) ?? ''
    const asker = askerOf(request)
    const type = status < 400 && code === '' ? 'access' : 'refused'
    local.note({ type, method: methodOf(request), route, status, code }, asker)
    if (type === 'refused') return
    if (route === '/dump') local.note({ type: 'exported', kind: 'dump' }, asker)
    if (route === '/persons/export') local.note({ type: 'exported', kind: 'person' }, asker)
  }
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

/** As it was before it was put into an address, as far as it is what an address may hold. */
function decoded(text: string): string {
  return text
    .slice(0, textBytes)
    .replaceAll('+', ' ')
    .replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
      try {
        return decodeURIComponent(run)
      } catch (error) {
        if (error instanceof URIError) return run
        throw error
      }
    })
}
