// An erasure order on its way between two persons on two machines: one drafts it, the other approves exactly that, and the
// first signs and sends it. Neither key leaves its machine.

import { LedgerError } from '../base/errors.ts'
import { type LedgerId, ledgerIdOf, type Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, id, list, record, type Schema, uint, word } from '../base/schema.ts'
import { type BuiltAct, buildAct, type Signer } from '../ledger/build.ts'
import {
  type Approval,
  approvalBytes,
  type ErasureReason,
  type ItemPlace,
  placeSchema,
  reasonSchema,
} from '../ledger/erasure-acts.ts'
import { txIdFor } from '../ledger/transaction.ts'

export interface ErasureDraft {
  readonly kind: 'quadrille erasure draft 1'
  readonly ledger: LedgerId
  /** Of who will sign it, and the number that this key will use: they name the order. */
  readonly key: Uint8Array
  readonly sequence: number
  /** In ascending order. */
  readonly items: readonly ItemPlace[]
  readonly reason: ErasureReason
  readonly reference: Uint8Array
}

export const erasureDraftSchema: Schema<ErasureDraft> = record<ErasureDraft>({
  kind: word('quadrille erasure draft 1'),
  ledger: id(32, ledgerIdOf),
  key: bytes(32),
  sequence: uint(),
  items: list(placeSchema, limits.placesPerActMax, 1),
  reason: reasonSchema,
  reference: bytes(16),
})

/** The second pair of eyes. */
export async function approve(draft: ErasureDraft, approver: Signer): Promise<Approval> {
  const { ledger, items, reason, reference } = draft
  const statement = approvalBytes({ ledger, order: txIdFor(draft), items, reason, reference })
  return { key: approver.publicKey, signature: await approver.sign('erasure-approval', statement) }
}

/** @throws LedgerError NOT_PERMITTED when `key` is not the one that drafted it. */
export async function signDraft(
  draft: ErasureDraft,
  approval: Approval,
  key: Signer,
  expires: Time,
): Promise<BuiltAct> {
  const { ledger, sequence, items, reason, reference } = draft
  if (!draft.key.every((byte, place) => byte === key.publicKey[place])) {
    throw new LedgerError('NOT_PERMITTED', { reason: 'another key drafted this order' })
  }
  return buildAct({ ledger, key, sequence, expires, act: { type: 'erase', items, reason, reference, approval } })
}
