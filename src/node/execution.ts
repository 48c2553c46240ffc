// Where a transaction was executed: what a client that asks again is told.

import type { Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { record, type Schema, text, uint } from '../base/schema.ts'

export interface Execution {
  readonly sequence: Sequence
  /** Place in its block. */
  readonly index: number
  /** OK, or why it changed nothing. */
  readonly code: string
}

export const executionSchema: Schema<Execution> = record<Execution>({
  sequence: uint<Sequence>(),
  index: uint(),
  code: text(limits.nameBytesMax),
})
