// The leader of a loaded PBFT ledger of four processes is killed twenty times, in verify:long:field only. Raft's failovers stand in
// raft.test.ts.

import assert from 'node:assert/strict'
import { describeLong } from '../long.ts'
import { failovers } from './failover.ts'
import { Four } from './four.ts'

const kills = 20

describeLong('four processes whose leader is killed', function () {
  this.timeout(60_000 + kills * 30_000)
  let four: Four

  // Each commit kills leaders in crash.test.ts.
  before(async () => {
    four = await Four.begin('{ suspectMs: 1000 }')
  })

  after(() => four?.end())

  it(`lose nothing and go on without it (${kills} times)`, async () => {
    const took = (await failovers(four, kills)).toSorted((a, b) => a - b)
    const [half = 0, max = 0] = [took[Math.floor((took.length - 1) / 2)], took.at(-1)]
    process.stdout.write(`    failover, ms: p50 ${half}, max ${max}, all ${took.join(' ')}\n`)
    assert.ok(half < 2_000, `p50 ${half} ms`)
  })
})
