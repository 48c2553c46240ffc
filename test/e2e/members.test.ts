// A PBFT ledger of four processes whose members change while it is written: a fifth and a sixth join, one leaves, and a node that
// lost its disk comes back while another lies to it. No acknowledged write is lost.

import assert from 'node:assert/strict'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, quadrille, quadrilleJson } from '../../demo/processes.ts'
import { describeLong } from '../long.ts'
import { assertNothingLost } from './crash.ts'
import { Four, type NodeProcess } from './four.ts'
import { built, builtHook } from './hooks.ts'
import { Members } from './members.ts'

const losses = 5
const parameters = '{ suspectMs: 2000, checkpointInterval: 4, window: 8 }'

describeLong('Four processes whose members change', function () {
  this.timeout(400_000 + losses * 120_000)
  let four: Four
  let members: Members

  before(async () => {
    four = await Four.begin(parameters)
    members = new Members(four)
  })

  let load: { stop(): Promise<void> } | undefined

  // Also when a test failed: the next one compares copies at rest.
  afterEach(() => load?.stop())

  after(() => four?.end())

  const home = (node: NodeProcess): string => join(four.folder, node.name)

  it('P23 a fifth and a sixth validator join under load and one leaves, and no acknowledged write is lost', async () => {
    load = four.load(2)
    const [echo, fox] = [await members.prepare('echo'), await members.prepare('fox')]
    four.former.push(echo, fox)
    await members.propose({ cards: [await members.card('echo', 'learner'), await members.card('fox', 'learner')] })
    for (const node of [echo, fox]) node.start(undefined, [], ['--join'])
    await members.inEpoch(1)
    for (const node of [echo, fox]) await members.caughtUp(node)
    assert.equal((await echo.state()).validators, 4)
    await members.propose({ cards: [await members.card('echo', 'validator'), await members.card('fox', 'validator')] })
    four.nodes.push(...four.former.splice(0))
    await members.inEpoch(2)
    assert.equal((await echo.state()).validators, 6)
    await members.propose({ leavingNodes: ['delta-1'], leaving: [(await members.key('delta')).organisation.id] })
    await members.inEpoch(3)
    const [gone] = four.nodes.splice(3, 1)
    four.former.push(gone as NodeProcess)
    await load.stop()
    await four.settled()
    await assertNothingLost(four)
    assert.equal((await echo.state()).validators, 5)
    for (const { output } of four.nodes) assert.doesNotMatch(output, /"msg":"(misbehaviour|fenced[^"]*)"/)
  })

  it('P27 gives an audit that verifies over all its epochs', async () => {
    const bundle = join(four.folder, 'bundle')
    await quadrille('audit', 'export', bundle, '--home', home(four.nodes[0] as NodeProcess))
    const report = await quadrilleJson<{ holds: boolean; findings: readonly object[] }>(
      ...['audit', 'verify', bundle, '--genesis', join(four.folder, 'genesis.json')],
    )
    assert.deepEqual([report.holds, report.findings], [true, []])
  })

  it(`P16 P22 L20 a node that lost its disk comes back while one source lies (${losses} times)`, async () => {
    const [, lost, liar] = four.nodes as [NodeProcess, NodeProcess, NodeProcess]
    const hook = await builtHook(four.folder, '../pbft/liar-hook')
    liar.signal('SIGTERM')
    await liar.ended
    liar.start({ path: hook, environment: { QUADRILLE_LIE: 'lies in state transfer', QUADRILLE_BUILT: built } })
    await four.ready(liar)
    for (let round = 0; round < losses; round++) {
      lost.signal('SIGKILL')
      await lost.ended
      await rm(join(home(lost), 'data', 'journal'), { recursive: true })
      lost.start()
      assert.notEqual(await lost.ended, 0)
      assert.match(lost.output, /JOURNAL_MISSING.*quadrille start --recover/s)
      lost.start(undefined, [], ['--recover'])
      await members.caughtUp(lost)
      assert.ok((await readdir(home(lost))).some((name) => name.startsWith('data.lost-')))
      const { epoch } = await lost.state()
      load = four.load(1)
      // Whatever it forgot of this epoch, in the next one it votes again.
      await members.propose({ cards: [await members.successorCard('beta', 'validator')] })
      await members.inEpoch(epoch + 1)
      await eventually('it votes again', async () => (await lost.state()).state === 'normal' || undefined)
      await load.stop()
    }
    await four.settled()
    await assertNothingLost(four)
  })
})
