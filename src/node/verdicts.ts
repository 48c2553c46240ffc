// Static verdicts on transactions, remembered: the same transaction comes from its client, in a forwarded request and in
// a proposal, and its signature is worth checking once.

import type { LedgerId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { verify } from '../base/signature.ts'
import { type RequestId, requestId } from '../consensus/batch.ts'
import { type StaticVerdict, staticVerdict } from '../ledger/static.ts'

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
      const verdict = staticVerdict(ledger, transaction, verify)
      known.set(id, verdict)
      if (known.size > limits.verdictsMax) forgetOldest(known)
      return verdict
    },
  }
}

function forgetOldest(map: Map<RequestId, StaticVerdict>): void {
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
