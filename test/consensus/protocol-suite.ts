// The contract of a protocol core (src/consensus/contract.ts), as tests that every protocol sits.

import assert from 'node:assert/strict'
import { equal } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { idBytes, type NodeId, type Time } from '../../src/base/ids.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { agreedOf, commitCertificateFault, resultCertificateFault } from '../../src/consensus/certificate.ts'
import type { Effect, Protocol } from '../../src/consensus/contract.ts'
import { faultModelOf } from '../../src/consensus/quorum.ts'
import { Random } from '../sim/random.ts'
import { simLedger } from '../sim/roster.ts'
import { toyVerify } from '../sim/signatures.ts'
import { Lockstep, type Member } from './lockstep.ts'

type Send<Message> = Extract<Effect<Message>, { type: 'send' }>

const voteDomains: readonly string[] = ['pre-prepare', 'prepare', 'commit', 'acknowledgement']

/** `count` requests through one node each in turn, and time for them to become final. */
function worked<Message>(protocol: Protocol<Message>, nodes: number, count: number): Lockstep<Message> {
  const world = new Lockstep(protocol, nodes)
  world.pass(1_000)
  for (let i = 0; i < count; i++) {
    world.request(world.members[i % nodes] as Member<Message>, `request ${i}`)
    world.pass(300)
  }
  world.pass(3_000)
  return world
}

function effectsOf<Message>(member: Member<Message>): readonly Effect<Message>[] {
  return member.steps.flatMap(({ effects }) => effects)
}

function sendsOf<Message>(effects: readonly Effect<Message>[]): readonly Send<Message>[] {
  return effects.filter((effect): effect is Send<Message> => effect.type === 'send')
}

export function protocolContract<Message>(name: string, protocol: Protocol<Message>): void {
  describe(`The protocol contract: ${name}`, () => {
    orderingContract(protocol)
    messageContract(protocol)
    if (faultModelOf(protocol.name) === 'byzantine') lyingContract(protocol)
    durabilityContract(protocol)
  })
}

function orderingContract<Message>(protocol: Protocol<Message>): void {
  const heights = (world: Lockstep<Message>): readonly number[] => world.members.map(({ machine }) => machine.height)

  for (const nodes of [4, 5, 7]) {
    it(`delivers every request on all of ${nodes} nodes, in one order, and makes it final`, () => {
      const world = worked(protocol, nodes, 12)
      const [first, ...others] = world.members.map(({ machine }) => machine.applied)
      assert.equal(first?.logSize, (heights(world)[0] as number) + 12)
      for (const other of others) assert.deepEqual(other, first)
      assert.deepEqual(
        world.members.map(({ final }) => final),
        heights(world),
      )
    })
  }

  it('delivers without gaps, each once, with certificates of what it delivers', () => {
    const world = worked(protocol, 4, 12)
    for (const member of world.members) {
      const delivers = effectsOf(member).filter((effect) => effect.type === 'deliver')
      assert.deepEqual(
        delivers.map(({ sequence }) => sequence),
        delivers.map((_, i) => i + 1),
      )
      for (const { certificate, sequence } of delivers) {
        assert.equal(agreedOf(certificate).sequence, sequence)
        assert.equal(commitCertificateFault(certificate, world.roster, toyVerify, world.faults), undefined)
      }
    }
  })

  it('reports final blocks in order, with certificates that verify', () => {
    const world = worked(protocol, 4, 12)
    for (const member of world.members) {
      const finals = effectsOf(member).filter((effect) => effect.type === 'final')
      assert.ok(finals.length > 0)
      for (const [i, { certificate }] of finals.entries()) {
        assert.equal(resultCertificateFault(certificate, world.roster, toyVerify, world.faults), undefined)
        const before = finals[i - 1]?.certificate.result.sequence ?? 0
        assert.ok(certificate.result.sequence > before)
      }
    }
  })

  it('gives the same effects for the same inputs', () => {
    const [once, again] = [worked(protocol, 4, 6), worked(protocol, 4, 6)]
    assert.deepEqual(
      again.members.map(({ steps }) => steps),
      once.members.map(({ steps }) => steps),
    )
  })

  it('delivers with a quorum while one node is away, and the node catches up when it is back', () => {
    const world = worked(protocol, 4, 2)
    const [first, away] = [world.members[0], world.members[3]] as [Member<Message>, Member<Message>]
    away.away = true
    for (let i = 0; i < 10; i++) {
      world.request(first, `without it ${i}`)
      world.pass(300)
    }
    assert.ok(first.machine.height > away.machine.height)
    away.away = false
    world.request(first, 'with it')
    world.pass(10_000)
    assert.deepEqual(away.machine.applied, first.machine.applied)
    assert.equal(away.final, first.final)
  })

  it('tells its status in terms of the roster', () => {
    const world = worked(protocol, 4, 3)
    for (const { core, machine } of world.members) {
      const status = core.status()
      assert.ok(world.roster.validators.some(({ node }) => node === status.leader))
      assert.equal(status.delivered, machine.height)
      assert.ok(status.final <= status.delivered && status.stable <= status.delivered)
      assert.equal(status.state, 'normal')
    }
  })
}

function messageContract<Message>(protocol: Protocol<Message>): void {
  it('sends to other validators only', () => {
    const world = worked(protocol, 4, 6)
    for (const member of world.members) {
      for (const { to } of sendsOf(effectsOf(member))) {
        assert.ok(to !== member.node && world.roster.validators.some(({ node }) => node === to))
      }
    }
  })

  it('sends messages that have one encoding and whose claims all hold', () => {
    const world = worked(protocol, 4, 6)
    for (const { message } of world.members.flatMap((member) => sendsOf(effectsOf(member)))) {
      const bytes = encode(protocol.messages, message)
      assert.deepEqual(decode(protocol.messages, bytes), message)
      assert.ok(world.verifies(message))
    }
  })

  it('P11 makes claims that hold for no other ledger, wherever the ledger is signed', () => {
    const world = worked(protocol, 4, 6)
    for (const { domain, bytes } of world.signatures.values()) {
      const ledger = idBytes(simLedger)
      const names = bytes.some((_, i) => equal(bytes.subarray(i, i + ledger.length), ledger))
      assert.ok(names, `${domain} does not name its ledger`)
    }
  })

  it('takes no harm from the same message again, from old ones and from its own', () => {
    const world = worked(protocol, 4, 6)
    const all = world.members.flatMap((member) =>
      sendsOf(effectsOf(member)).map((send) => ({ from: member.node, send })),
    )
    const random = new Random(1)
    for (let i = 0; i < 1_000; i++) {
      const { from, send } = random.pick(all)
      const member = random.pick(world.members)
      const effects = world.give(member, { type: 'receive', from, message: send.message })
      assert.ok(effects.every(({ type }) => type !== 'accuse' && type !== 'refuse' && type !== 'fence'))
      world.settle()
    }
    world.request(world.members[1] as Member<Message>, 'afterwards')
    world.pass(3_000)
    assert.equal(new Set(world.members.map(({ machine }) => machine.applied.logRoot)).size, 1)
    assert.ok(world.members.every(({ machine }) => machine.applied.logSize === machine.height + 7))
  })
}

/** Where members trust one another's code, nobody lies. */
function lyingContract<Message>(protocol: Protocol<Message>): void {
  it('L25 never throws and never delivers two things, whatever verified message a liar makes up', () => {
    const world = worked(protocol, 4, 4)
    const liar = (world.members[3] as Member<Message>).node
    const honest = world.members.slice(0, 3)
    const random = new Random(2)
    let received = 0
    let recent: readonly Send<Message>[] = []
    for (let i = 0; i < 2_000; i++) {
      if (i % 100 === 0) recent = world.members.flatMap((member) => sendsOf(effectsOf(member).slice(-200)))
      const { message } = random.pick(recent)
      const forged = altered(world, liar, message, random)
      if (forged === undefined || !world.verifies(forged)) continue
      received++
      world.give(random.pick(honest), { type: 'receive', from: liar, message: forged })
      if (i % 20 === 0) world.pass(100)
    }
    assert.ok(received > 100, `${received} altered messages verified`)
    world.request(honest[0] as Member<Message>, 'afterwards')
    world.pass(3_000)
    for (const { machine } of honest) assert.deepEqual(machine.applied, honest[0]?.machine.applied)
    for (const { core } of honest) assert.notEqual(core.status().state, 'fenced')
  })
}

/** A message with one flipped bit, its liar's own signatures made anew; undefined when it does not decode. */
function altered<Message>(
  world: Lockstep<Message>,
  liar: NodeId,
  message: Message,
  random: Random,
): Message | undefined {
  const { messages } = world.protocol
  const bytes = encode(messages, message)
  const place = random.below(bytes.length)
  bytes[place] = (bytes[place] as number) ^ (1 << random.below(8))
  try {
    for (const claim of world.protocol.claims(decode(messages, bytes), simLedger)) {
      const at =
        claim.signer === liar ? bytes.findIndex((_, i) => equal(bytes.subarray(i, i + 64), claim.signature)) : -1
      if (at >= 0) bytes.set(world.sign(liar, claim.domain, claim.bytes), at)
    }
    return decode(messages, bytes)
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}

function durabilityContract<Message>(protocol: Protocol<Message>): void {
  it('P17 lets a vote leave only behind a save', () => {
    const world = worked(protocol, 4, 6)
    let votes = 0
    for (const member of world.members) {
      const left = new Set<string>()
      for (const { effects } of member.steps) {
        for (const [i, effect] of effects.entries()) {
          if (effect.type !== 'send') continue
          const claims = protocol.claims(effect.message, simLedger)
          // A certificate shows votes again that left long before, or that a leader made for it.
          if (claims.some(({ signer }) => signer !== member.node)) continue
          for (const { signer, domain, signature } of claims) {
            if (signer !== member.node || !voteDomains.includes(domain) || left.has(String(signature))) continue
            left.add(String(signature))
            assert.ok(
              effects.slice(0, i).some(({ type }) => type === 'save'),
              `a ${domain} leaves unsaved`,
            )
          }
        }
      }
      votes += left.size
    }
    assert.ok(votes > 0)
  })

  it('goes on after all nodes restart with their journals', () => {
    const world = worked(protocol, 4, 7)
    const before = world.members[0]?.machine.height as number
    for (const member of world.members) world.restart(member)
    world.pass(2_000)
    world.request(world.members[2] as Member<Message>, 'after the restart')
    world.pass(5_000)
    assert.ok(world.members.every(({ machine }) => machine.height > before))
    assert.equal(new Set(world.members.map(({ machine }) => machine.applied.logRoot)).size, 1)
  })

  it('restarts from any prefix of a journal that was never acknowledged further', () => {
    const world = worked(protocol, 4, 3)
    const member = world.members[1] as Member<Message>
    for (let length = 0; length <= member.journal.length; length++) {
      world.restart(member, member.journal.slice(0, length))
      member.core.step({ type: 'tick', now: (world.now + 100) as Time })
    }
    assert.equal(member.core.status().delivered, member.machine.height)
  })

  it('keeps its journal bounded by cutting it', () => {
    const world = worked(protocol, 4, 60)
    const cuts = effectsOf(world.members[1] as Member<Message>).filter((effect) => effect.type === 'cut')
    assert.ok(cuts.length > 0)
    const lengths = world.members.map(({ journal }) => journal.length)
    const saved = world.members.map((member) => effectsOf(member).filter(({ type }) => type === 'save').length)
    for (const [i, length] of lengths.entries())
      assert.ok(length < (saved[i] as number) / 2, `${length} of ${saved[i]}`)
  })
}
