// The protocols that a ledger can choose in its genesis, and what convicts those who break one: the only file outside their own
// folders that knows them.

import { LedgerError } from '../base/errors.ts'
import type { LedgerId } from '../base/ids.ts'
import { verify } from '../base/signature.ts'
import type { Protocol } from '../consensus/contract.ts'
import type { Roster } from '../consensus/roster.ts'
import { type Accusation, accusationIn, provesAgainst } from '../pbft/evidence.ts'
import { pbft } from '../pbft/pbft.ts'
import { raft } from '../raft/raft.ts'

const protocols: readonly Protocol<never>[] = [pbft as unknown as Protocol<never>, raft as unknown as Protocol<never>]

/** The protocol that a genesis names. Its messages are opaque to whoever asks. @throws LedgerError PROTOCOL_UNKNOWN */
export function protocolOf(name: string): Protocol<unknown> {
  const found = protocols.find((protocol) => protocol.name === name)
  if (found === undefined) throw new LedgerError('PROTOCOL_UNKNOWN', { protocol: name })
  return found as unknown as Protocol<unknown>
}

export type { Accusation } from '../pbft/evidence.ts'

/** What a piece of evidence of `accuse` says, proven or not. In Raft nobody is suspected of lying: undefined. */
export function accusationOf(protocol: string, evidence: Uint8Array): Accusation | undefined {
  return protocol === pbft.name ? accusationIn(evidence) : undefined
}

/** Whether it convicts a validator of `roster`. */
export function isProven(protocol: string, evidence: Uint8Array, ledger: LedgerId, roster: Roster): boolean {
  return protocol === pbft.name && provesAgainst(evidence, ledger, roster, verify)
}
