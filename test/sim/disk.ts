// A disk for one journal: framed records in a file. What was appended but not yet synced when the power fails survives up
// to an arbitrary byte, and the record that was being written may hold garbage.

import { concat } from '../../src/base/bytes.ts'
import type { Sequence } from '../../src/base/ids.ts'
import type { JournalRecord } from '../../src/consensus/contract.ts'
import type { Journal } from '../../src/consensus/ports.ts'
import type { Random } from './random.ts'

const headerBytes = 16

export class SimDisk {
  #frames: Uint8Array[] = []
  #unsynced: Uint8Array[] = []

  /** Whole records only, oldest first; what a crash tore is dropped for good. */
  read(): readonly JournalRecord[] {
    const file = concat(...this.#frames)
    const records: JournalRecord[] = []
    this.#frames = []
    for (let offset = 0; offset < file.length; ) {
      const end = frameEnd(file, offset)
      if (end === undefined) break
      const frame = file.slice(offset, end)
      records.push({ sequence: sequenceOf(frame), bytes: frame.slice(headerBytes) })
      this.#frames.push(frame)
      offset = end
    }
    return records
  }

  /** Written, not yet durable. */
  append(records: readonly JournalRecord[]): void {
    this.#unsynced.push(...records.map(frameOf))
  }

  /** All that was appended is durable. */
  sync(): void {
    for (const frame of this.#unsynced) this.#frames.push(frame)
    this.#unsynced = []
  }

  /** Old records go from the front only, as in a journal of segments: one behind a newer record stays. */
  cut(before: Sequence): void {
    let kept = 0
    for (const frame of this.#frames) {
      if (sequenceOf(frame) >= before) break
      kept++
    }
    this.#frames.splice(0, kept)
  }

  /** The power fails: of what was not synced a prefix survives, and its last bytes may be wrong. */
  crash(random: Random): void {
    const written = concat(...this.#unsynced)
    this.#unsynced = []
    if (written.length === 0) return
    const survived = written.slice(0, random.below(written.length + 1))
    if (survived.length > 0 && random.chance(0.3)) {
      const place = survived.length - 1 - random.below(Math.min(8, survived.length))
      survived[place] = (survived[place] as number) ^ (1 + random.below(255))
    }
    this.#frames.push(survived)
  }

  /** Someone restores an old copy of the disk: the last `count` durable records are gone (for nodes that count as liars). */
  rollBack(count: number): void {
    this.#frames.splice(Math.max(0, this.#frames.length - count))
  }

  /** What a copy of this disk would hold. */
  copy(): readonly Uint8Array[] {
    return [...this.#frames]
  }

  /** The disk is lost, and a copy of it, or nothing, is put in its place. */
  replace(copy: readonly Uint8Array[]): void {
    this.#frames = [...copy]
    this.#unsynced = []
  }

  /** The last durable record is damaged as a power failure would damage it. */
  tearLast(bytesLost: number): void {
    const last = this.#frames.pop()
    if (last !== undefined) this.#frames.push(last.slice(0, Math.max(0, last.length - bytesLost)))
  }

  get length(): number {
    return this.#frames.length
  }
}

/** The disk behind the port. */
export function simJournal(disk: SimDisk): Journal {
  let closed = false
  const open = (): void => {
    if (closed) throw new TypeError('the journal is closed')
  }
  return {
    read: async () => {
      open()
      return disk.read()
    },
    append: async (records) => {
      open()
      disk.append(records)
      await Promise.resolve()
      disk.sync()
    },
    cut: async (before) => {
      open()
      disk.cut(before)
    },
    close: async () => {
      closed = true
    },
  }
}

function frameOf(record: JournalRecord): Uint8Array {
  const frame = new Uint8Array(headerBytes + record.bytes.length)
  frame.set(record.bytes, headerBytes)
  const view = new DataView(frame.buffer)
  view.setUint32(0, record.bytes.length)
  view.setFloat64(8, record.sequence)
  view.setUint32(4, checksum(frame))
  return frame
}

/** Undefined when the bytes from `offset` on are no whole, intact frame. */
function frameEnd(file: Uint8Array, offset: number): number | undefined {
  if (offset + headerBytes > file.length) return undefined
  const view = new DataView(file.buffer, file.byteOffset)
  const end = offset + headerBytes + view.getUint32(offset)
  if (end > file.length) return undefined
  return checksum(file.subarray(offset, end)) === view.getUint32(offset + 4) ? end : undefined
}

/** FNV-1a over all but the checksum itself; never 0, so that a run of zero bytes is no frame. */
function checksum(frame: Uint8Array): number {
  let sum = 0x811c9dc5
  for (let i = 0; i < frame.length; i++) {
    if (i >= 4 && i < 8) continue
    sum = Math.imul(sum ^ (frame[i] as number), 0x01000193)
  }
  return sum >>> 0 || 1
}

function sequenceOf(frame: Uint8Array): Sequence {
  return new DataView(frame.buffer, frame.byteOffset).getFloat64(8) as Sequence
}
