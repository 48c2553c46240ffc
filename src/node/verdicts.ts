// Static verdicts on transactions, remembered: the same transaction comes from its client, in a forwarded request and in
// a proposal, and its signature is worth checking once.

import type { LedgerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { verify } from '../base/signature.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { type StaticVerdict, staticVerdict } from '../ledger/static.ts'
import type { Act } from '../ledger/transaction.ts'

export interface Verdicts {
  of(transaction: Uint8Array): StaticVerdict
}

export function createVerdicts(ledger: LedgerId): Verdicts {
  const known = new Map<RequestId, StaticVerdict>()
  return {
    of(transaction) {
      const id = requestId(transaction)
      const before = known.get(id)
      if (before !== undefined) return before
      const verdict = votable(staticVerdict(ledger, transaction, verify))
      known.set(id, verdict)
      if (known.size > limits.verdictsMax) forgetOldest(known)
      return verdict
    },
  }
}

/**
 * Acts that nodes of this version carry out to the end. The rules know more (governance), but a node that ordered those
 * without changing its validators would give history a meaning that the next version must contradict. So nobody votes
 * for them yet.
 */
const carriedOut: readonly Act['type'][] = [
  'data',
  'key-add',
  'key-revoke',
  'policy-add',
  'graph-add',
  'erase',
  'erasure-attest',
  'hold',
  'hold-lift',
]

function votable(verdict: StaticVerdict): StaticVerdict {
  if (verdict.type === 'invalid' || carriedOut.includes(verdict.transaction.act.type)) return verdict
  return { type: 'invalid', code: 'ACT_UNSUPPORTED' }
}

function forgetOldest(map: Map<RequestId, StaticVerdict>): void {
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
