// The Merkle tree of RFC 6962, section 2.1, over SHA-256: roots, inclusion proofs and consistency proofs, made and
// checked. It holds no leaves: whoever keeps them lends the hashes of complete subtrees through a HashReader.

import { sha256 } from '#crypto'
import { equal } from './bytes.ts'
import { type CborValue, decodeCbor, encodeCbor } from './cbor.ts'
import { LedgerError } from './errors.ts'

/**
 * Hash of the complete subtree over the leaves from index * 2^level to (index + 1) * 2^level - 1; level 0 is a leaf's
 * own hash. Asked only for subtrees that lie within the tree's size.
 */
export type HashReader = (level: number, index: number) => Uint8Array

const leafPrefix = Uint8Array.of(0)
/** A byte 1 and room for two hashes: a proof takes hundreds of them. */
const pair = new Uint8Array(65).fill(1, 0, 1)

/** 32 bytes: SHA-256 of a byte 0 and the leaf. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256(leafPrefix, leaf)
}

/** 32 bytes: SHA-256 of a byte 1 and both hashes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (!isHash(left) || !isHash(right)) return sha256(pair.subarray(0, 1), left, right)
  pair.set(left, 1)
  pair.set(right, 33)
  return sha256(pair)
}

/** Root of the tree without leaves. */
export const emptyRoot: Uint8Array = sha256()

/** The right edge of a growing tree: the roots of its complete subtrees, the largest first. At most 53 hashes. */
export class Frontier {
  #size = 0
  #hashes: Uint8Array[] = []

  /** Leaves so far. */
  get size(): number {
    return this.#size
  }

  /** Adds a leaf by its hash. `complete` learns of each subtree that is now complete, the leaf first, then upwards. */
  append(leaf: Uint8Array, complete?: (level: number, index: number, hash: Uint8Array) => void): void {
    let hash = leaf
    let index = this.#size
    complete?.(0, index, hash)
    for (let level = 1; index % 2 === 1; level++) {
      hash = nodeHash(this.#hashes.pop() as Uint8Array, hash)
      index = (index - 1) / 2
      complete?.(level, index, hash)
    }
    this.#hashes.push(hash)
    this.#size += 1
  }

  root(): Uint8Array {
    return this.#size === 0 ? emptyRoot : this.#hashes.reduceRight((right, left) => nodeHash(left, right))
  }

  copy(): Frontier {
    const copy = new Frontier()
    copy.#size = this.#size
    copy.#hashes = [...this.#hashes]
    return copy
  }

  /** CBOR: [size, [+ hash]]. */
  toBytes(): Uint8Array {
    return encodeCbor([this.#size, this.#hashes])
  }

  /** @throws LedgerError MALFORMED or NON_CANONICAL unless `toBytes` gives these bytes. */
  static fromBytes(bytes: Uint8Array): Frontier {
    const [size, hashes, ...rest] = asArray(decodeCbor(bytes))
    if (typeof size !== 'number' || rest.length > 0) throw malformed()
    const frontier = new Frontier()
    frontier.#size = size
    frontier.#hashes = asArray(hashes).map((hash) => {
      if (!(hash instanceof Uint8Array) || hash.length !== 32) throw malformed()
      return hash
    })
    if (frontier.#hashes.length !== onesIn(size)) throw malformed()
    return frontier
  }
}

/** Root of the tree of these leaf hashes. */
export function rootOf(leafHashes: Iterable<Uint8Array>): Uint8Array {
  const frontier = new Frontier()
  for (const hash of leafHashes) frontier.append(hash)
  return frontier.root()
}

/** A reader over leaf hashes that are all in memory. */
export function readerOf(leafHashes: readonly Uint8Array[]): HashReader {
  const levels: Uint8Array[][] = []
  const frontier = new Frontier()
  for (const leaf of leafHashes) {
    frontier.append(leaf, (level, index, hash) => {
      const row = levels[level] ?? []
      levels[level] = row
      row[index] = hash
    })
  }
  return (level, index) => {
    const hash = levels[level]?.[index]
    if (hash === undefined) throw new RangeError(`no complete subtree ${index} at level ${level}`)
    return hash
  }
}

/** Root of the first `size` leaves. */
export function rootAt(size: number, hashes: HashReader): Uint8Array {
  checkSize(size)
  return size === 0 ? emptyRoot : subtree(0, size, hashes)
}

/** PATH(index, D[size]), from the leaf upwards. @throws RangeError unless 0 <= index < size. */
export function inclusionProof(index: number, size: number, hashes: HashReader): readonly Uint8Array[] {
  checkSize(size)
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) throw new RangeError('no such leaf in this tree')
  const path: Uint8Array[] = []
  let [start, end] = [0, size]
  while (end - start > 1) {
    const middle = start + split(end - start)
    if (index < middle) {
      path.push(subtree(middle, end, hashes))
      end = middle
    } else {
      path.push(subtree(start, middle, hashes))
      start = middle
    }
  }
  return path.reverse()
}

/** PROOF(from, D[to]); empty when from is 0 or to. @throws RangeError unless 0 <= from <= to. */
export function consistencyProof(from: number, to: number, hashes: HashReader): readonly Uint8Array[] {
  checkSize(from)
  checkSize(to)
  if (from > to) throw new RangeError('the earlier tree is larger than the later one')
  if (from === 0 || from === to) return []
  const proof: Uint8Array[] = []
  let [start, end] = [0, to]
  while (from < end) {
    const middle = start + split(end - start)
    if (from <= middle) {
      proof.push(subtree(middle, end, hashes))
      end = middle
    } else {
      proof.push(subtree(start, middle, hashes))
      start = middle
    }
  }
  if (start > 0) proof.push(subtree(start, end, hashes))
  return proof.reverse()
}

/** Whether `proof` shows that leaf number `index` of the tree of `size` leaves with this root has this leaf hash. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isSize(index) || !isSize(size) || index >= size || !proof.every(isHash)) return false
  const rest = [...proof]
  const climb = (place: number, width: number): Uint8Array | undefined => {
    if (width === 1) return rest.length === 0 ? leaf : undefined
    const sibling = rest.pop()
    if (sibling === undefined) return undefined
    const left = split(width)
    const inner = place < left ? climb(place, left) : climb(place - left, width - left)
    if (inner === undefined) return undefined
    return place < left ? nodeHash(inner, sibling) : nodeHash(sibling, inner)
  }
  const computed = climb(index, size)
  return computed !== undefined && equal(computed, root)
}

/** Whether `proof` shows that the tree of `to` leaves with `toRoot` begins with the `from` leaves of `fromRoot`. */
export function verifyConsistency(
  from: number,
  to: number,
  proof: readonly Uint8Array[],
  fromRoot: Uint8Array,
  toRoot: Uint8Array,
): boolean {
  if (!isSize(from) || !isSize(to) || from > to || !proof.every(isHash)) return false
  if (from === 0) return proof.length === 0 && equal(fromRoot, emptyRoot)
  const rest = [...proof]
  // Both roots of the subtree of which the earlier tree has `old` leaves and the later one `width`.
  const climb = (old: number, width: number, leftmost: boolean): readonly [Uint8Array, Uint8Array] | undefined => {
    if (old === width) {
      const shared = leftmost ? fromRoot : rest.pop()
      return shared === undefined || rest.length > 0 ? undefined : [shared, shared]
    }
    const sibling = rest.pop()
    if (sibling === undefined) return undefined
    const left = split(width)
    const inner = old <= left ? climb(old, left, leftmost) : climb(old - left, width - left, false)
    if (inner === undefined) return undefined
    const [before, after] = inner
    return old <= left ? [before, nodeHash(after, sibling)] : [nodeHash(sibling, before), nodeHash(sibling, after)]
  }
  const roots = climb(from, to, true)
  return roots !== undefined && equal(roots[0], fromRoot) && equal(roots[1], toRoot)
}

/** Hash of the leaves from `start` to `end` - 1, where the tree's shape has such a subtree. */
function subtree(start: number, end: number, hashes: HashReader): Uint8Array {
  const width = end - start
  const level = Math.round(Math.log2(width))
  if (2 ** level === width) return hashes(level, start / width)
  const middle = start + split(width)
  return nodeHash(subtree(start, middle, hashes), subtree(middle, end, hashes))
}

/** The largest power of two below `width`, which is at least 2. */
function split(width: number): number {
  let power = 1
  while (power * 2 < width) power *= 2
  return power
}

function onesIn(size: number): number {
  let ones = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2
  return ones
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isHash(value: Uint8Array): boolean {
  return value.length === 32
}

function checkSize(size: number): void {
  if (!isSize(size)) throw new RangeError('a tree size is a safe integer from 0')
}

function asArray(value: CborValue | undefined): readonly CborValue[] {
  if (!Array.isArray(value)) throw malformed()
  return value as readonly CborValue[]
}

function malformed(): LedgerError {
  return new LedgerError('MALFORMED', { expected: 'the right edge of a Merkle tree' })
}
