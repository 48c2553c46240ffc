// Attacks on state transfer and on what follows from execution, by their numbers, as far as the core plays in them: which
// results and heights it believes, and what a fetch may do to agreement. The blocks themselves are checked by src/node/sync.ts.

import assert from 'node:assert/strict'
import type { Digest, Epoch, Sequence, View } from '../../src/base/ids.ts'
import { decode } from '../../src/base/schema.ts'
import { batchDigest, requestId } from '../../src/consensus/batch.ts'
import { commitCertificateFault } from '../../src/consensus/certificate.ts'
import type { Protocol } from '../../src/consensus/contract.ts'
import { signedResultsSchema } from '../../src/pbft/messages.ts'
import { type PbftMessage, pbft } from '../../src/pbft/pbft.ts'
import { Lockstep } from '../consensus/lockstep.ts'
import { actBytes } from '../sim/acts.ts'
import { toyVerify } from '../sim/signatures.ts'
import { batchOf, only, Puppet, parameters, sent, someDigest, transaction } from './puppet.ts'

const numbers = { checkpointInterval: 4, window: 8, suspectMs: 1_000, suspectMsMax: 4_000 }

/** Replicas whose place is below `count` from the end have another state. */
function diverging(nodes: number, count: number): Protocol<PbftMessage> {
  const wrong = '0'.repeat(64) as Digest
  return {
    ...pbft,
    start: (setup) => {
      const core = pbft.start(setup)
      const diverges = Number.parseInt(setup.self.slice(0, 2), 16) >= nodes - count
      return {
        status: () => core.status(),
        rosters: (epoch) => core.rosters(epoch),
        step: (input) =>
          core.step(
            diverges && input.type === 'applied' ? { ...input, outcome: { ...input.outcome, logRoot: wrong } } : input,
          ),
      }
    },
  }
}

const status = (delivered: number): PbftMessage => ({
  type: 'status',
  epoch: 0 as Epoch,
  view: 0 as View,
  active: true,
  delivered: delivered as Sequence,
  final: delivered as Sequence,
  stable: 0 as Sequence,
  help: true,
})

describe('PBFT and state transfer', () => {
  it('L18 a wrong state at f replicas stops nobody but them', () => {
    const world = new Lockstep(diverging(4, 1), 4, 0, numbers)
    for (let i = 0; i < 20; i++) {
      world.request(world.member(0), `${i}`)
      world.pass(200)
    }
    world.pass(2_000)
    assert.deepEqual(
      world.members.map(({ core }) => core.status().state),
      ['normal', 'normal', 'normal', 'fenced'],
    )
    assert.equal(world.member(0).final, 20)
  })

  it('L18 different states at f+1 replicas: all stop at once and say so, nothing is final, and no view changes', () => {
    const world = new Lockstep(diverging(4, 2), 4, 0, numbers)
    for (let i = 0; i < 20; i++) {
      world.request(world.member(0), `${i}`)
      world.pass(200)
    }
    world.pass(20 * numbers.suspectMsMax)
    for (const { machine, final, core } of world.members) {
      const { stable, state, note, round } = core.status()
      assert.deepEqual([machine.height, final, stable, state, round], [1, 0, 0, 'fenced', 0])
      assert.match(note, /^Nothing is written: block 1 led to different results at \w+ and \w+, at \w+ and \w+\.$/)
    }
    const bytes = transaction('late')
    const refused = world.give(world.member(0), { type: 'request', id: requestId(bytes), bytes })
    assert.deepEqual(
      only(refused, 'reject').map(({ code }) => code),
      ['RESULTS_SPLIT'],
    )
  })

  it('L18 it stops when no quorum can agree any more, not before, tells who said what, and goes on when one does', () => {
    const puppet = new Puppet()
    for (let sequence = 1; sequence <= 3; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    const other = (place: number): PbftMessage => {
      const signed = puppet.result(place, 3, { logRoot: someDigest(`of ${place}`) })
      return { type: 'result', signed }
    }
    assert.equal(only(puppet.receive(0, other(0)), 'fence').length, 0, 'two of four may still agree with this one')
    const [fence] = only(puppet.receive(2, other(2)), 'fence')
    assert.equal(fence?.code, 'RESULTS_SPLIT')
    assert.deepEqual(
      decode(signedResultsSchema, fence.evidence).map(({ signer }) => signer),
      [puppet.self, puppet.nodes[0], puppet.nodes[2]],
    )
    assert.equal(sent(puppet.agree(0, 4, batchOf(puppet, 'more')), 'prepare').length, 0)
    assert.equal(only(puppet.receive(0, other(0)), 'fence').length, 0, 'once')
    puppet.receive(3, { type: 'certified', certificate: puppet.certificate(3, [0, 1, 3]) })
    assert.equal(puppet.core.status().state, 'normal')
    assert.equal(sent(puppet.tick(100), 'prepare').length, 1, 'of what was proposed meanwhile')
    assert.equal(sent(puppet.agree(0, 5, batchOf(puppet, 'anew')), 'prepare').length, 1)
  })

  it('L21 as many different answers as there are peers: no state is taken for that of a quorum', () => {
    const ahead = new Puppet(3)
    for (let sequence = 1; sequence <= 4; sequence++) ahead.agree(0, sequence, batchOf(ahead, `${sequence}`))
    const puppet = new Puppet()
    for (const place of [0, 2, 3]) {
      const signed = ahead.result(place, 4, { logRoot: someDigest(`of ${place}`) })
      puppet.receive(place, { type: 'result', signed })
    }
    assert.equal(only(puppet.tick(20 * parameters.resendMs), 'fetch').length, 0)
    assert.equal(puppet.core.status().stable, 0)
  })

  it('L21 of heights that peers only claim, the one that f+1 reached is asked for, and no more', () => {
    const puppet = new Puppet()
    for (const [place, height] of [
      [0, 3],
      [2, 7],
      [3, 10 ** 9],
    ] as const) {
      puppet.receive(place, status(height))
    }
    const [fetch] = only(puppet.tick(20 * parameters.resendMs), 'fetch')
    assert.equal(fetch?.sequence, 7)
    assert.deepEqual(fetch.checkpoint, [])
  })

  it('L19 a height at the end of the numbers, told by one that lacks a result, holds up nothing', () => {
    const puppet = new Puppet()
    puppet.agree(0, 1, batchOf(puppet, 'one'))
    for (const delivered of [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1]) {
      const effects = puppet.receive(3, { ...status(delivered), final: 0 as Sequence, help: true } as PbftMessage)
      assert.deepEqual(sent(effects, 'decided'), [])
      puppet.tick(parameters.resendMs)
    }
    puppet.agree(0, 2, batchOf(puppet, 'two'))
    assert.equal(puppet.core.status().delivered, 2)
  })

  it('L28 what one message asks for twice is given once', () => {
    const puppet = new Puppet()
    const batch = batchOf(puppet, 'one')
    puppet.agree(0, 1, batch)
    const batches = Array.from({ length: 8 }, () => batchDigest(batch))
    assert.equal(sent(puppet.receive(3, { type: 'want', changes: [], batches }), 'batch').length, 1)
  })

  it('L22 votes of the last batch of an epoch count in its own set, and certificates of one set prove nothing in another', () => {
    const world = new Lockstep<PbftMessage>(pbft, 4, 1, numbers)
    world.submit(world.member(1), actBytes({ join: [[4, 5]], leave: [3] }))
    world.pass(1_000)
    for (let i = 0; i < 3; i++) {
      world.request(world.member(1), `${i}`)
      world.pass(300)
    }
    const { machine } = world.member(1)
    const end = machine.mandate.since
    const [old, next] = [machine.mandateOf(0), machine.mandateOf(1)].map((mandate) => mandate?.roster)
    assert.ok(old !== undefined && next !== undefined)
    const [last, first] = machine.records((end - 1) as Sequence, (end + 1) as Sequence)
    assert.ok(last !== undefined && first !== undefined)
    assert.deepEqual([last.header.epoch, first.header.epoch], [0, 1])
    assert.equal(commitCertificateFault(last.certificate, old, toyVerify), undefined)
    assert.equal(commitCertificateFault(first.certificate, next, toyVerify), undefined)
    const relabelled = {
      ...last.certificate,
      agreement: { ...last.certificate.agreement, epoch: 1 as Epoch },
    }
    assert.equal(commitCertificateFault(last.certificate, next, toyVerify), 'WRONG_EPOCH')
    assert.notEqual(commitCertificateFault(relabelled, next, toyVerify), undefined)
    assert.equal(commitCertificateFault(first.certificate, old, toyVerify), 'WRONG_EPOCH')
    // A core in the next epoch hears nothing of the old one's votes.
    const { certificate } = last
    assert.equal(certificate.type, 'pbft')
    const batch = { time: last.batchTime, tokens: [], transactions: last.transactions }
    const told = world.give(world.member(2), {
      type: 'receive',
      from: world.member(3).node,
      message: { type: 'decided', certificate, batch },
    })
    assert.equal(told.filter(({ type }) => type === 'deliver').length, 0)
    assert.deepEqual(world.member(2).core.rosters(0 as Epoch), [], 'and its host drops what claims to be of that')
  })

  it('L23 a decision that comes by sync and by the protocol is delivered once, whichever comes first', () => {
    const ahead = new Puppet(3)
    for (let sequence = 1; sequence <= 3; sequence++) ahead.agree(0, sequence, batchOf(ahead, `${sequence}`))
    const { applied: outcome, checkpoint, mandate } = ahead.machine
    const synced = new Puppet()
    synced.helpful = false
    synced.give({ type: 'installed', outcome, checkpoint, mandate })
    const effects = [1, 2, 3, 4].flatMap((sequence) => synced.agree(0, sequence, batchOf(ahead, `${sequence}`)))
    assert.deepEqual(
      only(effects, 'deliver').map(({ sequence }) => sequence),
      [4],
    )
    const agreed = new Puppet()
    for (let sequence = 1; sequence <= 3; sequence++) agreed.agree(0, sequence, batchOf(ahead, `${sequence}`))
    const late = agreed.give({ type: 'installed', outcome, checkpoint, mandate })
    assert.equal(only(late, 'deliver').length, 0)
    assert.equal(only(agreed.effects, 'deliver').length, 3)
    assert.equal(sent(late, 'result').length, 0, 'nor is its result signed twice')
  })

  for (const first of ['the fetch', 'the new view'] as const) {
    it(`L24 a fetch and a view change that end in one turn, ${first} first: the replica goes on in the new view`, () => {
      const ahead = new Puppet(3)
      for (let sequence = 1; sequence <= 3; sequence++) ahead.agree(0, sequence, batchOf(ahead, `${sequence}`))
      const puppet = new Puppet()
      for (const place of [2, 3]) puppet.receive(place, status(3))
      assert.equal(only(puppet.tick(3_000), 'fetch').length, 1)
      for (const place of [2, 3]) puppet.receive(place, { type: 'view-change', change: puppet.viewChange(place, 2) })
      assert.equal(puppet.core.status().round, 2)
      const { applied: outcome, checkpoint, mandate } = ahead.machine
      const install = (): unknown => puppet.give({ type: 'installed', outcome, checkpoint, mandate })
      if (first === 'the fetch') install()
      puppet.enter(2)
      if (first === 'the new view') install()
      assert.deepEqual([puppet.core.status().state, puppet.core.status().round], ['normal', 2])
      puppet.helpful = false
      const effects = puppet.agree(2, 4, batchOf(puppet, 'after both'))
      const [check] = only(effects, 'check')
      const voted = check === undefined ? [] : puppet.give({ type: 'checked', token: check.token, verdict: 'valid' })
      assert.equal(sent([...effects, ...voted], 'prepare').length, 1)
      assert.deepEqual(
        only([...effects, ...voted], 'deliver').map(({ sequence }) => sequence),
        [4],
      )
    })
  }
})
