// Puts the head of the local log into the consortium log: every few minutes while it grows, and once more when the node ends in
// order. A local log that is behind what was anchored of it came from an older disk; it is not gone on with.

import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { type NodeId, timeOf } from '../base/ids.ts'
import { faultModelOf, quorumOf } from '../consensus/quorum.ts'
import type { Anchor } from '../ledger/anchor.ts'
import { Queue } from '../store/failure.ts'
import type { LocalHead } from './local-events.ts'
import type { LocalLog } from './local-log.ts'
import type { Runtime } from './runtime.ts'

export type AnchorEvent =
  /** It is tried again. */
  | { readonly type: 'anchor-failed'; readonly code: ErrorCode }
  /** The local log ended before what was anchored of it, or is another; a new one began. */
  | { readonly type: 'local-log-behind'; readonly leaves: number; readonly anchored: number }

export interface AnchorsOptions {
  readonly self: NodeId
  readonly local: LocalLog
  readonly runtime: Pick<Runtime, 'machine' | 'mesh' | 'heights' | 'acts'>
  /** Between two anchors, ms; 0: none. */
  readonly everyMs: number
  /** How far this clock is ahead of the others; undefined while that is not known. */
  readonly clockOffsetMs: () => number | undefined
  readonly onEvent: (event: AnchorEvent) => void
  readonly onFailure: (error: unknown) => void
}

export interface AnchorStatus {
  /** Leaves of the local log, and how many of them are anchored. */
  readonly leaves: number
  readonly anchored: number
  /** Since the last anchor; null before the first. */
  readonly ageSeconds: number | null
  /** Between two anchors; 0: none. */
  readonly everySeconds: number
  /** Why the last attempt failed. */
  readonly failure: ErrorCode | null
}

const retryMs = 30_000
/** A node that ends waits no longer for its last anchor. */
const farewellMs = 2_000

export class Anchors {
  readonly #options: AnchorsOptions
  readonly #queue: Queue = new Queue()
  #timer: NodeJS.Timeout | undefined
  #failure: ErrorCode | undefined
  #stopped = false

  constructor(options: AnchorsOptions) {
    this.#options = options
    if (options.everyMs > 0) this.#wait(options.everyMs)
  }

  status(): AnchorStatus {
    const { local, everyMs } = this.#options
    const head = local.head()
    const last = this.#last
    return {
      leaves: head.size,
      anchored: last?.log === head.log ? Math.min(last.size, head.size) : 0,
      ageSeconds: last === undefined ? null : Math.max(0, Math.round((Date.now() - last.time) / 1000)),
      everySeconds: Math.round(everyMs / 1000),
      failure: this.#failure ?? null,
    }
  }

  /** Anchors what is there, if anything is new and a quorum can be reached. @throws LedgerError why not */
  anchor(): Promise<void> {
    return this.#queue.run(() => this.#anchor())
  }

  /** The last one, and no more. Resolves soon, whatever becomes of it. */
  async stop(isOrderly: boolean): Promise<void> {
    clearTimeout(this.#timer)
    this.#stopped = true
    if (!isOrderly || this.#options.everyMs === 0) return
    // That nobody could be reached in time is no reason to stay.
    const anchored = this.anchor().catch(() => undefined)
    let patience: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => {
      patience = setTimeout(resolve, farewellMs)
    })
    await Promise.race([anchored, enough])
    clearTimeout(patience)
  }

  get #last(): Anchor | undefined {
    return this.#options.runtime.machine.ledger.anchor(this.#options.self)
  }

  #wait(ms: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.anchor()
        .then(() => this.#wait(this.#options.everyMs))
        .catch((error: unknown) => this.#failed(error))
    }, ms)
  }

  #failed(error: unknown): void {
    const { everyMs, onEvent, onFailure } = this.#options
    if (!(error instanceof LedgerError) || error.code === 'STORAGE_FAILED') {
      onFailure(error)
      return
    }
    if (this.#stopped) return
    if (this.#failure !== error.code) onEvent({ type: 'anchor-failed', code: error.code })
    this.#failure = error.code
    this.#wait(Math.min(everyMs, retryMs))
  }

  async #anchor(): Promise<void> {
    const { local, runtime } = this.#options
    if (!this.#isConnected()) throw new LedgerError('QUORUM_AWAY')
    await local.flush()
    await this.#replaceOld()
    if (this.#isAnchored()) return
    await this.#noteClock()
    const head = local.head()
    const last = this.#last
    const from = last?.log === head.log ? last.size : 0
    const consistency = local.log(head.log)?.consistency(from, head.size) ?? []
    const act = { type: 'anchor' as const, ...head, log: timeOf(head.log), consistency }
    const { code } = await runtime.acts.send(act)
    if (code !== 'OK') throw new LedgerError(code as ErrorCode)
    this.#failure = undefined
  }

  /** What is anchored of a log binds: one that has less of it, or something else, is not that log any more. */
  async #replaceOld(): Promise<void> {
    const { local, onEvent } = this.#options
    const head = local.head()
    const last = this.#last
    if (last === undefined || last.log < head.log) return
    const files = local.log(last.log)
    const holds = last.log === head.log && files !== undefined && last.size <= files.size
    if (holds && files.rootAt(last.size) === last.root) return
    const before: LocalHead = { log: last.log, size: last.size, root: last.root }
    await local.beginAnew('rolled-back', [before], last.log + 1)
    onEvent({ type: 'local-log-behind', leaves: head.size, anchored: last.size })
  }

  #isAnchored(): boolean {
    const { log, size } = this.#options.local.head()
    const last = this.#last
    return last?.log === log && last.size === size
  }

  /** So that times in what is anchored can be judged. */
  async #noteClock(): Promise<void> {
    const { local, clockOffsetMs } = this.#options
    const offsetMs = clockOffsetMs()
    if (offsetMs === undefined || this.#stopped) return
    local.note({ type: 'clock', skewed: false, offsetMs: Math.round(offsetMs) })
    await local.flush()
  }

  #isConnected(): boolean {
    const { self, runtime } = this.#options
    const { ledger } = runtime.machine
    if (ledger.node(self) === undefined || !runtime.heights.serve()) return false
    const { validators } = ledger.roster()
    const peers = new Set([...runtime.mesh.peers(), self])
    const connected = validators.filter(({ node }) => peers.has(node)).length
    return connected >= quorumOf(faultModelOf(ledger.genesis.protocol), validators.length)
  }
}
