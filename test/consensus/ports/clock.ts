// What every Clock must do, the real one and the simulated one.

import assert from 'node:assert/strict'
import type { Clock } from '../../../src/consensus/ports.ts'

/** `pass` lets at least so many milliseconds go by. */
export function clockContract(name: string, clock: Clock, pass: (ms: number) => Promise<void>): void {
  describe(`The clock contract: ${name}`, () => {
    it('tells whole milliseconds since 1970, after 2020 and before 2100', () => {
      const now = clock.now()
      assert.ok(Number.isSafeInteger(now))
      assert.ok(now > Date.UTC(2020, 0) && now < Date.UTC(2100, 0), `${now}`)
    })

    it('goes forward as time passes', async () => {
      const before = clock.now()
      await pass(5)
      assert.ok(clock.now() >= before + 4)
    })
  })
}
