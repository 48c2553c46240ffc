// What the command line notes of a submission before it sends anything, so that one that was killed goes on where it
// stopped and says nothing twice. A transaction that may have left has its number, its expiry and its openings here, durable
// before it leaves: sent again, it is the same bytes, which the ledger executes once. The note is a folder beside the
// key, only for its owner, locked while it is in use, and gone when all is final.

import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { randomBytes, sha256 } from '#crypto'
import { toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { AppendFile, lockDirectory } from '../base/files.ts'
import { hashBytes } from '../base/hash.ts'
import { type Time, timeOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, bytesUpTo, decode, encode, list, type Schema, text, uint, variant } from '../base/schema.ts'

/** One signing of a draft. */
export interface Attempt {
  readonly draft: number
  readonly number: number
  readonly expires: Time
  /** What was drawn for it, in order: the openings. */
  readonly drawn: readonly Uint8Array[]
}

type Entry =
  /** `software`: what cut the drafts. `seed`: 32 bytes that name their blank nodes. */
  | { readonly type: 'begun'; readonly software: string; readonly seed: Uint8Array }
  | ({ readonly type: 'attempt' } & Attempt)
  | { readonly type: 'final'; readonly draft: number }

const entrySchema: Schema<Entry> = variant<Entry>({
  begun: [1, { software: text(limits.nameBytesMax), seed: bytes(32) }],
  attempt: [
    2,
    { draft: uint(), number: uint(), expires: uint(), drawn: list(bytesUpTo(64), 2 * limits.itemsPerTransactionMax) },
  ],
  final: [3, { draft: uint() }],
})

export interface Note {
  /** Whether an earlier run began it. */
  readonly resumed: boolean
  /** The highest number that was given to a transaction; 0 when none was. */
  readonly highest: number
  readonly finals: ReadonlySet<number>
  /** How often this draft was signed and may have left, the oldest first. */
  attempts(draft: number): readonly Attempt[]
  /** The 16 bytes that name the blank nodes of the draft that is cut at this place. */
  skolem(place: number): Uint8Array
  /** Durable when it resolves. */
  attempted(attempt: Attempt): Promise<void>
  final(draft: number): Promise<void>
  /** Keeps it for a later run. */
  close(): Promise<void>
  /** All is final. */
  remove(): Promise<void>
}

const mark = '.submit-'

/** Names of unfinished submissions of this key. */
export async function unfinished(keyPath: string): Promise<readonly string[]> {
  return (await readdir(dirname(keyPath))).filter((name) => name.startsWith(`${basename(keyPath)}${mark}`))
}

/**
 * `id`: the same for the same content, options, ledger and key, and for nothing else.
 * @throws LedgerError STORE_LOCKED, STORAGE_FAILED, FORMAT_UNSUPPORTED for a note of another version of the software
 */
export async function openNote(keyPath: string, id: string, software: string): Promise<Note> {
  const folder = `${keyPath}${mark}${id}`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new LedgerError('STORAGE_FAILED', { file: folder, reason: (cause as Error).message }, cause)
  }
  const lock = await lockDirectory(folder)
  try {
    const file = await AppendFile.open(join(folder, 'note'))
    const entries: Entry[] = []
    for (let index = 0; index < file.count; index++) entries.push(decode(entrySchema, await file.read(index)))
    const resumed = entries.length > 0
    if (!resumed) {
      const begun: Entry = { type: 'begun', software, seed: randomBytes(32) }
      await file.append([encode(entrySchema, begun)])
      await file.sync()
      entries.push(begun)
    }
    const [begun] = entries
    if (begun?.type !== 'begun') throw new LedgerError('RECORD_TAMPERED', { file: file.path, record: 0 })
    if (begun.software !== software) {
      throw new LedgerError('FORMAT_UNSUPPORTED', { file: file.path, version: begun.software })
    }
    return new FileNote(folder, file, lock, begun.seed, entries, resumed)
  } catch (error) {
    await lock.release()
    throw error
  }
}

class FileNote implements Note {
  readonly resumed: boolean
  readonly highest: number
  readonly finals: ReadonlySet<number>
  readonly #attempts = new Map<number, Attempt[]>()
  readonly #folder: string
  readonly #file: AppendFile
  readonly #lock: { release(): Promise<void> }
  readonly #seed: Uint8Array
  #written: Promise<void> = Promise.resolve()
  /** Records that the next write takes along, and its end. */
  #waiting: { readonly records: Uint8Array[]; readonly done: Promise<void> } | undefined

  constructor(
    folder: string,
    file: AppendFile,
    lock: { release(): Promise<void> },
    seed: Uint8Array,
    entries: readonly Entry[],
    resumed: boolean,
  ) {
    this.#folder = folder
    this.#file = file
    this.#lock = lock
    this.#seed = seed
    this.resumed = resumed
    let highest = 0
    const finals = new Set<number>()
    for (const entry of entries) {
      if (entry.type === 'final') finals.add(entry.draft)
      if (entry.type !== 'attempt') continue
      highest = Math.max(highest, entry.number)
      this.#attempts.set(entry.draft, [...this.attempts(entry.draft), entry])
    }
    this.highest = highest
    this.finals = finals
  }

  attempts(draft: number): readonly Attempt[] {
    return this.#attempts.get(draft) ?? []
  }

  skolem(place: number): Uint8Array {
    return hashBytes('skolem', this.#seed, new Uint8Array(new Float64Array([place]).buffer)).slice(0, 16)
  }

  attempted({ draft, number, expires, drawn }: Attempt): Promise<void> {
    return this.#add({ type: 'attempt', draft, number, expires: timeOf(expires), drawn })
  }

  final(draft: number): Promise<void> {
    return this.#add({ type: 'final', draft })
  }

  async close(): Promise<void> {
    await this.#written
    await this.#file.close()
    await this.#lock.release()
  }

  async remove(): Promise<void> {
    await this.close()
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Many at a time, one sync for all. */
  #add(entry: Entry): Promise<void> {
    if (this.#waiting === undefined) {
      const records: Uint8Array[] = []
      const done = this.#written.then(async () => {
        this.#waiting = undefined
        await this.#file.append(records)
        await this.#file.sync()
      })
      this.#waiting = { records, done }
      // Whoever waits for `done` hears of a failure, and the file refuses everything after it.
      this.#written = done.catch(() => undefined)
    }
    this.#waiting.records.push(encode(entrySchema, entry))
    return this.#waiting.done
  }
}

/** A short name for what identifies a submission. */
export function noteId(parts: readonly string[]): string {
  return toHex(sha256(utf8(JSON.stringify(parts)))).slice(0, 16)
}
