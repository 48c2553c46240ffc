// Attacks on elections, and on leaders that do not know yet that they are none.

import assert from 'node:assert/strict'
import type { Sequence, Term } from '../../src/base/ids.ts'
import { planTurn } from '../../src/consensus/turn.ts'
import type { RaftMessageOf } from '../../src/raft/messages.ts'
import { Cluster, rosterRequest, type Server } from './cluster.ts'
import { endOf, type entry, only, Puppet, sent } from './puppet.ts'

const vote = (term: number, of: Partial<RaftMessageOf<'vote'>> = {}): RaftMessageOf<'vote'> => ({
  type: 'vote',
  term: term as Term,
  pre: false,
  transfer: false,
  last: 0 as Sequence,
  lastTerm: 0 as Term,
  ...of,
})

function roundOf(server: Server): number {
  return server.core?.status().round ?? 0
}

describe('Elections in Raft', () => {
  it('R1 a server that was cut off comes back without disturbing the leader', () => {
    const cluster = new Cluster(5)
    const leader = cluster.elect()
    const away = cluster.servers.find((server) => server !== leader) as Server
    cluster.isolate(cluster.servers.indexOf(away))
    const round = roundOf(leader)
    cluster.pass(20_000)
    assert.equal(roundOf(away), round)
    cluster.heal()
    cluster.pass(5_000)
    assert.equal(cluster.leader(), leader)
    assert.equal(roundOf(leader), round)
  })

  it('R1 a removed server, which nobody told, does not depose the leader', () => {
    const cluster = new Cluster(4)
    const leader = cluster.elect()
    const removed = cluster.servers.findIndex((server) => server !== leader)
    const stay = [0, 1, 2, 3].filter((place) => place !== removed)
    cluster.rosters.push(cluster.roster(1, ...stay))
    cluster.isolate(removed)
    cluster.request(leader, rosterRequest(1))
    cluster.pass(3_000)
    const round = roundOf(leader)
    cluster.heal()
    cluster.pass(10_000)
    assert.equal(roundOf(leader), round)
    assert.ok(cluster.leader() === leader || roundOf(cluster.server(removed)) <= round)
  })

  it('R2 two servers that see only one follower leave the leader alone', () => {
    const cluster = new Cluster(5)
    const leader = cluster.elect()
    const [seen, ...far] = cluster.servers.filter((server) => server !== leader).map(({ node }) => node)
    const apart = new Set(far.slice(0, 2))
    cluster.loses = ({ from, to }) =>
      (apart.has(from) && to !== seen && !apart.has(to)) || (apart.has(to) && from !== seen && !apart.has(from))
    const round = roundOf(leader)
    cluster.pass(20_000)
    cluster.request(leader, 'goes on')
    cluster.pass(1_000)
    assert.equal(roundOf(leader), round)
    assert.deepEqual(cluster.texts(leader), ['goes on'])
  })

  it('R7 a server outside the configuration answers who asks for its vote', () => {
    const cluster = new Cluster(4, 3)
    cluster.pass(50)
    const learner = cluster.server(3)
    const effects = cluster.give(learner, { type: 'receive', from: cluster.server(0).node, message: vote(7) })
    assert.equal(sent(effects, 'voted')[0]?.granted, true)
    cluster.loses = () => true
    cluster.pass(10_000)
    assert.equal(sent(learner.effects, 'vote').length, 0)
  })

  it('R13 a vote leaves behind its save, and a restart remembers it', () => {
    const puppet = new Puppet()
    const effects = puppet.receive(1, vote(5))
    const { before, saves, after } = planTurn(effects)
    assert.equal(saves.length > 0, true)
    assert.equal(sent(before, 'voted').length, 0)
    assert.equal(sent(after, 'voted')[0]?.granted, true)
    puppet.restart()
    assert.equal(sent(puppet.receive(2, vote(5)), 'voted')[0]?.granted, false)
    assert.equal(sent(puppet.receive(1, vote(5)), 'voted')[0]?.granted, true)
  })

  it('R13 its own candidacy is durable before it asks for votes', () => {
    const puppet = new Puppet()
    puppet.tick(4_000)
    const effects = puppet.receive(1, { type: 'voted', term: 1 as Term, pre: true, granted: true })
    assert.equal(sent(planTurn(effects).before, 'vote').length, 0)
    puppet.restart()
    assert.equal(sent(puppet.receive(2, vote(1)), 'voted')[0]?.granted, false)
  })

  it('R15 a read waits until an entry of the own term is committed', () => {
    const puppet = new Puppet()
    const term = puppet.lead()
    const read = '1'.repeat(32)
    const effects = [...puppet.give({ type: 'read', id: read }), ...puppet.tick(300)]
    for (const place of [1, 2]) effects.push(...puppet.receive(place, { type: 'alive', term, round: 0 }))
    assert.equal(only(effects, 'readable').length, 0)
    const noop = sent(puppet.effects, 'append').flatMap(({ entries }) => entries)[0]
    const { index } = endOf(puppet.roster, [noop as ReturnType<typeof entry>])
    const committed = puppet.receive(1, puppet.acknowledgement(1, term, [noop as ReturnType<typeof entry>]))
    assert.equal(only(committed, 'readable').length, 0)
    const round = Math.max(...sent(committed, 'heartbeat').map((message) => message.round))
    const answered = puppet.receive(1, { type: 'alive', term, round })
    assert.deepEqual(
      only(answered, 'readable').map(({ id, sequence }) => [id, sequence]),
      [[read, index]],
    )
  })

  it('R16 a leader that slept through its replacement answers no read', () => {
    const cluster = new Cluster(3)
    const old = cluster.elect()
    cluster.request(old, 'before')
    const place = cluster.servers.indexOf(old)
    cluster.isolate(place)
    // It is paused: it gets no ticks, and does not know that time passes.
    const { core } = old
    old.core = undefined
    cluster.pass(5_000)
    const next = cluster.leader() as Server
    cluster.request(next, 'after')
    old.core = core
    cluster.give(old, { type: 'read', id: '2'.repeat(32) })
    cluster.give(old, { type: 'tick', now: (cluster.now - 60_000) as never })
    cluster.settle()
    cluster.pass(5_000)
    assert.equal(only(old.effects, 'readable').length, 0)
    cluster.heal()
    cluster.pass(3_000)
    const [answer] = only(old.effects, 'readable')
    const height = next.machine.height
    assert.ok((answer?.sequence ?? 0) >= height - 1 && cluster.texts(old).includes('after'))
  })

  it('R20 a follower that is heard and hears nothing, or the other way round, changes nothing', () => {
    const cluster = new Cluster(3)
    const leader = cluster.elect()
    const other = cluster.servers.find((server) => server !== leader) as Server
    const round = roundOf(leader)
    cluster.loses = ({ to }) => to === other.node
    cluster.pass(10_000)
    cluster.loses = ({ from }) => from === other.node
    cluster.pass(10_000)
    cluster.heal()
    cluster.request(leader, 'goes on')
    cluster.pass(1_000)
    assert.equal(roundOf(leader), round)
    assert.deepEqual(cluster.texts(other), ['goes on'])
  })
})
