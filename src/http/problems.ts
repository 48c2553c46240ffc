// Errors as answers: RFC 9457 problem details with our code. What this program did not expect is told to the operator and
// reaches the client as UNEXPECTED, without its message. No answer that refuses quotes what was asked: it may be personal, and
// answers end up in logs of clients and proxies.

import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { plainWords } from '../base/plain-words.ts'

export const problemMediaType = 'application/problem+json'

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly details: LedgerError['details']
}

/** Where the exit code's own status does not fit. Not 408, 429, 502 or 504 for what would fail again: clients repeat those. */
const statuses: Partial<Record<ErrorCode, number>> = {
  MALFORMED: 400,
  NON_CANONICAL: 400,
  PARSE_ERROR: 400,
  USAGE: 400,
  WRONG_LEDGER: 400,
  NOT_FOUND: 404,
  HEIGHT_UNKNOWN: 404,
  ITEM_UNKNOWN: 404,
  RECEIPT_UNKNOWN: 404,
  GRAPH_UNKNOWN: 404,
  NOT_ACCEPTABLE: 406,
  ORDER_UNKNOWN: 404,
  PERSON_UNKNOWN: 404,
  BACKUPS_UNDECLARED: 409,
  CONFLICT: 409,
  BASE_TOO_OLD: 409,
  REPEATED: 409,
  ITEM_ERASED: 410,
  TOO_LARGE: 413,
  MEDIA_TYPE_UNKNOWN: 415,
  HOST_REFUSED: 421,
  QUERY_TIMEOUT: 422,
  UNEXPECTED: 500,
  RECORD_TAMPERED: 500,
  KEY_MISSING: 500,
  STORAGE_FAILED: 500,
  STORAGE_INCOMPLETE: 500,
}

/** By LedgerError.exitCode. */
const statusOfExit: Readonly<Record<number, number>> = { 1: 422, 2: 400, 3: 500, 4: 422, 5: 503, 6: 503, 7: 403 }

/** Seconds after which a passing refusal may have passed. */
export const retryAfterS = 1

export function problemOf(error: LedgerError): Problem {
  const status = statuses[error.code] ?? statusOfExit[error.exitCode] ?? 500
  return {
    type: `urn:quadrille:error:${error.code}`,
    title: error.message,
    status,
    detail: error.next,
    code: error.code,
    details: error.details,
  }
}

/** Whether the operator should hear of it: what is the node's own fault. */
export function concernsOperator(error: unknown): boolean {
  return problemOf(toldError(error)).status === 500
}

/** The error that a client is told. Fastify's own refusals (a body too large, of another type) have their status. */
export function toldError(error: unknown): LedgerError {
  if (error instanceof LedgerError) return error
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  if (status === 413) return new LedgerError('TOO_LARGE', {}, error)
  if (status === 415) return new LedgerError('MEDIA_TYPE_UNKNOWN', {}, error)
  if (typeof status === 'number' && status < 500)
    return new LedgerError('USAGE', { reason: plainWords(messageOf(error)) })
  return new LedgerError('UNEXPECTED', {}, error)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
