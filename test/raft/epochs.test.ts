// Where the ledger's epochs meet Raft's configurations: an act that was executed sets the end of an epoch, the state has other
// validators after it, and the cluster goes over to them. Whoever holds the blocks alone must be able to verify each.

import assert from 'node:assert/strict'
import type { Epoch, Sequence } from '../../src/base/ids.ts'
import { type RaftMessage, raft } from '../../src/raft/raft.ts'
import { Lockstep, type Member } from '../consensus/lockstep.ts'
import { type Act, actBytes } from '../sim/acts.ts'
import { SimMachine } from '../sim/machine.ts'
import { simLedger, simMandate, simValidator } from '../sim/roster.ts'
import { toyVerify } from '../sim/signatures.ts'
import { Cluster, parameters, rosterRequest } from './cluster.ts'
import { entry, only, Puppet, sent } from './puppet.ts'

type Raft = Lockstep<RaftMessage>

function begun(nodes: number, learners: number): Raft {
  const world = new Lockstep(raft, nodes, learners, parameters)
  world.pass(1_000)
  return world
}

function govern(world: Raft, act: Partial<Act>): void {
  world.submit(world.member(0), actBytes(act))
  world.pass(6_000)
}

const inForce = ({ machine }: Member<RaftMessage>): readonly number[] =>
  machine.succession.inForce.map(({ epoch }) => epoch)

/** As an auditor reads a copy: block after block, from the genesis. */
function assertVerifies(world: Raft, { machine }: Member<RaftMessage>): void {
  const auditor = new SimMachine(simLedger, simMandate(world.roster, parameters), 'crash-fault')
  for (const record of machine.records(0 as Sequence, machine.height)) {
    assert.equal(auditor.install(record, toyVerify), undefined, `block ${record.header.sequence}`)
  }
}

describe('Epochs in Raft', () => {
  it('end without anybody writing, and the next validators take over through a joint configuration', () => {
    const world = begun(3, 1)
    govern(world, { join: [[3, 4]] })
    for (const member of world.members) {
      assert.deepEqual(inForce(member), [1])
      assertVerifies(world, member)
    }
    world.member(0).away = true
    world.member(1).away = true
    world.request(world.member(3), 'by two of four')
    world.pass(5_000)
    assert.equal(world.member(3).final, world.member(2).final)
    world.member(1).away = false
    world.pass(5_000)
    assert.ok(world.member(3).machine.applied.logSize > world.member(3).machine.height + 1)
  })

  it('bring other keys, one validator less, and other numbers, and every copy verifies', () => {
    const world = begun(5, 0)
    govern(world, { join: [[1, 101]] })
    govern(world, { leave: [4] })
    govern(world, { parameters: { batchTransactionsMax: 1 } })
    const [member] = world.members as [Member<RaftMessage>]
    assert.deepEqual(inForce(member), [3])
    const before = member.machine.height
    for (let i = 0; i < 3; i++) world.request(member, `alone ${i}`)
    world.pass(2_000)
    assert.equal(member.machine.height - before, 3)
    for (const each of world.members.slice(0, 4)) assertVerifies(world, each)
  })

  it('a server that got their end in fetched blocks knows whom it must lead to', () => {
    const puppet = new Puppet()
    const outcome = { ...puppet.machine.applied, sequence: 8 as Sequence }
    const next = { epoch: 1 as Epoch, validators: [simValidator(0), simValidator(1), simValidator(2), simValidator(3)] }
    puppet.give({ type: 'installed', outcome, checkpoint: outcome, mandate: simMandate(next, parameters) })
    assert.deepEqual(puppet.core.rosters(1 as Epoch), [next])
    assert.deepEqual(puppet.core.rosters(2 as Epoch), [])
  })

  it('a fetch ends where one ends, and the rest is fetched again', () => {
    const puppet = new Puppet()
    const install = {
      type: 'install' as const,
      term: puppet.proof(3, [entry(3)], []).term,
      index: 12 as Sequence,
      indexTerm: puppet.proof(3, [entry(3)], []).term,
      hash: puppet.machine.applied.block,
      configuration: [puppet.roster],
    }
    assert.equal(only(puppet.receive(1, install), 'fetch').length, 1)
    const outcome = { ...puppet.machine.applied, sequence: 8 as Sequence }
    const next = { ...puppet.roster, epoch: 1 as Epoch }
    puppet.give({ type: 'installed', outcome, checkpoint: outcome, mandate: simMandate(next, parameters) })
    assert.equal(only(puppet.receive(1, install), 'fetch').length, 1)
  })

  it('R20 what was lost is sent again also to one who must have a configuration before it is sent the next', () => {
    const cluster = new Cluster(4)
    cluster.rosters.push(cluster.roster(1, 0, 1, 2, 3), cluster.roster(2, 0, 1, 2, 3))
    const leader = cluster.elect()
    const away = cluster.servers.findIndex((server) => server !== leader)
    cluster.isolate(away)
    for (const fill of ['x', 'y']) cluster.request(leader, fill.repeat(40_000))
    for (const place of [1, 2]) {
      cluster.request(leader, rosterRequest(place))
      cluster.pass(300)
    }
    // The first comes through and is answered, the second is lost.
    let appends = 0
    cluster.loses = ({ to, message }) =>
      to === cluster.server(away).node && message.type === 'append' && message.entries.length > 0 && ++appends === 2
    cluster.pass(3_000)
    assert.ok(appends > 2)
    assert.deepEqual(cluster.texts(cluster.server(away)), cluster.texts(leader))
  })

  it('R22 nothing rests on the word of one who merely learns, and whose signature nobody asked for', () => {
    const puppet = new Puppet(4)
    const others = { ...puppet.roster, validators: puppet.roster.validators.slice(1) }
    puppet.append(1, 1, 0, 0, { ...entry(1), configuration: [others] })
    const [answer] = sent(puppet.append(1, 1, 1, 1, entry(1, 'a')), 'acknowledge')
    assert.deepEqual([answer?.index, answer?.acknowledgements], [2, []])
  })

  it('R22 blocks below a joint configuration are proven by validators who are known before them', () => {
    const puppet = new Puppet(3)
    const next = { epoch: 1 as Epoch, validators: [...puppet.roster.validators, simValidator(3)] }
    const early = [entry(1, 'a'), entry(1, 'b')]
    const shown = puppet.proof(1, early, [1, 2])
    const joint = { ...entry(1), configuration: [puppet.roster, next], proof: [shown] }
    puppet.append(1, 1, 0, 0, ...early, joint, entry(1, 'c'))
    const proof = puppet.proof(1, [...early, joint, entry(1, 'c')], [1, 2, 0])
    const sorted = { ...proof, signatures: [...proof.signatures].sort((a, b) => (a.node < b.node ? -1 : 1)) }
    const delivers = only(
      puppet.receive(1, { type: 'heartbeat', term: proof.term, round: 0, proof: [sorted] }),
      'deliver',
    )
    const ends = delivers.map(({ certificate }) => certificate.agreement.sequence)
    assert.deepEqual(ends, [2, 2, 4, 4])
  })
})
