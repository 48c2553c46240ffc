// Checks the signatures that a message rests on, each once: certificates repeat the votes that a node saw before.

import { sha256 } from '#crypto'
import { toHex, utf8 } from '../base/bytes.ts'
import { verify } from '../base/signature.ts'
import type { Claim } from '../consensus/contract.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'

/** How many verified claims are remembered: a few windows of votes of a large roster. */
const rememberedMax = 65_536

export interface ClaimChecker {
  /** Whether all verify under the keys of the roster. */
  hold(claims: readonly Claim[], roster: Roster): boolean
}

export function createClaimChecker(): ClaimChecker {
  let recent = new Set<string>()
  let older = new Set<string>()

  function holds(claim: Claim, roster: Roster): boolean {
    const validator = validatorOf(roster, claim.signer)
    if (validator === undefined) return false
    const name = toHex(sha256(validator.key, claim.signature, utf8(`${claim.domain}\0`), claim.bytes))
    if (recent.has(name) || older.has(name)) return true
    if (!verify(claim.domain, claim.bytes, claim.signature, validator.key)) return false
    recent.add(name)
    if (recent.size >= rememberedMax / 2) {
      older = recent
      recent = new Set()
    }
    return true
  }

  return { hold: (claims, roster) => claims.every((claim) => holds(claim, roster)) }
}
