// A node whose clock is an hour off, and one whose clock leaps back, among real processes: they are warned, the ledger goes on,
// and a transaction expires by block time, whatever any one clock says.

import assert from 'node:assert/strict'
import { eventually } from '../../demo/processes.ts'
import type { NodeHealth } from '../../src/node/health.ts'
import { describeLong } from '../long.ts'
import { assertNobodyBlamed, assertNothingLost } from './crash.ts'
import { Four, type NodeProcess } from './four.ts'
import { builtHook } from './hooks.ts'

const hourMs = 3_600_000

describeLong('a node whose clock is wrong', function () {
  this.timeout(120_000)
  let four: Four
  let victim: NodeProcess

  before(async () => {
    four = await Four.begin('{ suspectMs: 1000, checkpointInterval: 8, window: 32 }')
    const hook = await builtHook(four.folder, 'clock-hook')
    victim = four.nodes[2] ?? assert.fail()
    victim.signal('SIGTERM')
    assert.equal(await victim.ended, 0)
    const environment = { QUADRILLE_CLOCK_MS: String(hourMs), QUADRILLE_CLOCK_LEAP_MS: String(-2 * hourMs) }
    victim.start({ path: hook, environment })
    await four.ready(victim)
  })

  after(() => four?.end())

  const health = async (node: NodeProcess): Promise<NodeHealth> =>
    (await (await fetch(`${node.url}/health`)).json()) as NodeHealth

  const skewed = async (aheadMs: number): Promise<void> => {
    await eventually(`its clock is ${aheadMs} ms ahead`, async () => {
      const { clock } = await health(victim)
      return (clock.skewed && Math.abs((clock.aheadMs ?? 0) - aheadMs) < 60_000) || undefined
    })
  }

  it('N15 an hour ahead is warned with CLOCK_SKEW, and the others name it', async () => {
    await skewed(hourMs)
    const warning = /"level":"warn"[^\n]*"code":"CLOCK_SKEW","offsetMs":3[56]\d{5},/
    await eventually('it is warned', async () => warning.test(victim.output) || undefined)
    const [first] = four.nodes
    await eventually('another names it', async () => {
      const { clock, peers } = await health(first as NodeProcess)
      const named = peers.find(({ name }) => name === `${victim.name}-1`)
      return (!clock.skewed && Math.abs((named?.clockAheadMs ?? 0) - hourMs) < 60_000) || undefined
    })
  })

  it('N15 expiry goes by block time: what is valid for ten minutes is executed by all, also by the node for which it is over', async () => {
    for (let n = 0; n < 6; n++) await four.submit(n % 2 === 0)
    await four.settled()
    await assertNothingLost(four)
  })

  it('N15 leaping back by two hours is warned, and nothing is lost or contradicted', async () => {
    const said = victim.output.length
    victim.signal('SIGUSR2')
    await eventually(
      'the leap is told',
      async () => /"msg":"the clock leapt"/.test(victim.output.slice(said)) || undefined,
    )
    assert.match(victim.output.slice(said), /"code":"CLOCK_SKEW","byMs":-7[12]\d{5},"msg":"the clock leapt"/)
    await skewed(-hourMs)
    for (let n = 0; n < 6; n++) await four.submit(n % 2 === 0)
    await four.settled()
    await assertNothingLost(four)
    assertNobodyBlamed(four)
  })
})
