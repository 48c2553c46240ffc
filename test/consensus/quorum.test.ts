// Quorum arithmetic against a dumb twin that counts.

import assert from 'node:assert/strict'
import { byzantineQuorum, faultsMax, majority, oneCorrect } from '../../src/consensus/quorum.ts'

/** The largest f with 3f+1 <= n, found by trying. */
function faultsByTrying(n: number): number {
  let f = 0
  while (3 * (f + 1) + 1 <= n) f++
  return f
}

/** The smallest q such that two sets of q out of n share at least `shared`, found by trying: they overlap in 2q - n at least. */
function quorumByTrying(n: number, shared: number): number {
  let q = 1
  while (2 * q - n < shared) q++
  return q
}

/** The smallest overlap of two sets of q out of n, by enumerating all pairs of sets. */
function overlapByEnumerating(n: number, q: number): number {
  const sets = Array.from({ length: 2 ** n }, (_, bits) => bits).filter((bits) => ones(bits) === q)
  return Math.min(...sets.flatMap((a) => sets.map((b) => ones(a & b))))
}

function ones(bits: number): number {
  let count = 0
  for (let rest = bits; rest > 0; rest >>= 1) count += rest & 1
  return count
}

describe('Quorums', () => {
  it('P10 agree with the dumb twin for all n to 100', () => {
    for (let n = 1; n <= 100; n++) {
      const f = faultsByTrying(n)
      assert.equal(faultsMax(n), f, `f of ${n}`)
      assert.equal(byzantineQuorum(n), quorumByTrying(n, f + 1), `q of ${n}`)
      assert.equal(oneCorrect('byzantine', n), f + 1)
      assert.equal(majority(n), quorumByTrying(n, 1), `majority of ${n}`)
    }
  })

  it('P10 can be reached by correct validators alone for all n to 100, and two of them share a correct one', () => {
    for (let n = 1; n <= 100; n++) {
      const [f, q] = [faultsMax(n), byzantineQuorum(n)]
      assert.ok(q <= n - f, `n ${n}`)
      assert.ok(2 * q - n > f, `n ${n}`)
      assert.ok(2 * (q - 1) - n <= f, `n ${n}: a smaller one would do`)
    }
  })

  it('P10 overlap as the arithmetic says when all pairs of quorums are enumerated, for n to 8', () => {
    for (let n = 1; n <= 8; n++) {
      assert.ok(overlapByEnumerating(n, byzantineQuorum(n)) > faultsMax(n), `n ${n}`)
      assert.ok(overlapByEnumerating(n, majority(n)) >= 1, `n ${n}`)
    }
  })

  it('are 2f+1 for n = 3f+1', () => {
    for (let f = 0; f <= 33; f++) assert.equal(byzantineQuorum(3 * f + 1), 2 * f + 1)
  })
})
