// The protocols that a ledger can choose in its genesis: the only file outside their own folders that knows them.

import { LedgerError } from '../base/errors.ts'
import type { Protocol } from '../consensus/contract.ts'
import { pbft } from '../pbft/pbft.ts'
import { raft } from '../raft/raft.ts'

const protocols: readonly Protocol<never>[] = [pbft as unknown as Protocol<never>, raft as unknown as Protocol<never>]

/** The protocol that a genesis names. Its messages are opaque to whoever asks. @throws LedgerError PROTOCOL_UNKNOWN */
export function protocolOf(name: string): Protocol<unknown> {
  const found = protocols.find((protocol) => protocol.name === name)
  if (found === undefined) throw new LedgerError('PROTOCOL_UNKNOWN', { protocol: name })
  return found as unknown as Protocol<unknown>
}
