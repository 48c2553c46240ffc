// What a command says when it cannot do what it was asked: `CODE: one sentence. What to do next.` on standard error, and
// an exit code.

import { LedgerError } from '../base/errors.ts'

/** Writes the error and gives the exit code. */
export function reportFailure(error: unknown, json: boolean, err: NodeJS.WritableStream): number {
  const known = error instanceof LedgerError ? error : new LedgerError('UNEXPECTED', { reason: said(error) }, error)
  const { code, message, next, details } = known
  err.write(json ? `${JSON.stringify({ code, message, next, details })}\n` : `${code}: ${message} ${next}\n`)
  return known.exitCode
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
