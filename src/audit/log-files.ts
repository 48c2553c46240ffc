// The files of a log on disk. Nothing but appending, reading at a place and cutting the end happens to them:
//   leaves     entry bundles one after another, so bundle N is a slice of it: the truth, fsynced with every batch
//   starts     where each bundle begins in `leaves`, 8 bytes big-endian each
//   hashes-L   tiles of level L one after another, so tile N is the slice from 8192 N
//   mark       {bytes, size}: up to here starts and hashes are durable as well; above it they are computed again
// The log (log.ts) decides what is written.

import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory, writeFileAtomic } from '../base/files.ts'
import { canonicalJson, isObject, parseCanonicalJson } from './json.ts'

const dataSync = promisify(fdatasync)

/** Up to here everything in the folder is durable. */
export interface Mark {
  /** Leaves. */
  readonly size: number
  /** Bytes that they take in `leaves`. */
  readonly bytes: number
}

/** A file that is read and written at places; reads and writes reach the page cache, `sync` the disk. */
export class PlacedFile {
  readonly name: string
  readonly #descriptor: number

  constructor(directory: string, name: string) {
    this.name = name
    this.#descriptor = openSync(join(directory, name), constants.O_RDWR | constants.O_CREAT, 0o600)
  }

  get length(): number {
    return fstatSync(this.#descriptor).size
  }

  /** @throws LedgerError RECORD_TAMPERED when the file ends before `length` bytes are read. */
  read(place: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let done = 0; done < length; ) {
      const count = readSync(this.#descriptor, bytes, done, length - done, place + done)
      if (count === 0) throw new LedgerError('RECORD_TAMPERED', { file: this.name, byte: place + done })
      done += count
    }
    return bytes
  }

  write(place: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#descriptor, bytes, done, bytes.length - done, place + done)
    }
  }

  truncate(length: number): void {
    if (length < this.length) ftruncateSync(this.#descriptor, length)
  }

  async sync(): Promise<void> {
    await dataSync(this.#descriptor)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

export class LogFiles {
  readonly leaves: PlacedFile
  readonly starts: PlacedFile
  readonly #directory: string
  readonly #hashes: PlacedFile[] = []

  private constructor(directory: string) {
    this.#directory = directory
    this.leaves = new PlacedFile(directory, 'leaves')
    this.starts = new PlacedFile(directory, 'starts')
  }

  static async open(directory: string): Promise<{ files: LogFiles; mark: Mark }> {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const files = new LogFiles(directory)
    await syncDirectory(directory)
    return { files, mark: await readMark(join(directory, 'mark')) }
  }

  /** Hashes of one level of tiles. */
  hashes(level: number): PlacedFile {
    const file = this.#hashes[level] ?? new PlacedFile(this.#directory, `hashes-${level}`)
    this.#hashes[level] = file
    return file
  }

  /** Makes everything durable, then says so. `mark` must be of what was written before this is called. */
  async setMark(mark: Mark): Promise<void> {
    for (const file of [this.leaves, this.starts, ...this.#hashes]) await file.sync()
    await syncDirectory(this.#directory)
    await writeFileAtomic(join(this.#directory, 'mark'), utf8(canonicalJson({ ...mark })))
  }

  close(): void {
    for (const file of [this.leaves, this.starts, ...this.#hashes]) file.close()
  }
}

async function readMark(path: string): Promise<Mark> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { size: 0, bytes: 0 }
    throw error
  }
  const value = parseCanonicalJson(new Uint8Array(bytes))
  if (!isObject(value) || typeof value['size'] !== 'number' || typeof value['bytes'] !== 'number') {
    throw new LedgerError('RECORD_TAMPERED', { file: 'mark' })
  }
  return { size: value['size'], bytes: value['bytes'] }
}
