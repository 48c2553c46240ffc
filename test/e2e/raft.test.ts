// A ledger of three nodes that agree with Raft, as real processes: the leader is killed under load, again and again, and an
// auditor is told what its certificates prove.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { quadrille, quadrilleJson } from '../../demo/processes.ts'
import { long } from '../long.ts'
import { failovers } from './failover.ts'
import { Four } from './four.ts'

const kills = long ? 20 : 1
const parameters = '{ checkpointInterval: 8, window: 32 }'

describe('three processes that agree with Raft', function () {
  this.timeout(60_000)
  let three: Four

  before(async () => {
    three = await Four.begin(parameters, 'raft')
  })

  after(() => three?.end())

  it(`R13 R14 lose nothing when their leader is killed under load (${kills} times)`, async function () {
    this.timeout(kills * 25_000)
    const took = (await failovers(three, kills)).toSorted((a, b) => a - b)
    const half = took[Math.floor((took.length - 1) / 2)] ?? 0
    if (long) process.stdout.write(`    failover, ms: p50 ${half}, all ${took.join(' ')}\n`)
    assert.ok(!long || half < 2_000, `p50 ${half} ms`)
  })

  it('say crash-fault wherever they show a guarantee', async () => {
    const home = join(three.folder, three.nodes[0]?.name ?? '')
    const genesis = join(three.folder, 'genesis.json')
    const status = await quadrille('status', '--home', home)
    assert.match(status, /raft\/1, crash-fault/)
    assert.match(
      await quadrille('genesis', 'check', genesis),
      /3 validators, of which 1 may be away.*crash-fault.*2 must agree/,
    )
    const bundle = join(three.folder, 'bundle')
    await quadrille('audit', 'export', bundle, '--home', home)
    const report = await quadrilleJson<{ holds: boolean; faults: string; findings: readonly object[] }>(
      'audit',
      'verify',
      bundle,
      '--genesis',
      genesis,
    )
    assert.deepEqual([report.holds, report.faults, report.findings], [true, 'crash-fault', []])
    assert.match(await quadrille('audit', 'verify', bundle, '--genesis', genesis), /crash-fault/)
  })
})
