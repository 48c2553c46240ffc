// Evidence: what a replica met of a validator that contradicts itself, put into a form that convinces others.

import { LedgerError } from '../base/errors.ts'
import type { Epoch, LedgerId, NodeId, Sequence } from '../base/ids.ts'
import { decode, encode } from '../base/schema.ts'
import {
  type Contradiction,
  contradictionSchema,
  convicts,
  type Signed,
  type VerifyStatement,
} from '../consensus/contradiction.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'
import type { Agreement, Result } from '../consensus/statements.ts'
import { agreementOf } from './claims.ts'
import type { Phase, SignedResult, Vote } from './messages.ts'
import type { State } from './state.ts'

export function accuse(state: State, phase: Phase, first: Vote, second: Vote): void {
  const said = (vote: Vote): Signed<Agreement> => ({
    statement: agreementOf(state.setup.ledger, vote),
    signature: vote.signature,
  })
  put(state, { type: phase, culprit: first.signer, first: said(first), second: said(second) })
}

export function accuseResults(state: State, first: SignedResult, second: SignedResult): void {
  const said = ({ result, signature }: SignedResult): Signed<Result> => ({ statement: result, signature })
  put(state, { type: 'result', culprit: first.signer, first: said(first), second: said(second) })
}

function put(state: State, evidence: Contradiction): void {
  const about = `${evidence.culprit}/${evidence.type}/${evidence.first.statement.sequence}`
  if (state.accused.has(about)) return
  state.accused.add(about)
  state.out.push({ type: 'accuse', culprit: evidence.culprit, evidence: encode(contradictionSchema, evidence) })
}

/** What evidence says, in words. */
export interface Accusation {
  readonly culprit: NodeId
  readonly epoch: Epoch
  readonly sequence: Sequence
  readonly sentence: string
}

/** What these bytes say, proven or not; undefined when they are no evidence. Never throws for what somebody sent. */
export function accusationIn(bytes: Uint8Array): Accusation | undefined {
  const evidence = read(bytes)
  if (evidence === undefined) return undefined
  const { culprit, first } = evidence
  const { epoch, sequence } = first.statement
  const sentence =
    evidence.type === 'result'
      ? `It signed two different results of sequence ${sequence}.`
      : `It signed two different ${evidence.type} statements for sequence ${sequence} in view ${evidence.first.statement.round}.`
  return { culprit, epoch, sequence, sentence }
}

/** Whether these bytes convict a validator of `roster`. Never throws for what somebody sent. */
export function provesAgainst(bytes: Uint8Array, ledger: LedgerId, roster: Roster, verify: VerifyStatement): boolean {
  const evidence = read(bytes)
  const key = evidence && validatorOf(roster, evidence.culprit)?.key
  if (evidence === undefined || key === undefined || evidence.first.statement.epoch !== roster.epoch) return false
  return convicts(evidence, ledger, key, verify)
}

function read(evidence: Uint8Array): Contradiction | undefined {
  try {
    return decode(contradictionSchema, evidence)
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}
