// SPARQL 1.1 Query over an RDF/JS source, within limits: time, rows, memory, size of the query; reaching out to nobody. Each
// query is evaluated in a thread of its own (worker.ts). What is left to others: which source, at which height, and who may ask.

import { invariant, LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Task } from './messages.ts'
import type { Dataset } from './parse.ts'
import { type Answer, type Delta, Running } from './running.ts'
import type { QuadSource } from './source.ts'
import { type ThreadBounds, type Threads, threadsWithin } from './threads.ts'

export type { Dataset } from './parse.ts'
export type { Answer, Delta } from './running.ts'
export type { PatternTerm, QuadSource } from './source.ts'
export type { ThreadBounds } from './threads.ts'

export interface QueryOptions {
  /** Ends the query when aborted: QUERY_CANCELLED. */
  readonly signal?: AbortSignal | undefined
  /** In its thread, to the last byte of the body; as long again for a thread to be free. */
  readonly timeoutMs?: number | undefined
  readonly rowsMax?: number | undefined
  /** Value of an Accept header. */
  readonly accept?: string | undefined
  /** Overrides FROM and FROM NAMED (SPARQL 1.1 Protocol, section 2.1.4). */
  readonly dataset?: Dataset | undefined
}

export interface QueryEngine {
  /**
   * @throws LedgerError PARSE_ERROR (line, column, reason), QUERY_FORBIDDEN, TOO_LARGE, NOT_ACCEPTABLE, QUERY_TIMEOUT,
   * QUERY_CANCELLED, QUERY_MEMORY, RESULT_TOO_LARGE, QUERY_FAILED; the body may fail with the last five.
   */
  query(text: string, source: QuadSource, options?: QueryOptions): Promise<Answer>
  /**
   * What an update would change, without changing it.
   * @throws LedgerError as `query` does, GRAPH_MISSING for quads outside of any graph, TOO_LARGE for too many.
   */
  update(text: string, source: QuadSource, options?: UpdateOptions): Promise<Delta>
}

export type UpdateOptions = Pick<QueryOptions, 'signal' | 'timeoutMs' | 'dataset'>

/** Engines with the same bounds share their threads. */
export function createQueryEngine(bounds?: ThreadBounds): QueryEngine {
  const threads = threadsWithin(bounds)
  return {
    async query(text, source, { accept, dataset, rowsMax = limits.resultRowsMax, ...options } = {}) {
      const answer = await run(threads, { type: 'query', text, accept, rowsMax, dataset }, source, options)
      invariant(answer.type === 'answer', 'a query was answered with a delta')
      return answer
    },
    async update(text, source, { dataset, ...options } = {}) {
      const delta = await run(threads, { type: 'update', text, dataset }, source, options)
      invariant(delta.type === 'delta', 'an update was answered with something else')
      return delta
    },
  }
}

async function run(
  threads: Threads,
  task: Task,
  source: QuadSource,
  { signal, timeoutMs = limits.queryMsMax }: Pick<QueryOptions, 'signal' | 'timeoutMs'>,
): Promise<Answer | Delta> {
  const over = new AbortController()
  let running: Running | undefined
  let ended: LedgerError | undefined
  const end = (error: LedgerError): void => {
    ended ??= error
    over.abort()
    running?.fail(error)
  }
  const limit = (): NodeJS.Timeout =>
    setTimeout(() => end(new LedgerError('QUERY_TIMEOUT', { ms: timeoutMs })), timeoutMs)
  let timer = limit()
  const leave = (): void => end(new LedgerError('QUERY_CANCELLED'))
  const settle = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', leave)
  }
  if (signal?.aborted === true) leave()
  signal?.addEventListener('abort', leave)
  try {
    const thread = await threads.take(over.signal)
    if (thread !== undefined && ended !== undefined) threads.give(thread)
    if (thread === undefined || ended !== undefined) throw ended
    const onEnd = (usable: boolean): void => (usable ? threads.give(thread) : threads.discard(thread))
    clearTimeout(timer)
    timer = limit()
    running = new Running({ thread, heapMiB: threads.bounds.heapMiB, task, source, onEnd, onOver: settle })
  } catch (error) {
    settle()
    throw error
  }
  return running.answer
}
