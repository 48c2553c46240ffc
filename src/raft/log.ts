// The log in memory: entries above a base, each with its running hash, so that two logs that agree in one hash agree in all
// before it (the Log Matching Property, section 3.5, made visible). Configurations take effect when they are appended, and
// go again with their entry (section 4.1).

import type { Digest, Epoch, LedgerId, Sequence, Term } from '../base/ids.ts'
import { batchDigest, type RequestId, requestId } from '../consensus/batch.ts'
import { type Link, runningHash } from '../consensus/certificate.ts'
import { type Roster, rosterHash } from '../consensus/roster.ts'
import type { Entry } from './messages.ts'

/** The rosters in force: one, or the old and the new while joint. */
export type Configuration = readonly Roster[]

export interface LogEntry {
  readonly entry: Entry
  readonly link: Link
  /** Running hash of the log up to this entry. */
  readonly hash: Digest
  readonly ids: readonly RequestId[]
}

/** Where the log begins: everything up to here is in blocks. */
export interface Base {
  readonly index: Sequence
  readonly term: Term
  readonly hash: Digest
  readonly configuration: Configuration
}

export interface Log {
  base: Base
  /** Of configuration entries above the base, ascending. */
  configured: { readonly index: Sequence; readonly configuration: Configuration }[]
  /** Of index base + 1 and so on. */
  entries: LogEntry[]
}

export function newLog(ledger: LedgerId, roster: Roster): Log {
  const base = { index: 0 as Sequence, term: 0 as Term, hash: ledger as unknown as Digest, configuration: [roster] }
  return { base, configured: [], entries: [] }
}

export function lastIndex({ base, entries }: Log): Sequence {
  return (base.index + entries.length) as Sequence
}

export function lastTerm(log: Log): Term {
  return termAt(log, lastIndex(log)) as Term
}

export function entryAt({ base, entries }: Log, index: Sequence): LogEntry | undefined {
  return index > base.index ? entries[index - base.index - 1] : undefined
}

/** Undefined for what is not in the log, or no more. */
export function termAt(log: Log, index: Sequence): Term | undefined {
  return index === log.base.index ? log.base.term : entryAt(log, index)?.entry.term
}

export function hashAt(log: Log, index: Sequence): Digest | undefined {
  return index === log.base.index ? log.base.hash : entryAt(log, index)?.hash
}

/** Entries after `after`, as many as are there up to `count`. */
export function entriesAfter({ base, entries }: Log, after: Sequence, count: number): readonly LogEntry[] {
  const first = after - base.index
  return entries.slice(first, first + count)
}

/** In force at `index`: of the last configuration entry at or below it. */
export function configurationAt({ base, configured }: Log, index: Sequence): Configuration {
  return configured.findLast((each) => each.index <= index)?.configuration ?? base.configuration
}

/** Where what is in force at `index` stands in the log: at its base, if no entry above says it. */
export function configuredAt({ base, configured }: Log, index: Sequence): Sequence {
  return configured.findLast((each) => each.index <= index)?.index ?? base.index
}

/** All that the log or its base knows. */
export function rostersOf({ base, configured }: Log): readonly Roster[] {
  return [...base.configuration, ...configured.flatMap(({ configuration }) => configuration)]
}

export function rosterOf(log: Log, epoch: Epoch): Roster | undefined {
  return rostersOf(log).find((roster) => roster.epoch === epoch)
}

/** What stood after `after` goes, `entries` come. Returns what went. */
export function replaceAfter(log: Log, after: Sequence, entries: readonly Entry[]): readonly LogEntry[] {
  const gone = log.entries.splice(after - log.base.index)
  log.configured = log.configured.filter(({ index }) => index <= after)
  let hash = hashAt(log, after) as Digest
  for (const [i, entry] of entries.entries()) {
    const made = logEntry(hash, entry)
    hash = made.hash
    log.entries.push(made)
    const { configuration } = entry
    if (configuration.length > 0) log.configured.push({ index: (after + i + 1) as Sequence, configuration })
  }
  return gone
}

/** Forgets what is at or below the new base. `keeps`: what is above stays. */
export function rebase(log: Log, base: Base, keeps: boolean): void {
  log.entries = keeps ? log.entries.slice(base.index - log.base.index) : []
  log.configured = keeps ? log.configured.filter(({ index }) => index > base.index) : []
  log.base = base
}

/** The highest index up to `from` whose term is at most `term`: where two logs may still agree (fast back-off, section 3.5). */
export function lastOfTerm(log: Log, from: Sequence, term: Term): Sequence {
  let index = Math.min(from, lastIndex(log)) as Sequence
  while (index > log.base.index && (termAt(log, index) as Term) > term) index--
  return index
}

// An entry is sent to many, checked before it is appended, and never changes.
const made: WeakMap<Entry, Pick<LogEntry, 'link' | 'ids'>> = new WeakMap()

function logEntry(previous: Digest, entry: Entry): LogEntry {
  const known = made.get(entry) ?? {
    link: { term: entry.term, batch: batchDigest(entry.batch), configuration: entry.configuration.map(rosterHash) },
    ids: entry.batch.transactions.map(requestId),
  }
  made.set(entry, known)
  return { entry, ...known, hash: runningHash(previous, known.link) }
}
