// What a command says when it cannot do what it was asked: `CODE: one sentence. What to do next.` on standard error, and
// an exit code.

import { kindOf, placesOf } from '../base/error-facts.ts'
import { type ErrorDetails, LedgerError } from '../base/errors.ts'

/** Writes the error and gives the exit code. */
export function reportFailure(error: unknown, json: boolean, err: NodeJS.WritableStream): number {
  const known = error instanceof LedgerError ? error : new LedgerError('UNEXPECTED', unexpected(error), error)
  const { code, message, next, details } = known
  err.write(json ? `${JSON.stringify({ code, message, next, details })}\n` : `${code}: ${message} ${next}\n`)
  return known.exitCode
}

/** What kind of error it is and where it came from; what it says may quote anything. */
function unexpected(error: unknown): ErrorDetails {
  const [at] = placesOf(error)
  return { reason: kindOf(error), ...(at === undefined ? {} : { at }) }
}
