// Nodes are killed: one between each pair of steps of the durable order, and any of them, the leader too, under load. Each
// comes back by itself, nothing that was acknowledged is lost, and no node ever contradicts itself.

import assert from 'node:assert/strict'
import { eventually } from '../../demo/processes.ts'
import { long } from '../long.ts'
import { Random } from '../sim/random.ts'
import { assertNobodyBlamed, assertNothingLost, killed } from './crash.ts'
import { crashPoints } from './crash-hook.ts'
import { Four, type NodeProcess } from './four.ts'
import { built, builtHook } from './hooks.ts'

const kills = long ? 100 : 10
const points = crashPoints.filter((point) => long || ['journal-torn', 'store-committed'].includes(point))

/** Short times, so that a view change takes a second, and checkpoints that come often. */
const parameters = '{ suspectMs: 1000, checkpointInterval: 8, window: 32 }'

describe('a node that is killed', function () {
  this.timeout(60_000)
  let four: Four

  before(async () => {
    four = await Four.begin(parameters)
  })

  after(() => four?.end())

  describe('at a step of the durable order', () => {
    let victim: NodeProcess
    let hook: string

    before(async () => {
      hook = await builtHook(four.folder, 'crash-hook')
      const { leader } = await (four.nodes[0] as NodeProcess).state()
      victim = four.nodes.find(({ name }) => `${name}-1` !== leader) ?? assert.fail('one of four leads')
      victim.signal('SIGTERM')
      assert.equal(await victim.ended, 0)
    })

    for (const point of points) {
      it(`S15 P17 (${point}) comes back to the height and head of the others`, async () => {
        victim.start({ path: hook, environment: { QUADRILLE_CRASH_AT: point, QUADRILLE_BUILT: built } })
        await four.ready(victim)
        await four.settled()
        const load = four.load(2)
        victim.signal('SIGUSR2')
        await killed(victim)
        await load.stop()
      })
    }

    it('S7 has recovered every torn record, lost nothing and contradicted nobody', async () => {
      victim.start()
      await four.ready(victim)
      await four.settled()
      await assertNothingLost(four)
      assertNobodyBlamed(four)
    })
  })

  it('at any moment under load, the leader too, again and again, loses nothing that was acknowledged', async function () {
    this.timeout(kills * 18_000)
    const random = new Random(20_260)
    const load = four.load(2)
    for (let round = 0; round < kills; round++) {
      const { leader } = await (four.nodes[0] as NodeProcess).state()
      const isLeaders = round % 2 === 0
      const victims = four.nodes.filter(({ name }) => (`${name}-1` === leader) === isLeaders)
      const victim = victims[random.below(victims.length)] as NodeProcess
      victim.signal('SIGKILL')
      await killed(victim)
      // Sometimes it is back before the others missed it, sometimes they had to go on without it.
      if (random.chance(0.5)) {
        // More than were under way when it died.
        const more = four.acknowledged.length + 5
        await eventually('the other three go on', async () => four.acknowledged.length > more || undefined)
      }
      victim.start()
      await four.ready(victim)
      const reached = four.acknowledged.at(-1)?.height ?? 0
      await eventually(`${victim.name} catches up`, async () => (await victim.state()).height >= reached || undefined)
      await new Promise((done) => setTimeout(done, random.between(50, 400)))
    }
    await load.stop()
    await four.settled()
    await assertNothingLost(four)
    assertNobodyBlamed(four)
  })
})
