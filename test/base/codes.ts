// What an assertion on an error's stable code looks like.

import { type ErrorCode, LedgerError } from '../../src/base/errors.ts'

/** For assert.throws and assert.rejects: a LedgerError with one of these codes. */
export function hasCode(...codes: readonly ErrorCode[]): (error: unknown) => boolean {
  return (error) => error instanceof LedgerError && codes.includes(error.code)
}

/** The code that `act` fails with, 'fine' when it does not fail; any error that is no LedgerError goes through. */
export function codeOf(act: () => unknown): ErrorCode | 'fine' {
  try {
    act()
    return 'fine'
  } catch (error) {
    if (error instanceof LedgerError) return error.code
    throw error
  }
}
