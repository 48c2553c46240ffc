// Reading what a request says in its address: numbers and identifiers, or a refusal that names the field.

import { LedgerError } from '../base/errors.ts'

/** Parameters of a query string or a form; a parameter may stand more than once. */
export type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>

/** The one value of a parameter. @throws LedgerError USAGE when it stands twice. */
export function single(parameters: Parameters, name: string): string | undefined {
  const value = parameters[name]
  if (value === undefined || typeof value === 'string') return value
  throw new LedgerError('USAGE', { parameter: name, reason: 'it stands more than once' })
}

export function all(parameters: Parameters, name: string): readonly string[] {
  const value = parameters[name]
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}

/** @throws LedgerError USAGE unless it is a whole number from `min` to `max`. */
export function wholeNumber(text: string | undefined, name: string, min: number, max: number): number {
  const value = text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new LedgerError('USAGE', { parameter: name, reason: `expected a whole number from ${min} to ${max}` })
}

/** @throws LedgerError USAGE when `make` throws RangeError. */
export function identifier<T>(text: string, name: string, make: (text: string) => T): T {
  try {
    return make(text)
  } catch (error) {
    if (error instanceof RangeError) throw new LedgerError('USAGE', { parameter: name, reason: error.message }, error)
    throw error
  }
}
