// A copy of a store at one height, taken while commits go on, and putting one back. Everything stays sealed as it stands:
// records in the order of their keys, then the files of segments, in parts of a bounded size that have a place each, so
// that parts which were put already may be put again. Where the parts go, and what stands beside them, is others' affair.

import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { toHex } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory } from '../base/files.ts'
import type { Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytesUpTo, decode, encode, list, record, type Schema } from '../base/schema.ts'
import { takeMark } from './closing-mark.ts'
import { Database, type Entry, type Snapshot } from './database.ts'
import { stored } from './failure.ts'
import { tables } from './layout.ts'
import { type SegmentEntry, segmentPath } from './segment.ts'
import type { Root } from './state-records.ts'

/** A part of a copy: `store.json`, `records/NN-NNNNNNNN` or `segments/NAME@PLACE`, and its bytes. */
export interface CopyPart {
  readonly path: string
  readonly bytes: Uint8Array
}

export interface CopyParts {
  readonly database: Database
  readonly segments: { readonly directory: string }
  readonly mark: { readonly directory: string }
  readonly root: Root
}

const recordsSchema: Schema<readonly Entry[]> = list(
  record<Entry>({ key: bytesUpTo(64), value: bytesUpTo(limits.fileRecordBytesMax) }),
  limits.copyRecordsPerPart,
)
/** What is staged waits for a block to come; whoever needs it later asks others. */
const copiedTables = Object.values(tables).filter((table) => table !== tables.staged)
const segmentPattern = /^segments\/([0-9a-f]{32})@(\d{1,15})$/
const recordsPattern = /^records\/[0-9a-f]{2}-\d{8}$/

export class StoreCopy {
  /** The height that it shows. */
  readonly sequence: Sequence
  /** What the commit of that height gave as `meta`. */
  readonly meta: Uint8Array
  /** About how many bytes of files it has. */
  readonly fileBytes: number
  /** Resolves when it is closed or interrupted and holds nothing any more. */
  readonly ended: Promise<void>
  readonly #storeFile: Uint8Array
  readonly #snapshot: Snapshot
  readonly #files: readonly (readonly [SegmentEntry, FileHandle])[]
  #end: () => void = () => undefined
  #open = true
  #reading: Promise<unknown> = Promise.resolve()

  /** Within the queue of writes: then no file of the root goes away before it is held open. */
  static async take({ database, segments, mark, root }: CopyParts): Promise<StoreCopy> {
    const storeFile = await stored(readFile(join(mark.directory, 'store.json')))
    const files: (readonly [SegmentEntry, FileHandle])[] = []
    try {
      for (const entry of root.segments) {
        files.push([entry, await stored(open(segmentPath(segments.directory, entry), 'r'))])
      }
      return new StoreCopy(root, storeFile, await database.snapshot(), files)
    } catch (error) {
      for (const [, file] of files) await file.close()
      throw error
    }
  }

  private constructor(
    root: Root,
    storeFile: Uint8Array,
    snapshot: Snapshot,
    files: readonly (readonly [SegmentEntry, FileHandle])[],
  ) {
    this.sequence = root.sequence
    this.meta = root.meta
    this.fileBytes = root.segments.reduce((sum, { fileBytes }) => sum + fileBytes, 0)
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#storeFile = storeFile
    this.#snapshot = snapshot
    this.#files = files
  }

  /** All parts, once. @throws LedgerError BACKUP_INTERRUPTED, STORAGE_FAILED */
  async *parts(): AsyncGenerator<CopyPart, void, undefined> {
    yield { path: 'store.json', bytes: this.#storeFile }
    for (const table of copiedTables) {
      let after: Uint8Array | undefined
      for (let number = 0; ; number++) {
        const from = after
        const entries = await this.#read(() =>
          this.#snapshot.entries(Uint8Array.of(table), from, limits.copyRecordsPerPart),
        )
        if (entries.length === 0) break
        after = entries.at(-1)?.key
        yield { path: recordsPath(table, number), bytes: encode(recordsSchema, entries) }
      }
    }
    for (const [entry, file] of this.#files) {
      for (let at = 0; at < entry.fileBytes; at += limits.copyPartBytes) {
        const bytes = new Uint8Array(Math.min(limits.copyPartBytes, entry.fileBytes - at))
        const { bytesRead } = await this.#read(() => stored(file.read(bytes, 0, bytes.length, at)))
        if (bytesRead < bytes.length) throw new LedgerError('RECORD_TAMPERED', { segment: toHex(entry.name) })
        yield { path: `segments/${toHex(entry.name)}@${at}`, bytes }
      }
    }
  }

  /** Whoever reads its parts is told; what it held is free again. */
  interrupt(): void {
    this.close().catch(() => undefined)
  }

  async close(): Promise<void> {
    if (!this.#open) return this.ended
    this.#open = false
    // Nothing is closed under a read.
    await this.#reading.catch(() => undefined)
    try {
      await this.#snapshot.close()
      for (const [, file] of this.#files) await file.close()
    } finally {
      this.#end()
    }
  }

  async #read<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#open) throw new LedgerError('BACKUP_INTERRUPTED')
    const reading = work()
    this.#reading = reading
    return reading
  }
}

function recordsPath(table: number, number: number): string {
  return `records/${table.toString(16).padStart(2, '0')}-${String(number).padStart(8, '0')}`
}

/** Puts the parts of a copy into a folder that no store is open in. */
export class CopyWriter {
  readonly #directory: string
  readonly #database: Database

  static async open(directory: string): Promise<CopyWriter> {
    await stored(mkdir(join(directory, 'segments'), { recursive: true, mode: 0o700 }))
    await stored(takeMark({ directory, data: join(directory, 'data') }))
    return new CopyWriter(directory, await Database.open(join(directory, 'data')))
  }

  private constructor(directory: string, database: Database) {
    this.#directory = directory
    this.#database = database
  }

  /** Durable when it resolves. @throws LedgerError MALFORMED, STORAGE_FAILED */
  async put({ path, bytes }: CopyPart): Promise<void> {
    const segment = segmentPattern.exec(path)
    if (path === 'store.json') await this.#write('store.json', bytes, 0)
    else if (segment !== null) await this.#write(join('segments', segment[1] as string), bytes, Number(segment[2]))
    else if (recordsPattern.test(path)) {
      const entries = decode(recordsSchema, bytes)
      await this.#database.write((write) => {
        for (const { key, value } of entries) write.put(key, value)
      })
    } else throw new LedgerError('MALFORMED', { expected: 'a part of a store', path: path.slice(0, 64) })
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async #write(name: string, bytes: Uint8Array, at: number): Promise<void> {
    const path = join(this.#directory, name)
    await stored(writeAt(path, bytes, at))
  }
}

async function writeAt(path: string, bytes: Uint8Array, at: number): Promise<void> {
  const file = await openForWriting(path)
  try {
    await file.write(bytes, 0, bytes.length, at)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function openForWriting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const file = await open(path, 'wx', 0o600)
  await syncDirectory(dirname(path))
  return file
}
