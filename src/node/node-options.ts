// What a node is made of: its home, its ledger, and who hears of it.

import type { NodeId } from '../base/ids.ts'
import type { SignedGenesis } from '../ledger/genesis.ts'
import type { Node } from '../ledger/records.ts'
import type { UnlockProvider } from '../store/unlock.ts'
import type { Home } from './home.ts'
import type { MemoryShares } from './memory.ts'
import type { NodeEvent } from './node-event.ts'

export interface NodeOptions {
  readonly home: Home
  readonly genesis: SignedGenesis
  /** This node's random id, which the genesis names. */
  readonly self: NodeId
  readonly listen: readonly string[]
  /** Who this node is, for one that the genesis does not name: it joins by an act of the members. */
  readonly joining?: Pick<Node, 'id' | 'name' | 'organisation'>
  /** Nodes to begin with beside those of the genesis. */
  readonly bootstrap?: readonly Node[]
  readonly unlock: UnlockProvider
  /** For how long backups of this node are kept, which its attestations of erasures say; 0: there are none. */
  readonly backupsKeptDays?: number
  /** For how long details beside the local log are kept; 365 by default. */
  readonly detailsKeptDays?: number
  /** Between two anchors of the local log in the consortium log, and one more at the end, ms; 0 by default: none. */
  readonly anchorMs?: number
  /** With less free space on its disk the node takes no new transactions; 0 by default. */
  readonly diskFreeMinBytes?: number
  /** Of payloads that wait for their block, and of decoded index blocks in memory. */
  readonly memory?: Pick<MemoryShares, 'stagedBytesMax' | 'cacheBytesMax'>
  readonly onEvent?: (event: NodeEvent) => void
  /** The node cannot go on and stops: a failed disk, a broken invariant. */
  readonly onFailure?: (error: unknown) => void
  /** False leaves the store readable on disk: only for the test that shows what sealing hides. */
  readonly seal?: boolean
}
