// How often a peer sent what no correct node sends. A single one may be a bug or an older version; many within a minute
// are not worth their work, and the mesh cuts the peer off for a while.

import type { ErrorCode } from '../base/errors.ts'
import type { NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'

const minuteMs = 60_000

/** Codes that only a peer's own doing explains, never the network's or a difference in height. */
const misbehaviour: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SIGNATURE_INVALID',
  'NON_CANONICAL',
  'MALFORMED',
  'UNKNOWN_MESSAGE',
])

export class Scores {
  /** When the refusals of the last minute were, ms, oldest first. */
  readonly #refusals = new Map<NodeId, readonly number[]>()

  /** Notes a refusal at `now` ms; true when it is one too many, and then the count begins anew. */
  refuse(peer: NodeId, code: ErrorCode, now: number): boolean {
    if (!misbehaviour.has(code)) return false
    const recent = [...(this.#refusals.get(peer) ?? []).filter((at) => at > now - minuteMs), now]
    const isTooMany = recent.length > limits.refusalsPerMinuteMax
    if (isTooMany) this.#refusals.delete(peer)
    else this.#refusals.set(peer, recent)
    return isTooMany
  }

  forget(peer: NodeId): void {
    this.#refusals.delete(peer)
  }
}
