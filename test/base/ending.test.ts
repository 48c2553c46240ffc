// However one part fails to end, the others are ended: what is left open keeps a process alive for ever.

import assert from 'node:assert/strict'
import { endAll } from '../../src/base/ending.ts'

describe('Ending all', () => {
  it('S6 takes every step in its order, whatever fails, and throws what failed first', async () => {
    const taken: string[] = []
    const [first, second] = [new Error('first'), new Error('second')]
    const ended = endAll(
      () => taken.push('a'),
      () => {
        throw first
      },
      async () => {
        await Promise.resolve()
        taken.push('b')
      },
      () => Promise.reject(second),
      () => undefined,
      () => taken.push('c'),
    )
    await assert.rejects(ended, first)
    assert.deepEqual(taken, ['a', 'b', 'c'])
  })
})
