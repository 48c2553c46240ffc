// SPARQL 1.1 Query over an RDF/JS source, within limits: time, rows, size of the query; reaching out to nobody. What is
// left to others: which source, at which height, and who may ask.

import { limits } from '../base/limits.ts'
import type { Answer } from './evaluate.ts'
import { Evaluation } from './evaluation.ts'
import type { Dataset } from './parse.ts'
import type { QuadSource } from './source.ts'

export type { Answer } from './evaluate.ts'
export type { Dataset } from './parse.ts'
export type { PatternTerm, QuadSource } from './source.ts'

export interface QueryOptions {
  /** Ends the query when aborted: QUERY_CANCELLED. */
  readonly signal?: AbortSignal | undefined
  /** From the call to the last byte of the body. */
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
   * QUERY_CANCELLED, RESULT_TOO_LARGE, QUERY_FAILED; the body may fail with the last four.
   */
  query(text: string, source: QuadSource, options?: QueryOptions): Promise<Answer>
}

export function createQueryEngine(): QueryEngine {
  return {
    async query(text, source, options = {}) {
      const [{ parseQuery }, { DatasetView }, { evaluate }] = await Promise.all([
        import('./parse.ts'),
        import('./view.ts'),
        import('./evaluate.ts'),
      ])
      const parsed = parseQuery(text)
      const evaluation = new Evaluation(options.timeoutMs ?? limits.queryMsMax, options.signal)
      const view = new DatasetView(source, options.dataset ?? parsed.dataset, evaluation)
      const rowsMax = options.rowsMax ?? limits.resultRowsMax
      return evaluate(parsed, view, evaluation, { accept: options.accept, rowsMax })
    },
  }
}
