// Proofs over the tiles of a bundle: a sample of its leaves, drawn by a seed, each as C2SP tlog-proof, and that the log begins
// with an earlier one. Export and verify both compute them from the tiles, whose bytes are checked elsewhere.

import { sha256 } from '#crypto'
import { toBase64, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { consistencyProof, type HashReader, inclusionProof } from '../base/merkle.ts'
import type { Log } from './log.ts'
import { parseCheckpoint, parseNote } from './note.ts'
import type { DerivedFile } from './text-pieces.ts'
import { foldHashes, hashesAt, hashLength, leavesOf, type Tile, tileHeight, tilePath, tileWidth } from './tiles.ts'

/** The bytes of a file of the bundle. */
export type ReadFile = (path: string) => Promise<Uint8Array>

/** Nobody who cannot choose the seed can choose the leaves. In ascending order, each once. */
export function sampled(seed: string, size: number): readonly number[] {
  const found = new Set<number>()
  for (let draw = 0; found.size < Math.min(size, limits.sampleLeaves); draw++) {
    const digest = new DataView(sha256(utf8(`quadrille sample ${seed} ${draw}`)).slice().buffer)
    found.add(Number(digest.getBigUint64(0) % BigInt(size)))
  }
  return [...found].sort((a, b) => a - b)
}

/** `note`: the checkpoint of the bundle. */
export async function* sampleFiles(
  read: ReadFile,
  seed: string,
  size: number,
  note: string,
): AsyncGenerator<DerivedFile> {
  const tiles = new BundleTiles(read, size)
  for (const index of sampled(seed, size)) {
    const hashes = await tiles.prove((reader) => inclusionProof(index, size, reader))
    const text = tlogProof(index, hashes, note, await tiles.leaf(index))
    yield { path: `sample/${String(index).padStart(9, '0')}.tlog-proof`, bytes: utf8(text), records: 1 }
  }
}

/** C2SP tlog-proof. `leaf`: goes along as its extra data. */
export function tlogProof(index: number, hashes: readonly Uint8Array[], note: string, leaf?: Uint8Array): string {
  const extra = leaf === undefined ? '' : `extra ${toBase64(leaf)}\n`
  return `c2sp.org/tlog-proof@v1\n${extra}index ${index}\n${lines(hashes)}\n${note}`
}

/** Of one leaf of a log, in the tree that `note` is a checkpoint of; undefined for a leaf that is not in it. */
export function leafProof(log: Pick<Log, 'inclusion' | 'leaf'>, index: number, note?: string): string | undefined {
  if (note === undefined) return undefined
  const { size } = parseCheckpoint(parseNote(note).text)
  return index < size ? tlogProof(index, log.inclusion(index, size), note, log.leaf(index)) : undefined
}

/** That the log begins with `from` leaves that somebody saw: what C2SP tlog-witness calls the body of add-checkpoint. */
export async function consistencyFile(read: ReadFile, from: number, size: number, note: string): Promise<DerivedFile> {
  const hashes = await new BundleTiles(read, size).prove((reader) => consistencyProof(from, size, reader))
  return { path: 'consistency', bytes: utf8(`old ${from}\n${lines(hashes)}\n${note}`), records: 1 }
}

/** RFC 6962 proof that the tree of `size` leaves begins with `from` of them; undefined when its tiles are none. */
export async function consistencyHashes(
  read: ReadFile,
  from: number,
  size: number,
): Promise<readonly Uint8Array[] | undefined> {
  try {
    return await new BundleTiles(read, size).prove((reader) => consistencyProof(from, size, reader))
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'MALFORMED') return undefined
    throw error
  }
}

function lines(hashes: readonly Uint8Array[]): string {
  return hashes.map((hash) => `${toBase64(hash)}\n`).join('')
}

/** Tells which file is wanted before a proof can go on. */
class Wanted extends Error {
  readonly path: string

  constructor(path: string) {
    super(path)
    this.path = path
  }
}

class BundleTiles {
  readonly #read: ReadFile
  readonly #size: number
  #kept = new Map<string, Uint8Array>()

  constructor(read: ReadFile, size: number) {
    this.#read = read
    this.#size = size
  }

  /** Runs `make` over the tiles that it needs, which are read on the way. */
  async prove(make: (reader: HashReader) => readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    if (this.#kept.size > tilesKeptMax) this.#kept = new Map()
    for (;;) {
      try {
        return make(this.#hash)
      } catch (error) {
        if (!(error instanceof Wanted)) throw error
        this.#kept.set(error.path, await this.#read(error.path))
      }
    }
  }

  async leaf(index: number): Promise<Uint8Array> {
    const bundle = await this.#read(this.#path('entries', Math.floor(index / tileWidth)))
    const leaf = leavesOf(bundle)[index % tileWidth]
    if (leaf === undefined) throw new LedgerError('MALFORMED', { leaf: index })
    return leaf
  }

  readonly #hash: HashReader = (level, index) => {
    const count = 2 ** (level % tileHeight)
    const tile = Math.floor((index * count) / tileWidth)
    const path = this.#path(Math.floor(level / tileHeight), tile)
    const hashes = this.#kept.get(path)
    if (hashes === undefined) throw new Wanted(path)
    const from = (index * count - tile * tileWidth) * hashLength
    if (hashes.length < from + count * hashLength) throw new LedgerError('MALFORMED', { file: path })
    return foldHashes(hashes.subarray(from, from + count * hashLength))
  }

  #path(level: Tile['level'], index: number): string {
    const all = level === 'entries' ? this.#size : hashesAt(level, this.#size)
    return tilePath({ level, index, width: Math.min(tileWidth, all - index * tileWidth) })
  }
}

const tilesKeptMax = 512
