// C2SP tlog-tiles (https://c2sp.org/tlog-tiles): how a log's hashes and leaves are cut into files of 256 and what those
// files are called. Level l of the tiles is level 8l of the tree. Who keeps or sends the bytes is not this file's affair.

import { concat } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { nodeHash } from '../base/merkle.ts'

/** Hashes in a full tile, leaves in a full bundle. */
export const tileWidth = 256
/** Levels of the tree that one tile spans. */
export const tileHeight = 8
/** Bytes of one hash. */
export const hashLength = 32

export interface Tile {
  /** A level of hashes from 0, or the leaves themselves. */
  readonly level: number | 'entries'
  readonly index: number
  /** Hashes or leaves that it holds: 256 in a full one. */
  readonly width: number
}

/** tile/0/x001/x234/067, tile/entries/000.p/17 */
export function tilePath({ level, index, width }: Tile): string {
  const groups = [String(index % 1000).padStart(3, '0')]
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`)
  }
  return `tile/${level}/${groups.join('/')}${width < tileWidth ? `.p/${width}` : ''}`
}

/** The tile of a path, undefined unless it is the one path of that tile. */
export function parseTilePath(path: string): Tile | undefined {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path)
  if (match === null) return undefined
  const [, level = '', groups = '', partial] = match
  const tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replaceAll(/[x/]/g, '')),
    width: partial === undefined ? tileWidth : Number(partial),
  } as const
  const fits = tile.width > 0 && Number.isSafeInteger(tile.index) && (tile.level === 'entries' || tile.level < 64)
  return fits && tilePath(tile) === path ? tile : undefined
}

/** Hashes that level `level` has in a tree of `size` leaves: floor(size / 256^level). */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / tileWidth ** level)
}

/** All tiles of one level of a tree of `size` leaves, the partial one last. */
export function* tilesAt(level: number | 'entries', size: number): Generator<Tile> {
  const hashes = level === 'entries' ? size : hashesAt(level, size)
  for (let index = 0; index * tileWidth < hashes; index++) {
    yield { level, index, width: Math.min(tileWidth, hashes - index * tileWidth) }
  }
}

/** Levels of hash tiles that a tree of `size` leaves has. */
export function levelsOf(size: number): number {
  let levels = 0
  while (hashesAt(levels, size) > 0) levels++
  return levels
}

/** Root of a complete subtree from its hashes, 2^k of them in a row. */
export function foldHashes(hashes: Uint8Array): Uint8Array {
  let row = Array.from({ length: hashes.length / hashLength }, (_, place) =>
    hashes.subarray(place * hashLength, (place + 1) * hashLength),
  )
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, place) =>
      nodeHash(row[2 * place] as Uint8Array, row[2 * place + 1] as Uint8Array),
    )
  }
  return row[0] as Uint8Array
}

/** One leaf as it stands in a bundle: its length in two bytes, big-endian, and its bytes. */
export function bundled(leaf: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(leaf.length >> 8, leaf.length & 255), leaf)
}

/** The next leaf of bundled leaves from `offset`; undefined when it is not whole or longer than a leaf may be. */
export function nextBundled(bytes: Uint8Array, offset: number): { leaf: Uint8Array; end: number } | undefined {
  const [high, low] = [bytes[offset], bytes[offset + 1]]
  if (high === undefined || low === undefined) return undefined
  const end = offset + 2 + high * 256 + low
  if (end - offset - 2 > limits.leafBytesMax || end > bytes.length) return undefined
  return { leaf: bytes.subarray(offset + 2, end), end }
}

/** The leaves of a bundle. @throws LedgerError MALFORMED. */
export function leavesOf(bundle: Uint8Array): readonly Uint8Array[] {
  const leaves: Uint8Array[] = []
  for (let offset = 0; offset < bundle.length; ) {
    const next = nextBundled(bundle, offset)
    if (next === undefined) throw new LedgerError('MALFORMED', { expected: 'an entry bundle', byte: offset })
    leaves.push(next.leaf)
    offset = next.end
  }
  return leaves
}
