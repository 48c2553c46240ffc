// What a node answers in JSON, checked before anybody relies on it.

import { LedgerError } from '../base/errors.ts'
import type { JsonValue } from '../base/schema.ts'
import { isErrorCode } from './client-request.ts'

/** A transaction that a quorum executed with one result. */
export interface Submitted {
  readonly tx: string
  /** Of its block. */
  readonly height: number
  /** Place in its block. */
  readonly index: number
}

export async function objectOf(answer: Response): Promise<Readonly<Record<string, JsonValue>>> {
  try {
    const value = (await answer.json()) as JsonValue
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, JsonValue>>
    }
  } catch (cause) {
    throw new LedgerError('ANSWER_UNEXPECTED', { status: answer.status }, cause)
  }
  throw new LedgerError('ANSWER_UNEXPECTED', { status: answer.status })
}

export function numberField(value: Readonly<Record<string, JsonValue>>, name: string): number {
  const field = value[name]
  if (typeof field !== 'number' || !Number.isSafeInteger(field) || field < 0)
    throw new LedgerError('ANSWER_UNEXPECTED', { field: name })
  return field
}

/** @throws LedgerError with the outcome when the ledger did not carry it out. */
export function submittedOf(answer: Readonly<Record<string, JsonValue>>): Submitted {
  const { tx, code, final } = answer
  if (typeof tx !== 'string' || final !== true) throw new LedgerError('ANSWER_UNEXPECTED', { field: 'final' })
  const submitted = { tx, height: numberField(answer, 'height'), index: numberField(answer, 'index') }
  if (code === 'OK') return submitted
  if (!isErrorCode(code)) throw new LedgerError('ANSWER_UNEXPECTED', { field: 'code' })
  throw new LedgerError(code, submitted)
}
