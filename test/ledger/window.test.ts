// Exactly once, alone: the window against a set that forgets nothing.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { freshWindow, windowFault, withExecuted } from '../../src/ledger/window.ts'

function windowAfter(...sequences: readonly number[]): typeof freshWindow {
  return sequences.reduce(withExecuted, freshWindow)
}

describe('The window of a key', () => {
  it('L4 takes number 5 before number 4, and 4 is not lost', () => {
    const window = windowAfter(1, 2, 3, 5)
    assert.equal(windowFault(window, 4), undefined)
    assert.equal(windowFault(withExecuted(window, 4), 4), 'REPEATED')
    assert.equal(withExecuted(window, 4).highest, 5)
  })

  it('L26 goes on when number 7 never comes, refuses far numbers, and a jump burns nothing', () => {
    const window = windowAfter(1, 2, 3, 4, 5, 6, 8, 9)
    assert.equal(windowFault(window, 10), undefined)
    assert.equal(windowFault(window, 9 + 1024), undefined)
    assert.equal(windowFault(window, 9 + 1025), 'SEQUENCE_TOO_FAR')
    assert.equal(windowFault(window, Number.MAX_SAFE_INTEGER), 'SEQUENCE_TOO_FAR')
    const jumped = withExecuted(window, 9 + 1024)
    assert.equal(windowFault(jumped, 7), 'SEQUENCE_EXPIRED')
    assert.equal(windowFault(jumped, 10), undefined)
    assert.equal(windowFault(jumped, 9), 'SEQUENCE_EXPIRED')
  })

  it('agrees with a set of everything that was executed', () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: -1030, max: 1030 }), fc.integer({ min: -3, max: 3 })), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(steps, (jumps) => {
        let window = freshWindow
        let highest = 0
        const executed = new Set<number>()
        for (const jump of jumps) {
          const sequence = Math.max(0, highest + jump)
          const expected =
            sequence > highest + 1024
              ? 'SEQUENCE_TOO_FAR'
              : sequence <= highest - 1024
                ? 'SEQUENCE_EXPIRED'
                : executed.has(sequence)
                  ? 'REPEATED'
                  : undefined
          assert.equal(windowFault(window, sequence), expected)
          if (expected !== undefined) continue
          const before = window.executed.slice()
          const next = withExecuted(window, sequence)
          assert.deepEqual(window.executed, before)
          window = next
          executed.add(sequence)
          highest = Math.max(highest, sequence)
        }
      }),
      { numRuns: 300, seed: 1 },
    )
  })
})
