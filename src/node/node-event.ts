// What a running node tells whoever watches it: its log, its metrics, its tests.

import type { NodeId, Sequence } from '../base/ids.ts'
import type { Delivered } from '../ledger/ledger.ts'
import type { MeshEvent } from '../p2p/mesh.ts'
import type { AnchorEvent } from './anchors.ts'
import type { BackupEvent } from './backup.ts'
import type { ContentEvent } from './comparison.ts'
import type { DiskEvent } from './disk-watch.ts'
import type { KeyEvent } from './key-care.ts'
import type { PurgeEvent } from './purges.ts'
import type { ValidatorEvent } from './validator.ts'
import type { ClockEvent } from './vitals.ts'

export type NodeEvent =
  | ValidatorEvent
  | MeshEvent
  | PurgeEvent
  | KeyEvent
  | DiskEvent
  | ClockEvent
  /** A peer told its time and its software. */
  | { readonly type: 'heard'; readonly from: NodeId; readonly time: number; readonly software: string }
  | BackupEvent
  | ContentEvent
  | AnchorEvent
  | { readonly type: 'executed'; readonly delivered: Delivered }
  | { readonly type: 'final'; readonly sequence: Sequence }
