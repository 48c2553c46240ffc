// Attacks on the log: what is lost, late, doubled, cut off or overwritten.

import assert from 'node:assert/strict'
import type { Sequence, Term } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { encode } from '../../src/base/schema.ts'
import { commitCertificateFault, commitCertificateSchema } from '../../src/consensus/certificate.ts'
import { planTurn } from '../../src/consensus/turn.ts'
import type { Entry } from '../../src/raft/messages.ts'
import { journalRecord } from '../../src/raft/records.ts'
import { toyVerify } from '../sim/signatures.ts'
import { Cluster, parameters, type Server } from './cluster.ts'
import { entry, only, Puppet, sent } from './puppet.ts'

/** What a new leader appends to a log, as it left. */
function appended(puppet: Puppet): Entry {
  return sent(puppet.effects, 'append')
    .flatMap(({ entries }) => entries)
    .at(-1) as Entry
}

describe('Replication in Raft', () => {
  it('R3 an entry of an older term is committed by no count, only below one of this term (Figure 8)', () => {
    const puppet = new Puppet()
    const old = entry(1, 'old')
    puppet.append(1, 1, 0, 0, old)
    const term = puppet.lead()
    for (const place of [1, 2]) {
      const signed = puppet.acknowledgement(place, term, [old])
      assert.equal(only(puppet.receive(place, signed), 'deliver').length, 0)
    }
    const log = [old, appended(puppet)]
    const delivered = only(puppet.receive(1, puppet.acknowledgement(1, term, log)), 'deliver')
    assert.deepEqual(
      delivered.map(({ sequence }) => sequence),
      [1, 2],
    )
    for (const { certificate } of delivered) {
      assert.equal(commitCertificateFault(certificate, puppet.roster, toyVerify, 'crash-fault'), undefined)
    }
  })

  it('R4 the logs of Figure 7 converge, with one probe for each term in which they differ', () => {
    const logs: readonly (readonly number[])[] = [
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
      [1, 1, 1, 4, 4, 5, 5, 6, 6],
      [1, 1, 1, 4],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      [1, 1, 1, 4, 4, 4, 4],
      [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ]
    const cluster = new Cluster(logs.length)
    for (const [place, terms] of logs.entries()) {
      const server = cluster.server(place)
      const entries = terms.map((term, i) => entry(term, `${i + 1} of term ${term}`))
      const term = 7 as Term
      server.journal = [
        journalRecord(terms.length as Sequence, { type: 'entries', after: 0 as Sequence, entries }),
        journalRecord(terms.length as Sequence, { type: 'term', term, vote: [] }),
      ]
      cluster.start(server)
    }
    const leader = cluster.server(0)
    let mismatches = 0
    cluster.loses = ({ from, message }) => {
      if (message.type === 'mismatch') mismatches++
      return message.type === 'vote' && from !== leader.node
    }
    cluster.pass(3_000)
    assert.equal(cluster.leader(), leader)
    const expected = logs[0]?.map((term, i) => `${i + 1} of term ${term}`)
    for (const server of cluster.servers) assert.deepEqual(cluster.texts(server), expected)
    assert.ok(mismatches <= 6 + 4, `${mismatches} mismatches`)
  })

  it('R17 a follower that gets a log as long as the widest window leaves it proves each block that it commits then', () => {
    const puppet = new Puppet()
    // Below what is executed a window of it stays until a checkpoint comes, and above it there may be as much again.
    const log = Array.from({ length: 2 * limits.windowMax + limits.windowMax / 2 }, () => entry(1))
    for (let at = 0; at < log.length; at += limits.entriesPerAppendMax) {
      puppet.append(1, 1, at, at === 0 ? 0 : 1, ...log.slice(at, at + limits.entriesPerAppendMax))
    }
    const proof = [puppet.proof(1, log, [1, 2])]
    const [first] = only(puppet.receive(1, { type: 'heartbeat', term: 1 as Term, round: 0, proof }), 'deliver')
    assert.ok(first?.certificate.type === 'raft')
    assert.equal(first.certificate.links.length, log.length)
    assert.ok(encode(commitCertificateSchema, first.certificate).length > 0)
  })

  it('R10 a stale negative answer takes nothing back', () => {
    const puppet = new Puppet()
    const term = puppet.lead()
    const log = [appended(puppet)]
    puppet.request('a')
    log.push(appended(puppet))
    puppet.receive(1, puppet.acknowledgement(1, term, log))
    const stale = { type: 'mismatch', term, previous: 0 as Sequence, hint: 0 as Sequence, hintTerm: 0 as Term } as const
    const effects = [...puppet.receive(1, stale)]
    for (let i = 0; i < parameters.batchTransactionsMax; i++) effects.push(...puppet.request(`b ${i}`))
    const [next] = sent(effects, 'append').filter(({ previous }) => previous === 2)
    assert.equal(next?.entries.length, 1)
    assert.ok(sent(effects, 'append').every(({ previous }) => previous > 0))
  })

  it('R11 truncating and appending is one record: a crash finds the old log or the new one', () => {
    const puppet = new Puppet()
    puppet.append(1, 1, 0, 0, entry(1, 'a'), entry(1, 'b'), entry(1, 'c'))
    const before = [...puppet.journal]
    const effects = puppet.append(2, 2, 1, 1, entry(2, 'B'))
    const saves = only(effects, 'save').map(({ record }) => record)
    assert.equal(saves.length, 2, 'the term, and the log')
    const lastOf = (journal: typeof before): string => {
      puppet.restart([...journal])
      const [asked] = sent(puppet.tick(4_000), 'vote')
      return `${asked?.last}/${asked?.lastTerm}`
    }
    assert.equal(lastOf(before), '3/1')
    assert.equal(lastOf([...before, ...saves.slice(0, 1)]), '3/1')
    assert.equal(lastOf([...before, ...saves]), '2/2')
  })

  it('R12 nothing is acknowledged before it is saved, and what was not saved is not there', () => {
    const puppet = new Puppet()
    const effects = puppet.append(1, 1, 0, 0, entry(1, 'a'))
    const { before, saves, after } = planTurn(effects)
    assert.equal(saves.length > 0, true)
    assert.equal(sent(before, 'acknowledge').length, 0)
    assert.equal(sent(after, 'acknowledge').length, 1)
    const lost = new Puppet()
    lost.append(1, 1, 0, 0, entry(1, 'a'))
    lost.restart([])
    assert.equal(sent(lost.append(1, 1, 1, 1, entry(1, 'b')), 'mismatch').length, 1)
  })

  it('R14 a crash before or after an entry is executed: each is executed once', () => {
    for (const executed of [false, true]) {
      const puppet = new Puppet()
      puppet.helpful = false
      const log = [entry(1), entry(1)]
      puppet.append(1, 1, 0, 0, ...log)
      const heartbeat = { type: 'heartbeat', term: 1 as Term, round: 0, proof: [puppet.proof(1, log, [1, 2])] } as const
      const delivered = only(puppet.receive(1, heartbeat), 'deliver')
      assert.equal(delivered.length, 2)
      const [first] = delivered
      if (executed && first !== undefined) puppet.machine.execute(first.sequence, first.batch, first.certificate)
      puppet.restart()
      const again = only(puppet.receive(1, heartbeat), 'deliver')
      assert.deepEqual(
        again.map(({ sequence }) => sequence),
        executed ? [2] : [1, 2],
      )
    }
  })

  it('R18 what waited for its check when the term ended is not appended afterwards', () => {
    const puppet = new Puppet()
    puppet.helpful = false
    const [check] = only(puppet.append(1, 1, 0, 0, entry(1, 'a')), 'check')
    puppet.append(1, 2, 0, 0)
    const effects = puppet.give({ type: 'checked', token: check?.token ?? 0, verdict: 'valid' })
    assert.equal(sent(effects, 'acknowledge').flatMap(({ acknowledgements }) => acknowledgements).length, 0)
    assert.equal(only(effects, 'save').length, 0)
  })

  it('R19 without a quorum a leader takes a bounded number of requests and steps down', () => {
    const cluster = new Cluster(3)
    const leader = cluster.elect()
    cluster.isolate(cluster.servers.indexOf(leader))
    for (let i = 0; i < 3 * parameters.requestsMax; i++) cluster.request(leader, `request ${i}`)
    const rejected = only(leader.effects, 'reject')
    assert.equal(rejected.length, 2 * parameters.requestsMax)
    assert.ok(rejected.every(({ code }) => code === 'TOO_BUSY'))
    const entries = only(leader.effects, 'save').length
    assert.ok(entries <= 4 + parameters.pipelineMax, `${entries} records`)
    cluster.pass(3_000)
    assert.equal(leader.core?.status().state, 'changing')
    assert.match(leader.core?.status().note ?? '', /^Waiting for/)
  })

  it('R20 appends twice, late and out of order leave one log', () => {
    const puppet = new Puppet()
    const log = [entry(1, 'a'), entry(1, 'b'), entry(1, 'c')]
    const [a, b, c] = log as [Entry, Entry, Entry]
    assert.equal(sent(puppet.append(1, 1, 2, 1, c), 'mismatch').length, 1)
    puppet.append(1, 1, 0, 0, a, b)
    puppet.append(1, 1, 2, 1, c)
    puppet.append(1, 1, 0, 0, a)
    const effects = puppet.append(1, 1, 0, 0, a, b)
    assert.equal(sent(effects, 'acknowledge')[0]?.index, 2)
    const heartbeat = { type: 'heartbeat', term: 1 as Term, round: 0, proof: [puppet.proof(1, log, [1, 2])] } as const
    assert.equal(only(puppet.receive(1, heartbeat), 'deliver').length, 3)
    assert.equal(only(puppet.receive(1, heartbeat), 'deliver').length, 0)
  })

  it('R21 acknowledgements of an entry of an older term make no certificate, whoever signed them', () => {
    const puppet = new Puppet()
    const old = entry(1, 'overwritten later')
    puppet.append(1, 1, 0, 0, old)
    const proof = { ...puppet.proof(2, [old], [0, 1, 2]) }
    const effects = puppet.receive(1, { type: 'heartbeat', term: 2 as Term, round: 0, proof: [proof] })
    assert.equal(only(effects, 'deliver').length, 0)
    assert.equal(only(effects, 'refuse')[0]?.code, 'QUORUM_NOT_MET')

    const good = new Puppet()
    good.append(1, 1, 0, 0, old)
    const shown = good.receive(1, {
      type: 'heartbeat',
      term: 1 as Term,
      round: 0,
      proof: [good.proof(1, [old], [0, 1])],
    })
    const certificate = only(shown, 'deliver')[0]?.certificate
    assert.ok(certificate?.type === 'raft')
    const fault = (changed: object): string | undefined =>
      commitCertificateFault({ ...certificate, ...changed }, good.roster, toyVerify, 'crash-fault')
    assert.equal(fault({}), undefined)
    // The same signatures for a later term, over the same log.
    const agreement = { ...certificate.agreement, round: proof.term }
    assert.equal(fault({ agreement, signatures: proof.signatures }), 'QUORUM_NOT_MET')
    assert.equal(commitCertificateFault(certificate, good.roster, toyVerify), 'QUORUM_NOT_MET')
  })

  it('forwards to the leader, and orders what comes twice once', () => {
    const cluster = new Cluster(3)
    const leader = cluster.elect()
    const [one, two] = cluster.servers.filter((server) => server !== leader) as [Server, Server]
    for (const server of [one, two, leader, one]) cluster.request(server, 'the same')
    cluster.pass(1_000)
    for (const server of cluster.servers) assert.deepEqual(cluster.texts(server), ['the same'])
  })
})
