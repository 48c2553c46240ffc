// The local log of a running node with all that belongs to it: what it hears, its side-car, and for how long that is kept.

import { manifestStatement } from '../audit/bundle.ts'
import { readLeaf } from '../audit/leaf.ts'
import { checkpointText, formatNote, signerName, signNote } from '../audit/note.ts'
import { fromHex, toHex } from '../base/bytes.ts'
import { endAll } from '../base/ending.ts'
import { LedgerError } from '../base/errors.ts'
import type { LedgerId, NodeId, TxId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { JsonValue } from '../base/schema.ts'
import type { UnlockProvider } from '../store/unlock.ts'
import { type AnchorEvent, type AnchorStatus, Anchors, type AnchorsOptions } from './anchors.ts'
import type { Clocks } from './clocks.ts'
import { isNamed, type Names } from './erased-names.ts'
import type { Home } from './home.ts'
import { type About, LocalDetails } from './local-details.ts'
import { type ExportKind, type LocalEvent, type LocalHead, localEventOf } from './local-events.ts'
import { type Asker, LocalLog } from './local-log.ts'
import type { NodeEvent } from './node-event.ts'
import type { Parts } from './parts.ts'
import type { NamedDetail } from './purges.ts'
import { version } from './version.ts'

export interface LocalAuditOptions {
  readonly home: Pick<Home, 'local'>
  readonly ledger: LedgerId
  readonly self: NodeId
  readonly parts: Pick<Parts, 'identity' | 'store'>
  /** For how long details beside the log are kept. */
  readonly detailsKeptDays: number
  /** Between two anchors of the log, ms; 0: none. */
  readonly anchorMs: number
  readonly onEvent: (event: AnchorEvent) => void
  readonly onFailure: (error: unknown) => void
}

/** What somebody took out of this node. */
export interface HandedOut {
  /** The newest ones. */
  readonly listed: readonly { readonly time: number; readonly kind: ExportKind | 'backup' }[]
  readonly count: number
}

const dayMs = 86_400_000
const sweepMs = 3_600_000

export class LocalAudit {
  readonly log: LocalLog
  readonly details: LocalDetails
  readonly #options: LocalAuditOptions
  readonly #timer: NodeJS.Timeout
  #sweep: Promise<void> = Promise.resolve()
  #anchors: Anchors | undefined

  private constructor(options: LocalAuditOptions, log: LocalLog, details: LocalDetails) {
    this.#options = options
    this.log = log
    this.details = details
    this.#timer = setInterval(() => this.#expire(), sweepMs)
    this.#expire()
  }

  /** @throws LedgerError RECORD_TAMPERED, STORAGE_FAILED */
  static async begin(options: LocalAuditOptions): Promise<LocalAudit> {
    const { home, ledger, self, parts, onFailure } = options
    const details = new LocalDetails(parts.store.details)
    const log = await LocalLog.open({
      directory: home.local,
      ledger,
      node: self,
      seed: parts.identity.checkpoint,
      details,
      now: () => Date.now(),
      onFailure,
    })
    return new LocalAudit(options, log, details)
  }

  /** From now on the log is anchored. */
  attach(runtime: AnchorsOptions['runtime'], clocks: Pick<Clocks, 'offset'>): void {
    const { self, anchorMs, onEvent, onFailure } = this.#options
    const clockOffsetMs = (): number | undefined => clocks.offset()
    this.#anchors = new Anchors({
      self,
      local: this.log,
      runtime,
      everyMs: anchorMs,
      clockOffsetMs,
      onEvent,
      onFailure,
    })
  }

  /** @throws LedgerError NODE_STOPPED before it is attached */
  anchored(): AnchorStatus {
    if (this.#anchors === undefined) throw new LedgerError('NODE_STOPPED')
    return this.#anchors.status()
  }

  /** What of a node's events belongs into it. */
  hear(event: NodeEvent): void {
    const local = localEventOf(event)
    if (local === undefined) return
    const isStranger = event.type === 'refused' && event.node === undefined
    this.log.note(local, isStranger ? strangerOf(event.peer) : undefined)
  }

  /** `software`: SHA-256 over the program. */
  started(software: Uint8Array, unlock: UnlockProvider['provider']): void {
    const { seen, orderly } = this.log.before
    const downMs = seen === 0 ? 0 : Math.max(0, Date.now() - seen)
    const facts = { version, software: toHex(software), runtime: process.version, unlock, seen, downMs, orderly }
    this.log.note({ type: 'started', ...facts })
  }

  /** The last entry: why the node stops. */
  async stopped(failure?: unknown): Promise<void> {
    const code = failure === undefined ? '' : failure instanceof LedgerError ? failure.code : 'UNEXPECTED'
    this.log.note({ type: 'stopped', code })
    this.log.seal()
    await endAll(
      () => this.log.flush(),
      () => this.#anchors?.stop(failure === undefined),
    )
  }

  /** @throws LedgerError STORAGE_FAILED; every file is closed then too */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await endAll(
      () => this.#sweep,
      () => this.log.close(),
    )
  }

  note(event: LocalEvent, asker?: Asker): void {
    this.log.note(event, asker)
  }

  /** This node's signed note over the manifest of an export: that it was made here. */
  signManifest(manifest: Uint8Array): string {
    const { ledger, self, parts } = this.#options
    const statement = manifestStatement(ledger, manifest)
    const text = checkpointText(statement)
    const signature = signNote(text, signerName(statement.origin, self), parts.identity.checkpoint)
    return formatNote({ text, signatures: [signature] })
  }

  heads(): readonly LocalHead[] {
    return this.log.heads()
  }

  /** Leaves `from` to `to` - 1 of a log; undefined for one that is not here. @throws RangeError for more than there are */
  leaves(log: number, from: number, to: number): Iterable<Uint8Array> | undefined {
    return this.log.log(log)?.leaves(from, to)
  }

  tile(log: number, path: string): Uint8Array | undefined {
    return this.log.log(log)?.tile(path)
  }

  checkpoint(log: number): Promise<string | undefined> {
    return this.log.checkpoint(log)
  }

  /** What the side-car has by a reference; undefined when nothing, or nothing any more. */
  async detail(reference: string): Promise<readonly About[] | undefined> {
    return /^[0-9a-f]{32}$/.test(reference) ? this.details.get(fromHex(reference)) : undefined
  }

  /**
   * What left this node since a time, ms, newest first, as its local logs tell. An export of a person counts when it was of
   * one of these, or when nobody knows any more of whom.
   */
  async handedOut(since: number, persons: ReadonlySet<string>): Promise<HandedOut> {
    await this.log.flush()
    const listed: HandedOut['listed'][number][] = []
    let count = 0
    for (const { log, size } of this.heads()) {
      for (const leaf of this.log.log(log)?.leaves(0, size) ?? []) {
        const { entry } = readLeaf(leaf)
        const { type, time, detail } = entry
        if ((type !== 'exported' && type !== 'backup') || typeof time !== 'number' || time < since) continue
        const kind = type === 'backup' ? 'backup' : (entry['kind'] as ExportKind)
        if (kind === 'person' && (await this.#isOfOthers(detail, persons))) continue
        count += 1
        listed.push({ time, kind })
        if (listed.length > limits.handedOutListed) listed.shift()
      }
    }
    return { listed: listed.reverse(), count }
  }

  async #isOfOthers(detail: JsonValue | undefined, persons: ReadonlySet<string>): Promise<boolean> {
    const about = typeof detail === 'string' ? await this.detail(detail) : undefined
    if (about === undefined) return false
    return !about.some(({ text }) => isNamed(text, { ids: persons, values: new Set() }))
  }

  /** For a purge: what waits to be written is written first. */
  async naming(names: Names): Promise<readonly NamedDetail[]> {
    await this.log.flush()
    return this.details.naming(names)
  }

  async erase(order: TxId, details: readonly NamedDetail[]): Promise<void> {
    if (details.length === 0) return
    await this.details.remove(details.map(({ reference }) => reference))
    this.log.note({ type: 'details-erased', order, details: details.length })
  }

  #expire(): void {
    const { detailsKeptDays, onFailure } = this.#options
    this.#sweep = this.#sweep
      .then(() => this.details.expire(Date.now() - detailsKeptDays * dayMs))
      .then((details) => {
        if (details > 0) this.log.note({ type: 'details-expired', details })
      })
      .catch(onFailure)
  }
}

/** Of a peer that the ledger does not name. One identity for all: a crowd of them must not be a crowd of entries. */
function strangerOf(peer: string): Asker {
  return {
    identity: 'a stranger',
    about: () => ({ time: Date.now(), from: peer, key: '', asked: '', text: '' }),
  }
}
