// Keeps the index in shape while the store works: a full memory table goes into a segment, segments of about one size into
// a larger one, and none of it holds writes up for long. New segments are written beside the old ones; one synced batch
// with a new root record puts them in their place; then the old files go.

import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncDirectory } from '../base/files.ts'
import type { Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { type Cursor, MergeCursor } from './cursor.ts'
import type { Write } from './database.ts'
import { Queue, stored } from './failure.ts'
import type { KeyRing } from './key-ring.ts'
import { localKey, tables } from './layout.ts'
import { MemoryTables } from './memory-tables.ts'
import { createPace, type Pace } from './pace.ts'
import type { QuadIndex } from './quad-index.ts'
import { Segment, type SegmentEntry, type SegmentParts, segmentPath } from './segment.ts'
import { writeSegment } from './segment-writer.ts'
import type { Root } from './state-records.ts'
import { type Shape, shapes } from './tables.ts'

/** Changes the root record in a synced batch with `fill`. Only within the queue of writes. */
export type Publish = (change: (root: Root) => Root, fill: (write: Write, root: Root) => void) => Promise<void>

export interface UpkeepParts {
  readonly index: QuadIndex
  readonly segments: SegmentParts
  readonly keys: KeyRing
  /** What the memory table may weigh, bytes. */
  readonly memoryBytesMax: number
  /** The queue that the store's commits go through. */
  readonly writes: Queue
  readonly publish: Publish
}

export class Upkeep {
  readonly #parts: UpkeepParts
  /** Rewritings of segments, one after another; the flush of a memory table does not wait for them. */
  readonly #works: Queue = new Queue()
  readonly #pace: Pace = createPace()
  /** Nobody waits for a rewriting: it takes a third of the time at most, in slices that a query hardly notices. */
  readonly #restingPace: Pace = createPace({ sliceMs: 1, restMs: 2 })
  #building: Promise<SegmentEntry | undefined> | undefined
  #merging = false
  #closing = false
  #failure: unknown

  constructor(parts: UpkeepParts) {
    this.#parts = parts
  }

  /** Opens the segments of the root record and removes files that no root names. @throws LedgerError RECORD_TAMPERED */
  async start(entries: readonly SegmentEntry[]): Promise<void> {
    const { index, segments } = this.#parts
    const names = new Set(entries.map((entry) => segmentPath(segments.directory, entry)))
    for (const name of await stored(readdir(segments.directory))) {
      const path = join(segments.directory, name)
      if (!names.has(path)) await stored(rm(path))
    }
    try {
      for (const entry of entries) index.segments = [...index.segments, await Segment.open(entry, segments)]
    } catch (error) {
      for (const segment of index.segments) await segment.close()
      throw error
    }
  }

  /** After each commit, within the queue of writes: waits only when memory fills faster than the disk takes it. */
  async afterCommit(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#parts.index.memory.weight < this.#parts.memoryBytesMax) return
    if (this.#parts.index.frozen !== undefined) await this.#publishFlush()
    this.#freeze()
  }

  /** Everything that stands in memory goes into a segment; commits go on while it is written. Not within the queue of writes. */
  async flush(): Promise<void> {
    const { index, writes } = this.#parts
    await this.#building
    await writes.run(async () => {
      await this.#publishFlush()
      this.#freeze()
    })
    const { frozen } = index
    await this.#building
    await writes.run(async () => {
      // A commit that found the memory full again has published it already.
      if (index.frozen === frozen) await this.#publishFlush()
    })
  }

  /** Writes the chosen segments anew, without the rows of erased items and under the active keys. Bytes written. */
  rewrite(chosen: (entry: SegmentEntry) => boolean): Promise<{ readonly segments: number; readonly bytes: number }> {
    return this.#works.run(async () => {
      const olds = this.#parts.index.segments.filter(({ entry }) => chosen(entry))
      let bytes = 0
      for (const old of olds) {
        if (this.#closing) break
        bytes += await this.#replace([old], this.#restingPace)
      }
      return { segments: olds.length, bytes }
    })
  }

  /** Ends what goes on in the background. What stands in memory is found again in the pending records. */
  async stop(): Promise<void> {
    this.#closing = true
    await this.#building?.catch(() => undefined)
    await this.#works.run(async () => undefined)
  }

  /** What waits to be written into segments, or into larger ones: rows in memory as they weigh there, and files. */
  get backlogBytes(): number {
    const { memory, frozen, segments } = this.#parts.index
    const due = dueOf(segments).reduce((sum, { entry }) => sum + entry.fileBytes, 0)
    return memory.weight + (frozen?.weight ?? 0) + due
  }

  #freeze(): void {
    const { index } = this.#parts
    if (index.memory.isEmpty) return
    const frozen = index.memory
    index.frozen = frozen
    index.memory = new MemoryTables()
    this.#building = this.#write((table) => frozen.cursors(table, []), this.#pace)
    this.#building.then(
      () => this.#inBackground(this.#parts.writes.run(() => this.#publishFlush())),
      (error: unknown) => this.#fail(error),
    )
  }

  async #publishFlush(): Promise<void> {
    const { index, publish } = this.#parts
    const { frozen } = index
    if (frozen === undefined || this.#building === undefined) return
    const entry = await this.#building
    const added = entry === undefined ? [] : [await Segment.open(entry, this.#parts.segments)]
    await publish(
      (root) => ({
        ...root,
        flushed: frozen.sequence as Sequence,
        segments: [...root.segments, ...added.map((segment) => segment.entry)],
      }),
      (write, { flushed }) => {
        for (let at = flushed + 1; at <= frozen.sequence; at++) write.del(localKey(tables.pending, at))
      },
    )
    index.segments = [...index.segments, ...added]
    index.frozen = undefined
    this.#building = undefined
    this.#mergeIfDue()
  }

  #mergeIfDue(): void {
    if (this.#merging || this.#closing || dueOf(this.#parts.index.segments).length === 0) return
    this.#merging = true
    const merged = this.#works.run(async () => {
      for (let due = dueOf(this.#parts.index.segments); due.length > 0 && !this.#closing; ) {
        await this.#replace(due)
        due = dueOf(this.#parts.index.segments)
      }
      this.#merging = false
    })
    this.#inBackground(merged)
  }

  /** One new segment in the place of `olds`. Bytes written. */
  async #replace(olds: readonly Segment[], pace: Pace = this.#pace): Promise<number> {
    const { index, segments, writes, publish } = this.#parts
    const entry = await this.#write((table) => olds.map((segment) => segment.cursor(table, [])), pace)
    const added = entry === undefined ? [] : [await Segment.open(entry, segments)]
    await writes.run(async () => {
      const place = (all: readonly Segment[]): readonly Segment[] => [
        ...all.filter((segment) => !olds.includes(segment)),
        ...added,
      ]
      await publish(
        (root) => ({ ...root, segments: place(index.segments).map((segment) => segment.entry) }),
        () => undefined,
      )
      index.segments = place(index.segments)
    })
    for (const old of olds) {
      await old.close()
      await stored(rm(segmentPath(segments.directory, old.entry)))
    }
    await stored(syncDirectory(segments.directory))
    return entry?.fileBytes ?? 0
  }

  #write(cursors: (table: number) => readonly Cursor[], pace: Pace): Promise<SegmentEntry | undefined> {
    const { index, segments, keys } = this.#parts
    const sealing = { index: keys.active('index'), dictionary: keys.active('dictionary') }
    const source = {
      cursor: (table: number) => new MergeCursor(shapes[table] as Shape, cursors(table)),
      isErased: (item: number) => index.erased.has(item),
    }
    return writeSegment(source, segments, sealing, pace)
  }

  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#fail(error))
  }

  /** Told to whoever commits next. */
  #fail(error: unknown): void {
    if (!this.#closing) this.#failure ??= error
  }
}

/** The smallest segments of about one size, when there are enough of them to be worth one. */
function dueOf(segments: readonly Segment[]): readonly Segment[] {
  const bySize = new Map<number, Segment[]>()
  for (const segment of segments) {
    const size = Math.floor(Math.log(Math.max(1, segment.entry.fileBytes)) / Math.log(limits.segmentsPerSize))
    bySize.set(size, [...(bySize.get(size) ?? []), segment])
  }
  const sizes = [...bySize.keys()].sort((a, b) => a - b)
  const size = sizes.find((each) => (bySize.get(each)?.length ?? 0) >= limits.segmentsPerSize)
  return size === undefined ? [] : (bySize.get(size) ?? [])
}
