// The keys under which the validators in force sign checkpoints of the log, and nothing else.

import type { CheckpointKey } from '../audit/replay.ts'
import type { Ledger } from '../ledger/ledger.ts'

/** Of the validators in force after the last block. */
export function checkpointKeysOf(ledger: Pick<Ledger, 'nodes'>): readonly CheckpointKey[] {
  return ledger
    .nodes()
    .filter(({ role }) => role === 'validator')
    .map(({ id, keys }) => ({ node: id, publicKey: keys.checkpoint }))
}
