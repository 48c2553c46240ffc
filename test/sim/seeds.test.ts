// Every seed that ever failed is played again for ever.

import assert from 'node:assert/strict'
import { loadSubject } from './protocols.ts'
import { play } from './run.ts'
import { keptSeeds } from './seeds.ts'

describe('Seeds that failed once', function () {
  this.timeout(60_000)

  for (const { protocol, nodes, liars, seed } of keptSeeds()) {
    it(`pass: --protocol ${protocol} --nodes ${nodes} --liars ${liars} --seed ${seed}`, async () => {
      const { failure } = play({ subject: await loadSubject(protocol), nodes, liars, seed })
      assert.equal(failure, undefined)
    })
  }

  it('are kept in lines that can be read', () => {
    assert.ok(keptSeeds().every(({ seed }) => seed >= 0))
  })
})
