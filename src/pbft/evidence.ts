// Evidence: two signed statements of one validator that contradict each other. It names the ledger and carries both
// signatures, so that anybody who knows the validators of that epoch can verify it, for ever and offline.

import type { SignatureDomain } from '../base/domains.ts'
import { LedgerError } from '../base/errors.ts'
import { type Epoch, type LedgerId, type NodeId, nodeIdOf, type Sequence } from '../base/ids.ts'
import { bytes, decode, encode, id, named, record, type Schema, variant } from '../base/schema.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'
import {
  type Agreement,
  agreementBytes,
  agreementSchema,
  type Result,
  resultBytes,
  resultSchema,
} from '../consensus/statements.ts'
import { agreementOf } from './claims.ts'
import type { Phase, SignedResult, Vote } from './messages.ts'
import { resultKey, type State } from './state.ts'

interface Signed<T> {
  readonly statement: T
  readonly signature: Uint8Array
}

export type Evidence =
  | EvidenceOf<'pre-prepare', Agreement>
  | EvidenceOf<'prepare', Agreement>
  | EvidenceOf<'commit', Agreement>
  | EvidenceOf<'result', Result>

interface EvidenceOf<Type extends string, T> {
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

export const evidenceSchema: Schema<Evidence> = named(
  'pbft-evidence',
  variant<Evidence>({
    'pre-prepare': [1, { culprit, ...agreements }],
    prepare: [2, { culprit, ...agreements }],
    commit: [3, { culprit, ...agreements }],
    result: [4, { culprit, first: signed(resultSchema), second: signed(resultSchema) }],
  }),
)

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

function put(state: State, evidence: Evidence): void {
  const about = `${evidence.culprit}/${evidence.type}/${evidence.first.statement.sequence}`
  if (state.accused.has(about)) return
  state.accused.add(about)
  state.out.push({ type: 'accuse', culprit: evidence.culprit, evidence: encode(evidenceSchema, evidence) })
}

/** How a signature is checked: `verify` of base/signature.ts. */
export type VerifyEvidence = (
  domain: SignatureDomain,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
) => boolean

/** Whether this convicts its culprit, a validator of `roster`: one place, two different statements, both signatures good. */
export function convicts(evidence: Evidence, ledger: LedgerId, roster: Roster, verify: VerifyEvidence): boolean {
  const key = validatorOf(roster, evidence.culprit)?.key
  const { first, second } = evidence
  if (key === undefined || first.statement.ledger !== ledger || second.statement.ledger !== ledger) return false
  if (first.statement.epoch !== roster.epoch || second.statement.epoch !== roster.epoch) return false
  if (first.statement.sequence !== second.statement.sequence || !contradict(evidence)) return false
  const bytesOf = evidence.type === 'result' ? resultsBytes(evidence) : agreementsBytes(evidence)
  return (
    verify(evidence.type, bytesOf[0], first.signature, key) && verify(evidence.type, bytesOf[1], second.signature, key)
  )
}

function contradict(evidence: Evidence): boolean {
  if (evidence.type === 'result') return resultKey(evidence.first.statement) !== resultKey(evidence.second.statement)
  const [a, b] = [evidence.first.statement, evidence.second.statement]
  return a.round === b.round && a.digest !== b.digest
}

function resultsBytes({ first, second }: Extract<Evidence, { type: 'result' }>): [Uint8Array, Uint8Array] {
  return [resultBytes(first.statement), resultBytes(second.statement)]
}

function agreementsBytes({ first, second }: Exclude<Evidence, { type: 'result' }>): [Uint8Array, Uint8Array] {
  return [agreementBytes(first.statement), agreementBytes(second.statement)]
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
export function provesAgainst(bytes: Uint8Array, ledger: LedgerId, roster: Roster, verify: VerifyEvidence): boolean {
  const evidence = read(bytes)
  return evidence !== undefined && convicts(evidence, ledger, roster, verify)
}

function read(evidence: Uint8Array): Evidence | undefined {
  try {
    return decode(evidenceSchema, evidence)
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}
