// Many replicas in a quiet world where some leaders are silent or slow: time is virtual, the network perfect.

import assert from 'node:assert/strict'
import type { Time } from '../../src/base/ids.ts'
import type { Effect, Parameters, Protocol } from '../../src/consensus/contract.ts'
import { defaultParameters } from '../../src/ledger/founding.ts'
import { type PbftMessage, pbft } from '../../src/pbft/pbft.ts'
import { readRecord } from '../../src/pbft/records.ts'
import { Lockstep, type Member } from '../consensus/lockstep.ts'

function withParameters(changed: Partial<Parameters>): Protocol<PbftMessage> {
  return { ...pbft, start: (setup) => pbft.start({ ...setup, parameters: { ...setup.parameters, ...changed } }) }
}

/** Number 0 proposes one batch of one request, then nothing for `ms`. */
function slowLeader(ms: number, changed: Partial<Parameters>): Protocol<PbftMessage> {
  const inner = withParameters(changed)
  return {
    ...inner,
    start: (setup) => {
      if (!setup.self.startsWith('00')) return inner.start(setup)
      const slow = { ...setup.parameters, ...changed, batchTransactionsMax: 1, pipelineMax: 1 }
      const core = pbft.start({ ...setup, parameters: slow })
      let now = 0
      let said = 0
      return {
        status: () => core.status(),
        rosters: (epoch) => core.rosters(epoch),
        step: (input) => {
          if (input.type === 'tick') now = input.now
          const effects = core.step(input)
          const proposes = effects.some((effect) => effect.type === 'send' && effect.message.type === 'pre-prepare')
          if (proposes && now - said < ms) {
            return effects.filter((effect) => effect.type !== 'send' || effect.message.type !== 'pre-prepare')
          }
          if (proposes) said = now
          return effects
        },
      }
    },
  }
}

/** Numbers 2 and 3 execute and have no power to save or send what comes of it, while it is dark. */
function losingResults(dark: { readonly on: boolean }): Protocol<PbftMessage> {
  const lost = ['result', 'stable', 'certified']
  const isLost = (effect: Effect<PbftMessage>): boolean =>
    effect.type === 'cut' ||
    (effect.type === 'send' && lost.includes(effect.message.type)) ||
    (effect.type === 'save' && lost.includes(readRecord(effect.record).type))
  return {
    ...pbft,
    start: (setup) => {
      const core = pbft.start(setup)
      const fails = setup.roster.validators.slice(2).some(({ node }) => node === setup.self)
      return {
        status: () => core.status(),
        rosters: (epoch) => core.rosters(epoch),
        step: (input) => core.step(input).filter((effect) => !(fails && dark.on && isLost(effect))),
      }
    },
  }
}

describe('PBFT with silent and slow leaders', () => {
  it('L10 31 validators, ten silent leaders in a row, default timers: the first commit within 30 s', () => {
    const world = new Lockstep(withParameters({ suspectMs: defaultParameters.suspectMs, suspectMsMax: 30_000 }), 31)
    for (const member of world.members.slice(0, 10)) member.away = true
    const client = world.members[30] as Member<PbftMessage>
    world.pass(200)
    world.request(client, 'after ten silent leaders')
    const began = world.now
    while (client.machine.height === 0 && world.now - began < 60_000) world.pass(500)
    assert.equal(client.core.status().round, 10)
    assert.ok(world.now - began <= 30_000, `${world.now - began} ms`)
  }).timeout(60_000)

  it('L7 a leader that keeps just under the timeout and lets requests pile up is replaced for its throughput', () => {
    const changed = { suspectMs: 1_000, suspectMsMax: 8_000 }
    const world = new Lockstep(slowLeader(900, changed), 4)
    const [, client] = world.members as [Member<PbftMessage>, Member<PbftMessage>]
    world.pass(200)
    for (let i = 0; i < 40; i++) {
      world.request(client, `request ${i}`)
      world.pass(300)
    }
    world.pass(5_000)
    assert.ok(client.core.status().round > 0, 'the view changed')
    assert.equal(client.core.status().waiting, 0, 'and everything is ordered')
    assert.equal(client.machine.applied.logSize, client.machine.height + 40)
  })

  it('a leader that is slow but keeps up with what is asked stays', () => {
    const world = new Lockstep(slowLeader(900, { suspectMs: 1_000, suspectMsMax: 8_000 }), 4)
    world.pass(200)
    for (let i = 0; i < 10; i++) {
      world.request(world.members[1] as Member<PbftMessage>, `request ${i}`)
      world.pass(1_500)
    }
    assert.ok(world.members.every(({ core }) => core.status().round === 0))
  })

  it('L28 power that fails at f+1 after a checkpoint and a block were executed, and before a result was saved, wedges nothing', () => {
    const dark = { on: true }
    const world = new Lockstep(losingResults(dark), 4)
    const client = world.members[0] as Member<PbftMessage>
    world.pass(200)
    for (let i = 1; i <= 5; i++) {
      world.request(client, `request ${i}`)
      world.pass(300)
    }
    const [, , third, fourth] = world.members as [unknown, unknown, Member<PbftMessage>, Member<PbftMessage>]
    assert.deepEqual([third.machine.height, client.core.status().stable], [5, 0])
    dark.on = false
    for (const member of [third, fourth]) world.restart(member)
    world.pass(3_000)
    assert.deepEqual(
      world.members.map(({ machine, core }) => [machine.height, core.status().stable, core.status().final]),
      Array.from({ length: 4 }, () => [5, 4, 5]),
    )
  })

  it('an idle ledger changes no view, and its empty batches let time pass', () => {
    const world = new Lockstep(withParameters({ suspectMs: 1_000, suspectMsMax: 8_000, idleBatchMs: 5_000 }), 4)
    world.pass(30_000)
    for (const { core, machine } of world.members) {
      assert.equal(core.status().round, 0)
      assert.ok(machine.height >= 4 && machine.height <= 7, `${machine.height}`)
    }
    const last = world.members[0]?.machine.records(0 as never, 99 as never).at(-1)
    assert.ok(world.now - ((last?.header.time ?? 0) as Time) <= 6_000)
  })

  it('a leader that dies while idle is replaced once its empty batch is overdue', () => {
    const world = new Lockstep(withParameters({ suspectMs: 1_000, suspectMsMax: 8_000, idleBatchMs: 5_000 }), 4)
    world.pass(1_000)
    ;(world.members[0] as Member<PbftMessage>).away = true
    world.pass(12_000)
    assert.equal(world.members[1]?.core.status().round, 1)
    assert.equal(world.members[1]?.core.status().state, 'normal')
  })
})
