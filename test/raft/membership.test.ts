// Attacks on changes of the cluster, and on snapshots, alone and together.

import assert from 'node:assert/strict'
import type { Digest, Sequence, Term } from '../../src/base/ids.ts'
import { commitCertificateFault } from '../../src/consensus/certificate.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import type { RaftMessageOf } from '../../src/raft/messages.ts'
import { areQuorum, isQuorum } from '../../src/raft/state.ts'
import { toyVerify } from '../sim/signatures.ts'
import { Cluster, rosterRequest, type Server } from './cluster.ts'
import { endOf, entry, only, Puppet, sent } from './puppet.ts'

/** Places of the blocks that were agreed by a configuration entry. */
function configurations(cluster: Cluster): readonly { readonly sequence: Sequence; readonly rosters: number }[] {
  return [...cluster.agreed].flatMap(([sequence, { certificate }]) => {
    const rosters = certificate.type === 'raft' ? (certificate.links[0]?.configuration.length ?? 0) : 0
    return rosters > 0 ? [{ sequence, rosters }] : []
  })
}

describe('Membership in Raft', () => {
  it('goes over to other servers through a joint configuration, with learners first', () => {
    const cluster = new Cluster(5, 3)
    cluster.rosters.push(cluster.roster(1, 2, 3, 4))
    cluster.isolate(3, 4)
    const leader = cluster.elect()
    for (let i = 0; i < 30; i++) cluster.request(leader, `before ${i}`)
    cluster.request(leader, rosterRequest(1))
    cluster.pass(3_000)
    assert.deepEqual(configurations(cluster), [])
    cluster.heal()
    cluster.pass(8_000)
    assert.deepEqual(
      configurations(cluster).map(({ rosters }) => rosters),
      [2, 1],
    )
    cluster.isolate(0, 1)
    const next = cluster.elect()
    assert.ok(cluster.servers.indexOf(next) >= 2)
    cluster.request(next, 'after')
    cluster.pass(3_000)
    for (const place of [2, 3, 4]) assert.ok(cluster.texts(cluster.server(place)).includes('after'))
  })

  it('R5 one change at a time, by joint consensus: two leaders with two uncommitted changes agree in the end', () => {
    const cluster = new Cluster(5, 4)
    cluster.rosters.push(cluster.roster(1, 0, 1, 2, 3, 4))
    const first = cluster.elect()
    const place = cluster.servers.indexOf(first)
    const [other] = [0, 1, 2, 3].filter((each) => each !== place)
    cluster.rosters.push(cluster.roster(2, ...[0, 1, 2, 3].filter((each) => each !== other)))
    cluster.request(first, 'x')
    cluster.loses = ({ message }) =>
      message.type === 'append' && message.entries.some(({ configuration }) => configuration.length > 0)
    cluster.request(first, rosterRequest(1))
    cluster.pass(300)
    cluster.isolate(place)
    const second = cluster.elect()
    cluster.request(second, rosterRequest(2))
    cluster.pass(2_000)
    cluster.heal()
    cluster.pass(8_000)
    const leader = cluster.elect()
    cluster.request(leader, 'y')
    cluster.pass(2_000)
    const shapes = configurations(cluster).map(({ rosters }) => rosters)
    assert.ok(shapes.length >= 2 && shapes.every((rosters, i) => rosters === (i % 2 === 0 ? 2 : 1)), `${shapes}`)
    assert.ok(cluster.texts(leader).includes('y'))
  })

  it('R6 counts a majority of each configuration, not of both together', () => {
    const { rosters } = new Cluster(5, 3)
    const old = rosters[0] as Roster
    const next = new Cluster(5).roster(1, 0, 3, 4)
    const nodes = new Cluster(5).servers.map(({ node }) => node)
    const has =
      (...places: readonly number[]) =>
      (node: string): boolean =>
        places.some((place) => nodes[place] === node)
    assert.equal(isQuorum([old, next], has(1, 2, 0)), false)
    assert.equal(isQuorum([old, next], has(0, 3, 4)), false)
    assert.equal(isQuorum([old, next], has(0, 1, 3)), true)
    assert.equal(isQuorum([old, next], has(1, 2, 3, 4)), true)
  })

  it('R8 a configuration that is overwritten takes its voters with it', () => {
    const puppet = new Puppet(5)
    const old = { ...puppet.roster, validators: puppet.roster.validators.slice(0, 3) }
    const next = { ...puppet.roster, epoch: 1 as Roster['epoch'] }
    const asked = (): readonly string[] =>
      only(puppet.tick(4_000), 'send')
        .filter(({ message }) => message.type === 'vote')
        .map(({ to }) => to)
    puppet.append(1, 1, 0, 0, { ...entry(1), configuration: [old] })
    assert.deepEqual(new Set(asked()), new Set([puppet.node(1), puppet.node(2)]))
    puppet.append(1, 1, 1, 1, { ...entry(1), configuration: [old, next] })
    assert.equal(new Set(asked()).size, 4)
    puppet.append(2, 2, 1, 1, entry(2))
    assert.deepEqual(new Set(asked()), new Set([puppet.node(1), puppet.node(2)]))
    puppet.restart()
    assert.deepEqual(new Set(asked()), new Set([puppet.node(1), puppet.node(2)]))
  })

  it('R9 a leader that is not in the new configuration leads until that is committed, and hands over', () => {
    const cluster = new Cluster(4)
    const leader = cluster.elect()
    const place = cluster.servers.indexOf(leader)
    cluster.rosters.push(cluster.roster(1, ...[0, 1, 2, 3].filter((each) => each !== place)))
    cluster.request(leader, rosterRequest(1))
    const began = cluster.now
    cluster.pass(500)
    assert.deepEqual(
      configurations(cluster).map(({ rosters }) => rosters),
      [2, 1],
    )
    const next = cluster.elect()
    assert.notEqual(next, leader)
    assert.ok(cluster.now - began <= 1_000, 'without waiting for an election timeout')
    cluster.pass(10_000)
    assert.equal(cluster.leader(), next)
    cluster.request(next, 'without it')
    cluster.pass(1_000)
    assert.ok(cluster.texts(next).includes('without it'))
  })

  it('R22 what is committed while joint has both majorities in its certificate', () => {
    const cluster = new Cluster(6, 3)
    const next = cluster.roster(1, 3, 4, 5)
    cluster.rosters.push(next)
    const leader = cluster.elect()
    cluster.request(leader, rosterRequest(1))
    cluster.pass(3_000)
    const joint = configurations(cluster).find(({ rosters }) => rosters === 2)?.sequence as Sequence
    const certificate = cluster.agreed.get(joint)?.certificate
    assert.ok(certificate?.type === 'raft')
    const old = cluster.rosters[0] as Roster
    const fault = (signatures = certificate.signatures): string | undefined =>
      commitCertificateFault({ ...certificate, signatures }, old, toyVerify, 'crash-fault', [next])
    assert.equal(certificate.agreement.sequence, joint)
    assert.equal(fault(), undefined)
    assert.ok(areQuorum([old, next], certificate.signatures))
    const nodes = old.validators.map(({ node }) => node)
    assert.equal(fault(certificate.signatures.filter(({ node }) => nodes.includes(node))), 'QUORUM_NOT_MET')
    assert.equal(fault(certificate.signatures.filter(({ node }) => !nodes.includes(node))), 'QUORUM_NOT_MET')
  })
})

describe('Snapshots in Raft', () => {
  const install = (index: number, of: Partial<RaftMessageOf<'install'>> = {}): RaftMessageOf<'install'> => ({
    type: 'install',
    term: 3 as Term,
    index: index as Sequence,
    indexTerm: 2 as Term,
    hash: 'ab'.repeat(32) as Digest,
    configuration: [],
    ...of,
  })

  it('R17 a snapshot older than the log changes nothing', () => {
    const puppet = new Puppet()
    const log = [entry(2, 'a'), entry(2, 'b'), entry(2, 'c')]
    puppet.append(1, 2, 0, 0, ...log)
    puppet.receive(1, { type: 'heartbeat', term: 2 as Term, round: 0, proof: [puppet.proof(2, log, [1, 2])] })
    const { hash } = endOf(puppet.roster, log.slice(0, 2))
    const effects = puppet.receive(1, install(2, { hash, configuration: [puppet.roster] }))
    assert.equal(sent(effects, 'acknowledge')[0]?.index, 2)
    assert.equal(only(effects, 'fetch').length, 0)
    assert.equal(sent(puppet.append(1, 3, 3, 2, entry(3, 'd')), 'acknowledge')[0]?.index, 4)
  })

  it('R17 a snapshot brings its configuration, joint too; a fetch that fails is tried again and nothing is lost', () => {
    const puppet = new Puppet(5)
    const old = { ...puppet.roster, validators: puppet.roster.validators.slice(0, 3) }
    const next = { ...puppet.roster, epoch: 1 as Roster['epoch'] }
    const message = install(8, { configuration: [old, next] })
    const [fetch] = only(puppet.receive(1, message), 'fetch')
    assert.equal(fetch?.sequence, 8)
    assert.equal(only(puppet.receive(1, message), 'fetch').length, 0)
    puppet.give({ type: 'fetchFailed', token: fetch?.token ?? 0 })
    const [again] = only(puppet.receive(1, message), 'fetch')
    assert.notEqual(again?.token, fetch?.token)
    // Half of it came, and then what remained was bad.
    const outcome = { ...puppet.machine.applied, sequence: 4 as Sequence }
    const { mandate } = puppet.machine
    const half = puppet.give({ type: 'installed', outcome, checkpoint: outcome, mandate })
    assert.equal(sent(half, 'acknowledge').length, 0)
    puppet.give({ type: 'fetchFailed', token: again?.token ?? 0 })
    assert.equal(only(puppet.receive(1, message), 'fetch').length, 1)
    const whole = { ...outcome, sequence: 8 as Sequence }
    const done = puppet.give({ type: 'installed', outcome: whole, checkpoint: whole, mandate })
    assert.equal(sent(done, 'acknowledge')[0]?.index, 8)
    assert.equal(sent(puppet.append(1, 3, 8, 2, entry(3, 'on')), 'acknowledge')[0]?.index, 9)
    const asked = only(puppet.tick(4_000), 'send').filter(({ message: { type } }) => type === 'vote')
    assert.equal(new Set(asked.map(({ to }) => to)).size, 4)
  })

  it('R17 a server that was away fetches blocks and goes on, across a change of the cluster', () => {
    const cluster = new Cluster(4)
    const leader = cluster.elect()
    const away = cluster.servers.findIndex((server) => server !== leader)
    const gone = cluster.servers.findIndex((server, i) => server !== leader && i !== away)
    cluster.rosters.push(cluster.roster(1, ...[0, 1, 2, 3].filter((place) => place !== gone)))
    cluster.isolate(away)
    for (let i = 0; i < 20; i++) cluster.request(leader, `before ${i}`)
    cluster.request(leader, rosterRequest(1))
    cluster.pass(1_000)
    for (let i = 0; i < 20; i++) cluster.request(leader, `after ${i}`)
    cluster.pass(1_000)
    cluster.heal()
    cluster.pass(5_000)
    const back = cluster.server(away)
    assert.ok(only(back.effects, 'fetch').length > 0)
    assert.deepEqual(cluster.texts(back), cluster.texts(leader))
    cluster.start(back)
    cluster.request(leader, 'and on')
    cluster.pass(3_000)
    assert.deepEqual(cluster.texts(back).at(-1), 'and on')
    assert.ok((back as Server).journal.length < 40, `${back.journal.length} records`)
  })
})
