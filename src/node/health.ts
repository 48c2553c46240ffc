// How a node is, in figures and names, for metrics and `quadrille doctor`. What of it is a trouble, and what to do about it,
// is for whoever reads it.

import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErrorCode } from '../base/errors.ts'
import type { HistogramFigures } from '../base/histogram.ts'
import type { NodeId, TxId } from '../base/ids.ts'
import type { RoundReason } from '../consensus/contract.ts'
import type { Store } from '../store/store.ts'
import type { AnchorStatus } from './anchors.ts'
import type { Home } from './home.ts'
import type { LocalAudit } from './local-audit.ts'
import type { Runtime } from './runtime.ts'
import { version } from './version.ts'
import type { Vitals } from './vitals.ts'

export interface PeerHealth {
  readonly name: string
  readonly organisation: string
  readonly validator: boolean
  readonly connected: boolean
  /** What it told last. */
  readonly height: number | null
  readonly software: string | null
  /** How far its clock is ahead of this one's. */
  readonly clockAheadMs: number | null
  /** Why the last attempt to connect failed. */
  readonly refusal: ErrorCode | null
}

export interface NodeHealth {
  readonly software: string
  readonly runtime: string
  readonly upSeconds: number
  readonly peers: readonly PeerHealth[]
  readonly clock: { readonly aheadMs: number | null; readonly skewed: boolean }
  readonly rounds: {
    readonly changes: Readonly<Partial<Record<RoundReason, number>>>
    /** The last ones, oldest first. */
    readonly last: readonly {
      readonly secondsAgo: number
      readonly round: number
      readonly leader: string
      readonly reason: RoundReason
    }[]
  }
  readonly refused: Readonly<Record<string, number>>
  readonly dropped: Readonly<Record<string, number>>
  readonly evidence: number
  readonly mismatches: number
  readonly fenced: ErrorCode | null
  readonly commits: HistogramFigures
  readonly disk: {
    readonly freeBytes: number
    /** Less than the operator demands: no new transactions. */
    readonly low: boolean
    /** Until it is full at the pace of the last minutes; null while it does not fill. */
    readonly secondsLeft: number | null
    readonly bytes: Readonly<Record<'journal' | 'blocks' | 'log' | 'store', number>>
    readonly syncs: HistogramFigures
  }
  readonly store: ReturnType<Store['figures']>
  /** How far the local log is anchored. */
  readonly local: AnchorStatus
  readonly erasures: {
    readonly open: readonly {
      readonly order: TxId
      readonly seconds: number
      readonly missing: readonly string[]
    }[]
    /** Orders without every attestation, also those that are not listed. */
    readonly count: number
    readonly purgeFailure: ErrorCode | null
  }
}

/** Open orders that are listed with what is missing. */
const ordersListed = 32

export interface HealthSources {
  readonly runtime: Runtime
  readonly store: Store
  readonly vitals: Vitals
  readonly local: Pick<LocalAudit, 'anchored'>
  readonly home: Home
  readonly self: NodeId
}

export async function nodeHealth({ runtime, store, vitals, local, home, self }: HealthSources): Promise<NodeHealth> {
  const { room } = vitals.disk
  const nameOf = (id: NodeId): string => runtime.machine.ledger.node(id)?.name ?? id
  const { clocks } = vitals
  return {
    software: version,
    runtime: process.version,
    upSeconds: Math.round((Date.now() - vitals.beganMs) / 1000),
    peers: peersOf(runtime, vitals, self),
    clock: { aheadMs: rounded(clocks.offset()), skewed: clocks.isSkewed() },
    rounds: {
      changes: Object.fromEntries(vitals.roundReasons),
      last: vitals.rounds.map(({ atMs, round, leader, reason }) => ({
        secondsAgo: Math.max(0, Math.round((Date.now() - atMs) / 1000)),
        round,
        leader: nameOf(leader),
        reason,
      })),
    },
    refused: Object.fromEntries(vitals.refused),
    dropped: Object.fromEntries(vitals.dropped),
    evidence: vitals.evidence,
    mismatches: vitals.mismatches,
    fenced: runtime.status().state === 'fenced' ? (vitals.fenced ?? 'RESULT_DIVERGED') : null,
    commits: vitals.commits.figures(),
    disk: {
      freeBytes: room.freeBytes,
      low: room.low,
      secondsLeft: Number.isFinite(room.secondsLeft) ? Math.round(room.secondsLeft) : null,
      bytes: {
        journal: await bytesUnder(home.journal),
        blocks: await bytesUnder(home.blocks),
        log: await bytesUnder(home.log),
        store: await bytesUnder(home.store),
      },
      syncs: vitals.syncs.figures(),
    },
    store: store.figures(),
    local: local.anchored(),
    erasures: await erasuresOf(runtime, vitals),
  }
}

function peersOf(runtime: Runtime, vitals: Vitals, self: NodeId): readonly PeerHealth[] {
  const { machine, mesh } = runtime
  const connected = new Set(mesh.peers())
  const validators = new Set(machine.ledger.roster().validators.map(({ node }) => node))
  return machine.ledger
    .nodes()
    .filter(({ id }) => id !== self)
    .map(({ id, name, organisation }) => ({
      name,
      organisation,
      validator: validators.has(id),
      connected: connected.has(id),
      height: runtime.heights.of(id) ?? null,
      software: vitals.software.get(id) ?? null,
      clockAheadMs: rounded(vitals.clocks.offsetOf(id)),
      refusal: vitals.refusals.get(id) ?? null,
    }))
}

async function erasuresOf({ machine }: Runtime, vitals: Vitals): Promise<NodeHealth['erasures']> {
  const orders = machine.ledger.owedAttestations()
  const reports = await Promise.all(orders.slice(0, ordersListed).map((order) => machine.report(order)))
  const open = reports.flatMap((report) => {
    if (report === undefined) return []
    const missing = report.obligations.flatMap(({ name, attestations }) => (attestations.length === 0 ? [name] : []))
    const seconds = Math.max(0, Math.round((machine.ledger.time - report.time) / 1000))
    return [{ order: report.order, seconds, missing }]
  })
  return { open, count: orders.length, purgeFailure: vitals.purgeFailure ?? null }
}

/** Of all files in a folder, however deep. Files come and go meanwhile. */
async function bytesUnder(folder: string): Promise<number> {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const stats = await lstat(join(entry.parentPath, entry.name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return undefined
    })
    bytes += stats?.size ?? 0
  }
  return bytes
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value)
}
