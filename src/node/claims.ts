// Checks the signatures that a message rests on, each once: certificates repeat the votes that a node saw before. What
// shows without any arithmetic that a message is no correct node's comes first, and long checks leave others their turn.

import { sha256 } from '#crypto'
import { equal, toHex, utf8 } from '../base/bytes.ts'
import type { Epoch } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { verify } from '../base/signature.ts'
import type { Claim } from '../consensus/contract.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'

/** `unknown`: of an epoch in which nothing can be verified here. */
export type Holds = 'yes' | 'no' | 'unknown'

/** Where the keys of an epoch stand: see Core.rosters. */
export type RostersOf = (epoch: Epoch) => readonly Roster[]

/** How many verified claims are remembered: a few windows of votes of a large roster. */
const rememberedMax = 65_536

/** Signatures verified at a stretch, about 10 ms of the event loop. */
const sliceClaims = 64

/** What a message may hold beside a certificate for each sequence of a window: its own signature and a checkpoint's. */
const certificatesBeside = 4

export interface ClaimChecker {
  /** Whether there are not too many, no signer signed one statement twice in different ways, and all verify. */
  hold(claims: readonly Claim[], rostersOf: RostersOf): Promise<Holds>
}

export interface ClaimCheckerOptions {
  /** Sequences that a message may speak of at once; what the rules allow at most unless the ledger is known. */
  readonly window?: number
  /** Lets others have their turn; resolves when this check may go on. */
  readonly pause?: () => Promise<void>
}

interface NamedClaim {
  readonly claim: Claim
  readonly key: Uint8Array
  /** Hash of the whole claim. */
  readonly name: string
}

export function createClaimChecker({
  window = limits.windowMax,
  pause = nextTurn,
}: ClaimCheckerOptions = {}): ClaimChecker {
  let recent = new Set<string>()
  let older = new Set<string>()

  function remember(name: string): void {
    recent.add(name)
    if (recent.size >= rememberedMax / 2) {
      older = recent
      recent = new Set()
    }
  }

  return {
    async hold(claims, rostersOf) {
      const epochs = new Map([...new Set(claims.map(({ epoch }) => epoch))].map((epoch) => [epoch, rostersOf(epoch)]))
      const sizes = [...epochs.values()].map((rosters) =>
        Math.max(0, ...rosters.map(({ validators }) => validators.length)),
      )
      if (sizes.includes(0)) return 'unknown'
      const named = distinct(claims, epochs, Math.max(0, ...sizes) * (window + certificatesBeside))
      if (named === undefined) return 'no'
      const fresh = named.filter(({ name }) => !recent.has(name) && !older.has(name))
      for (const [place, { claim, key, name }] of fresh.entries()) {
        if (place > 0 && place % sliceClaims === 0) await pause()
        if (!verify(claim.domain, claim.bytes, claim.signature, key)) return 'no'
        remember(name)
      }
      return 'yes'
    },
  }
}

/** Each claim once; undefined for more than `max`, for a stranger's, and for two signatures of one statement. */
function distinct(
  claims: readonly Claim[],
  epochs: ReadonlyMap<Epoch, readonly Roster[]>,
  max: number,
): readonly NamedClaim[] | undefined {
  const byStatement = new Map<string, NamedClaim>()
  for (const claim of claims) {
    const key = keyOf(claim, epochs.get(claim.epoch) ?? [])
    if (key === undefined) return undefined
    const statement = sha256(key, utf8(`${claim.domain}\0`), claim.bytes)
    const known = byStatement.get(toHex(statement))
    if (known === undefined) {
      if (byStatement.size === max) return undefined
      byStatement.set(toHex(statement), { claim, key, name: toHex(sha256(statement, claim.signature)) })
    } else if (!equal(known.claim.signature, claim.signature)) return undefined
  }
  return [...byStatement.values()]
}

function keyOf({ signer }: Claim, rosters: readonly Roster[]): Uint8Array | undefined {
  for (const roster of rosters) {
    const validator = validatorOf(roster, signer)
    if (validator !== undefined) return validator.key
  }
  return undefined
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
