// Erasure in four processes of the built command line: a node is killed at each step of its purge, one is away for a whole
// order, and a disk of yesterday comes back. Each time nothing of the person is left anywhere, and every node attests.

import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DiskCopy, rawHits } from '../../demo/disks.ts'
import { eventually } from '../../demo/processes.ts'
import { utf8 } from '../../src/base/bytes.ts'
import { itLong } from '../long.ts'
import { killed } from './crash.ts'
import { purgePoints } from './crash-hook.ts'
import { type Acknowledged, Four, type NodeProcess } from './four.ts'
import { built, builtHook } from './hooks.ts'

const parameters = '{ suspectMs: 1000, checkpointInterval: 8, window: 32 }'

describe('An erasure in four processes', function () {
  this.timeout(60_000)
  let four: Four
  let hook: string
  let victim: NodeProcess
  let others: readonly NodeProcess[]
  const first = (): NodeProcess => others[0] as NodeProcess

  before(async () => {
    four = await Four.begin(parameters)
    hook = await builtHook(four.folder, 'crash-hook')
    const { leader } = await (four.nodes[0] as NodeProcess).state()
    victim = four.nodes.findLast(({ name }) => `${name}-1` !== leader) ?? assert.fail('one of four leads')
    others = four.nodes.filter((node) => node !== victim)
  })

  after(() => four?.end())

  const disk = (node: NodeProcess): { home: string; unlock: string } => ({
    home: join(four.folder, node.name),
    unlock: join(four.folder, `${node.name}.unlock`),
  })

  /** Of what was said, in what the node's keys open and in the clear. */
  async function leftOf({ said }: Acknowledged, node: NodeProcess): Promise<number> {
    const copy = await DiskCopy.take(disk(node))
    try {
      return (await rawHits(disk(node), [utf8(said)])) + (await copy.openedHits([said]))
    } finally {
      await copy.remove()
    }
  }

  async function start(hooked?: Parameters<NodeProcess['start']>[0]): Promise<void> {
    victim.start(hooked)
    await four.ready(victim)
  }

  async function stop(): Promise<void> {
    victim.signal('SIGTERM')
    assert.equal(await victim.ended, 0)
  }

  async function goneEverywhere(gone: Acknowledged): Promise<void> {
    assert.deepEqual(await Promise.all(four.nodes.map((node) => leftOf(gone, node))), [0, 0, 0, 0])
    const dumps = await Promise.all(four.nodes.map((node) => node.dump()))
    assert.ok(dumps.every((dump) => dump.join() === dumps[0]?.join()))
    assert.ok(!dumps[0]?.some((quad) => quad.includes(`"${gone.said}"`)))
  }

  for (const point of purgePoints) {
    itLong(`S5 (${point}) is taken up by a node that was killed in the middle of its purge`, async () => {
      const gone = await four.submit(true)
      await four.settled()
      assert.equal(await leftOf(gone, victim), 1)
      await stop()
      await start({ path: hook, environment: { QUADRILLE_CRASH_AT: point, QUADRILLE_BUILT: built } })
      await four.settled()
      victim.signal('SIGUSR2')
      const order = await four.erase([gone.place])
      await killed(victim)
      await start()
      await four.attested(order, first())
      await four.settled()
      await goneEverywhere(gone)
    })
  }

  itLong('E2 reaches a node that was away for the whole order and held the item', async () => {
    const gone = await four.submit(true)
    await four.settled()
    await stop()
    const order = await four.erase([gone.place])
    const answer = await fetch(`${first().url}/erasures/${order}`)
    assert.equal(((await answer.json()) as { complete: boolean }).complete, false)
    await start()
    await four.attested(order, first())
    await four.settled()
    await goneEverywhere(gone)
  })

  it('E1 S2 is not undone by a store of yesterday, nor by a whole disk of yesterday', async () => {
    const gone = await four.submit(true)
    await four.settled()
    await stop()
    const { home } = disk(victim)
    const yesterday = join(four.folder, 'yesterday')
    await cp(home, yesterday, { recursive: true })
    await start()
    await four.attested(await four.erase([gone.place]), first())
    for (let more = 0; more < 3; more++) await four.submit(false)
    await four.settled()
    await stop()
    const today = join(four.folder, 'today')
    await cp(home, today, { recursive: true })

    await rm(join(home, 'data', 'store'), { recursive: true })
    await cp(join(yesterday, 'data', 'store'), join(home, 'data', 'store'), { recursive: true })
    victim.start()
    assert.equal(await victim.ended, 3)
    assert.match(victim.output.slice(-2_000), /STATE_BEHIND_CHECKPOINT/)

    await rm(home, { recursive: true })
    await cp(yesterday, home, { recursive: true })
    assert.equal(await leftOf(gone, victim), 1)
    // Alone it answers nothing from its copy.
    for (const node of others) node.signal('SIGSTOP')
    victim.start()
    const answer = await eventually('the restored node listens', () =>
      fetch(`${victim.url}/dump`).catch(() => undefined),
    )
    assert.equal(answer.status, 503)
    assert.equal(((await answer.json()) as { code: string }).code, 'CATCHING_UP')
    for (const node of others) node.signal('SIGCONT')
    await eventually('the disk of yesterday is purged', async () =>
      (await leftOf(gone, victim)) === 0 ? true : undefined,
    )
  })
})
