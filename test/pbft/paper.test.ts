// Sentences of the papers, each with its section and one test: Castro and Liskov, "Practical Byzantine Fault Tolerance",
// OSDI 1999 (sections named so), and "... and Proactive Recovery", TOCS 20(4), 2002 (TOCS).

import assert from 'node:assert/strict'
import type { Time } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { batchDigest } from '../../src/consensus/batch.ts'
import { batchOf, only, Puppet, parameters, sent, someDigest } from './puppet.ts'

describe('PBFT as the papers say', () => {
  it('4: "The primary of a view is replica p such that p = v mod |R|, where v is the view number"', () => {
    const puppet = new Puppet(1, 7)
    for (const view of [2, 3, 10]) {
      puppet.enter(view)
      assert.equal(puppet.core.status().leader, puppet.node(view % 7))
    }
  })

  it('4.1: "If the replica is not the primary, it relays the request to the primary"', () => {
    const puppet = new Puppet()
    const effects = only(puppet.receive(2, { type: 'request', transactions: [new Uint8Array([1, 7])] }), 'send')
    assert.deepEqual(
      effects.map(({ to, message }) => [to, message.type]),
      [[puppet.node(0), 'request']],
    )
  })

  it('4.2: "it has not accepted a pre-prepare message for view v and sequence number n containing a different digest"', () => {
    const puppet = new Puppet()
    puppet.receive(0, puppet.prePrepare(0, 1, batchOf(puppet, 'a')))
    assert.equal(sent(puppet.receive(0, puppet.prePrepare(0, 1, batchOf(puppet, 'b'))), 'prepare').length, 0)
  })

  it('4.2: "the sequence number in the pre-prepare message is between a low water mark, h, and a high water mark, H"', () => {
    const puppet = new Puppet()
    for (let sequence = 1; sequence <= parameters.window; sequence++) {
      puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    }
    assert.equal(puppet.core.status().delivered, parameters.window)
    assert.equal(sent(puppet.agree(0, parameters.window + 1, batchOf(puppet, 'above H')), 'prepare').length, 0)
    puppet.receive(2, { type: 'certified', certificate: puppet.certificate(4, [0, 2, 3]) })
    assert.equal(sent(puppet.receive(0, puppet.prePrepare(0, 4, batchOf(puppet, 'at h'))), 'prepare').length, 0)
  })

  it('4.2: "If backup i accepts the message, it enters the prepare phase by multicasting a prepare message to all other replicas"', () => {
    const puppet = new Puppet()
    const effects = only(puppet.receive(0, puppet.prePrepare(0, 1, batchOf(puppet, 'a'))), 'send')
    const told = effects.flatMap(({ to, message }) => (message.type === 'prepare' ? [to] : []))
    assert.deepEqual(
      told,
      puppet.others().map((place) => puppet.node(place)),
    )
  })

  it('4.2: "prepared is true iff replica i has inserted the request, a pre-prepare and 2f prepares from different backups that match"', () => {
    const puppet = new Puppet(1, 7)
    const batch = batchOf(puppet, 'a')
    const digest = batchDigest(batch)
    for (const place of [2, 3, 4]) puppet.receive(place, puppet.prepare(place, 0, 1, digest))
    assert.equal(sent(puppet.effects, 'commit').length, 0, 'no pre-prepare yet')
    puppet.receive(0, puppet.prePrepare(0, 1, batch))
    assert.equal(sent(puppet.effects, 'commit').length, 1, 'three of others and its own')
  })

  it('4.2: "the primary\'s pre-prepare counts as its prepare": a PREPARE of the leader is refused', () => {
    const puppet = new Puppet()
    const effects = puppet.receive(0, puppet.prepare(0, 0, 1, someDigest('a')))
    assert.equal(only(effects, 'refuse')[0]?.code, 'NOT_LEADER')
  })

  it('4.2: "Each replica executes the operation after committed-local is true and all requests with lower sequence numbers were executed"', () => {
    const puppet = new Puppet()
    puppet.helpful = true
    assert.equal(only(puppet.agree(0, 3, batchOf(puppet, 'c')), 'deliver').length, 0)
    assert.equal(only(puppet.agree(0, 2, batchOf(puppet, 'b')), 'deliver').length, 0)
    assert.equal(only(puppet.agree(0, 1, batchOf(puppet, 'a')), 'deliver').length, 3)
  })

  it('4.3: "a checkpoint with a proof of 2f + 1 checkpoint messages is stable, and the replica discards all messages below it"', () => {
    const puppet = new Puppet()
    for (let sequence = 1; sequence <= 5; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    puppet.receive(0, { type: 'result', signed: puppet.result(0, 4) })
    assert.equal(puppet.core.status().stable, 0)
    const effects = puppet.receive(2, { type: 'result', signed: puppet.result(2, 4) })
    assert.equal(puppet.core.status().stable, 4)
    assert.deepEqual(only(effects, 'cut'), [{ type: 'cut', before: 4 }])
    assert.ok(puppet.journal.every(({ sequence }) => sequence >= 4))
  })

  it('4.4: "it stops accepting messages (other than checkpoint, view-change, and new-view messages)"', () => {
    const puppet = new Puppet()
    puppet.agree(0, 1, batchOf(puppet, 'a'))
    for (const place of [2, 3]) puppet.receive(place, { type: 'view-change', change: puppet.viewChange(place, 2) })
    const effects = puppet.agree(0, 2, batchOf(puppet, 'b'))
    assert.equal(sent(effects, 'prepare').length + sent(effects, 'commit').length, 0)
    const results = [0, 2].flatMap((place) => [
      ...puppet.receive(place, { type: 'result', signed: puppet.result(place, 1) }),
    ])
    assert.equal(only(results, 'final').length, 1)
  })

  it('4.4: "P is a set containing a set Pm for each request m that prepared at i with a sequence number higher than n"', () => {
    const puppet = new Puppet()
    for (let sequence = 1; sequence <= 5; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    puppet.receive(2, { type: 'certified', certificate: puppet.certificate(4, [0, 2, 3]) })
    const effects = [2, 3].flatMap((place) => [
      ...puppet.receive(place, { type: 'view-change', change: puppet.viewChange(place, 2) }),
    ])
    const [own] = sent(effects, 'view-change')
    assert.deepEqual(
      own?.change.prepared.map(({ sequence }) => sequence),
      [5],
    )
    assert.equal(own?.change.stable[0]?.result.sequence, 4)
  })

  it('4.4: "When the primary p of view v + 1 receives 2f valid view-change messages, it multicasts a new-view message"', () => {
    const puppet = new Puppet(1)
    const digest = someDigest('a')
    const one = puppet.receive(0, {
      type: 'view-change',
      change: puppet.viewChange(0, 1, [puppet.prepared(0, 1, digest)]),
    })
    assert.equal(sent(one, 'new-view').length, 0)
    const [newView] = sent(puppet.receive(2, { type: 'view-change', change: puppet.viewChange(2, 1) }), 'new-view')
    assert.equal(newView?.newView.changes.length, 3)
    assert.deepEqual(
      newView?.newView.proposals.map(({ digest }) => digest),
      [digest],
    )
    assert.ok(puppet.verifies(newView))
  })

  it('4.4: "they redo the protocol for messages between min-s and max-s but avoid re-executing client requests"', () => {
    const puppet = new Puppet()
    const batch = batchOf(puppet, 'a')
    puppet.agree(0, 1, batch)
    const effects = puppet.enter(2, [puppet.prepared(0, 1, batchDigest(batch))])
    assert.equal(sent(effects, 'prepare')[0]?.vote.view, 2)
    const again = [0, 3].flatMap((place) => [...puppet.receive(place, puppet.prepare(place, 2, 1, batchDigest(batch)))])
    assert.equal(sent(again, 'commit')[0]?.vote.view, 2)
    for (const place of [0, 2, 3]) puppet.receive(place, puppet.commit(place, 2, 1, batchDigest(batch)))
    assert.equal(only(puppet.effects, 'deliver').length, 1)
  })

  it('4.5.2: "if it receives f + 1 valid view-change messages for views greater than its own, it sends one for the smallest, even if its timer has not expired"', () => {
    const puppet = new Puppet(1, 7)
    for (const [place, view] of [
      [2, 9],
      [3, 5],
    ] as const) {
      puppet.receive(place, { type: 'view-change', change: puppet.viewChange(place, view) })
    }
    assert.equal(puppet.core.status().round, 0)
    puppet.receive(4, { type: 'view-change', change: puppet.viewChange(4, 6) })
    assert.equal(puppet.core.status().round, 5)
  })

  it('4.5.2: "faulty replicas are unable to impede progress by forcing frequent view changes": f wishes change nothing', () => {
    const puppet = new Puppet(1, 7)
    for (let view = 1; view < 50; view++) {
      for (const place of [2, 3]) puppet.receive(place, { type: 'view-change', change: puppet.viewChange(place, view) })
    }
    assert.deepEqual([puppet.core.status().round, puppet.core.status().state], [0, 'normal'])
  })

  it('TOCS 5.4: the primary picks a time within bounds, and "backups accept it" only near their own clocks', () => {
    const puppet = new Puppet()
    const untimely = { ...batchOf(puppet, 'a'), time: (puppet.now + limits.clockSkewMsMax + 1_000) as Time }
    assert.equal(sent(puppet.receive(0, puppet.prePrepare(0, 1, untimely)), 'prepare').length, 0)
    assert.equal(sent(puppet.tick(900), 'prepare').length, 0)
    assert.equal(sent(puppet.tick(200), 'prepare').length, 1, 'withheld, not refused: clocks move')
  })
})
