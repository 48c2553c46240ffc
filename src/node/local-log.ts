// The local log of one node: what happened to it and who asked it what, in leaves like those of the consortium log. Entries are
// gathered and written once a second, so that nothing waits for them; equal ones within a while become one with a count, and
// beyond a pace all are counted as one, so that no flood fills a disk. A log that was rolled back is never gone on with: a new
// one begins, and what the consortium log has anchored of the old one shows that.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from '#crypto'
import { CheckpointSigner } from '../audit/checkpoint-signer.ts'
import { type Entry, readLeaf } from '../audit/leaf.ts'
import { type Log, openLog } from '../audit/log.ts'
import { localOrigin } from '../audit/note.ts'
import { toHex } from '../base/bytes.ts'
import { endAll } from '../base/ending.ts'
import type { LedgerId, NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { Queue } from '../store/failure.ts'
import { type About, type LocalDetails, type Noted, newReference } from './local-details.ts'
import { type LocalEvent, type LocalHead, windowOf } from './local-events.ts'

export interface LocalLogOptions {
  /** A folder for each log in it, by when it began. */
  readonly directory: string
  readonly ledger: LedgerId
  readonly node: NodeId
  /** Signs checkpoints, private key. */
  readonly seed: Uint8Array
  readonly details: LocalDetails
  readonly now: () => number
  /** What cannot be written must not have happened: the node stops. */
  readonly onFailure: (error: unknown) => void
}

/** Who asked and what, for the side-car. */
export interface Asker {
  /** By which this node tells one from another; the leaf gets a random reference in its place. */
  readonly identity: string
  readonly about: () => About
}

interface Pending {
  readonly event: LocalEvent
  readonly actor: string
  readonly reference: Uint8Array
  readonly first: number
  readonly due: number
  last: number
  count: number
  readonly about: About[]
  omitted: number
}

const writeMs = 1_000
const seenMs = 60_000
const actorsMax = 1_024

export class LocalLog {
  readonly #options: LocalLogOptions
  readonly #logs: Map<number, Log>
  readonly #queue: Queue = new Queue()
  #timer: NodeJS.Timeout | undefined
  readonly #actors: Map<string, string> = new Map()
  readonly #pending: Map<string, Pending> = new Map()
  /** When an entry of this content may be written again. */
  readonly #recent: Map<string, number> = new Map()
  #suppressed = { count: 0, first: 0, due: 0 }
  #allowance: number = limits.localEntriesBurst
  #counted: number
  #seenAt = 0
  #closed = false

  /** When this node is last known to have run, ms, and whether it ended by itself; 0: never. */
  readonly before: { readonly seen: number; readonly orderly: boolean }

  private constructor(options: LocalLogOptions, logs: Map<number, Log>, before: LocalLog['before']) {
    this.#options = options
    this.#logs = logs
    this.before = before
    this.#counted = options.now()
  }

  /** @throws LedgerError RECORD_TAMPERED, STORAGE_FAILED */
  static async open(options: LocalLogOptions): Promise<LocalLog> {
    const { directory } = options
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const logs = new Map<number, Log>()
    try {
      for (const log of await logsIn(directory)) logs.set(log, await openLog(join(directory, String(log))))
      const local = new LocalLog(options, logs, await seenBefore(directory, [...logs.values()].at(-1)))
      if (logs.size === 0) await local.beginAnew('new')
      local.#timer = setInterval(() => local.#tick(), writeMs)
      return local
    } catch (error) {
      for (const log of logs.values()) await log.close()
      throw error
    }
  }

  /** Hands an event over; it is in the log within a second, or with those like it when their time is over. */
  note(event: LocalEvent, asker?: Asker): void {
    if (this.#closed) return
    const now = this.#options.now()
    const actor = asker === undefined ? '' : this.#actorOf(asker.identity)
    const window = windowOf(event)
    const key = window === 0 ? `${toHex(randomBytes(8))}` : JSON.stringify([actor, event])
    const known = this.#pending.get(key)
    if (known !== undefined) {
      known.count += 1
      known.last = now
      this.#tell(known, asker, now)
      return
    }
    if (window > 0 && this.#pending.size >= limits.localPendingMax) {
      this.#suppress(1, now)
      return
    }
    const due = Math.max(now, this.#recent.get(key) ?? 0)
    const pending = { event, actor, reference: newReference(now), first: now, last: now, due, count: 1 }
    const entry: Pending = { ...pending, about: [], omitted: 0 }
    this.#pending.set(key, entry)
    this.#tell(entry, asker, now)
  }

  /** Everything that was noted is in the log, durably, when this resolves. @throws LedgerError STORAGE_FAILED */
  flush(): Promise<void> {
    return this.#write(() => true)
  }

  /** Of the log that is written now. */
  head(): LocalHead {
    const [log, files] = this.#current()
    return { log, size: files.size, root: files.root() }
  }

  /** All logs, the oldest first. */
  heads(): readonly LocalHead[] {
    return [...this.#logs].map(([log, files]) => ({ log, size: files.size, root: files.root() }))
  }

  /** The files of a log; undefined for one that is not here. */
  log(log: number): Pick<Log, 'size' | 'rootAt' | 'consistency' | 'leaves' | 'tile'> | undefined {
    return this.#logs.get(log)
  }

  /** The node's own signed note on a log of so many leaves, now by default; undefined for what is not here. */
  async checkpoint(log: number): Promise<string | undefined> {
    const files = this.#logs.get(log)
    if (files === undefined || files.size === 0) return undefined
    const { directory, ledger, node, seed } = this.#options
    const origin = localOrigin(ledger, node, log)
    return this.#queue.run(async () => {
      const path = join(directory, String(log), 'checkpoint.json')
      const rootAt: Log['rootAt'] = (size) => files.rootAt(size)
      const signer = await CheckpointSigner.open({ path, origin, name: origin, seed, rootAt })
      return signer.sign({ size: files.size, root: files.root() })
    })
  }

  /** Ends the log that is written and begins the next. `atLeast`: it began no earlier. */
  async beginAnew(
    reason: 'new' | 'restored' | 'rolled-back',
    before: readonly LocalHead[] = [],
    atLeast = 0,
  ): Promise<void> {
    const { directory, ledger, node, now } = this.#options
    await this.#queue.run(async () => {
      const log = Math.max(now(), atLeast, 1 + ([...this.#logs.keys()].at(-1) ?? 0))
      const files = await openLog(join(directory, String(log)))
      this.#logs.set(log, files)
      files.append([leafOf({ type: 'began', ledger, node, log, reason, before }, now())])
      await files.sync()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await endAll(
      () => this.flush(),
      () => this.#noteSeen(),
      ...[...this.#logs.values()].map((log) => () => log.close()),
    )
  }

  /** Whatever comes from now on is not noted any more. */
  seal(): void {
    this.#closed = true
  }

  #tick(): void {
    const now = this.#options.now()
    this.#write((due) => due <= now)
      .then(() => (now - this.#seenAt >= seenMs ? this.#noteSeen() : undefined))
      .catch((error: unknown) => {
        clearInterval(this.#timer)
        this.#options.onFailure(error)
      })
  }

  #tell(entry: Pending, asker: Asker | undefined, now: number): void {
    if (asker === undefined) return
    if (entry.about.length >= limits.detailsPerEntryMax) {
      entry.omitted += 1
      return
    }
    const about = asker.about()
    const characters = about.from.length + about.key.length + about.asked.length + about.text.length
    if (this.#options.details.takes(characters, now)) entry.about.push(about)
    else entry.omitted += 1
  }

  #write(isDue: (due: number) => boolean): Promise<void> {
    return this.#queue.run(async () => {
      const due = this.#take(isDue)
      if (due.length === 0) return
      const noted = due.flatMap(({ reference, about }): readonly Noted[] =>
        about.length === 0 ? [] : [{ reference, about }],
      )
      // Details first: a reference in a leaf has had its record.
      if (noted.length > 0) await this.#options.details.put(noted)
      const [, files] = this.#current()
      files.append(due.map(entryOf))
      await files.sync()
    })
  }

  /** What is to be written now, by when it was first. */
  #take(isDue: (due: number) => boolean): readonly Pending[] {
    const now = this.#options.now()
    const taken: Pending[] = []
    for (const [key, entry] of this.#pending) {
      if (!isDue(entry.due)) continue
      this.#pending.delete(key)
      const window = windowOf(entry.event)
      if (window > 0) {
        this.#recent.set(key, now + window)
        if (!this.#isAllowed(now)) {
          this.#suppress(entry.count, now)
          continue
        }
      }
      taken.push(entry)
    }
    for (const [key, until] of this.#recent) if (until <= now) this.#recent.delete(key)
    return [...taken, ...this.#suppressedIf(isDue, now)].sort((a, b) => a.first - b.first)
  }

  #isAllowed(now: number): boolean {
    const gained = (Math.max(0, now - this.#counted) * limits.localEntriesPerSecond) / 1000
    this.#allowance = Math.min(limits.localEntriesBurst, this.#allowance + gained)
    this.#counted = now
    if (this.#allowance < 1) return false
    this.#allowance -= 1
    return true
  }

  #suppress(count: number, now: number): void {
    if (this.#suppressed.count === 0) this.#suppressed = { count: 0, first: now, due: now + 30 * writeMs }
    this.#suppressed.count += count
  }

  #suppressedIf(isDue: (due: number) => boolean, now: number): readonly Pending[] {
    const { count, first, due } = this.#suppressed
    if (count === 0 || !isDue(due)) return []
    this.#suppressed = { count: 0, first: 0, due: 0 }
    const event: LocalEvent = { type: 'suppressed' }
    return [{ event, actor: '', reference: newReference(now), first, last: now, due, count, about: [], omitted: 0 }]
  }

  /** The same for the same, as long as this node runs and knows it. */
  #actorOf(identity: string): string {
    const known = this.#actors.get(identity) ?? toHex(randomBytes(8))
    this.#actors.delete(identity)
    this.#actors.set(identity, known)
    const [oldest] = this.#actors.keys()
    if (this.#actors.size > actorsMax && oldest !== undefined) this.#actors.delete(oldest)
    return known
  }

  #current(): readonly [log: number, files: Log] {
    const last = [...this.#logs].at(-1)
    if (last === undefined) throw new RangeError('a local log begins when it is opened')
    return last
  }

  async #noteSeen(): Promise<void> {
    this.#seenAt = this.#options.now()
    await writeFile(join(this.#options.directory, 'seen'), String(this.#seenAt))
  }
}

function entryOf({ event, actor, reference, first, last, count, about, omitted }: Pending): Entry {
  return {
    ...leafOf(event, first),
    ...(count > 1 || event.type === 'suppressed' ? { count, until: last } : {}),
    ...(actor === '' ? {} : { actor }),
    ...(about.length === 0 ? {} : { detail: toHex(reference) }),
    ...(omitted === 0 ? {} : { omitted }),
  }
}

/** Without its place. */
export function leafOf(event: LocalEvent, time: number): Entry {
  return { ...event, time } as unknown as Entry
}

/** When each log in a folder began, ascending. */
export async function logsIn(directory: string): Promise<readonly number[]> {
  const names = await readdir(directory)
  return names
    .filter((name) => /^[1-9]\d{0,14}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

async function seenBefore(directory: string, log: Log | undefined): Promise<LocalLog['before']> {
  if (log === undefined || log.size === 0) return { seen: 0, orderly: false }
  const [leaf] = log.leaves(log.size - 1)
  const entry = leaf === undefined ? {} : readLeaf(leaf).entry
  const { time, type } = entry
  const noted = await readFile(join(directory, 'seen'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '0'
    throw error
  })
  const seen = Math.max(typeof time === 'number' ? time : 0, /^\d{1,15}$/.test(noted) ? Number(noted) : 0)
  return { seen, orderly: type === 'stopped' && entry['code'] === '' }
}
