// An append-only file of framed records: after a crash it holds a prefix of what was appended, at least to the last
// sync, and never half a record. What is in the records, and whether they are sealed, is its user's affair.
//
// Format: "quadlog" and a version byte 1; then the records in their frames (frames.ts).

import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncDirectory } from './atomic-file.ts'
import { concat, equal, utf8 } from './bytes.ts'
import { LedgerError } from './errors.ts'
import { frameBytes, frameOf, type Reader, recordBehind, scan } from './frames.ts'
import { limits } from './limits.ts'

const signature = utf8('quadlog')
const head = concat(signature, Uint8Array.of(1))
const chunkBytes = 1_048_576

export interface AppendFileOptions {
  /** Records that its user knows to be durable: a file with fewer is damaged, not torn, and stays as it is. */
  readonly atLeast?: number
  /** Bytes of one record; a longer one is refused, and a longer length read from disk is damage. */
  readonly recordBytesMax?: number
  /**
   * Its records are ciphertext. Then a whole record behind a broken one was appended here, so the break is damage and
   * not the torn tail of a crash. In a file of clear records nobody can tell: what others wrote into a record may look
   * like one, so there `atLeast` alone says what must be whole.
   */
  readonly sealed?: boolean
}

export class AppendFile {
  readonly path: string
  /** Bytes that a crash had left behind the last whole record; they are gone. */
  readonly tornBytes: number
  readonly #file: FileHandle
  readonly #recordBytesMax: number
  /** Where each record's frame begins, and after them where the next one will. */
  readonly #offsets: number[]
  /** Something may be here that no sync has reached, what was found at the opening included. */
  #isDirty = true
  #synced: Promise<void> = Promise.resolve()
  #failure: unknown

  private constructor(path: string, file: FileHandle, offsets: number[], tornBytes: number, recordBytesMax: number) {
    this.path = path
    this.#file = file
    this.#offsets = offsets
    this.tornBytes = tornBytes
    this.#recordBytesMax = recordBytesMax
  }

  /**
   * Opens or creates the file, checks every record and drops a torn tail.
   * @throws LedgerError RECORD_TAMPERED when fewer than `atLeast` records are whole, or `sealed` records stand whole
   * behind a broken one; FORMAT_UNSUPPORTED for a file of another kind or version. Both leave it untouched.
   */
  static async open(path: string, options: AppendFileOptions = {}): Promise<AppendFile> {
    const { atLeast = 0, recordBytesMax = limits.fileRecordBytesMax, sealed = false } = options
    const file = await openOrCreate(path)
    try {
      const { size } = await file.stat()
      const read = reader(file, size)
      const begun = await read(0, Math.min(size, head.length))
      if (!equal(begun, head.subarray(0, begun.length))) throw new LedgerError('FORMAT_UNSUPPORTED', { file: path })
      const offsets = begun.length < head.length ? [] : await scan(read, head.length, size, recordBytesMax)
      const count = Math.max(0, offsets.length - 1)
      const end = offsets.at(-1) ?? head.length
      if (count < atLeast || (sealed && (await recordBehind(read, end, size, recordBytesMax)))) {
        throw new LedgerError('RECORD_TAMPERED', { file: path, record: count })
      }
      if (offsets.length === 0) await writeHead(file, path)
      if (end < size) {
        await file.truncate(end)
        await file.sync()
      }
      const torn = Math.max(0, size - end)
      return new AppendFile(path, file, offsets.length === 0 ? [end] : offsets, torn, recordBytesMax)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Whole records. */
  get count(): number {
    return this.#offsets.length - 1
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#offsets.at(-1) as number
  }

  /**
   * Writes records behind the last one, in order; durable only after `sync`. Wait for one call before the next.
   * After a failed write or sync nothing can be known about the file: every later call fails with the same error.
   */
  async append(records: readonly Uint8Array[]): Promise<void> {
    const long = records.find((record) => record.length > this.#recordBytesMax)
    if (long !== undefined) throw new RangeError(`a record of ${long.length} bytes, at most ${this.#recordBytesMax}`)
    const bytes = concat(...records.flatMap((record) => [frameOf(record), record]))
    this.#isDirty = true
    await this.#guarded(() => writeAll(this.#file, bytes, this.size))
    for (const record of records) this.#offsets.push(this.size + frameBytes + record.length)
  }

  /** Resolves when all that was appended before is on the disk; the disk is not asked again when nothing was since. */
  sync(): Promise<void> {
    if (this.#isDirty) {
      this.#isDirty = false
      this.#synced = this.#guarded(() => this.#file.datasync())
    }
    return this.#synced
  }

  /** @throws RangeError for a record that is not there, LedgerError RECORD_TAMPERED for one that changed on disk. */
  async read(index: number): Promise<Uint8Array> {
    const start = this.#offsets[index]
    const end = this.#offsets[index + 1]
    if (start === undefined || end === undefined) throw new RangeError(`no record ${index} in ${this.path}`)
    const bytes = await readAll(this.#file, start, end - start)
    const record = bytes.slice(frameBytes)
    if (!equal(bytes.subarray(0, frameBytes), frameOf(record)) || bytes.length < end - start) {
      throw new LedgerError('RECORD_TAMPERED', { file: this.path, record: index })
    }
    return record
  }

  /** Keeps the first `count` records; durable when this resolves. */
  async truncate(count: number): Promise<void> {
    const end = this.#offsets[count]
    if (end === undefined) throw new RangeError(`fewer than ${count} records in ${this.path}`)
    await this.#guarded(async () => {
      await this.#file.truncate(end)
      await this.#file.sync()
    })
    this.#offsets.length = count + 1
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #guarded(write: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      await write()
    } catch (error) {
      this.#failure = error
      throw error
    }
  }
}

async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return open(path, 'wx+', 0o600)
  }
}

async function writeHead(file: FileHandle, path: string): Promise<void> {
  await writeAll(file, head, 0)
  await file.sync()
  await syncDirectory(dirname(path))
}

/** Reads ranges that only move forward, a megabyte at a time. The result is valid until the next call. */
function reader(file: FileHandle, size: number): Reader {
  let start = 0
  let chunk = new Uint8Array()
  return async (offset, length) => {
    if (offset < start || offset + length > start + chunk.length) {
      start = offset
      chunk = await readAll(file, offset, Math.min(size - offset, Math.max(length, chunkBytes)))
    }
    return chunk.subarray(offset - start, offset - start + length)
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** `length` bytes from `position`, fewer at the end of the file. */
async function readAll(file: FileHandle, position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) return bytes.slice(0, done)
    done += bytesRead
  }
  return bytes
}
