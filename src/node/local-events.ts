// What a node's local log says: who asked, what was refused, what was done to keys, settings and backups, how peers behaved.
// An entry holds numbers, words of the source, codes, identifiers of the ledger and random references, so nothing personal can
// get into a leaf; whatever else is worth keeping goes to the side-car (local-details.ts), by reference.

import type { ErrorCode } from '../base/errors.ts'
import type { Digest, LedgerId, NodeId, TxId } from '../base/ids.ts'
import type { RotationProgress } from '../store/rotation.ts'
import type { UnlockProvider } from '../store/unlock.ts'
import type { Config } from './config.ts'
import type { NodeEvent } from './node-event.ts'

/** A head of a local log: when it began names it. */
export interface LocalHead {
  /** Milliseconds since 1970. */
  readonly log: number
  readonly size: number
  readonly root: Digest
}

/** A request to this node's HTTP. `route` is a pattern of ours. */
export interface AskedEvent {
  readonly type: 'access' | 'refused'
  readonly method: string
  readonly route: string
  readonly status: number
  /** Of a refusal; empty otherwise. */
  readonly code: ErrorCode | ''
}

/** What somebody took out of this node, as the tool that took it says. */
export type ExportKind = 'audit' | 'audit-payloads' | 'dump' | 'person'

export type LocalEvent =
  /** The first entry of every log. `before`: the log that it follows, where that is known. */
  | {
      readonly type: 'began'
      readonly ledger: LedgerId
      readonly node: NodeId
      readonly log: number
      readonly reason: 'new' | 'restored' | 'rolled-back'
      readonly before: readonly LocalHead[]
    }
  /** `seen`: when this node is last known to have run; 0: never. `orderly`: it ended by itself. */
  | {
      readonly type: 'started'
      readonly version: string
      readonly software: string
      readonly runtime: string
      readonly unlock: UnlockProvider['provider']
      readonly seen: number
      readonly downMs: number
      readonly orderly: boolean
    }
  | { readonly type: 'stopped'; readonly code: ErrorCode | '' }
  | AskedEvent
  | { readonly type: 'exported'; readonly kind: ExportKind }
  | { readonly type: 'peer-connected' | 'peer-disconnected'; readonly node: NodeId }
  /** `node`: empty for a stranger. */
  | {
      readonly type: 'peer-refused'
      readonly by: 'us' | 'them'
      readonly node: NodeId | ''
      readonly code: ErrorCode
    }
  | { readonly type: 'message-refused'; readonly node: NodeId; readonly code: ErrorCode }
  | { readonly type: 'misbehaviour'; readonly node: NodeId }
  | { readonly type: 'fenced'; readonly code: ErrorCode }
  | { readonly type: 'keys'; readonly step: RotationProgress['step']; readonly done: number }
  | { readonly type: 'rotation-failed'; readonly code: ErrorCode }
  | { readonly type: 'unlock-changed'; readonly unlock: UnlockProvider['provider'] }
  | { readonly type: 'backup'; readonly of: 'data' | 'item keys' }
  | { readonly type: 'restored'; readonly height: number; readonly taken: number }
  | ({ readonly type: 'settings'; readonly section: 'log' } & Config['log'])
  | { readonly type: 'purged'; readonly order: TxId; readonly files: number; readonly probes: number }
  | { readonly type: 'purge-failed'; readonly code: ErrorCode }
  | { readonly type: 'details-erased'; readonly order: TxId; readonly details: number }
  | { readonly type: 'details-expired'; readonly details: number }
  | { readonly type: 'disk'; readonly low: boolean; readonly freeMiB: number }
  | { readonly type: 'clock'; readonly skewed: boolean; readonly offsetMs: number }
  | { readonly type: 'clock-leapt'; readonly byMs: number }
  /** So many that came too fast to be told. */
  | { readonly type: 'suppressed' }

/** Entries of equal content within this time are one, with a count; 0: each stands alone. Milliseconds. */
export function windowOf({ type }: LocalEvent): number {
  switch (type) {
    case 'exported':
      return 1_000
    case 'access':
    case 'refused':
      return 30_000
    case 'peer-connected':
    case 'peer-disconnected':
    case 'message-refused':
    case 'misbehaviour':
    case 'purge-failed':
      return 60_000
    // A peer that is away is dialed for ever.
    case 'peer-refused':
      return 600_000
    default:
      return 0
  }
}

/** What of a node's own events belongs into its local log; undefined for the rest. */
export function localEventOf(event: NodeEvent): LocalEvent | undefined {
  switch (event.type) {
    case 'connected':
      return { type: 'peer-connected', node: event.node }
    case 'disconnected':
      return { type: 'peer-disconnected', node: event.node }
    case 'refused':
      return { type: 'peer-refused', by: event.by, node: event.node ?? '', code: event.code }
    case 'refuse':
      return { type: 'message-refused', node: event.from, code: event.code }
    case 'accuse':
      return { type: 'misbehaviour', node: event.culprit }
    case 'fence':
      return { type: 'fenced', code: event.code }
    case 'keys':
      return { type: 'keys', step: event.step, done: event.done }
    case 'rotation-failed':
      return { type: 'rotation-failed', code: event.code }
    case 'backup':
      return { type: 'backup', of: event.of }
    case 'purged':
      return { type: 'purged', order: event.order, files: event.counts.files, probes: event.counts.probes }
    case 'purge-failed':
      return { type: 'purge-failed', code: event.code }
    case 'disk':
      return { type: 'disk', low: event.low, freeMiB: event.freeMiB }
    case 'clock':
      return { type: 'clock', skewed: event.skewed, offsetMs: event.offsetMs }
    case 'clock-leapt':
      return { type: 'clock-leapt', byMs: event.byMs }
    default:
      return undefined
  }
}
