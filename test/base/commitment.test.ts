// Commitments: they open with what they were made of, nowhere else, and the same in a node and in a browser.

import assert from 'node:assert/strict'
import { Point } from '@noble/ed25519'
import fc from 'fast-check'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import {
  type CommitmentAlgorithm,
  type CommitmentContext,
  commit,
  opens,
  pedersenH,
} from '../../src/base/commitment.ts'
import * as browser from '../../src/base/crypto/browser.ts'
import * as native from '../../src/base/crypto/native.ts'
import { hashBytes } from '../../src/base/hash.ts'
import { graphIdOf, itemIdOf, ledgerIdOf, policyIdOf } from '../../src/base/ids.ts'
import { matchesFrozen } from './frozen.ts'

const algorithms: readonly CommitmentAlgorithm[] = ['sha256', 'pedersen']
const context: CommitmentContext = {
  ledger: ledgerIdOf('11'.repeat(32)),
  item: itemIdOf('22'.repeat(32)),
  part: 'assertions',
  graph: graphIdOf('33'.repeat(16)),
  policy: policyIdOf('44'.repeat(16)),
  sizeClass: 8,
}
const elsewhere: readonly CommitmentContext[] = [
  { ...context, ledger: ledgerIdOf('12'.repeat(32)) },
  { ...context, item: itemIdOf('23'.repeat(32)) },
  { ...context, part: 'retractions' },
  { ...context, graph: graphIdOf('34'.repeat(16)) },
  { ...context, policy: policyIdOf('45'.repeat(16)) },
  { ...context, sizeClass: 9 },
]
const opening = Uint8Array.from({ length: 64 }, (_, index) => index)
const padded = new Uint8Array(256).fill(9)
const flip = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, place) => (place === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

describe('The second base point of Pedersen commitments', () => {
  it('is 8 times the first canonical point among the hashes of its tag', () => {
    const candidate = Array.from({ length: 256 }, (_, counter) => hashBytes('pedersen-h', Uint8Array.of(counter)))
      .map((encoded) => {
        try {
          return Point.fromBytes(encoded, false).multiply(8n)
        } catch {
          return Point.ZERO
        }
      })
      .find((point) => !point.is0())
    assert.ok(candidate)
    assert.ok(candidate.isTorsionFree())
    assert.equal(toHex(pedersenH), candidate.toHex())
    assert.ok(!candidate.equals(Point.BASE))
  })
})

describe('A sum of two multiples', () => {
  const scalar = fc.uint8Array({ minLength: 64, maxLength: 64 }).map((wide) => native.reduceScalar(wide))

  it('is the same in a node and in a browser for any scalars', () => {
    fc.assert(
      fc.property(scalar, scalar, (a, b) =>
        assert.deepEqual(browser.doubleMultiply(a, b, pedersenH), native.doubleMultiply(a, b, pedersenH)),
      ),
      { seed: 15, numRuns: 25 },
    )
  })

  it('is defined for scalars of 0, 1 and the group order less 1', () => {
    const order = Point.CURVE().n
    const edges = [0n, 1n, order - 1n].map((value) =>
      Uint8Array.from({ length: 32 }, (_, place) => Number((value >> BigInt(8 * place)) & 255n)),
    )
    for (const a of edges) {
      for (const b of edges) {
        assert.deepEqual(browser.doubleMultiply(a, b, pedersenH), native.doubleMultiply(a, b, pedersenH))
      }
    }
    const [zero, one] = edges as [Uint8Array, Uint8Array]
    assert.equal(toHex(native.doubleMultiply(zero, zero, pedersenH)), `01${'00'.repeat(31)}`)
    assert.deepEqual(native.doubleMultiply(zero, one, pedersenH), pedersenH)
    assert.deepEqual(native.doubleMultiply(one, zero, pedersenH), Point.BASE.toBytes())
  })
})

for (const algorithm of algorithms) {
  describe(`A commitment with ${algorithm}`, () => {
    const commitment = commit(algorithm, context, opening, padded)

    it('opens with its opening and content', () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ minLength: 64, maxLength: 64 }),
          fc.uint8Array({ maxLength: 300 }),
          (someOpening, content) =>
            opens(algorithm, context, someOpening, content, commit(algorithm, context, someOpening, content)),
        ),
        { seed: 16, numRuns: 40 },
      )
    })

    it('E9 does not open in another ledger, item, part, graph, policy or size', () => {
      for (const other of elsewhere) assert.ok(!opens(algorithm, other, opening, padded, commitment))
    })

    it('N6 does not open with any bit of opening, content or commitment flipped', () => {
      fc.assert(
        fc.property(fc.nat(511), fc.nat(2047), fc.nat(255), (a, b, c) => {
          assert.ok(!opens(algorithm, context, flip(opening, a), padded, commitment))
          assert.ok(!opens(algorithm, context, opening, flip(padded, b), commitment))
          assert.ok(!opens(algorithm, context, opening, padded, flip(commitment, c)))
        }),
        { seed: 17, numRuns: 40 },
      )
    })

    it('N6 does not open with content or opening of another length', () => {
      assert.ok(!opens(algorithm, context, opening, padded.subarray(1), commitment))
      assert.ok(!opens(algorithm, context, opening, new Uint8Array(), commitment))
      assert.ok(!opens(algorithm, context, opening.subarray(1), padded, commitment))
      assert.ok(!opens(algorithm, context, opening, padded, commitment.subarray(1)))
      assert.throws(() => commit(algorithm, context, opening.subarray(1), padded), RangeError)
    })
  })
}

describe('Commitments', () => {
  it('are frozen', () => {
    const parts = [context, ...elsewhere]
    matchesFrozen('commitment.json', {
      h: toHex(pedersenH),
      ...Object.fromEntries(
        algorithms.map((algorithm) => [
          algorithm,
          parts.map((each) => toHex(commit(algorithm, each, opening, padded))),
        ]),
      ),
      zeroOpening: toHex(commit('pedersen', context, new Uint8Array(64), utf8('r is 0'))),
    })
  })

  it('open with the group order as opening, which is r = 0', () => {
    const order = fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010'.padEnd(128, '0'))
    const commitment = commit('pedersen', context, order, padded)
    assert.ok(opens('pedersen', context, order, padded, commitment))
    assert.deepEqual(commit('pedersen', context, new Uint8Array(64), padded), commitment)
  })
})
