// Evidence in the log: a node shows that a validator contradicted itself, everybody checks it, and the state remembers whom it
// convicts. What follows from that is for the members to decide. One piece for each validator and epoch: a liar makes as many as
// it likes.

import type { ErrorCode } from '../base/errors.ts'
import { keyId } from '../base/hash.ts'
import type { LedgerId, NodeId } from '../base/ids.ts'
import { verify } from '../base/signature.ts'
import { convicts } from '../consensus/contradiction.ts'
import type { Moment } from './delivery.ts'
import type { GovernanceAct } from './governance-acts.ts'
import type { State } from './state.ts'

type EvidenceAct = Extract<GovernanceAct, { readonly type: 'evidence' }>

export function evidenceFault(
  state: State,
  ledger: LedgerId,
  reporter: NodeId | undefined,
  { key, contradiction }: EvidenceAct,
  moment: Moment,
): ErrorCode | undefined {
  if (reporter === undefined) return 'NOT_PERMITTED'
  const { culprit, first } = contradiction
  const { epoch } = first.statement
  if (!isKeyOf(state, culprit, key, moment)) return 'KEY_UNKNOWN'
  if ((state.convictions.get(culprit)?.epoch ?? -1) >= epoch) return 'EVIDENCE_KNOWN'
  const isPast = epoch <= state.governance.epoch
  return isPast && convicts(contradiction, ledger, key, verify) ? undefined : 'EVIDENCE_EMPTY'
}

/** In force, or a window ago: what a key signs that ended long before may be the word of whoever found it. */
function isKeyOf(state: State, culprit: NodeId, key: Uint8Array, { sequence }: Moment): boolean {
  const id = keyId(key)
  const present = state.nodes.get(culprit)
  if (present !== undefined && keyId(present.keys.consensus) === id) return true
  const term = state.keyTerms.get(id)
  if (term?.use !== 'consensus' || term.node[0] !== culprit) return false
  const [until] = term.until
  return until !== undefined && sequence <= until + state.rules.parameters.window
}

export function convict(state: State, { contradiction }: EvidenceAct, { sequence }: Moment): void {
  const { epoch } = contradiction.first.statement
  state.convictions.set(contradiction.culprit, { epoch, height: sequence })
}
