// The judge of client histories, judged on histories that are known.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Sequence } from '../../src/base/ids.ts'
import { requestId } from '../../src/consensus/batch.ts'
import { type Operation, unexplained } from './linearizability.ts'
import { Registers } from './registers.ts'

const write = (value: number, invoked: number, returned?: number, key = 'x'): Operation => ({
  ...{ type: 'write', key, value, invoked, returned },
})
const read = (value: number, invoked: number, returned: number, key = 'x'): Operation => ({
  ...{ type: 'read', key, value, invoked, returned },
})

const good: Readonly<Record<string, readonly Operation[]>> = {
  'nothing at all': [],
  'one after another': [read(0, 0, 1), write(1, 2, 3), read(1, 4, 5), write(2, 6, 7), read(2, 8, 9)],
  'a read beside a write sees the old': [write(1, 0, 10), read(0, 2, 3)],
  'a read beside a write sees the new, and so do later ones': [write(1, 0, 10), read(1, 2, 3), read(1, 4, 5)],
  'two writes at once, in either order': [write(1, 0, 10), write(2, 0, 10), read(2, 11, 12), read(2, 13, 14)],
  'two writes at once, seen one after the other': [write(1, 0, 10), write(2, 0, 10), read(1, 3, 4), read(2, 5, 6)],
  'a write without answer that happened late': [write(1, 0), read(0, 1, 2), read(1, 30, 31)],
  'a write without answer that never happened': [write(1, 0), read(0, 1, 2), read(0, 30, 31)],
  'each register for itself': [write(1, 0, 1, 'x'), write(2, 0, 1, 'y'), read(1, 2, 3, 'x'), read(2, 2, 3, 'y')],
}

const bad: Readonly<Record<string, readonly Operation[]>> = {
  'a stale read': [write(1, 0, 1), read(0, 2, 3)],
  'a value that nobody wrote': [write(1, 0, 1), read(7, 2, 3)],
  'a value from the future': [read(1, 0, 1), write(1, 2, 3)],
  'new, then old': [write(1, 0, 10), read(1, 2, 3), read(0, 4, 5)],
  'two readers who see two writes in different orders': [
    ...[write(1, 0, 10), write(2, 0, 10)],
    ...[read(1, 11, 12), read(2, 13, 14)],
  ],
  'a lost write': [write(1, 0, 1), write(2, 2, 3), read(1, 4, 5)],
  'a write without answer that happened and was undone': [write(1, 0), read(1, 2, 3), read(0, 4, 5)],
  'one register of two': [write(1, 0, 1, 'x'), read(1, 2, 3, 'x'), write(2, 0, 1, 'y'), read(0, 2, 3, 'y')],
}

describe('Linearizability', () => {
  for (const [name, history] of Object.entries(good)) {
    it(`is found in: ${name}`, () => assert.equal(unexplained(history), undefined))
  }

  for (const [name, history] of Object.entries(bad)) {
    it(`is missed in: ${name}`, () => assert.notEqual(unexplained(history), undefined))
  }

  it('is found in whatever one copy did at moments between call and return, and missed once one read is stale', () => {
    const step = fc.record({ writes: fc.boolean(), before: fc.nat(30), after: fc.nat(30) })
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 14 }), (steps) => {
        let value = 0
        const history = steps.map(({ writes, before, after }, i): Operation => {
          const [invoked, returned] = [10 * i - before, 10 * i + after]
          if (writes) value = i + 1
          return writes ? write(value, invoked, returned) : read(value, invoked, returned)
        })
        assert.equal(unexplained(history), undefined)
        const end = 10 * steps.length + 100
        assert.equal(unexplained([...history, read(value, end, end + 1)]), undefined)
        const last = [...history, write(999, end, end + 1)]
        assert.equal(unexplained([...last, read(value, end + 2, end + 3)]), 'x')
      }),
      { seed: 9, numRuns: 200 },
    )
  })

  it('is asked of what clients of a run saw', () => {
    const first = requestId(new Uint8Array([1, 1]))
    const agreed = [[first, 2 as Sequence]] as const
    const answer = (height: number): Registers => {
      const registers = new Registers()
      registers.asksFor(first)
      registers.acknowledged(3 as Sequence, () => 2 as Sequence)
      registers.asksToRead('00')
      registers.answers('00', height as Sequence, agreed)
      return registers
    }
    assert.equal(answer(2).fault(), undefined)
    assert.match(answer(1).fault() ?? '', /register a is not linearizable/)
  })
})
