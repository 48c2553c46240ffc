// The Merkle tree of RFC 6962: known answers, and proofs against a tree written down straight from the RFC.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { encodeCbor } from '../../src/base/cbor.ts'
import {
  consistencyProof,
  emptyRoot,
  Frontier,
  inclusionProof,
  leafHash,
  nodeHash,
  readerOf,
  rootAt,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from '../../src/base/merkle.ts'
import { codeOf, hasCode } from './codes.ts'

/** The leaves and roots of the reference trees of Certificate Transparency (its Go and C++ tests). */
const referenceLeaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
]
const referenceRoots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
const leaves = Array.from({ length: 70 }, (_, index) => leafHash(utf8(`leaf ${index}`)))

// Section 2.1, word by word.
function mth(d: readonly Uint8Array[]): Uint8Array {
  const [only] = d
  if (only === undefined) return emptyRoot
  if (d.length === 1) return only
  const k = largestPowerBelow(d.length)
  return nodeHash(mth(d.slice(0, k)), mth(d.slice(k)))
}

function path(m: number, d: readonly Uint8Array[]): readonly Uint8Array[] {
  if (d.length === 1) return []
  const k = largestPowerBelow(d.length)
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))]
}

function subproof(m: number, d: readonly Uint8Array[], b: boolean): readonly Uint8Array[] {
  if (m === d.length) return b ? [] : [mth(d)]
  const k = largestPowerBelow(d.length)
  return m <= k
    ? [...subproof(m, d.slice(0, k), b), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))]
}

function largestPowerBelow(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1)
}

const size = fc.integer({ min: 1, max: leaves.length })

describe('The Merkle tree', () => {
  it('has the known roots of RFC 6962 implementations', () => {
    assert.equal(toHex(emptyRoot), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    const hashes = referenceLeaves.map((leaf) => leafHash(fromHex(leaf)))
    assert.deepEqual(
      hashes.map((_, last) => toHex(rootOf(hashes.slice(0, last + 1)))),
      referenceRoots,
    )
  })

  it('has known inclusion and consistency proofs', () => {
    const hashes = readerOf(referenceLeaves.map((leaf) => leafHash(fromHex(leaf))))
    assert.deepEqual(inclusionProof(5, 8, hashes).map(toHex), [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ])
    assert.deepEqual(consistencyProof(6, 8, hashes).map(toHex), [
      '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ])
  })

  it('has the roots and proofs that the RFC defines', () => {
    fc.assert(
      fc.property(size, fc.nat(), (n, some) => {
        const d = leaves.slice(0, n)
        const hashes = readerOf(leaves)
        assert.deepEqual(rootOf(d), mth(d))
        assert.deepEqual(rootAt(n, hashes), mth(d))
        assert.deepEqual(inclusionProof(some % n, n, hashes), path(some % n, d))
        assert.deepEqual(consistencyProof(1 + (some % n), n, hashes), subproof(1 + (some % n), d, true))
      }),
      { seed: 12, numRuns: 200 },
    )
  })

  it('verifies every proof that it makes', () => {
    const hashes = readerOf(leaves)
    for (let n = 1; n <= 40; n++) {
      const root = rootAt(n, hashes)
      for (let m = 0; m < n; m++) {
        assert.ok(verifyInclusion(leaves[m] as Uint8Array, m, n, inclusionProof(m, n, hashes), root))
      }
      for (let m = 0; m <= n; m++) {
        assert.ok(verifyConsistency(m, n, consistencyProof(m, n, hashes), rootAt(m, hashes), root), `${m} to ${n}`)
      }
    }
  })

  it('refuses an inclusion proof for another leaf, place, size or root, or with a hash more, fewer or changed', () => {
    const hashes = readerOf(leaves)
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (n, some, other) => {
        const m = some % n
        const root = rootAt(n, hashes)
        const proof = inclusionProof(m, n, hashes)
        const leaf = leaves[m] as Uint8Array
        const holds = (l: Uint8Array, i: number, s: number, p: readonly Uint8Array[], r: Uint8Array) =>
          verifyInclusion(l, i, s, p, r)
        assert.ok(!holds(leafHash(utf8('not there')), m, n, proof, root))
        assert.ok(!holds(leaf, m, n, [...proof, root], root))
        assert.ok(!holds(leaf, m, n, proof, leafHash(root)))
        assert.ok(
          !holds(leaf, n, n, proof, root) && !holds(leaf, -1, n, proof, root) && !holds(leaf, 0.5, n, proof, root),
        )
        if (other % n !== m) assert.ok(!holds(leaf, other % n, n, proof, root))
        if (proof.length === 0) return
        assert.ok(!holds(leaf, m, n, proof.slice(1), root) && !holds(leaf, m, n, proof.slice(0, -1), root))
        const changed = proof.map((hash, place) => (place === other % proof.length ? leafHash(hash) : hash))
        assert.ok(!holds(leaf, m, n, changed, root))
        assert.ok(
          !holds(
            leaf,
            m,
            n,
            proof.map((hash) => hash.subarray(0, 31)),
            root,
          ),
        )
      }),
      { seed: 13, numRuns: 200 },
    )
  })

  it('refuses a consistency proof for another tree, or with a hash more, fewer or changed', () => {
    const hashes = readerOf(leaves)
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (n, some, other) => {
        const m = 1 + (some % n)
        const [before, after] = [rootAt(m, hashes), rootAt(n, hashes)]
        const proof = consistencyProof(m, n, hashes)
        assert.ok(!verifyConsistency(m, n, [...proof, before], before, after))
        assert.ok(!verifyConsistency(m, n, proof, leafHash(before), after))
        assert.ok(!verifyConsistency(m, n, proof, before, leafHash(after)))
        assert.ok(!verifyConsistency(n + 1, n, proof, before, after))
        if (proof.length === 0) return
        assert.ok(!verifyConsistency(m, n, proof.slice(1), before, after))
        const changed = proof.map((hash, place) => (place === other % proof.length ? leafHash(hash) : hash))
        assert.ok(!verifyConsistency(m, n, changed, before, after))
      }),
      { seed: 14, numRuns: 200 },
    )
  })

  it('takes sizes near 2^53 without losing a bit', () => {
    const zero = leafHash(utf8(''))
    const rows: Uint8Array[] = [zero]
    const same = (level: number): Uint8Array => {
      for (let next = rows.length; next <= level; next++) {
        const below = rows[next - 1] as Uint8Array
        rows.push(nodeHash(below, below))
      }
      return rows[level] as Uint8Array
    }
    const huge = 2 ** 53 - 1
    const proof = inclusionProof(2 ** 52 + 1, huge, same)
    assert.ok(verifyInclusion(zero, 2 ** 52 + 1, huge, proof, rootAt(huge, same)))
    assert.ok(!verifyInclusion(leafHash(utf8('x')), 2 ** 52 + 1, huge, proof, rootAt(huge, same)))
  })

  it('makes no proof for what is not there', () => {
    const hashes = readerOf(leaves)
    for (const [index, n] of [
      [5, 5],
      [-1, 5],
      [0, 0],
      [0.5, 2],
      [0, -1],
    ] as const) {
      assert.throws(() => inclusionProof(index, n, hashes), RangeError)
    }
    assert.throws(() => consistencyProof(6, 5, hashes), RangeError)
    assert.throws(() => inclusionProof(0, leaves.length + 1, hashes), RangeError)
  })
})

describe('The right edge of a tree', () => {
  it('goes through bytes and copies at any size, and each goes its own way', () => {
    const frontier = new Frontier()
    for (const [index, leaf] of leaves.entries()) {
      const copy = frontier.copy()
      const read = Frontier.fromBytes(frontier.toBytes())
      frontier.append(leaf)
      assert.equal(copy.size, index)
      copy.append(leaf)
      read.append(leaf)
      assert.deepEqual([copy.root(), read.root()], [frontier.root(), frontier.root()])
    }
    assert.deepEqual(frontier.root(), mth(leaves))
  })

  it('tells of each complete subtree once, children first', () => {
    const seen: string[] = []
    const frontier = new Frontier()
    for (const leaf of leaves.slice(0, 7)) frontier.append(leaf, (level, index) => seen.push(`${level}/${index}`))
    assert.deepEqual(seen, ['0/0', '0/1', '1/0', '0/2', '0/3', '1/1', '2/0', '0/4', '0/5', '1/2', '0/6'])
  })

  it('N6 in bytes is refused when it is not the one form', () => {
    const hash = leaves[0] as Uint8Array
    const bad = [
      [1],
      [1, []],
      [1, [hash, hash]],
      [2, [hash.subarray(1)]],
      [1, [7]],
      [1, [hash], 0],
      ['1', [hash]],
      0,
      [1, hash],
    ]
    for (const each of bad) assert.throws(() => Frontier.fromBytes(encodeCbor(each)), hasCode('MALFORMED'))
    const good = encodeCbor([3, [hash, hash]])
    for (let place = 0; place < good.length; place++) {
      const changed = good.slice()
      changed[place] = (changed[place] ?? 0) ^ 1
      const code = codeOf(() => Frontier.fromBytes(changed))
      if (code === 'fine') assert.deepEqual(Frontier.fromBytes(changed).toBytes(), changed)
      else assert.ok(['MALFORMED', 'NON_CANONICAL'].includes(code))
    }
  })
})
