// Two statements that one validator signed and that contradict each other: proof that it lies, or runs twice. It names the ledger
// and carries both signatures, so that whoever knows the validator's key verifies it, for ever and offline.

import type { SignatureDomain } from '../base/domains.ts'
import { type LedgerId, type NodeId, nodeIdOf } from '../base/ids.ts'
import { bytes, id, named, record, type Schema, variant } from '../base/schema.ts'
import {
  type Agreement,
  agreementBytes,
  agreementSchema,
  type Result,
  resultBytes,
  resultKey,
  resultSchema,
} from './statements.ts'

export interface Signed<T> {
  readonly statement: T
  readonly signature: Uint8Array
}

export type Contradiction =
  | ContradictionOf<'pre-prepare', Agreement>
  | ContradictionOf<'prepare', Agreement>
  | ContradictionOf<'commit', Agreement>
  | ContradictionOf<'result', Result>

interface ContradictionOf<Type extends string, T> {
  readonly type: Type
  readonly culprit: NodeId
  readonly first: Signed<T>
  readonly second: Signed<T>
}

function signed<T>(of: Schema<T>): Schema<Signed<T>> {
  return record<Signed<T>>({ statement: of, signature: bytes(64) })
}

const culprit: Schema<NodeId> = id(16, nodeIdOf)
const agreements: { first: Schema<Signed<Agreement>>; second: Schema<Signed<Agreement>> } = {
  first: signed(agreementSchema),
  second: signed(agreementSchema),
}

export const contradictionSchema: Schema<Contradiction> = named(
  'contradiction',
  variant<Contradiction>({
    'pre-prepare': [1, { culprit, ...agreements }],
    prepare: [2, { culprit, ...agreements }],
    commit: [3, { culprit, ...agreements }],
    result: [4, { culprit, first: signed(resultSchema), second: signed(resultSchema) }],
  }),
)

/** `verify` of base/signature.ts. */
export type VerifyStatement = (
  domain: SignatureDomain,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
) => boolean

/** Whether it convicts the holder of this key: one place, two different statements, both signatures good. */
export function convicts(
  contradiction: Contradiction,
  ledger: LedgerId,
  key: Uint8Array,
  verify: VerifyStatement,
): boolean {
  const { type, first, second } = contradiction
  const [one, other] = [first.statement, second.statement]
  if (one.ledger !== ledger || other.ledger !== ledger) return false
  if (one.epoch !== other.epoch || one.sequence !== other.sequence || !contradict(contradiction)) return false
  const [oneBytes, otherBytes] = bytesOf(contradiction)
  return verify(type, oneBytes, first.signature, key) && verify(type, otherBytes, second.signature, key)
}

function contradict({ type, first, second }: Contradiction): boolean {
  if (type === 'result') return resultKey(first.statement) !== resultKey(second.statement)
  return first.statement.round === second.statement.round && first.statement.digest !== second.statement.digest
}

function bytesOf({ type, first, second }: Contradiction): readonly [Uint8Array, Uint8Array] {
  return type === 'result'
    ? [resultBytes(first.statement), resultBytes(second.statement)]
    : [agreementBytes(first.statement), agreementBytes(second.statement)]
}
