// Epochs: validators join, leave, change their keys, and numbers change, while requests come. Many replicas in a quiet world,
// in which some are away; the storms are test/sim's.

import assert from 'node:assert/strict'
import type { Sequence } from '../../src/base/ids.ts'
import { commitCertificateFault, resultCertificateFault } from '../../src/consensus/certificate.ts'
import type { Effect } from '../../src/consensus/contract.ts'
import { type PbftMessage, pbft } from '../../src/pbft/pbft.ts'
import { readRecord } from '../../src/pbft/records.ts'
import { Lockstep, type Member } from '../consensus/lockstep.ts'
import { type Act, actBytes } from '../sim/acts.ts'
import { simLedger } from '../sim/roster.ts'
import { toyVerify } from '../sim/signatures.ts'

type World = Lockstep<PbftMessage>

const numbers = { checkpointInterval: 4, window: 8, suspectMs: 1_000, suspectMsMax: 4_000 }
const effectsOf = (member: Member<PbftMessage>): readonly Effect<PbftMessage>[] =>
  member.steps.flatMap(({ effects }) => effects)
const epochOf = ({ machine }: Member<PbftMessage>): number => machine.mandate.roster.epoch

/** Requests through `from`, some under way at any time. */
function load(world: World, from: Member<PbftMessage>, count: number, text = 'request'): void {
  for (let i = 0; i < count; i++) {
    world.request(from, `${text} ${i}`)
    world.pass(100)
  }
}

type Send = Extract<Effect<PbftMessage>, { type: 'send' }>

/** Of what a member sends, some is lost. */
function losing(member: Member<PbftMessage>, isLost: (send: Send) => boolean): void {
  const { core } = member
  member.core = {
    status: () => core.status(),
    rosters: (epoch) => core.rosters(epoch),
    step: (input) => core.step(input).filter((effect) => effect.type !== 'send' || !isLost(effect)),
  }
}

function act(world: World, from: Member<PbftMessage>, what: Partial<Act>): void {
  world.submit(from, actBytes(what))
}

/** Every member that is not away is in this epoch, as a core too, and has the same blocks and results. */
function assertTogether(world: World, epoch: number): void {
  const here = world.members.filter(({ away }) => !away)
  assert.deepEqual(
    here.map((member) => [epochOf(member), member.core.rosters(epoch as never).length]),
    here.map(() => [epoch, 1]),
  )
  for (const { machine, final } of here) {
    assert.deepEqual(machine.applied, here[0]?.machine.applied)
    assert.equal(final, machine.height)
  }
}

/** P23: whichever block, its certificate is one set's, and everybody's is the same set. */
function assertOneSetEach(world: World): void {
  for (const { machine, steps } of world.members) {
    for (const { header, certificate } of machine.records(0 as Sequence, machine.height)) {
      const mandate = machine.mandateOf(header.epoch)
      assert.ok(mandate !== undefined && header.sequence > mandate.since)
      assert.equal(commitCertificateFault(certificate, mandate.roster, toyVerify), undefined)
    }
    for (const effect of steps.flatMap(({ effects }) => effects)) {
      if (effect.type !== 'final') continue
      const { roster } = machine.mandateOf(effect.certificate.result.epoch) ?? world
      assert.equal(resultCertificateFault(effect.certificate, roster, toyVerify), undefined)
    }
  }
}

describe('Epochs in PBFT', () => {
  it('P23 a learner is promoted and a validator leaves under load: one set of validators for each sequence', () => {
    const world: World = new Lockstep(pbft, 4, 1, numbers)
    const client = world.member(1)
    load(world, client, 5)
    act(world, client, { join: [[4, 5]], leave: [3] })
    load(world, client, 20, 'while it changes')
    world.pass(3_000)
    assertTogether(world, 1)
    assertOneSetEach(world)
    const { roster, since } = client.machine.mandate
    assert.deepEqual(
      roster.validators.map(({ node }) => node.slice(0, 2)),
      ['00', '01', '02', '04'],
    )
    assert.equal(since % numbers.checkpointInterval, 0)
    world.member(0).away = true
    load(world, world.member(4), 5, 'without the first')
    world.pass(5_000)
    assert.ok(world.member(4).machine.height > since + 5, 'the promoted one is needed for a quorum, and votes')
    assertTogether(world, 1)
    assertOneSetEach(world)
  })

  it('a rotated key signs from its epoch on, the old one up to its end, and nothing is signed with another', () => {
    const world: World = new Lockstep(pbft, 4, 0, numbers)
    const client = world.member(2)
    act(world, client, {
      join: [
        [0, 91],
        [1, 92],
      ] as const,
    })
    load(world, client, 16)
    world.pass(2_000)
    assertTogether(world, 1)
    assertOneSetEach(world)
    act(world, client, { join: [[0, 93]] as const, parameters: { checkpointInterval: 8, window: 32 } })
    load(world, client, 30, 'again')
    world.pass(3_000)
    assertTogether(world, 2)
    assertOneSetEach(world)
    const { machine, core } = client
    assert.equal(machine.mandate.parameters.checkpointInterval, 8)
    assert.equal(core.status().stable % 8, 0)
    assert.ok(core.status().stable > machine.mandate.since, 'checkpoints become stable by the new numbers')
  })

  it('an act on an idle ledger ends its epoch without another request', () => {
    const world: World = new Lockstep(pbft, 4, 1, numbers)
    act(world, world.member(0), { join: [[4, 5]] })
    world.pass(5_000)
    assertTogether(world, 1)
    assert.equal(world.member(0).machine.mandate.since, 12)
    assert.equal(world.member(0).machine.height, 12)
  })

  it('a leader that does not fill the epoch up to its end is replaced', () => {
    const world: World = new Lockstep(pbft, 4, 0, numbers)
    losing(world.member(0), ({ message }) => message.type === 'pre-prepare' && message.vote.sequence > 3)
    act(world, world.member(1), { join: [[3, 99]] })
    world.pass(300)
    assert.equal(world.member(1).machine.height, 3)
    world.pass(10_000)
    assertTogether(world, 1)
    assert.ok(world.member(1).machine.height >= 12, 'another one filled it')
  })

  it('nobody votes above the end of an epoch before its checkpoint is stable, and requests go on after it', () => {
    const world: World = new Lockstep(pbft, 4, 0, numbers)
    act(world, world.member(1), { join: [[3, 99]] })
    load(world, world.member(1), 30)
    world.pass(3_000)
    for (const { steps, machine } of world.members) {
      let proven = false
      for (const { effects } of steps) {
        for (const effect of effects) {
          if (effect.type === 'save') {
            const record = readRecord(effect.record)
            proven ||= record.type === 'stable' && record.certificate.result.sequence === machine.mandate.since
          }
          if (effect.type !== 'send' || !('vote' in effect.message)) continue
          const { epoch, sequence } = effect.message.vote
          assert.equal(epoch, sequence > machine.mandate.since ? 1 : 0)
          assert.ok(sequence <= machine.mandate.since || proven)
        }
      }
    }
    assert.ok(world.member(0).machine.applied.logSize > world.member(0).machine.height + 30, 'every request')
  })

  it('a learner follows without a vote, takes requests and answers linearizable reads', () => {
    const world: World = new Lockstep(pbft, 4, 1, numbers)
    const learner = world.member(4)
    load(world, world.member(0), 12)
    world.request(learner, 'of a client of the learner')
    world.give(learner, { type: 'read', id: 'ab'.repeat(16) })
    world.pass(3_000)
    assertTogether(world, 0)
    assert.equal(learner.machine.applied.logSize, learner.machine.height + 13)
    const signed = effectsOf(learner).flatMap((effect) =>
      effect.type === 'send' ? pbft.claims(effect.message, simLedger).map(({ signer }) => signer) : [],
    )
    assert.ok(signed.every((signer) => signer !== learner.node))
    assert.equal(effectsOf(learner).filter(({ type }) => type === 'readable').length, 1)
  })

  it('P24 a node that does not vote and reads through everybody but the leader costs no view: the others pass it on', () => {
    const world: World = new Lockstep(pbft, 4, 1, numbers)
    const learner = world.member(4)
    world.pass(500)
    losing(learner, ({ to, message }) => message.type === 'token' && to === world.member(0).node)
    world.give(learner, { type: 'read', id: 'cd'.repeat(16) })
    world.pass(8_000)
    assert.equal(effectsOf(learner).filter(({ type }) => type === 'readable').length, 1)
    assert.ok(world.members.every(({ core }) => core.status().round === 0))
  })

  it('a replica that was away crosses one epoch, and several, and votes in the last', () => {
    for (const epochs of [1, 3]) {
      const world: World = new Lockstep(pbft, 5, 0, numbers)
      const away = world.member(4)
      load(world, world.member(0), 3)
      away.away = true
      for (let epoch = 1; epoch <= epochs; epoch++) {
        act(world, world.member(0), { join: [[1, 100 + epoch]] })
        load(world, world.member(2), 20, `in epoch ${epoch}`)
      }
      world.pass(2_000)
      away.away = false
      world.pass(15_000)
      assertTogether(world, epochs)
      assertOneSetEach(world)
      world.member(3).away = true
      load(world, world.member(0), 5, 'it is needed now')
      world.pass(3_000)
      assertTogether(world, epochs)
    }
  })

  it('a validator that was removed while it was away follows in the end', () => {
    const world: World = new Lockstep(pbft, 5, 0, numbers)
    world.member(4).away = true
    act(world, world.member(0), { leave: [4] })
    load(world, world.member(0), 20)
    world.member(4).away = false
    world.pass(15_000)
    assertTogether(world, 1)
  })

  it('L15 the proof that an epoch ended reaches those who have only its blocks, from the one who is in the next', () => {
    const world: World = new Lockstep(pbft, 4, 0, numbers)
    const lost = { on: true }
    // Results of the last checkpoint reach number 0 alone.
    const isLost = ({ to, message }: Send): boolean =>
      lost.on &&
      to !== world.member(0).node &&
      (message.type === 'certified' || (message.type === 'result' && message.signed.result.sequence === 12))
    for (const member of world.members) losing(member, isLost)
    act(world, world.member(1), { join: [[2, 77]] })
    world.pass(5_000)
    assert.deepEqual(
      world.members.map(({ core, machine }) => [core.rosters(1 as never).length, machine.height]),
      [
        [1, 12],
        [0, 12],
        [0, 12],
        [0, 12],
      ],
    )
    world.restart(world.member(0))
    lost.on = false
    world.pass(3_000)
    assertTogether(world, 1)
  })

  it('L28 power that fails at f+1 after the last block of an epoch was executed, and before its result was signed, wedges nothing', () => {
    const world: World = new Lockstep(pbft, 4, 0, numbers)
    act(world, world.member(1), { join: [[3, 99]] })
    const dark = world.members.slice(2)
    for (let i = 0; i < 100 && world.member(2).machine.height < 12; i++) world.pass(100)
    // Nothing of the last block's result was saved or sent.
    for (const member of world.members) {
      const journal = dark.includes(member) ? member.journal.filter((record) => isBefore(record, 12)) : member.journal
      world.restart(
        member,
        journal.filter((record) => isBefore(record, 13)),
      )
    }
    world.pass(5_000)
    assertTogether(world, 1)
    assertOneSetEach(world)
  })
})

/** No result or proof at or above `sequence`, and nothing of a later epoch. */
function isBefore(record: Parameters<typeof readRecord>[0], sequence: number): boolean {
  const read = readRecord(record)
  if (read.type === 'result') return read.signed.result.sequence < sequence
  if (read.type === 'stable') return read.certificate.result.sequence < Math.min(sequence, 12)
  return read.type !== 'epoch' || read.roster.epoch === 0
}
