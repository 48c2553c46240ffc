// quadrille explain: the error table for people.

import { type ErrorEntry, errorTable } from '../../base/error-table.ts'
import { LedgerError } from '../../base/errors.ts'
import { argument, type Handler } from '../context.ts'

const meanings: Readonly<Record<number, string>> = {
  1: 'verification failed, or the answer is no',
  2: 'usage',
  3: 'configuration',
  4: 'refused by the ledger',
  5: 'unavailable, try again',
  6: 'locked',
  7: 'not permitted',
}

export const explain: Handler = async (args, _options, context) => {
  const code = argument(args, 0).toUpperCase()
  const table: Readonly<Record<string, ErrorEntry>> = errorTable
  const entry = Object.hasOwn(table, code) ? table[code] : undefined
  if (entry === undefined) throw new LedgerError('USAGE', { reason: 'there is no such error code' })
  const { sentence, next, exit } = entry
  context.answer({ code, sentence, next, exit }, [
    `${code}: ${sentence}`,
    next,
    `A command that ends with it has exit code ${exit} (${meanings[exit] ?? ''}).`,
  ])
  return 0
}
