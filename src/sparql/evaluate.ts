// Comunica behind our own contract: evaluates a parsed query over a view and writes the answer in one format. It runs in
// the thread of worker.ts.

import { EventEmitter } from 'node:events'
import { QueryEngine as Comunica } from '@comunica/query-sparql-rdfjs'
import type { Quad } from '@rdfjs/types'
import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { plainWords } from '../base/plain-words.ts'
import type { Evaluation } from './evaluation.ts'
import { negotiate } from './formats.ts'
import type { ParsedQuery } from './parse.ts'
import { withBounds } from './ranges.ts'
import type { Answer } from './running.ts'
import type { DatasetView } from './view.ts'

export interface AnswerWishes {
  readonly accept: string | undefined
  /** Rows or triples. */
  readonly rowsMax: number
}

type Result = Awaited<ReturnType<Comunica['query']>>

const comunica = new Comunica()

/** @throws LedgerError NOT_ACCEPTABLE, QUERY_FAILED, or what failed the evaluation. */
export async function evaluate(
  query: ParsedQuery,
  view: DatasetView,
  evaluation: Evaluation,
  wishes: AnswerWishes,
): Promise<Omit<Answer, 'type'>> {
  const context = {
    sources: [view] as [DatasetView],
    readOnly: true,
    distinctConstruct: true,
    ...(query.baseIri === undefined ? {} : { baseIRI: query.baseIri }),
  }
  try {
    const result = await Promise.race([
      comunica.query(withBounds(query.algebra) as never, context as never),
      evaluation.failed,
    ])
    if (result.resultType === 'void') throw new LedgerError('QUERY_FORBIDDEN', { found: 'an update' })
    const mediaType = negotiate(result.resultType, wishes.accept)
    const text = await comunica.resultToString(counted(result, evaluation, wishes.rowsMax), mediaType)
    return { mediaType, body: bodyOf(text.data as unknown as Readable, evaluation) }
  } catch (error) {
    evaluation.finish()
    throw failure(error)
  }
}

/** The quads that one operation of an update would remove and add: all is read before anything is said of it. */
export async function changesOf(
  operation: Pick<ParsedQuery, 'algebra' | 'baseIri'>,
  view: DatasetView,
  evaluation: Evaluation,
): Promise<{ readonly removed: readonly Quad[]; readonly added: readonly Quad[] }> {
  const removed: Quad[] = []
  const added: Quad[] = []
  const context = {
    sources: [view] as [DatasetView],
    destination: {
      import: (quads: Emitter) => gathered(quads, added),
      remove: (quads: Emitter) => gathered(quads, removed),
    },
    ...(operation.baseIri === undefined ? {} : { baseIRI: operation.baseIri }),
  }
  try {
    await Promise.race([comunica.queryVoid(operation.algebra as never, context as never), evaluation.failed])
    return { removed, added }
  } catch (error) {
    evaluation.throwIfFailed()
    throw failure(error)
  }
}

interface Emitter {
  on(event: string, listener: (value: never) => void): unknown
}

/** As an RDF/JS store takes a stream of quads, within the bound of one update. */
function gathered(quads: Emitter, into: Quad[]): EventEmitter {
  const events = new EventEmitter()
  quads.on('data', (quad: Quad) => {
    into.push(quad)
    if (into.length > limits.updateQuadsMax)
      events.emit('error', new LedgerError('TOO_LARGE', { quadsMax: limits.updateQuadsMax }))
  })
  quads.on('end', () => events.emit('end'))
  quads.on('error', (error: Error) => events.emit('error', error))
  return events
}

interface Readable extends AsyncIterable<string | Uint8Array> {
  destroy(error?: Error): void
}

/** The same result, failing the evaluation beyond `rowsMax`. */
function counted(result: Result, evaluation: Evaluation, rowsMax: number): Result {
  if (result.resultType === 'boolean' || result.resultType === 'void') return result
  let rows = 0
  const count = <Row>(row: Row): Row => {
    rows += 1
    if (rows > rowsMax) evaluation.fail(new LedgerError('RESULT_TOO_LARGE', { rowsMax }))
    return row
  }
  const execute = async (): Promise<never> => {
    const rowsOf = (await result.execute()) as Rows
    evaluation.track({ close: () => rowsOf.destroy() })
    return rowsOf.map(count) as never
  }
  return { ...result, execute }
}

interface Rows {
  map<Row>(change: (row: Row) => Row): unknown
  destroy(): void
}

async function* bodyOf(text: Readable, evaluation: Evaluation): AsyncGenerator<Uint8Array, void, undefined> {
  evaluation.failed.catch((error: Error) => text.destroy(error))
  try {
    for await (const chunk of text) {
      evaluation.throwIfFailed()
      yield typeof chunk === 'string' ? utf8(chunk) : chunk
    }
    evaluation.throwIfFailed()
  } catch (error) {
    evaluation.throwIfFailed()
    throw failure(error)
  } finally {
    evaluation.finish()
    text.destroy()
  }
}

/** What Comunica throws says in its first line what it could not do, and quotes what it could not do it with. */
function failure(error: unknown): Error {
  if (error instanceof LedgerError) return error
  const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''
  return new LedgerError('QUERY_FAILED', { reason: plainWords(reason) })
}
