// What a replica signed before it started: its disk may be lost, or be put back from a copy, and it must not contradict itself.

import assert from 'node:assert/strict'
import type { Epoch, Sequence } from '../../src/base/ids.ts'
import { batchDigest } from '../../src/consensus/batch.ts'
import type { Effect } from '../../src/consensus/contract.ts'
import type { PbftMessage, PbftMessageOf } from '../../src/pbft/messages.ts'
import { pbft } from '../../src/pbft/pbft.ts'
import { readRecord } from '../../src/pbft/records.ts'
import { Lockstep, type Member } from '../consensus/lockstep.ts'
import { actBytes } from '../sim/acts.ts'
import { simLedger } from '../sim/roster.ts'
import { batchOf, nothingKnown, only, Puppet, sent, someDigest } from './puppet.ts'

const numbers = { checkpointInterval: 4, window: 8, suspectMs: 1_000, suspectMsMax: 4_000 }
const effectsOf = (member: Member<PbftMessage>): readonly Effect<PbftMessage>[] =>
  member.steps.flatMap(({ effects }) => effects)

/** A replica that has started and was not answered. */
function asking(...journal: Puppet['journal']): { puppet: Puppet; recall: PbftMessageOf<'recall'> } {
  const puppet = new Puppet()
  puppet.recalling = false
  puppet.effects.length = 0
  puppet.restart(journal)
  const [recall] = sent(puppet.effects, 'recall')
  assert.ok(recall !== undefined)
  return { puppet, recall }
}

describe('What a PBFT replica signed before it started', () => {
  it('P16 it votes only after q-1 others answered, whoever lies, and asks until they do', () => {
    const { puppet, recall } = asking()
    const proposal = puppet.prePrepare(0, 1, batchOf(puppet, 'a'))
    assert.equal(sent(puppet.receive(0, proposal), 'prepare').length, 0)
    assert.equal(sent(puppet.receive(2, { ...nothingKnown(recall), nonce: recall.nonce + 1 }), 'prepare').length, 0)
    assert.equal(sent(puppet.receive(2, nothingKnown(recall)), 'prepare').length, 0)
    assert.equal(sent(puppet.receive(2, nothingKnown(recall)), 'prepare').length, 0, 'each counts once')
    const asked = only(puppet.tick(600), 'send').filter(({ message }) => message.type === 'recall')
    assert.deepEqual([...new Set(asked.map(({ to }) => to))], [puppet.node(0), puppet.node(3)])
    assert.match(puppet.core.status().note, /^Waiting for 1 more validators/)
    assert.equal(sent(puppet.receive(3, nothingKnown(recall)), 'prepare').length, 1)
  })

  it('P16 while it asks it suspects nobody, signs no result, and leaves no view', () => {
    const { puppet } = asking()
    puppet.agree(0, 1, batchOf(puppet, 'a'))
    assert.equal(puppet.machine.height, 1)
    puppet.request('never ordered')
    for (const place of [2, 3]) puppet.receive(place, { type: 'view-change', change: puppet.viewChange(place, 1) })
    const effects = puppet.tick(5_000)
    for (const type of ['result', 'view-change', 'prepare'] as const) assert.equal(sent(effects, type).length, 0, type)
    const [recall] = sent(effects, 'recall')
    assert.ok(recall !== undefined)
    const freed = [2, 3].flatMap((place) => [...puppet.receive(place, nothingKnown(recall))])
    assert.deepEqual([sent(freed, 'result').length, sent(freed, 'view-change').length], [1, 1])
  })

  for (const phase of ['prepares', 'commits', 'proposals'] as const) {
    it(`P16 one of its ${phase} that its journal does not hold fences it: it votes no more in this epoch, and follows`, () => {
      const { puppet, recall } = asking()
      const [domain, view] = { prepares: ['prepare', 0], commits: ['commit', 0], proposals: ['pre-prepare', 1] }[
        phase
      ] as ['prepare', number]
      const vote = puppet.vote(domain, 1, view, 2, someDigest('given before'))
      const effects = puppet.receive(2, { ...nothingKnown(recall), [phase]: [vote] })
      assert.equal(only(effects, 'fence')[0]?.code, 'VOTES_FORGOTTEN')
      puppet.receive(3, nothingKnown(recall))
      const batch = batchOf(puppet, 'a')
      const later = puppet.agree(0, 1, batch)
      assert.deepEqual([sent(later, 'prepare').length, sent(later, 'commit').length], [0, 0])
      assert.equal(puppet.machine.height, 1, 'it follows')
      assert.equal(puppet.core.status().state, 'fenced')
      puppet.effects.length = 0
      puppet.recalling = true
      puppet.restart()
      assert.equal(only(puppet.effects, 'fence')[0]?.code, 'VOTES_FORGOTTEN', 'its journal knows')
      assert.equal(sent(puppet.agree(0, 2, batchOf(puppet, 'b')), 'prepare').length, 0)
    })
  }

  it('P22 a journal that was put back from a copy lacks a view that its validator left for', () => {
    const { puppet, recall } = asking()
    const effects = puppet.receive(2, { ...nothingKnown(recall), changes: [puppet.viewChange(1, 2)] })
    assert.equal(only(effects, 'fence')[0]?.code, 'VOTES_FORGOTTEN')
  })

  it('P22 votes that its journal does hold, or that are below its stable checkpoint, fence nobody', () => {
    const before = new Puppet()
    for (let sequence = 1; sequence <= 5; sequence++) before.agree(0, sequence, batchOf(before, `${sequence}`))
    before.receive(2, { type: 'certified', certificate: before.certificate(4, [0, 2, 3]) })
    before.enter(2)
    before.recalling = false
    before.effects.length = 0
    before.restart()
    const [recall] = sent(before.effects, 'recall')
    assert.ok(recall !== undefined)
    const digest = batchDigest(batchOf(before, '5'))
    const answer = {
      ...nothingKnown(recall),
      prepares: [before.vote('prepare', 1, 0, 3, someDigest('long ago')), before.vote('prepare', 1, 0, 5, digest)],
      commits: [before.vote('commit', 1, 0, 5, digest)],
      changes: [before.viewChange(1, 2)],
    }
    assert.equal(only(before.receive(2, answer), 'fence').length, 0)
    assert.equal(only(before.receive(3, nothingKnown(recall)), 'fence').length, 0)
    assert.equal(before.core.status().state, 'normal')
  })

  it('P16 nobody can invent its votes, and whoever shows those of another is refused', () => {
    const { puppet, recall } = asking()
    const stolen = { ...puppet.vote('prepare', 2, 0, 2, someDigest('x')), signer: puppet.self }
    assert.equal(puppet.verifies({ ...nothingKnown(recall), prepares: [stolen] }), false)
    const foreign = { ...nothingKnown(recall), prepares: [puppet.vote('prepare', 2, 0, 2, someDigest('x'))] }
    assert.equal(only(puppet.receive(2, foreign), 'refuse')[0]?.code, 'MALFORMED')
  })

  it('P22 it votes above what an answer proves to be stable only', () => {
    const ahead = new Puppet(3)
    for (let sequence = 1; sequence <= 4; sequence++) ahead.agree(0, sequence, batchOf(ahead, `${sequence}`))
    const stable = ahead.certificate(4, [0, 2, 3])
    const { puppet, recall } = asking()
    puppet.receive(2, { ...nothingKnown(recall), stable: [stable] })
    puppet.receive(3, nothingKnown(recall))
    const effects = puppet.receive(0, puppet.prePrepare(0, 1, batchOf(puppet, 'again')))
    assert.equal(sent(effects, 'prepare').length, 0)
  })

  it('answers others with what they signed, as far as it holds it: prepared certificates after a restart', () => {
    const puppet = new Puppet()
    const batch = batchOf(puppet, 'a')
    puppet.agree(0, 1, batch)
    const question: PbftMessage = { type: 'recall', epoch: 0 as Epoch, nonce: 7 }
    const [answer] = sent(puppet.receive(2, question), 'recalled')
    assert.deepEqual([answer?.nonce, answer?.prepares.length, answer?.commits.length], [7, 1, 1])
    assert.equal(sent(puppet.receive(0, question), 'recalled')[0]?.proposals.length, 1)
    puppet.restart()
    const [later] = sent(puppet.receive(2, question), 'recalled')
    assert.deepEqual(later?.prepares[0], puppet.vote('prepare', 2, 0, 1, batchDigest(batch)))
    assert.equal(sent(puppet.receive(2, { ...question, epoch: 1 as Epoch }), 'recalled').length, 0)
  })

  it('P16 a validator that lost its disk follows, and votes again after an epoch change, with a new key', () => {
    const world = new Lockstep<PbftMessage>(pbft, 4, 0, numbers)
    const lost = world.member(3)
    world.pass(300)
    for (let i = 0; i < 6; i++) {
      world.request(world.member(0), `before ${i}`)
      world.pass(300)
    }
    lost.steps.length = 0
    world.wipe(lost)
    world.pass(2_000)
    assert.equal(only(effectsOf(lost), 'fence')[0]?.code, 'VOTES_FORGOTTEN')
    world.submit(world.member(0), actBytes({ join: [[3, 99]] }))
    world.pass(6_000)
    assert.deepEqual([lost.machine.applied, lost.core.status().state], [world.member(0).machine.applied, 'normal'])
    world.member(1).away = true
    world.request(world.member(0), 'it is needed')
    world.pass(3_000)
    const signed = effectsOf(lost).flatMap((effect) =>
      effect.type === 'send' && effect.message.type !== 'view-change' && effect.message.type !== 'recalled'
        ? pbft.claims(effect.message, simLedger).filter(({ signer }) => signer === lost.node)
        : [],
    )
    assert.ok(signed.length > 0 && signed.every(({ epoch }) => epoch === 1))
    assert.equal(world.member(0).final, world.member(0).machine.height)
  })

  it('P22 a validator whose disk is put back from a copy, journal and state alike, does the same', () => {
    const world = new Lockstep<PbftMessage>(pbft, 4, 0, numbers)
    const lost = world.member(2)
    world.pass(300)
    let copy: Member<PbftMessage>['journal'] = []
    for (let i = 1; i <= 11; i++) {
      if (i === 6) copy = [...lost.journal]
      world.request(world.member(0), `${i}`)
      world.pass(300)
    }
    lost.steps.length = 0
    world.wipe(lost, 5, copy)
    world.request(world.member(0), 'and on')
    world.pass(3_000)
    assert.equal(only(effectsOf(lost), 'fence')[0]?.code, 'VOTES_FORGOTTEN')
    assert.deepEqual(lost.machine.applied, world.member(0).machine.applied)
  })

  it('a ledger begins, and begins again after all its nodes were down at once', () => {
    for (const quorum of [false, true]) {
      const world = new Lockstep<PbftMessage>(pbft, 4, 0, numbers)
      if (quorum) world.member(3).away = true
      world.request(world.member(1), 'first')
      world.pass(2_000)
      for (const member of world.members) world.restart(member)
      world.request(world.member(2), 'second')
      world.pass(3_000)
      const { machine } = world.member(0)
      assert.equal(machine.applied.logSize, machine.height + 2)
      assert.equal(world.member(0).final, machine.height)
    }
  })

  it('P22 a machine that was put back to an earlier epoch while its journal was not follows until it is there again', () => {
    const world = new Lockstep<PbftMessage>(pbft, 4, 0, numbers)
    world.submit(world.member(0), actBytes({ join: [[1, 77]] }))
    world.pass(2_000)
    for (let i = 0; i < 3; i++) {
      world.request(world.member(0), `${i}`)
      world.pass(300)
    }
    const back = world.member(2)
    back.steps.length = 0
    world.wipe(back, 6, back.journal)
    world.pass(5_000)
    assert.deepEqual(back.machine.applied, world.member(0).machine.applied)
    const votes = effectsOf(back).flatMap((effect) =>
      effect.type === 'send' && 'vote' in effect.message ? [effect.message.vote] : [],
    )
    assert.ok(votes.every(({ epoch }) => epoch === 1))
    world.member(3).away = true
    world.request(world.member(0), 'it is needed')
    world.pass(3_000)
    assert.equal(world.member(0).final, world.member(0).machine.height)
    assert.equal(only(effectsOf(back), 'fence').length, 0)
  })

  it('an epoch stands in the journal from its beginning, and again with each stable checkpoint', () => {
    const puppet = new Puppet()
    const epochs = (): number => puppet.journal.filter((record) => readRecord(record).type === 'epoch').length
    assert.equal(epochs(), 1)
    for (let sequence = 1; sequence <= 4; sequence++) puppet.agree(0, sequence, batchOf(puppet, `${sequence}`))
    puppet.receive(2, { type: 'certified', certificate: puppet.certificate(4, [0, 2, 3]) })
    assert.equal(epochs(), 1)
    assert.ok(puppet.journal.every(({ sequence }) => sequence >= (4 as Sequence)))
  })
})
