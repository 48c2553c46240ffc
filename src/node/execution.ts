// Where a transaction was executed: what a client that asks again with the same bytes is told.

import { digestOf, type Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { id, record, type Schema, text, uint } from '../base/schema.ts'
import type { RequestId } from '../consensus/batch.ts'

export interface Execution {
  /** Of the bytes that were executed: another transaction with the same number is not this one. */
  readonly request: RequestId
  readonly sequence: Sequence
  /** Place in its block. */
  readonly index: number
  /** OK, or why it changed nothing. */
  readonly code: string
}

export const executionSchema: Schema<Execution> = record<Execution>({
  request: id(32, digestOf),
  sequence: uint<Sequence>(),
  index: uint(),
  code: text(limits.nameBytesMax),
})
