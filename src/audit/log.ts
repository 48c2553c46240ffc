// An append-only audit log on disk: leaves in order, and over them the Merkle tree of RFC 6962 kept as C2SP tlog-tiles.
// Only the right edge of the tree is in memory. What the entries say, and who signs the root, is decided elsewhere.
//
// After a crash the log holds at least what was synced. A torn end is dropped; a log that lacks leaves which its owner
// knows to be durable shows a `size` below that, and the owner refuses it.

import { concat } from '../base/bytes.ts'
import { encodeCbor } from '../base/cbor.ts'
import { LedgerError } from '../base/errors.ts'
import { type Digest, digestOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { consistencyProof, Frontier, type HashReader, inclusionProof, leafHash, rootAt } from '../base/merkle.ts'
import { type Entry, leafBytes, noPrevious, readLeaf } from './leaf.ts'
import { LogFiles, type Mark } from './log-files.ts'
import {
  bundled,
  foldHashes,
  hashesAt,
  hashLength,
  leavesOf,
  levelsOf,
  nextBundled,
  parseTilePath,
  tileHeight,
  tileWidth,
} from './tiles.ts'

/** A tree: how many leaves, and their root. */
export interface TreeHead {
  readonly size: number
  readonly root: Digest
}

/** Bytes of `leaves` that are read at a time when a log is opened. */
const scanBytes = 1_048_576

export class Log {
  readonly #files: LogFiles
  #mark: Mark
  #frontier: Frontier
  /** Bytes of all leaves. */
  #bytes: number
  #prev: Digest
  #failure: unknown

  private constructor(files: LogFiles, mark: Mark) {
    this.#files = files
    this.#mark = mark
    this.#bytes = mark.bytes
    this.#frontier = this.#frontierAt(mark.size)
    this.#prev = this.#idBefore(mark.size)
  }

  /** @throws LedgerError RECORD_TAMPERED when files end before what was durable. */
  static async open(directory: string): Promise<Log> {
    const { files, mark } = await LogFiles.open(directory)
    try {
      for (let level = 0; level <= levelsOf(mark.size); level++) files.hashes(level)
      if (files.leaves.length < mark.bytes) throw new LedgerError('RECORD_TAMPERED', { file: 'leaves' })
      const log = new Log(files, mark)
      log.#recover()
      return log
    } catch (error) {
      files.close()
      throw error
    }
  }

  /** Leaves so far. */
  get size(): number {
    return this.#frontier.size
  }

  root(): Digest {
    return digestOf(this.#frontier.root())
  }

  /** Root of the first `size` leaves. @throws RangeError for more than there are. */
  rootAt(size: number): Digest {
    this.#checkSize(size)
    return digestOf(rootAt(size, this.#subtree))
  }

  /**
   * Adds leaves; they are durable after the next `sync`.
   * @throws LedgerError TOO_LARGE (then none is added), STORAGE_FAILED (then the log takes nothing more).
   */
  append(entries: readonly Entry[]): TreeHead {
    this.#checkHealth()
    const leaves: Uint8Array[] = []
    const hashes: Uint8Array[] = []
    let prev = this.#prev
    for (const entry of entries) {
      const leaf = leafBytes(this.size + leaves.length, prev, entry)
      const hash = leafHash(leaf)
      leaves.push(bundled(leaf))
      hashes.push(hash)
      prev = digestOf(hash)
    }
    try {
      this.#files.leaves.write(this.#bytes, concat(...leaves))
      this.#admit(leaves, hashes)
    } catch (error) {
      this.#failure = error
      throw new LedgerError('STORAGE_FAILED', { folder: 'log' }, error)
    }
    return { size: this.size, root: this.root() }
  }

  /** Resolves when every leaf appended before is durable. @throws LedgerError STORAGE_FAILED; then the log takes nothing more. */
  async sync(): Promise<void> {
    this.#checkHealth()
    const reached = { size: this.size, bytes: this.#bytes }
    try {
      if (reached.size - this.#mark.size >= limits.logMarkLeaves) await this.#setMark(reached)
      else await this.#files.leaves.sync()
    } catch (error) {
      this.#failure = error
      throw new LedgerError('STORAGE_FAILED', { folder: 'log' }, error)
    }
  }

  /** Cuts the log to its first `size` leaves, durably. @throws RangeError for more than there are. */
  async truncate(size: number): Promise<void> {
    this.#checkHealth()
    this.#checkSize(size)
    if (size === this.size) return
    const bytes = this.#placeOf(size)
    if (size < this.#mark.size) await this.#setMark({ size, bytes })
    this.#files.leaves.truncate(bytes)
    await this.#files.leaves.sync()
    this.#bytes = bytes
    this.#frontier = this.#frontierAt(size)
    this.#prev = this.#idBefore(size)
  }

  /** @throws RangeError when there is no such leaf. */
  leaf(index: number): Uint8Array {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.size) throw new RangeError('no such leaf')
    const bundle = Math.floor(index / tileWidth)
    return leavesOf(this.#bundle(bundle, this.size))[index % tileWidth] as Uint8Array
  }

  /** Leaves `from` to `to` - 1, a bundle in memory at a time. */
  *leaves(from = 0, to: number = this.size): Generator<Uint8Array> {
    this.#checkSize(to)
    for (let index = from; index < to; ) {
      const bundle = Math.floor(index / tileWidth)
      const end = Math.min(to, (bundle + 1) * tileWidth)
      yield* leavesOf(this.#bundle(bundle, this.size)).slice(index % tileWidth, end - bundle * tileWidth)
      index = end
    }
  }

  /** RFC 6962 audit path of a leaf in the tree of the first `size` leaves, from the leaf upwards. */
  inclusion(index: number, size: number = this.size): readonly Uint8Array[] {
    this.#checkSize(size)
    return inclusionProof(index, size, this.#subtree)
  }

  /** RFC 6962 proof that the tree of `to` leaves begins with the first `from` of them. */
  consistency(from: number, to: number = this.size): readonly Uint8Array[] {
    this.#checkSize(to)
    return consistencyProof(from, to, this.#subtree)
  }

  /** The bytes of the static file with this C2SP path, full or partial; undefined when this log has no such tile. */
  tile(path: string): Uint8Array | undefined {
    const tile = parseTilePath(path)
    if (tile === undefined) return undefined
    const { level, index, width } = tile
    const end = index * tileWidth + width
    if (end > (level === 'entries' ? this.size : hashesAt(level, this.size))) return undefined
    if (level === 'entries') return this.#bundle(index, end)
    return this.#files.hashes(level).read(index * tileWidth * hashLength, width * hashLength)
  }

  async close(): Promise<void> {
    try {
      if (this.#failure === undefined && this.size > this.#mark.size) {
        await this.#setMark({ size: this.size, bytes: this.#bytes })
      }
    } finally {
      this.#files.close()
    }
  }

  /** Takes up leaves that are in `leaves` already: bundle starts, tree and chain. */
  #admit(bundledLeaves: readonly Uint8Array[], hashes: readonly Uint8Array[]): void {
    const rows: { from: number; hashes: Uint8Array[] }[] = []
    bundledLeaves.forEach((leaf, place) => {
      if (this.size % tileWidth === 0) this.#writeStart(this.size / tileWidth, this.#bytes)
      this.#bytes += leaf.length
      this.#frontier.append(hashes[place] as Uint8Array, (level, index, hash) => {
        if (level % tileHeight !== 0) return
        const row = rows[level / tileHeight] ?? { from: index, hashes: [] }
        rows[level / tileHeight] = row
        row.hashes.push(hash)
      })
    })
    rows.forEach((row, level) => {
      this.#files.hashes(level).write(row.from * hashLength, concat(...row.hashes))
    })
    const last = hashes.at(-1)
    if (last !== undefined) this.#prev = digestOf(last)
  }

  /** Reads what stands above the mark and drops a torn end. */
  #recover(): void {
    const { leaves } = this.#files
    for (;;) {
      const chunk = leaves.read(this.#bytes, Math.min(scanBytes, leaves.length - this.#bytes))
      const [found, hashes] = this.#wholeLeaves(chunk)
      if (found.length === 0) break
      this.#admit(found, hashes)
    }
    leaves.truncate(this.#bytes)
  }

  #wholeLeaves(chunk: Uint8Array): [bundledLeaves: Uint8Array[], hashes: Uint8Array[]] {
    const found: Uint8Array[] = []
    const hashes: Uint8Array[] = []
    let prev = this.#prev
    for (let offset = 0; ; ) {
      const next = nextBundled(chunk, offset)
      if (next === undefined || !follows(next.leaf, this.size + found.length, prev)) return [found, hashes]
      const hash = leafHash(next.leaf)
      found.push(chunk.subarray(offset, next.end))
      hashes.push(hash)
      prev = digestOf(hash)
      offset = next.end
    }
  }

  /** Leaves of bundle `index` up to leaf `end` - 1, as they stand in the file. */
  #bundle(index: number, end: number): Uint8Array {
    const from = this.#placeOf(index * tileWidth)
    return this.#files.leaves.read(from, this.#placeOf(Math.min(end, (index + 1) * tileWidth)) - from)
  }

  /** Where leaf `index` begins, or where the next one will. */
  #placeOf(index: number): number {
    if (index === this.size) return this.#bytes
    const bundle = Math.floor(index / tileWidth)
    const start = this.#readStart(bundle)
    if (index % tileWidth === 0) return start
    const nextStart = (bundle + 1) * tileWidth < this.size ? this.#readStart(bundle + 1) : this.#bytes
    const leaves = leavesOf(this.#files.leaves.read(start, nextStart - start))
    return leaves.slice(0, index % tileWidth).reduce((place, leaf) => place + 2 + leaf.length, start)
  }

  #readStart(bundle: number): number {
    const bytes = this.#files.starts.read(bundle * 8, 8)
    return Number(new DataView(bytes.buffer).getBigUint64(0))
  }

  #writeStart(bundle: number, place: number): void {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, BigInt(place))
    this.#files.starts.write(bundle * 8, bytes)
  }

  /** Any complete subtree, folded from the hashes of the tile level below it. */
  readonly #subtree: HashReader = (level, index) => {
    const count = 2 ** (level % tileHeight)
    const file = this.#files.hashes(Math.floor(level / tileHeight))
    return foldHashes(file.read(index * count * hashLength, count * hashLength))
  }

  #frontierAt(size: number): Frontier {
    const hashes: Uint8Array[] = []
    let start = 0
    for (let level = 52; level >= 0; level--) {
      const width = 2 ** level
      if (size - start < width) continue
      hashes.push(this.#subtree(level, start / width))
      start += width
    }
    return Frontier.fromBytes(encodeCbor([size, hashes]))
  }

  #idBefore(size: number): Digest {
    return size === 0 ? noPrevious : digestOf(this.#files.hashes(0).read((size - 1) * hashLength, hashLength))
  }

  async #setMark(mark: Mark): Promise<void> {
    await this.#files.setMark(mark)
    this.#mark = mark
  }

  #checkSize(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size) throw new RangeError('no such size of this log')
  }

  #checkHealth(): void {
    if (this.#failure !== undefined) throw new LedgerError('STORAGE_FAILED', { folder: 'log' }, this.#failure)
  }
}

/** Opens or creates the log in a folder; one process at a time. */
export function openLog(directory: string): Promise<Log> {
  return Log.open(directory)
}

/** Whether these bytes are the leaf that comes next: only a torn write says no. */
function follows(bytes: Uint8Array, seq: number, prev: Digest): boolean {
  try {
    const leaf = readLeaf(bytes)
    return leaf.seq === seq && leaf.prev === prev
  } catch (error) {
    if (error instanceof LedgerError) return false
    throw error
  }
}
