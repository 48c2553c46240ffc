// The block archive: agreed blocks in append-only files, a fixed number in each, so that a block's sequence says where it
// stands. They hold public headers only and are never erased. Results certificates stand beside, in files of the same
// ranges; they can be had again from others, so they are written in the order in which they come.

import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { concat } from '../base/bytes.ts'
import { InvariantError, LedgerError } from '../base/errors.ts'
import { AppendFile, syncDirectory } from '../base/files.ts'
import { type Sequence, sequenceOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { Queue, stored } from './failure.ts'
import { localKey, readId, viewOf } from './layout.ts'

export interface ArchivedBlock {
  readonly sequence: Sequence
  readonly bytes: Uint8Array
}

interface ResultFile {
  readonly file: AppendFile
  /** Where the result of a sequence stands in it. */
  readonly places: Map<number, number>
}

/** Full files and result files that stay open for reading. */
const openFilesMax = 8

/**
 * Opens or creates the archive. `atLeast`: blocks known to be durable from elsewhere; fewer is damage, not a torn tail.
 * @throws LedgerError RECORD_TAMPERED, FORMAT_UNSUPPORTED, STORAGE_FAILED
 */
export async function openBlocks(directory: string, { atLeast = 0 }: { atLeast?: number } = {}): Promise<BlockArchive> {
  await stored(mkdir(directory, { recursive: true, mode: 0o700 }))
  const names = new Set(await stored(readdir(directory)))
  let last = 0
  while (names.has(fileName('blocks', last + 1))) last += 1
  const stray = [...names].find((name) => /^blocks-\d{8}$/.test(name) && name > fileName('blocks', last))
  if (stray !== undefined || (last > 0 && !names.has(fileName('blocks', 0)))) {
    throw new LedgerError('RECORD_TAMPERED', { store: 'blocks', missing: fileName('blocks', last + 1) })
  }
  const expected = Math.max(0, atLeast - last * limits.blocksPerFile)
  const tail = await stored(AppendFile.open(join(directory, fileName('blocks', last)), { atLeast: expected }))
  return new BlockArchive(directory, last, tail)
}

export class BlockArchive {
  readonly #directory: string
  // Files are opened, closed and cut under one queue, so that none is closed while it is read.
  readonly #work: Queue = new Queue()
  /** Full files, the one used last at the end. */
  readonly #full: Map<number, AppendFile> = new Map()
  readonly #results: Map<number, ResultFile> = new Map()
  #last: number
  #tail: AppendFile

  constructor(directory: string, last: number, tail: AppendFile) {
    this.#directory = directory
    this.#last = last
    this.#tail = tail
  }

  /** Sequence of the last block; 0 when there is none. The first block is 1. */
  get height(): Sequence {
    return sequenceOf(this.#last * limits.blocksPerFile + this.#tail.count)
  }

  /** Blocks at or below `height` are passed over, the others must follow it without a gap. Durable only after `sync`. */
  append(blocks: readonly ArchivedBlock[]): Promise<void> {
    return this.#run(async () => {
      const fresh = blocks.filter(({ sequence }) => sequence > this.height)
      for (const [place, { sequence }] of fresh.entries()) {
        if (sequence !== this.height + 1 + place)
          throw new InvariantError(`block ${sequence} does not follow ${this.height}`)
      }
      for (let done = 0; done < fresh.length; ) {
        if (this.#tail.count === limits.blocksPerFile) await this.#beginFile()
        const group = fresh.slice(done, done + limits.blocksPerFile - this.#tail.count)
        await this.#tail.append(group.map(recordOf))
        done += group.length
      }
    })
  }

  /** Resolves when all that was appended before, results included, is on the disk. */
  sync(): Promise<void> {
    return this.#run(async () => {
      const files = [this.#tail, ...[...this.#results.values()].map(({ file }) => file)]
      await Promise.all(files.map((file) => file.sync()))
    })
  }

  /** @throws RangeError for a block that is not here, LedgerError RECORD_TAMPERED for one that is not what was written. */
  read(sequence: number): Promise<Uint8Array> {
    return this.#run(() => this.#block(sequence))
  }

  /** Up to `count` blocks from `from`, fewer at the end. */
  range(from: number, count: number): Promise<readonly ArchivedBlock[]> {
    return this.#run(async () => {
      const blocks: ArchivedBlock[] = []
      for (let sequence = from; sequence < from + count && sequence <= this.height; sequence++) {
        blocks.push({ sequence: sequenceOf(sequence), bytes: await this.#block(sequence) })
      }
      return blocks
    })
  }

  /** Drops the blocks above `sequence`; durable when this resolves. Results stay: they hold for the same blocks again. */
  truncateAfter(sequence: number): Promise<void> {
    return this.#run(async () => {
      if (sequence >= this.height) return
      while (this.#last > 0 && sequence <= this.#last * limits.blocksPerFile) {
        await this.#tail.close()
        await rm(this.#tail.path)
        await syncDirectory(this.#directory)
        this.#tail = await this.#fullFile(this.#last - 1)
        this.#last -= 1
        this.#full.delete(this.#last)
      }
      await this.#tail.truncate(sequence - this.#last * limits.blocksPerFile)
    })
  }

  /** Keeps the first result certificate that is given for a sequence. Durable after the next `sync`. */
  putResult(sequence: number, bytes: Uint8Array): Promise<void> {
    return this.#run(async () => {
      const { file, places } = await this.#resultFile(fileOf(sequence))
      if (places.has(sequence)) return
      await file.append([recordOf({ sequence: sequenceOf(sequence), bytes })])
      places.set(sequence, file.count - 1)
    })
  }

  /** Undefined for a sequence of which none was put: whoever asks for one must not make files. */
  result(sequence: number): Promise<Uint8Array | undefined> {
    return this.#run(async () => {
      const number = fileOf(sequence)
      if (!this.#results.has(number) && !existsSync(this.#path('results', number))) return undefined
      const { file, places } = await this.#resultFile(number)
      const place = places.get(sequence)
      return place === undefined ? undefined : (await file.read(place)).slice(8)
    })
  }

  close(): Promise<void> {
    return this.#run(async () => {
      await this.#tail.close()
      for (const file of this.#full.values()) await file.close()
      for (const { file } of this.#results.values()) await file.close()
    })
  }

  #run<T>(work: () => Promise<T>): Promise<T> {
    return this.#work.run(() => stored(work()))
  }

  async #block(sequence: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(sequence) || sequence < 1 || sequence > this.height) {
      throw new RangeError(`there is no block ${sequence}; the last is ${this.height}`)
    }
    const number = fileOf(sequence)
    const file = number === this.#last ? this.#tail : await this.#fullFile(number)
    const record = await file.read((sequence - 1) % limits.blocksPerFile)
    if (readId(viewOf(record), 0) !== sequence) throw new LedgerError('RECORD_TAMPERED', { store: 'blocks', sequence })
    return record.slice(8)
  }

  /** The full file is synced before the next one exists: only the last file can ever be torn. */
  async #beginFile(): Promise<void> {
    await this.#tail.sync()
    const next = await AppendFile.open(this.#path('blocks', this.#last + 1))
    this.#full.set(this.#last, this.#tail)
    this.#last += 1
    this.#tail = next
    await this.#evict()
  }

  async #fullFile(number: number): Promise<AppendFile> {
    const known = this.#full.get(number)
    const file = known ?? (await AppendFile.open(this.#path('blocks', number), { atLeast: limits.blocksPerFile }))
    this.#full.delete(number)
    this.#full.set(number, file)
    await this.#evict()
    return file
  }

  async #resultFile(number: number): Promise<ResultFile> {
    const known = this.#results.get(number)
    if (known !== undefined) return known
    const file = await AppendFile.open(this.#path('results', number))
    const places = new Map<number, number>()
    for (let place = 0; place < file.count; place++) places.set(readId(viewOf(await file.read(place)), 0), place)
    const opened = { file, places }
    this.#results.set(number, opened)
    await this.#evict()
    return opened
  }

  async #evict(): Promise<void> {
    const [oldestFull] = this.#full
    if (this.#full.size > openFilesMax && oldestFull !== undefined) {
      this.#full.delete(oldestFull[0])
      await oldestFull[1].close()
    }
    const [oldestResult] = this.#results
    if (this.#results.size > openFilesMax && oldestResult !== undefined) {
      this.#results.delete(oldestResult[0])
      await oldestResult[1].file.sync()
      await oldestResult[1].file.close()
    }
  }

  #path(kind: 'blocks' | 'results', number: number): string {
    return join(this.#directory, fileName(kind, number))
  }
}

function fileName(kind: 'blocks' | 'results', number: number): string {
  return `${kind}-${String(number).padStart(8, '0')}`
}

function fileOf(sequence: number): number {
  return Math.floor((sequence - 1) / limits.blocksPerFile)
}

function recordOf({ sequence, bytes }: ArchivedBlock): Uint8Array {
  return concat(localKey(0, sequence).subarray(1), bytes)
}
