// Evidence as a file that travels: what a validator signed and contradicts itself, or the malformed part of a payload under its
// author's signature. Whoever has the genesis checks it offline; who shows it needs no trust.

import type { ErrorCode } from '../base/errors.ts'
import { hashOf } from '../base/hash.ts'
import { type Digest, type LedgerId, ledgerIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytesUpTo, id, record, type Schema, text, word } from '../base/schema.ts'
import { verify } from '../base/signature.ts'
import type { Roster } from '../consensus/roster.ts'
import { verifyMalformedPart } from '../ledger/evidence.ts'
import { type EpochStep, epochStepsSchema } from './epoch-chain.ts'
import { accusationOf, isProven } from './protocols.ts'

export interface EvidenceDocument {
  readonly kind: 'quadrille evidence 1'
  readonly ledger: LedgerId
  /** As the genesis names it. */
  readonly protocol: string
  /** Of whom: a validator of the protocol, or the author of a payload. */
  readonly against: 'validator' | 'author'
  readonly evidence: Uint8Array
  /** From the genesis to the validators who signed it; as far as the node that shows it can prove. */
  readonly epochs: readonly EpochStep[]
}

export const evidenceDocumentSchema: Schema<EvidenceDocument> = record<EvidenceDocument>({
  kind: word('quadrille evidence 1'),
  ledger: id(32, ledgerIdOf),
  protocol: text(limits.nameBytesMax),
  against: word('validator', 'author'),
  evidence: bytesUpTo(limits.evidenceBytesMax),
  epochs: epochStepsSchema,
})

/** Names a piece of evidence by what it is, whoever proves its epoch. */
export function evidenceId(document: EvidenceDocument): Digest {
  return hashOf('evidence', evidenceDocumentSchema, { ...document, epochs: [] })
}

export type EvidenceJudgement =
  /** `culprit`: a node id, or the id of an application key. */
  | { readonly type: 'proven'; readonly culprit: string; readonly sentence: string }
  | { readonly type: 'void'; readonly code: ErrorCode }

/** What a document proves on this ledger. `rosters`: of the epochs that are known. */
export function judgeEvidence(
  document: EvidenceDocument,
  ledger: LedgerId,
  rosters: readonly Roster[],
): EvidenceJudgement {
  const { against, protocol, evidence } = document
  if (document.ledger !== ledger) return { type: 'void', code: 'WRONG_LEDGER' }
  if (against === 'validator') {
    const accusation = accusationOf(protocol, evidence)
    const roster = accusation && rosters.find(({ epoch }) => epoch === accusation.epoch)
    if (accusation === undefined || roster === undefined || !isProven(protocol, evidence, ledger, roster)) {
      return { type: 'void', code: 'EVIDENCE_EMPTY' }
    }
    return { type: 'proven', culprit: accusation.culprit, sentence: accusation.sentence }
  }
  const verdict = verifyMalformedPart(ledger, evidence, verify)
  if (verdict.type === 'void') return verdict
  const { author, which, tx, item, code, reason } = verdict
  const sentence = `Transaction ${tx} of this key carries ${which} of item ${item} that are no change of a graph: ${code}, ${reason}.`
  return { type: 'proven', culprit: author, sentence }
}
