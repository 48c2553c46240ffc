// A ledger of three nodes that agree with Raft, as real processes: the leader is killed under load, again and again, and an
// auditor is told what its certificates prove.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { eventually, quadrille, quadrilleJson } from '../../demo/processes.ts'
import { Four, type NodeProcess } from './four.ts'

/** `npm run verify:long:raft` sets it. */
const long = process.env['QUADRILLE_LONG'] === '1'
const kills = long ? 20 : 2
const parameters = '{ checkpointInterval: 8, window: 32 }'

async function leaderOf(three: Four): Promise<NodeProcess> {
  return eventually('one leads', async () => {
    const states = await Promise.all(three.nodes.map((node) => node.state()))
    const [first] = states
    const known = states.every(({ leader, state }) => leader === first?.leader && state === 'normal')
    return known ? three.nodes.find(({ name }) => `${name}-1` === first?.leader) : undefined
  })
}

describe('three processes that agree with Raft', function () {
  this.timeout(60_000)
  let three: Four

  before(async () => {
    three = await Four.begin(parameters, 'raft')
  })

  after(() => three?.end())

  it(`R13 R14 lose nothing when their leader is killed under load (${kills} times)`, async function () {
    this.timeout(kills * 25_000)
    const failovers: number[] = []
    const load = three.load(2)
    for (let round = 0; round < kills; round++) {
      const leader = await leaderOf(three)
      leader.signal('SIGKILL')
      await leader.ended
      // As a client sees it: from the death of the leader until something asked for since is final.
      const began = performance.now()
      await three.submit(false)
      failovers.push(performance.now() - began)
      leader.start()
      await three.ready(leader)
      const reached = three.acknowledged.at(-1)?.height ?? 0
      await eventually(`${leader.name} catches up`, async () => (await leader.state()).height >= reached || undefined)
    }
    await load.stop()
    await three.settled()
    await nothingLost(three)
    const sorted = failovers.toSorted((a, b) => a - b).map(Math.round)
    const half = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
    if (long) process.stdout.write(`    failover, ms: p50 ${half}, all ${sorted.join(' ')}\n`)
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

/** Every acknowledged statement stands once on every node, and all nodes hold the same. */
async function nothingLost(three: Four): Promise<void> {
  const [first = [], ...others] = await Promise.all(three.nodes.map((node) => node.dump()))
  for (const other of others) assert.deepEqual(other, first)
  for (const { said } of three.acknowledged) {
    assert.equal(first.filter((quad) => quad.includes(`"${said}"`)).length, 1, said)
  }
  for (const { output } of three.nodes) assert.doesNotMatch(output, /"msg":"(misbehaviour|fenced[^"]*)"/)
}
