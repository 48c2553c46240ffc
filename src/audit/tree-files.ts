// The files that a log's leaves lead to: entry bundles, hash tiles and lines of events, each handed out as soon as it is
// complete. Export writes them; verify computes them again and compares byte for byte.

import { concat, equal, utf8 } from '../base/bytes.ts'
import { type Digest, digestOf } from '../base/ids.ts'
import { Frontier, leafHash } from '../base/merkle.ts'
import { piecePath } from './bundle.ts'
import { bundled, hashLength, nextBundled, tileHeight, tilePath, tileWidth } from './tiles.ts'

export interface TreeFile {
  readonly type: 'entries' | 'hashes' | 'events'
  readonly path: string
  readonly bytes: Uint8Array
  readonly records: number
  /** Leaf that its first record is, or begins at. */
  readonly firstLeaf: number
  /** Leaves that each record spans. */
  readonly span: number
}

/** So that a file of the longest leaves stays within limits.bundleFileBytesMax. */
const eventsPerFile = 2_048
const newline = utf8('\n')

export class TreeFiles {
  readonly #frontier = new Frontier()
  #bundle: Uint8Array[] = []
  #lines: Uint8Array[] = []
  /** Hashes of each level that no full tile holds yet. */
  readonly #rows: Uint8Array[][] = []
  #done: TreeFile[] = []

  get size(): number {
    return this.#frontier.size
  }

  root(): Digest {
    return digestOf(this.#frontier.root())
  }

  /** Adds a leaf, whose RFC 6962 hash is returned, and the files that it completes. */
  add(leaf: Uint8Array): { hash: Uint8Array; files: readonly TreeFile[] } {
    const hash = leafHash(leaf)
    this.#bundle.push(bundled(leaf))
    this.#lines.push(leaf, newline)
    this.#frontier.append(hash, (level, index, subtree) => {
      if (level % tileHeight === 0) this.#addHash(level / tileHeight, index, subtree)
    })
    if (this.size % tileWidth === 0) this.#closeBundle()
    if (this.size % eventsPerFile === 0) this.#closeEvents()
    return { hash, files: this.#taken() }
  }

  /** The files that stay partial. Call once, at the end. */
  finish(): readonly TreeFile[] {
    if (this.#bundle.length > 0) this.#closeBundle()
    if (this.#lines.length > 0) this.#closeEvents()
    this.#rows.forEach((row, level) => {
      const hashes = Math.floor(this.size / tileWidth ** level)
      if (row.length > 0) this.#closeTile(level, Math.floor((hashes - 1) / tileWidth))
    })
    return this.#taken()
  }

  #addHash(level: number, index: number, hash: Uint8Array): void {
    const row = this.#rows[level] ?? []
    this.#rows[level] = row
    row.push(hash)
    if (row.length === tileWidth) this.#closeTile(level, Math.floor(index / tileWidth))
  }

  #closeTile(level: number, index: number): void {
    const row = this.#rows[level] ?? []
    this.#rows[level] = []
    const span = tileWidth ** level
    this.#close(
      'hashes',
      tilePath({ level, index, width: row.length }),
      row,
      row.length,
      index * tileWidth * span,
      span,
    )
  }

  #closeBundle(): void {
    const width = this.#bundle.length
    const firstLeaf = this.size - width
    const path = tilePath({ level: 'entries', index: firstLeaf / tileWidth, width })
    this.#close('entries', path, this.#bundle, width, firstLeaf, 1)
    this.#bundle = []
  }

  #closeEvents(): void {
    const count = this.#lines.length / 2
    const firstLeaf = this.size - count
    this.#close('events', piecePath('events', firstLeaf / eventsPerFile), this.#lines, count, firstLeaf, 1)
    this.#lines = []
  }

  #close(
    type: TreeFile['type'],
    path: string,
    parts: readonly Uint8Array[],
    records: number,
    firstLeaf: number,
    span: number,
  ): void {
    this.#done.push({ type, path, bytes: concat(...parts), records, firstLeaf, span })
  }

  #taken(): readonly TreeFile[] {
    const done = this.#done
    this.#done = []
    return done
  }
}

/** Where `actual` leaves what the file must be: its first wrong record, and whether it is wrong, lacking or too much. */
export interface Difference {
  readonly type: 'changed' | 'lacking' | 'surplus'
  /** Number of the first leaf concerned. */
  readonly leaf: number
  readonly byte: number
}

/** Undefined when both are the same. */
export function difference(expected: TreeFile, actual: Uint8Array): Difference | undefined {
  if (equal(expected.bytes, actual)) return undefined
  const end = recordEnd[expected.type]
  let byte = 0
  for (let place = 0; place < expected.records; place++) {
    const leaf = expected.firstLeaf + place * expected.span
    const next = end(expected.bytes, byte)
    if (byte === actual.length) return { type: 'lacking', leaf, byte }
    if (!equal(expected.bytes.subarray(byte, next), actual.subarray(byte, next))) return { type: 'changed', leaf, byte }
    byte = next
  }
  return { type: 'surplus', leaf: expected.firstLeaf + expected.records * expected.span, byte }
}

/** Where the record that begins at a byte ends, in a file of our own making. */
const recordEnd: Readonly<Record<TreeFile['type'], (file: Uint8Array, from: number) => number>> = {
  hashes: (_, from) => from + hashLength,
  entries: (file, from) => nextBundled(file, from)?.end ?? file.length,
  events: (file, from) => file.indexOf(newline[0] as number, from) + 1,
}
