// What a running node is put together from.

import type { NodeId } from '../base/ids.ts'
import type { Clock } from '../consensus/ports.ts'
import type { Genesis } from '../ledger/genesis.ts'
import type { Node } from '../ledger/records.ts'
import type { EvidenceFiles } from './evidence-files.ts'
import type { NodeEvent } from './node-event.ts'
import type { Parts } from './parts.ts'
import type { PurgesOptions } from './purges.ts'

export interface RuntimeOptions {
  readonly parts: Parts
  readonly genesis: Genesis
  readonly self: NodeId
  readonly listen: readonly string[]
  /** Nodes to begin with beside those of the genesis. */
  readonly bootstrap: readonly Node[]
  readonly clock: Clock
  readonly random: () => number
  readonly evidence: EvidenceFiles
  readonly stagedBytesMax?: number
  /** Files for the last checkpoint that a quorum signed, and for the proof of a fork. */
  readonly notes: { readonly cosigned: string; readonly fork: string; readonly diverged: string; readonly met: string }
  /** Where proof of a fork is put; while it is there, nothing is written. */
  readonly forkProof: string
  /** How this node purges what is erased. */
  readonly erasing: {
    /** Where it notes what must be gone. */
    readonly notes: string
  } & Pick<PurgesOptions, 'searched' | 'software' | 'local' | 'unlock' | 'backupsKeptMs'>
  readonly onEvent: (event: NodeEvent) => void
  /** Nothing more may be signed or acknowledged. */
  readonly onFailure: (error: unknown) => void
}
