// The evidence that a node keeps, as it shows it to others: a list, and each piece whole.

import type { Digest } from '../base/ids.ts'
import type { Ledger } from '../ledger/ledger.ts'

import { type EvidenceDocument, evidenceDocumentSchema } from './evidence.ts'
import type { KeptEvidence } from './evidence-files.ts'
import type { PastEpochs } from './past-epochs.ts'

export interface NodeEvidence {
  readonly id: Digest
  /** Name of the node that signed what contradicts itself. */
  readonly culprit: string
  readonly sentence: string
}

export function evidenceView(kept: readonly KeptEvidence[], ledger: Pick<Ledger, 'node'>): readonly NodeEvidence[] {
  return kept.map(({ id, culprit, sentence }) => ({ id, culprit: ledger.node(culprit)?.name ?? culprit, sentence }))
}

/** A piece with the proof of who validated in its epoch; undefined for one that is not kept. */
export async function keptDocument(
  kept: readonly KeptEvidence[],
  id: Digest,
  epochs: Pick<PastEpochs, 'stepsTo'>,
): Promise<object | undefined> {
  const found = kept.find((each) => each.id === id)
  return found && evidenceJson({ ...found.document, epochs: await epochs.stepsTo(found.epoch) })
}

export function evidenceJson(document: EvidenceDocument): object {
  return evidenceDocumentSchema.toJson(document) as object
}
