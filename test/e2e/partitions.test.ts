// Four processes on a network that breaks: split, one way only, flapping, slow; and processes that stand still for a while. Safety
// always; progress as soon as three hear one another. `npm run verify:long:field` plays it.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { eventually } from '../../demo/processes.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { describeLong } from '../long.ts'
import { assertNobodyBlamed, assertNothingLost } from './crash.ts'
import { Four, type NodeProcess } from './four.ts'
import { builtHook } from './hooks.ts'
import { Network } from './network.ts'

const parameters = '{ suspectMs: 1000, checkpointInterval: 8, window: 32 }'
const seconds = (count: number): Promise<void> => new Promise((done) => setTimeout(done, 1000 * count))

describeLong('Four processes on a network that breaks', function () {
  this.timeout(180_000)
  let four: Four
  let network: Network

  before(async () => {
    four = await Four.begin(parameters, 'pbft', async (folder, names) => {
      const ports = await Promise.all(names.map(async (name) => portOf(join(folder, name))))
      network = await Network.between(ports)
      const path = await builtHook(folder, 'route-hook')
      return names.map((_, place) => ({ path, environment: network.environmentOf(place) }))
    })
  })

  afterEach(async () => {
    network.heal()
    await four.settled()
    await assertNothingLost(four)
    assertNobodyBlamed(four)
  })

  after(async () => {
    await four?.end()
    await network?.close()
  })

  /** Of a view that agrees on something. */
  async function leader(): Promise<number> {
    for (let count = 0; count < 3; count++) await four.submit(false)
    const { leader: name } = await (four.nodes[0] as NodeProcess).state()
    return four.nodes.findIndex((node) => `${node.name}-1` === name)
  }

  /** While load goes on, so many more are acknowledged. */
  async function goesOn(count: number): Promise<void> {
    const wanted = four.acknowledged.length + count
    await eventually('it goes on', async () => four.acknowledged.length >= wanted || undefined, 60_000)
  }

  async function underLoad(play: () => Promise<void>): Promise<void> {
    const load = four.load(2)
    try {
      await play()
    } finally {
      network.heal()
      await load.stop()
    }
  }

  it('goes on without a leader that is cut off, which catches up when it is back', async () => {
    const place = await leader()
    await underLoad(async () => {
      network.split([place])
      await goesOn(10)
    })
  })

  it('L11 changes the view once when the leader is heard and hears nothing, and goes on', async () => {
    const place = await leader()
    const others = [0, 1, 2, 3].filter((each) => each !== place)
    const { round } = await (four.nodes[others[0] as number] as NodeProcess).state()
    await underLoad(async () => {
      for (const other of others) network.cut(other, place)
      await goesOn(20)
      const states = await Promise.all(others.map((other) => (four.nodes[other] as NodeProcess).state()))
      for (const state of states) assert.ok(state.round - round <= 2, `round ${round} became ${state.round}`)
    })
  })

  it('L11 goes on when the leader hears and is not heard', async () => {
    const place = await leader()
    await underLoad(async () => {
      for (const other of [0, 1, 2, 3]) if (other !== place) network.cut(place, other)
      await goesOn(20)
    })
  })

  it('acknowledges nothing while two and two hear one another, and goes on when the split is over', async () => {
    await four.submit(false)
    network.split([0, 1])
    await seconds(1)
    const before = four.acknowledged.length
    const waiting = four.submit(false)
    await seconds(15)
    assert.equal(four.acknowledged.length, before)
    network.heal()
    await waiting
  })

  it('goes on over links that flap', async () => {
    await underLoad(async () => {
      for (let turn = 0; turn < 40; turn++) {
        const [from, to] = [turn % 4, (turn + 1 + (turn % 3)) % 4]
        network.cut(from, to)
        await seconds(0.4)
        network.heal()
        await seconds(0.1)
      }
      await goesOn(10)
    })
  })

  it('goes on over slow links, and does not change its view for that', async () => {
    await leader()
    const { round } = await (four.nodes[0] as NodeProcess).state()
    await underLoad(async () => {
      network.delay(100)
      await goesOn(20)
    })
    assert.equal((await (four.nodes[0] as NodeProcess).state()).round, round)
  })

  it('goes on when the leader stands still for a while, and the leader with it when it wakes', async () => {
    const place = await leader()
    const node = four.nodes[place] as NodeProcess
    await underLoad(async () => {
      node.signal('SIGSTOP')
      await goesOn(10)
      node.signal('SIGCONT')
      await goesOn(5)
    })
  })
})

async function portOf(home: string): Promise<number> {
  const { listen } = await readConfig(homeAt(home))
  return Number(listen[0]?.split('/').at(-1))
}
