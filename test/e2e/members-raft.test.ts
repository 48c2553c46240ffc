// A Raft ledger whose members change while it is written: a node joins by an act, follows, is promoted, and another leaves.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { quadrilleJson } from '../../demo/processes.ts'
import { describeLong } from '../long.ts'
import { Four, type NodeProcess } from './four.ts'
import { Members } from './members.ts'

describeLong('a Raft ledger of three processes', function () {
  this.timeout(240_000)
  let three: Four
  let members: Members

  before(async () => {
    three = await Four.begin('{ checkpointInterval: 4, window: 8 }', 'raft')
    members = new Members(three)
  })

  after(() => three?.end())

  it('takes in a fourth node that learns first and then votes, and lets one go, under load and with nothing lost', async () => {
    const load = three.load(2)
    const delta = await members.prepare('delta')
    three.former.push(delta)
    await members.propose({ cards: [await members.card('delta', 'learner')] })
    delta.start(undefined, [], ['--join'])
    await members.inEpoch(1)
    await members.caughtUp(delta)
    assert.equal((await delta.state()).validators, 3)
    await members.propose({ cards: [await members.card('delta', 'validator')] })
    three.nodes.push(...three.former.splice(0))
    await members.inEpoch(2)
    assert.equal((await delta.state()).validators, 4)
    await members.propose({ leavingNodes: ['gamma-1'], leaving: [(await members.key('gamma')).organisation.id] })
    await members.inEpoch(3)
    await load.stop()
    const [gone] = three.nodes.splice(2, 1)
    three.former.push(gone as NodeProcess)
    await three.submit(false)
    await three.settled()
    const [first = [], ...others] = await Promise.all(three.nodes.map((node) => node.dump()))
    for (const other of others) assert.deepEqual(other, first)
    for (const { said } of three.acknowledged)
      assert.equal(first.filter((quad) => quad.includes(`"${said}"`)).length, 1)
  })

  it('P27 gives an audit that verifies over all its epochs', async () => {
    const bundle = join(three.folder, 'bundle')
    await quadrilleJson('audit', 'export', bundle, '--home', join(three.folder, 'delta'))
    const genesis = join(three.folder, 'genesis.json')
    const report = await quadrilleJson<{ holds: boolean; findings: readonly object[] }>(
      'audit',
      'verify',
      bundle,
      '--genesis',
      genesis,
    )
    assert.deepEqual([report.holds, report.findings], [true, []])
  })
})
