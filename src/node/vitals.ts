// What a node counts about itself while it runs, for metrics and `quadrille doctor`: rounds and why they began, refusals,
// disk, clock, times. It hears every event; it decides nothing but whether the disk has room for new transactions.

import type { ErrorCode } from '../base/errors.ts'
import { Histogram } from '../base/histogram.ts'
import type { NodeId } from '../base/ids.ts'
import type { RoundReason } from '../consensus/contract.ts'
import type { Journal } from '../consensus/ports.ts'
import { Clocks } from './clocks.ts'
import { DiskWatch, type DiskWatchOptions } from './disk-watch.ts'
import type { NodeEvent } from './node-event.ts'

export type ClockEvent =
  /** This clock came further from the others than is good, or back. */
  | { readonly type: 'clock'; readonly code: 'CLOCK_SKEW'; readonly skewed: boolean; readonly offsetMs: number }
  | { readonly type: 'clock-leapt'; readonly code: 'CLOCK_SKEW'; readonly byMs: number }

export interface RoundChange {
  readonly atMs: number
  readonly round: number
  readonly leader: NodeId
  readonly reason: RoundReason
}

const lookMs = 1_000
const roundsKept = 8

export class Vitals {
  readonly clocks: Clocks = new Clocks()
  readonly commits: Histogram = new Histogram()
  readonly syncs: Histogram = new Histogram()
  readonly beganMs: number = Date.now()
  readonly refused: Map<ErrorCode, number> = new Map()
  readonly dropped: Map<ErrorCode, number> = new Map()
  readonly roundReasons: Map<RoundReason, number> = new Map()
  /** The last ones, oldest first. */
  readonly rounds: RoundChange[] = []
  /** Software that each peer says it runs. */
  readonly software: Map<NodeId, string> = new Map()
  /** Why the last attempt to connect with a peer failed; gone once it is connected. */
  readonly refusals: Map<NodeId, ErrorCode> = new Map()
  evidence = 0
  mismatches = 0
  fenced: ErrorCode | undefined
  /** Why the last purge could not be attested; gone with the next that was. */
  purgeFailure: ErrorCode | undefined
  readonly disk: DiskWatch
  readonly #onEvent: (event: ClockEvent) => void
  readonly #timer: NodeJS.Timeout
  #skewed = false

  private constructor(disk: DiskWatch, onEvent: (event: ClockEvent) => void) {
    this.disk = disk
    this.#onEvent = onEvent
    this.#timer = setInterval(() => this.#look(), lookMs)
  }

  static async begin(
    disk: Pick<DiskWatchOptions, 'folder' | 'freeBytesMin'>,
    onEvent: (event: NodeEvent) => void,
  ): Promise<Vitals> {
    return new Vitals(await DiskWatch.begin({ ...disk, onEvent }), onEvent)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.disk.stop()
  }

  note(event: NodeEvent): void {
    switch (event.type) {
      case 'refuse':
        add(this.refused, event.code)
        break
      case 'drop':
        add(this.dropped, event.code)
        break
      case 'lead':
        add(this.roundReasons, event.reason)
        this.rounds.push({ atMs: Date.now(), round: event.round, leader: event.leader, reason: event.reason })
        if (this.rounds.length > roundsKept) this.rounds.shift()
        break
      case 'accuse':
        this.evidence += 1
        break
      case 'fence':
        this.fenced = event.code
        if (event.code === 'RESULT_DIVERGED' || event.code === 'RESULTS_SPLIT') this.mismatches += 1
        break
      case 'connected':
        this.refusals.delete(event.node)
        break
      case 'refused':
        if (event.node !== undefined) this.refusals.set(event.node, event.code)
        break
      case 'purged':
        this.purgeFailure = undefined
        break
      case 'purge-failed':
        this.purgeFailure = event.code
        break
      case 'heard':
        this.clocks.heard(event.from, event.time)
        if (/^[\w.+-]{1,64}$/.test(event.software)) this.software.set(event.from, event.software)
        break
      default:
    }
  }

  /** The same journal, its times counted. */
  timed(journal: Journal): Journal {
    return {
      read: () => journal.read(),
      append: (records) => this.syncs.timing(() => journal.append(records)),
      cut: (before) => journal.cut(before),
      close: () => journal.close(),
    }
  }

  #look(): void {
    const byMs = this.clocks.leap()
    if (byMs !== 0) this.#onEvent({ type: 'clock-leapt', code: 'CLOCK_SKEW', byMs })
    const offset = this.clocks.offset()
    if (offset === undefined || this.clocks.isSkewed() === this.#skewed) return
    this.#skewed = !this.#skewed
    this.#onEvent({ type: 'clock', code: 'CLOCK_SKEW', skewed: this.#skewed, offsetMs: Math.round(offset) })
  }
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
