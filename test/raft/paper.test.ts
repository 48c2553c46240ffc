// Sentences of Ongaro's thesis, "Consensus: Bridging Theory and Practice" (Stanford, 2014), each with its section and one test.

import assert from 'node:assert/strict'
import type { Sequence, Term } from '../../src/base/ids.ts'
import type { RaftMessageOf } from '../../src/raft/messages.ts'
import { Cluster, parameters, type Server } from './cluster.ts'
import { entry, only, Puppet, sent } from './puppet.ts'

const ask = (term: number, last: number, lastTerm: number, pre = false): RaftMessageOf<'vote'> => ({
  type: 'vote',
  term: term as Term,
  pre,
  transfer: false,
  last: last as Sequence,
  lastTerm: lastTerm as Term,
})

const roundOf = (server: Server): number => server.core?.status().round ?? 0

describe('Raft as the thesis says', () => {
  it('3.3: "if one server\'s current term is smaller than the other\'s, then it updates its current term to the larger value"', () => {
    const puppet = new Puppet()
    puppet.append(1, 7, 0, 0)
    assert.equal(puppet.core.status().round, 7)
    assert.equal(puppet.core.status().leader, puppet.node(1))
  })

  it('3.3: "If a candidate or leader discovers that its term is out of date, it immediately reverts to follower state"', () => {
    const puppet = new Puppet()
    const term = puppet.lead()
    assert.equal(puppet.core.status().leader, puppet.self)
    puppet.receive(1, { type: 'alive', term: (term + 1) as Term, round: 0 })
    assert.equal(puppet.core.status().state, 'changing')
  })

  it('3.3: "If a server receives a request with a stale term number, it rejects the request"', () => {
    const puppet = new Puppet()
    puppet.append(1, 5, 0, 0)
    const effects = puppet.append(2, 4, 0, 0, entry(4, 'stale'))
    assert.equal(sent(effects, 'acknowledge').length, 0)
    assert.equal(sent(effects, 'alive')[0]?.term, 5)
  })

  it('3.4: "Each server will vote for at most one candidate in a given term, on a first-come-first-served basis"', () => {
    const puppet = new Puppet()
    assert.equal(sent(puppet.receive(1, ask(3, 0, 0)), 'voted')[0]?.granted, true)
    assert.equal(sent(puppet.receive(2, ask(3, 0, 0)), 'voted')[0]?.granted, false)
  })

  it('3.4: "Raft uses randomized election timeouts to ensure that split votes are rare"', () => {
    const cluster = new Cluster(5)
    cluster.elect()
    let elections = 0
    for (let i = 0; i < 10; i++) {
      const leader = cluster.elect()
      const before = roundOf(leader)
      cluster.isolate(cluster.servers.indexOf(leader))
      cluster.pass(4_000)
      const next = cluster.elect()
      elections += roundOf(next) - before
      cluster.heal()
      cluster.pass(1_000)
    }
    assert.ok(elections <= 13, `${elections} elections for ten leaders`)
  })

  it('3.5: "the leader appends the command to its log, then issues AppendEntries RPCs in parallel to each of the other servers"', () => {
    const puppet = new Puppet()
    const term = puppet.lead()
    const [noop] = sent(puppet.effects, 'append').flatMap(({ entries }) => entries)
    for (const place of [1, 2]) puppet.receive(place, puppet.acknowledgement(place, term, [noop as never]))
    const effects = puppet.request('a')
    const appends = only(effects, 'send').filter(({ message }) => message.type === 'append')
    assert.deepEqual(
      appends.map(({ to }) => to),
      [puppet.node(1), puppet.node(2)],
    )
    assert.equal(
      effects.findIndex(({ type }) => type === 'save') < effects.findIndex(({ type }) => type === 'send'),
      true,
    )
  })

  it('3.5: "If two entries in different logs have the same index and term, then the logs are identical in all preceding entries"', () => {
    const puppet = new Puppet()
    puppet.append(1, 1, 0, 0, entry(1, 'a'), entry(1, 'b'))
    assert.equal(sent(puppet.append(2, 2, 2, 2, entry(2, 'c')), 'mismatch').length, 1)
    assert.equal(sent(puppet.append(2, 2, 2, 1, entry(2, 'c')), 'acknowledge')[0]?.index, 3)
  })

  it('3.5: "a leader never overwrites or deletes entries in its own log"', () => {
    const puppet = new Puppet()
    puppet.append(1, 1, 0, 0, entry(1, 'a'), entry(1, 'b'))
    const term = puppet.lead()
    const appends = sent(puppet.effects, 'append')
    assert.equal(appends[0]?.previous, 2)
    const mismatch = {
      type: 'mismatch',
      term,
      previous: 2 as Sequence,
      hint: 0 as Sequence,
      hintTerm: 0 as Term,
    } as const
    const [again] = sent(puppet.receive(1, mismatch), 'append')
    assert.deepEqual(
      again?.entries.map((each) => each.term),
      [1, 1, term],
    )
  })

  it('3.6.1: "If the logs have last entries with different terms, then the log with the later term is more up-to-date"', () => {
    const puppet = new Puppet()
    puppet.append(1, 3, 0, 0, entry(1, 'a'), entry(3, 'b'))
    puppet.tick(4_000)
    assert.equal(sent(puppet.receive(2, ask(9, 8, 2)), 'voted')[0]?.granted, false)
    assert.equal(sent(puppet.receive(2, ask(10, 1, 3)), 'voted')[0]?.granted, false)
    assert.equal(sent(puppet.receive(2, ask(11, 2, 3)), 'voted')[0]?.granted, true)
  })

  it('3.6.1 again: "If the logs end with the same term, then whichever log is longer is more up-to-date"', () => {
    const puppet = new Puppet()
    puppet.append(1, 3, 0, 0, entry(3, 'a'), entry(3, 'b'))
    puppet.tick(4_000)
    assert.equal(sent(puppet.receive(2, ask(9, 1, 3)), 'voted')[0]?.granted, false)
    assert.equal(sent(puppet.receive(2, ask(10, 1, 4)), 'voted')[0]?.granted, true)
  })

  it('3.10: "the prior leader sends a TimeoutNow request ... the target server then starts a new election" at once', () => {
    const puppet = new Puppet()
    puppet.append(1, 3, 0, 0, entry(3, 'a'))
    const effects = puppet.receive(1, { type: 'take-over', term: 3 as Term })
    const [asked] = sent(effects, 'vote')
    assert.deepEqual([asked?.term, asked?.pre, asked?.transfer], [4, false, true])
  })

  it('4.2.3: "if a server receives a RequestVote request within the minimum election timeout of hearing from a current leader, it does not update its term or grant its vote"', () => {
    const puppet = new Puppet()
    puppet.append(1, 3, 0, 0)
    assert.equal(sent(puppet.receive(2, ask(9, 5, 5)), 'voted')[0]?.granted, false)
    assert.equal(puppet.core.status().round, 3)
    const transfer = { ...ask(9, 5, 5), transfer: true }
    assert.equal(sent(puppet.receive(2, transfer), 'voted')[0]?.granted, true)
  })

  it('5: each server compacts its log on its own, up to what it has executed', () => {
    const cluster = new Cluster(3)
    const leader = cluster.elect()
    for (let i = 0; i < 60; i++) cluster.request(leader, `request ${i}`)
    cluster.pass(1_000)
    for (const { journal } of cluster.servers) assert.ok(journal.length < 4 * parameters.window, `${journal.length}`)
  })

  it('6.2: "a leader steps down if an election timeout elapses without a successful round of heartbeats to a majority"', () => {
    const puppet = new Puppet()
    puppet.lead()
    puppet.tick(parameters.suspectMs + 100)
    assert.equal(puppet.core.status().state, 'changing')
  })

  it('6.4: "it issues a new round of heartbeats and waits for their acknowledgments from a majority of the cluster"', () => {
    const cluster = new Cluster(3)
    const leader = cluster.elect()
    cluster.request(leader, 'a')
    cluster.pass(500)
    const [follower] = cluster.servers.filter((server) => server !== leader) as [Server]
    cluster.give(follower, { type: 'read', id: '3'.repeat(32) })
    assert.equal(only(follower.effects, 'readable').length, 0)
    cluster.settle()
    const [answer] = only(follower.effects, 'readable')
    assert.equal(answer?.sequence, leader.machine.height)
  })

  it('9.6: "a candidate only increments its term if it first learns from a majority that they would be willing to grant"', () => {
    const puppet = new Puppet()
    puppet.tick(20_000)
    assert.equal(puppet.core.status().round, 0)
    assert.ok(sent(puppet.effects, 'vote').every(({ pre, term }) => pre && term === 1))
    puppet.receive(1, { type: 'voted', term: 1 as Term, pre: true, granted: true })
    assert.equal(puppet.core.status().round, 1)
  })
})
