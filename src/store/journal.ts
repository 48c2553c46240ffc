// A protocol's durable notes (the Journal port): sealed records in segment files. Every opening begins a new segment under
// a new data key, so nothing is ever sealed twice under one key at one place and a torn tail is never written over. Each
// segment begins with a note of how long the one before it is: only the last may have lost its end.

import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { concat, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { AppendFile, syncDirectory } from '../base/files.ts'
import { type Sequence, sequenceOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { open, type SealingKey, seal, sealedKeyId } from '../base/seal.ts'
import type { JournalRecord } from '../consensus/contract.ts'
import type { Journal } from '../consensus/ports.ts'
import { Queue, stored } from './failure.ts'
import type { KeyRing } from './key-ring.ts'
import { localKey, readId, viewOf } from './layout.ts'

interface Segment {
  readonly number: number
  readonly file: AppendFile
  /** Id of the key that its records are sealed under, hexadecimal. */
  keyId: string
  /** Highest sequence in it; -1 while it is empty. */
  highest: number
}

const namePattern = /^segment-(\d{10})$/

export interface JournalOptions {
  /** The node has executed blocks, so it has had a journal: to begin an empty one would forget its votes. */
  readonly expected?: boolean
}

/**
 * Opens or creates the journal in `directory`. No two may be open on it at a time (base/files.ts, lockDirectory).
 * @throws LedgerError JOURNAL_MISSING, RECORD_TAMPERED, KEY_MISSING, STORAGE_FAILED
 */
export async function openJournal(
  directory: string,
  keyRing: KeyRing,
  { expected = false }: JournalOptions = {},
): Promise<Journal> {
  await stored(mkdir(directory, { recursive: true, mode: 0o700 }))
  const journal = new SealedJournal(directory, keyRing, expected)
  await stored(journal.start())
  return journal
}

class SealedJournal implements Journal {
  readonly #directory: string
  readonly #keyRing: KeyRing
  readonly #expected: boolean
  readonly #writes: Queue = new Queue()
  #segments: Segment[] = []
  #found: readonly JournalRecord[] = []
  #key: SealingKey | undefined
  #failure: unknown

  constructor(directory: string, keyRing: KeyRing, expected: boolean) {
    this.#directory = directory
    this.#keyRing = keyRing
    this.#expected = expected
  }

  async start(): Promise<void> {
    try {
      this.#found = await this.#load()
      this.#key = await this.#keyRing.renew('journal')
      await this.#begin()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async read(): Promise<readonly JournalRecord[]> {
    const found = this.#found
    this.#found = []
    return found
  }

  append(records: readonly JournalRecord[]): Promise<void> {
    return this.#writes.run(async () => {
      if (this.#failure !== undefined) throw this.#failure
      try {
        await stored(this.#write(records))
      } catch (error) {
        this.#failure = error
        throw error
      }
    })
  }

  cut(before: Sequence): Promise<void> {
    return this.#writes.run(async () => {
      const kept = this.#segments.findIndex(
        ({ highest }, place) => highest >= before || place === this.#segments.length - 1,
      )
      if (kept <= 0) return
      const gone = this.#segments.splice(0, kept)
      for (const { file } of gone) {
        await stored(file.close())
        await stored(rm(file.path))
      }
      await stored(syncDirectory(this.#directory))
      const live = new Set(this.#segments.map(({ keyId }) => keyId))
      const dead = this.#keyRing
        .entries()
        .filter(({ purpose, key }) => purpose === 'journal' && !live.has(toHex(key.id)))
      await this.#keyRing.destroy(dead.map(({ key }) => key.id))
    })
  }

  close(): Promise<void> {
    return this.#writes.run(async () => {
      for (const { file } of this.#segments) await stored(file.close())
      this.#segments = []
      this.#failure ??= new LedgerError('STORAGE_FAILED', { reason: 'the journal is closed' })
    })
  }

  async #write(records: readonly JournalRecord[]): Promise<void> {
    if (records.length === 0) return
    const current = this.#segments.at(-1)
    const segment =
      current === undefined || current.file.size > limits.journalSegmentBytesMax ? await this.#begin() : current
    const first = segment.file.count
    await segment.file.append(
      records.map(({ sequence, bytes }, i) =>
        this.#seal(segment.number, first + i, concat(localKey(0, sequence).subarray(1), bytes)),
      ),
    )
    await segment.file.sync()
    segment.highest = Math.max(segment.highest, ...records.map(({ sequence }) => sequence))
  }

  /** Begins the next segment with the note of how many records the one before it has. */
  async #begin(): Promise<Segment> {
    const before = this.#segments.at(-1)
    const number = (before?.number ?? 0) + 1
    const file = await this.#file(number, 0)
    const segment = { number, file, keyId: toHex(this.#activeKey().id), highest: -1 }
    this.#segments.push(segment)
    await file.append([this.#seal(number, 0, localKey(0, before?.file.count ?? 0).subarray(1))])
    await file.sync()
    return segment
  }

  /** Newest first: only then is it known how long each must be. */
  async #load(): Promise<readonly JournalRecord[]> {
    const numbers = (await readdir(this.#directory)).flatMap((name) => namePattern.exec(name)?.[1] ?? []).map(Number)
    numbers.sort((a, b) => b - a)
    const found: JournalRecord[][] = []
    let begun: string | undefined
    let atLeast = 0
    for (const [place, number] of numbers.entries()) {
      if (place > 0 && number !== (numbers[place - 1] as number) - 1) this.#missing(number + 1)
      const file = await this.#file(number, atLeast)
      if (file.count === 0) {
        // A crash came before its first note: it never was.
        await file.close()
        begun = file.path
        continue
      }
      const segment = { number, file, keyId: '', highest: -1 }
      this.#segments.unshift(segment)
      const { length, keyId, records } = await this.#readSegment(number, file)
      atLeast = length
      found.unshift(records)
      segment.keyId = keyId
      segment.highest = Math.max(-1, ...records.map(({ sequence }) => sequence))
    }
    if (this.#expected && this.#segments.length === 0) throw new LedgerError('JOURNAL_MISSING')
    if (begun !== undefined) await rm(begun)
    return found.flat()
  }

  #file(number: number, atLeast: number): Promise<AppendFile> {
    const path = join(this.#directory, `segment-${String(number).padStart(10, '0')}`)
    return AppendFile.open(path, { atLeast, sealed: true })
  }

  async #readSegment(
    number: number,
    file: AppendFile,
  ): Promise<{ readonly length: number; readonly keyId: string; readonly records: JournalRecord[] }> {
    const records: JournalRecord[] = []
    let length = 0
    let keyId = ''
    for (let place = 0; place < file.count; place++) {
      const sealed = await file.read(place)
      const key = this.#keyRing.find(sealedKeyId(sealed))
      const plain = open(key, aadOf(number, place), sealed, { store: 'journal' })
      const value = readId(viewOf(plain), 0)
      if (place === 0) {
        length = value
        keyId = toHex(key.id)
      } else records.push({ sequence: sequenceOf(value), bytes: plain.slice(8) })
    }
    return { length, keyId, records }
  }

  #missing(segment: number): never {
    throw new LedgerError('RECORD_TAMPERED', { store: 'journal', segment })
  }

  #seal(segment: number, place: number, plain: Uint8Array): Uint8Array {
    return seal(this.#activeKey(), aadOf(segment, place), plain)
  }

  #activeKey(): SealingKey {
    return this.#key ?? this.#keyRing.active('journal')
  }
}

/** Binds a record to its place in the journal. */
function aadOf(segment: number, place: number): Uint8Array {
  return concat(utf8('journal'), localKey(0, segment, place))
}
