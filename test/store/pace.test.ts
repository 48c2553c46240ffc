// How long work in slices goes on before it lets others have their turn. The clock is the test's own.

import assert from 'node:assert/strict'
import { createPace } from '../../src/store/pace.ts'

describe('The pace of long work', () => {
  const { now } = performance
  let clock = 0

  beforeEach(() => {
    clock = 0
    performance.now = () => clock
  })

  afterEach(() => {
    performance.now = now
  })

  it('lets others have their turn after each slice', async () => {
    const pace = createPace({ sliceMs: 3 })
    clock = 2
    assert.equal(pace(), undefined)
    clock = 4
    const turn = pace()
    assert.ok(turn !== undefined)
    clock = 50
    await turn
    clock = 52
    assert.equal(pace(), undefined)
    clock = 54
    assert.ok(pace() !== undefined)
  })

  it('keeps its share when a rest takes longer than it was meant to, in slices of four milliseconds at most', async () => {
    const pace = createPace({ sliceMs: 1, restMs: 2 })
    for (const [rested, slice] of [
      [2, 1],
      [1, 1],
      [6, 3],
      [100, 4],
    ] as const) {
      clock += 5
      const turn = pace()
      assert.ok(turn !== undefined)
      clock += rested
      await turn
      clock += slice - 0.1
      assert.equal(pace(), undefined, `${rested} ms`)
      clock += 0.2
      assert.ok(pace() !== undefined, `${rested} ms`)
    }
  })
})
