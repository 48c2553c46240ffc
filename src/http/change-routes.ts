// GET /changes?since=: what changed above a height and goes on changing, as server-sent events or as one RDF Patch without end.
// Each block is one event or one transaction of the patch, so whoever knows the height of the last whole one can go on from
// there. A client that does not read is dropped: nothing is kept for it.

import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Writer } from 'n3'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type Parameters, single, wholeNumber } from './inputs.ts'
import type { HttpChange, HttpNode } from './node-port.ts'

const eventStream = 'text/event-stream'
const rdfPatch = 'application/rdf-patch'

export interface ChangeRoutesOptions {
  readonly node: HttpNode
  /** Of what this node could not read. */
  readonly onError: (error: unknown) => void
  /** A client that takes nothing for so long is dropped. */
  readonly stalledMs: number
}

export function changeRoutes(server: FastifyInstance, { node, onError, stalledMs }: ChangeRoutesOptions): void {
  let open = 0
  server.get('/changes', (request, reply) => {
    const parameters = request.query as Parameters
    const format = formatFor(request.headers.accept)
    const since = sinceOf(parameters, request.headers['last-event-id'], node)
    const until = single(parameters, 'until')
    const last =
      until === undefined ? Number.POSITIVE_INFINITY : wholeNumber(until, 'until', 0, Number.MAX_SAFE_INTEGER)
    if (open >= limits.changeStreamsMax) throw new LedgerError('TOO_BUSY')
    // Refused here, while there is a status to say it with.
    node.source(since)
    open += 1
    reply.raw.once('close', () => {
      open -= 1
    })
    const stream = new ChangeStream({ node, out: begin(reply, format), format, stalledMs })
    stream.run(since, last).catch(onError)
    return reply
  })
}

/** @throws LedgerError NOT_ACCEPTABLE */
function formatFor(accept = '*/*'): string {
  if (accept.includes(rdfPatch)) return rdfPatch
  if (/text\/(event-stream|\*)|\*\/\*/.test(accept)) return eventStream
  throw new LedgerError('NOT_ACCEPTABLE', { offered: `${eventStream}, ${rdfPatch}` })
}

/** The height that the client has: what a browser says when it comes back, else `since`, else now. */
function sinceOf(parameters: Parameters, lastEvent: string | string[] | undefined, node: HttpNode): number {
  const given = (typeof lastEvent === 'string' ? lastEvent : undefined) ?? single(parameters, 'since')
  const since = given === undefined ? node.height : wholeNumber(given, 'since', 0, Number.MAX_SAFE_INTEGER)
  if (since > node.height) throw new LedgerError('HEIGHT_UNKNOWN', { height: node.height })
  return since
}

function begin(reply: FastifyReply, format: string): ServerResponse {
  reply.hijack()
  const headers = Object.entries(reply.getHeaders()).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  )
  reply.raw.writeHead(200, { ...Object.fromEntries(headers), 'content-type': format })
  reply.raw.flushHeaders()
  return reply.raw
}

interface StreamOptions {
  readonly node: HttpNode
  readonly out: ServerResponse
  readonly format: string
  readonly stalledMs: number
}

class ChangeStream {
  readonly #options: StreamOptions
  readonly #left = new AbortController()

  constructor(options: StreamOptions) {
    this.#options = options
    options.out.once('close', () => this.#left.abort())
    options.out.on('error', () => this.#left.abort())
  }

  /** What goes wrong cuts the connection: a client goes on from the last whole block. */
  async run(since: number, last: number): Promise<void> {
    const { node, out } = this.#options
    try {
      for (let height = since + 1; height <= last && !this.#left.signal.aborted; height++) {
        if (!(await this.#waitFor(height))) return
        await this.#block(node.changes(height), height)
      }
      out.end()
    } catch (error) {
      out.destroy()
      if (!(error instanceof LedgerError) || error.exitCode !== 5) throw error
    }
  }

  /** False when the client left. */
  async #waitFor(height: number): Promise<boolean> {
    const { node } = this.#options
    while (!this.#left.signal.aborted) {
      const beat = AbortSignal.any([this.#left.signal, AbortSignal.timeout(limits.heartbeatMs)])
      if (await node.reached(height, beat)) return true
      if (!this.#left.signal.aborted) await this.#write(this.#isPatch ? mark(height - 1) : `id: ${height - 1}\n\n`)
    }
    return false
  }

  /** Nothing for a block that changed no quad. */
  async #block(changes: AsyncIterable<HttpChange>, height: number): Promise<void> {
    const lines = this.#isPatch ? (text: string) => text : dataLines
    let text = this.#isPatch ? '' : `id: ${height}\nevent: block\n`
    let changed = false
    let opened = false
    for await (const change of changes) {
      if (this.#left.signal.aborted) return
      if (change.type !== 'block') changed = true
      if (change.type === 'added' || change.type === 'removed') {
        if (!opened) text += lines('TX .\n')
        opened = true
      }
      text += lines(lineOf(change))
      if (text.length < limits.answerPieceBytes) continue
      await this.#write(text)
      text = ''
    }
    if (!changed) return
    if (opened) text += lines('TC .\n')
    await this.#write(this.#isPatch ? `${text}${mark(height)}` : `${text}\n`)
  }

  get #isPatch(): boolean {
    return this.#options.format === rdfPatch
  }

  /** Waits until the client has taken it, and no longer than it may. */
  async #write(text: string): Promise<void> {
    const { out, stalledMs } = this.#options
    if (this.#left.signal.aborted || out.write(text)) return
    await new Promise<void>((resolve) => {
      const stalled = setTimeout(() => out.destroy(), stalledMs)
      const go = (): void => {
        clearTimeout(stalled)
        out.off('drain', go)
        out.off('close', go)
        resolve()
      }
      out.on('drain', go)
      out.on('close', go)
    })
  }
}

/** In a patch: everything up to this height was said. */
const mark = (height: number): string => `# height ${height}\n`

/** Each line as one of an event. Only a line feed ends one: literals hold U+2028 and its like as they are. */
const dataLines = (text: string): string => text.replace(/[^\n]+/g, 'data: $&')

const writer = new Writer({ format: 'N-Quads' })

/** RDF Patch (https://afs.github.io/rdf-patch/): a header, or a quad added or deleted. */
function lineOf(change: HttpChange): string {
  switch (change.type) {
    case 'block':
      return `H height "${change.height}" .\nH time "${new Date(change.time).toISOString()}" .\n`
    case 'erased':
      return `H erased <urn:quadrille:item:${change.item}> .\n`
    default: {
      const { subject, predicate, object, graph } = change.quad
      return `${change.type === 'added' ? 'A' : 'D'} ${writer.quadToString(subject, predicate, object, graph)}`
    }
  }
}
