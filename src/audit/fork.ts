// Two signed checkpoints of one log that cannot both be true: the proof that a log was forked, and who signed both sides. It
// is one JSON file that anybody with the validators' keys checks offline.

import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { record, type Schema, text, word } from '../base/schema.ts'
import { type NoteKey, parseCheckpoint, parseNote, verifyNote } from './note.ts'

export interface ForkProof {
  readonly kind: 'quadrille fork 1'
  /** C2SP signed notes of one origin and size with different roots. */
  readonly first: string
  readonly second: string
}

export interface ForkVerdict {
  readonly origin: string
  readonly size: number
  /** Key names with a valid signature, on each side. */
  readonly first: readonly string[]
  readonly second: readonly string[]
  /** Who signed both: proven liars. */
  readonly both: readonly string[]
}

export const forkProofSchema: Schema<ForkProof> = record<ForkProof>({
  kind: word('quadrille fork 1'),
  first: text(limits.validatorsMax * limits.noteBytesMax),
  second: text(limits.validatorsMax * limits.noteBytesMax),
})

/** What two notes prove, each signed by at least one of `keys`; undefined when they do not contradict one another. */
export function judgeFork({ first, second }: ForkProof, keys: readonly NoteKey[]): ForkVerdict | undefined {
  try {
    const [one, other] = [parseNote(first), parseNote(second)]
    const [{ origin, size, root }, that] = [parseCheckpoint(one.text), parseCheckpoint(other.text)]
    if (that.origin !== origin || that.size !== size || that.root === root) return undefined
    const [valid, also] = [verifyNote(one, keys).valid, verifyNote(other, keys).valid]
    if (valid.length === 0 || also.length === 0) return undefined
    return { origin, size, first: valid, second: also, both: valid.filter((name) => also.includes(name)) }
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}
