// Anchors: a node puts the head of its local log into the consortium log, so that it cannot change afterwards what it had noted
// before. Each anchor proves that it begins with the one before; a log that lost its end, or was written anew, is refused, and
// the refused act, which the node signed, stands in the log beside the one that it contradicts.

import type { ErrorCode } from '../base/errors.ts'
import { type Digest, digestOf, idBytes, type NodeId, type Sequence, type Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { verifyConsistency } from '../base/merkle.ts'
import { bytes, id, list, named, record, type Schema, timestamp, uint } from '../base/schema.ts'
import type { Moment } from './delivery.ts'
import type { State } from './state.ts'

/** Signed with the node's consensus key. */
export interface AnchorAct {
  readonly type: 'anchor'
  /** When the log began, which names it: a later one follows an earlier one, never the other way round. */
  readonly log: Time
  readonly size: number
  readonly root: Digest
  /** RFC 6962, from the size that was anchored last; empty for the first anchor of a log. */
  readonly consistency: readonly Uint8Array[]
}

/** The last anchor of a node. It stays when the node leaves. */
export interface Anchor {
  readonly log: Time
  readonly size: number
  readonly root: Digest
  /** Of the block that took it. */
  readonly height: Sequence
  readonly time: Time
}

/** For actSchema: number and fields. */
export const anchorActs: {
  readonly anchor: readonly [number, { readonly [Name in Exclude<keyof AnchorAct, 'type'>]: Schema<AnchorAct[Name]> }]
} = {
  anchor: [
    16,
    {
      log: timestamp,
      size: uint(),
      root: id(32, digestOf),
      consistency: list(bytes(32), limits.consistencyHashesMax),
    },
  ],
}

export const anchorSchema: Schema<Anchor> = named(
  'anchor',
  record<Anchor>({
    log: timestamp,
    size: uint(),
    root: id(32, digestOf),
    height: uint<Sequence>(),
    time: timestamp,
  }),
)

export function anchorFault(
  state: State,
  node: NodeId | undefined,
  { log, size, root, consistency }: AnchorAct,
): ErrorCode | undefined {
  if (node === undefined) return 'NOT_PERMITTED'
  const last = state.anchors.get(node)
  if (last === undefined || log > last.log) return consistency.length === 0 ? undefined : 'ANCHOR_CONTRADICTED'
  if (log < last.log || size < last.size) return 'ANCHOR_OUTDATED'
  if (size === last.size) return root === last.root ? 'ANCHOR_OUTDATED' : 'ANCHOR_CONTRADICTED'
  const grew = verifyConsistency(last.size, size, consistency, idBytes(last.root), idBytes(root))
  return grew ? undefined : 'ANCHOR_CONTRADICTED'
}

export function anchor(state: State, node: NodeId, { log, size, root }: AnchorAct, { sequence, time }: Moment): void {
  state.anchors.set(node, { log, size, root, height: sequence, time })
}
