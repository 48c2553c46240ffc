// Acts of governance: ballots, changes of the roster as one set, keys in force by height, parameters, versions of the rules.

import assert from 'node:assert/strict'
import { keyId } from '../../src/base/hash.ts'
import { type NodeId, organisationIdOf, sequenceOf, timeOf } from '../../src/base/ids.ts'
import { type SigningKey, sign, verify } from '../../src/base/signature.ts'
import { buildAct, signerOf } from '../../src/ledger/build.ts'
import { type NodeCard, requestCard, signCard } from '../../src/ledger/card.ts'
import { defaultParameters } from '../../src/ledger/founding.ts'
import {
  type Change,
  memberProofBytes,
  type Proposal,
  proposalBytes,
  type RosterChange,
} from '../../src/ledger/governance-acts.ts'
import { Ledger, type StateRecord } from '../../src/ledger/ledger.ts'
import type { Organisation } from '../../src/ledger/records.ts'
import { staticVerdict } from '../../src/ledger/static.ts'
import type { Act } from '../../src/ledger/transaction.ts'
import {
  act,
  app,
  batch,
  data,
  events,
  forEver,
  genesis,
  keyAdd,
  ledgerId,
  organisationKey,
  right,
  testCard,
  testKey,
  testNode,
  testOrganisation,
  World,
} from './world.ts'

const thresholds = genesis.thresholds
const weakKey = Uint8Array.from({ length: 32 }, (_, place) => (place === 0 ? 1 : 0))
const byId = <T extends { readonly node: { readonly id: string } }>(cards: readonly T[]): readonly T[] =>
  [...cards].sort((a, b) => (a.node.id < b.node.id ? -1 : 1))

function roster(change: Partial<RosterChange>): RosterChange {
  return { type: 'roster', leaving: [], leavingNodes: [], members: [], cards: [], thresholds, ...change }
}

function govern(proposal: Proposal, voters: readonly string[]): Extract<Act, { type: 'govern' }> {
  const signed = proposalBytes({ ledger: ledgerId, proposal })
  const ballots = voters.map((id) => ({
    organisation: organisationIdOf(id),
    signature: sign('proposal', signed, organisationKey(id).seed),
  }))
  return { type: 'govern', proposal, ballots }
}

const most = ['acme', 'bolt', 'crux'] as const
let used = 0
/** A number that no transaction of these tests had before. */
const fresh = (): number => ++used

async function propose(change: Change, number = 1, voters: readonly string[] = most): Promise<Uint8Array> {
  return act('acme', fresh(), govern({ number, closes: forEver, change }, voters))
}

async function byNode(key: SigningKey, sequence: number, version: number): Promise<Uint8Array> {
  const envelope = { ledger: ledgerId, key: signerOf(key), sequence, expires: forEver }
  return (await buildAct({ ...envelope, act: { type: 'announce', version } })).bytes
}

/** A node under keys of another generation. */
function rekeyed(organisation: string, name: string, generation: string): NodeCard {
  const keys = {
    consensus: testKey(`${name} consensus ${generation}`),
    transport: testKey(`${name} transport`),
    checkpoint: testKey(`${name} checkpoint`),
  }
  const before = testNode(organisation, name)
  const node = { ...before, keys: { ...before.keys, consensus: keys.consensus.publicKey } }
  return signCard(requestCard(node, keys), testOrganisation(organisation), organisationKey(organisation))
}

/** To the last height of the epoch, exclusive. */
function toLast(world: World): void {
  const { ends } = world.ledger.governance()
  assert.ok(ends !== undefined)
  world.skip(ends - 1 - world.ledger.height)
}

/** The next block, which ends the epoch. */
const lastBlock = (world: World): ReturnType<Ledger['apply']> =>
  world.ledger.apply(sequenceOf(world.ledger.height + 1), batch([]))

const validators = (world: World): readonly NodeId[] => world.ledger.roster().validators.map(({ node }) => node)
const elm = testCard('elm', 'elm-1')

describe('A ballot', () => {
  const closes = timeOf(5_000)
  const change = roster({ cards: [elm] })
  const proposal: Proposal = { number: 1, closes, change }

  it('N13 counts once for each organisation', async () => {
    const { ballots, ...rest } = govern(proposal, ['acme', 'bolt', 'bolt'])
    const twice = await act('acme', fresh(), { ...rest, ballots })
    assert.deepEqual(staticVerdict(ledgerId, twice, verify), { type: 'invalid', code: 'MALFORMED' })
    const world = new World()
    assert.deepEqual(world.deliver([await act('acme', fresh(), govern(proposal, ['acme', 'bolt']))]), [
      'THRESHOLD_NOT_MET',
    ])
  })

  it('N13 is for one proposal and no changed one', async () => {
    const { ballots } = govern(proposal, most)
    const world = new World()
    for (const changed of [
      { ...proposal, closes: timeOf(5_001) },
      { ...proposal, change: roster({ cards: [testCard('fern', 'fern-1')] }) },
      { ...proposal, change: { ...change, thresholds: { roster: 1, rules: 1 } } },
    ]) {
      const bytes = await act('acme', fresh(), { type: 'govern', proposal: changed, ballots })
      assert.deepEqual(world.deliver([bytes]), ['SIGNATURE_INVALID'])
    }
    assert.deepEqual(world.deliver([await act('acme', fresh(), { type: 'govern', proposal, ballots })]), ['OK'])
  })

  it('N13 is a member’s, under the key in force', async () => {
    const world = new World()
    const stranger = govern(proposal, ['acme', 'bolt', 'crux', 'elm'])
    assert.deepEqual(world.deliver([await act('acme', fresh(), stranger)]), ['NOT_PERMITTED'])
    const { ballots, ...rest } = govern(proposal, most)
    const borrowed = ballots.map((ballot, place) => ({
      ...ballot,
      signature: ballots[(place + 1) % 3]?.signature ?? new Uint8Array(64),
    }))
    assert.deepEqual(world.deliver([await act('acme', fresh(), { ...rest, ballots: borrowed })]), ['SIGNATURE_INVALID'])
    const application = testKey('no member')
    world.deliver([await keyAdd('acme', fresh(), application, [right(events)])])
    const envelope = { ledger: ledgerId, key: signerOf(application), sequence: 1, expires: forEver }
    const sent = await buildAct({ ...envelope, act: govern(proposal, most) })
    assert.deepEqual(world.deliver([sent.bytes]), ['NOT_PERMITTED'])
  })

  it('N13 does not count after the close, which goes by block time', async () => {
    const world = new World()
    assert.deepEqual(world.deliver([await act('acme', fresh(), govern(proposal, most))], 5_001), ['PROPOSAL_CLOSED'])
    const punctual = new World()
    assert.deepEqual(punctual.deliver([await act('acme', fresh(), govern(proposal, most))], 5_000), ['OK'])
  })

  it('N13 is used up when its proposal is carried out, or when another one is', async () => {
    const world = new World()
    const again = [await act('acme', fresh(), govern(proposal, most)), await act('bolt', 1, govern(proposal, most))]
    assert.deepEqual(world.deliver(again), ['OK', 'PROPOSAL_OUTDATED'])
    assert.deepEqual(world.deliver([await propose(roster({}), 3)]), ['PROPOSAL_OUTDATED'])
    assert.deepEqual(world.deliver([await propose(roster({}), 2)]), ['OK'])
  })

  it('needs fewer others for rules than for members', async () => {
    const parameters = { ...defaultParameters, suspectMs: 5_000 }
    const world = new World()
    const two = await propose({ type: 'parameters', parameters }, 1, ['acme', 'bolt'])
    assert.deepEqual(thresholds, { roster: 3, rules: 3 })
    assert.deepEqual(world.deliver([two]), ['THRESHOLD_NOT_MET'])
    const looser = await propose(roster({ thresholds: { roster: 4, rules: 2 } }))
    assert.deepEqual(world.deliver([looser]), ['OK'])
    toLast(world)
    lastBlock(world)
    assert.deepEqual(world.deliver([await propose({ type: 'parameters', parameters }, 2, ['bolt', 'dune'])]), ['OK'])
    assert.deepEqual(world.deliver([await propose(roster({}), 3)]), ['THRESHOLD_NOT_MET'])
  })
})

describe('A change of the roster', () => {
  it('P23 gives everybody one set of validators for each sequence, and ends the epoch at the first checkpoint a window later', async () => {
    const world = new World()
    world.skip(9)
    const before = world.ledger.roster()
    assert.deepEqual(world.deliver([await propose(roster({ cards: [elm] }))]), ['OK'])
    // s = 10, window 256, checkpoints every 64.
    assert.equal(world.ledger.governance().ends, 320)
    while (world.ledger.height < 319) {
      assert.deepEqual(world.ledger.roster(), before)
      const { header, next } = world.ledger.apply(sequenceOf(world.ledger.height + 1), batch([]))
      assert.deepEqual([header.epoch, next], [0, undefined])
    }
    const { header, next } = lastBlock(world)
    assert.deepEqual([header.epoch, header.sequence, next?.epoch], [0, 320, 1])
    assert.deepEqual(next, world.ledger.roster())
    assert.deepEqual(next?.validators.map(({ organisation }) => organisation).sort(), [
      'acme',
      'bolt',
      'crux',
      'dune',
      'elm',
    ])
    assert.equal(lastBlock(world).header.epoch, 1)
  })

  it('P23 takes acts before the end of the epoch along, and those after it start another', async () => {
    const world = new World()
    world.deliver([await propose(roster({ cards: [elm] }))])
    toLast(world)
    const fern = testCard('fern', 'fern-1')
    const { next } = world.ledger.apply(sequenceOf(320), batch([await propose(roster({ cards: [fern] }), 2)]))
    assert.equal(next?.validators.length, 6)
    assert.equal(world.ledger.governance().ends, undefined)
    world.deliver([await propose(roster({ leaving: [fern.organisation.id], leavingNodes: [fern.node.id] }), 3)])
    assert.equal(world.ledger.governance().ends, 640)
  })

  it('is one set: additions, removals and keys together, whatever would not stand alone', async () => {
    const world = new World()
    const [dune] = genesis.nodes.filter(({ organisation }) => organisation === 'dune')
    assert.ok(dune !== undefined)
    const leave = roster({ leaving: [organisationIdOf('dune')], leavingNodes: [dune.id] })
    assert.deepEqual(world.deliver([await propose(leave)]), ['ROSTER_INVALID'])
    const swap = { ...leave, cards: byId([elm, rekeyed('bolt', 'bolt-1', '2')]) }
    assert.deepEqual(world.deliver([await propose(swap)]), ['OK'])
    assert.ok(world.ledger.node(dune.id) !== undefined && world.ledger.node(elm.node.id) === undefined)
    assert.ok(world.ledger.plannedMembers().nodes.has(elm.node.id) && !world.ledger.plannedMembers().nodes.has(dune.id))
    toLast(world)
    lastBlock(world)
    assert.ok(!validators(world).includes(dune.id) && validators(world).includes(elm.node.id))
    assert.equal(world.ledger.organisation(organisationIdOf('dune')), undefined)
    assert.deepEqual(
      world.ledger.node(testNode('bolt', 'bolt-1').id)?.keys.consensus,
      testKey('bolt-1 consensus 2').publicKey,
    )
  })

  it('P29 is refused when an organisation would run more validators than may lie', async () => {
    const world = new World()
    const second = testCard('acme', 'acme-2')
    assert.deepEqual(world.deliver([await propose(roster({ cards: [second] }))]), ['ORGANISATION_TOO_LARGE'])
    const others = ['bolt', 'crux'].map((id) => testCard(id, `${id}-2`))
    assert.deepEqual(world.deliver([await propose(roster({ cards: byId([second, ...others]) }))]), ['OK'])
    const third = testCard('acme', 'acme-3')
    assert.deepEqual(world.deliver([await propose(roster({ cards: [third] }), 2)]), ['ORGANISATION_TOO_LARGE'])
    const learner = testCard('acme', 'acme-3', 'learner')
    assert.deepEqual(world.deliver([await propose(roster({ cards: [learner] }), 2)]), ['OK'])
    assert.deepEqual(world.deliver([await propose(roster({ cards: [third] }), 3)]), ['ORGANISATION_TOO_LARGE'])
    const leavingNodes = [testNode('crux', 'crux-2').id]
    assert.deepEqual(world.deliver([await propose(roster({ leavingNodes }), 3)]), ['ORGANISATION_TOO_LARGE'])
  })

  it('is refused when it leads to what cannot run a ledger', async () => {
    const world = new World()
    const acme = organisationIdOf('acme')
    const acmeNode = testNode('acme', 'acme-1').id
    const stolen = { ...elm, node: { ...elm.node, organisation: acme } }
    const cases: readonly (readonly [RosterChange, string])[] = [
      [roster({ leaving: [acme] }), 'ROSTER_INVALID'],
      [roster({ leaving: [organisationIdOf('elm')] }), 'ROSTER_INVALID'],
      [roster({ leavingNodes: [elm.node.id] }), 'ROSTER_INVALID'],
      [roster({ leavingNodes: [acmeNode], cards: [testCard('acme', 'acme-1')] }), 'ROSTER_INVALID'],
      [roster({ cards: [elm], thresholds: { roster: 6, rules: 3 } }), 'ROSTER_INVALID'],
      [roster({ cards: [elm], thresholds: { roster: 0, rules: 3 } }), 'ROSTER_INVALID'],
      [roster({ cards: [{ ...elm, signature: new Uint8Array(64) }] }), 'SIGNATURE_INVALID'],
      [roster({ cards: [stolen] }), 'SIGNATURE_INVALID'],
      [roster({ cards: [testCard('acme', 'acme-1', 'learner')] }), 'ROSTER_INVALID'],
    ]
    for (const [change, code] of cases) assert.deepEqual(world.deliver([await propose(change)]), [code])
  })

  it('N7 is refused with a weak key', async () => {
    const world = new World()
    const weak: Organisation = { ...testOrganisation('acme'), key: weakKey }
    const member = { organisation: weak, proof: new Uint8Array(64) }
    assert.deepEqual(world.deliver([await propose(roster({ members: [member] }))]), ['KEY_WEAK'])
    const node = { ...elm.node, keys: { ...elm.node.keys, consensus: weakKey } }
    assert.deepEqual(world.deliver([await propose(roster({ cards: [{ ...elm, node }] }))]), ['KEY_WEAK'])
    const low = { ...elm.node, keys: { ...elm.node.keys, payload: new Uint8Array(32) } }
    assert.deepEqual(world.deliver([await propose(roster({ cards: [{ ...elm, node: low }] }))]), ['KEY_WEAK'])
  })

  it('brings no key that has or had another use', async () => {
    const world = new World()
    world.deliver([await keyAdd('acme', fresh(), testKey('elm-1 consensus'), [right(events)])])
    assert.deepEqual(world.deliver([await propose(roster({ cards: [elm] }))]), ['KEY_TAKEN'])
    const fern = testCard('fern', 'fern-1')
    assert.deepEqual(world.deliver([await propose(roster({ cards: [fern] }))]), ['OK'])
    const taken = await keyAdd('acme', fresh(), testKey('fern-1 transport'), [right(events)])
    assert.deepEqual(world.deliver([taken]), ['KEY_TAKEN'])
    assert.deepEqual(
      world.deliver([await propose(roster({ leaving: [fern.organisation.id], leavingNodes: [fern.node.id] }), 2)]),
      ['OK'],
    )
    assert.deepEqual(world.deliver([await propose(roster({ cards: [fern] }), 3)]), ['KEY_TAKEN'])
    const transports = await keyAdd('acme', fresh(), testKey('bolt-1 transport'), [right(events)])
    assert.deepEqual(world.deliver([transports]), ['KEY_TAKEN'])
  })

  it('changes the key of an organisation, which the new key agrees to', async () => {
    const world = new World()
    const next = testKey('organisation acme 2')
    const organisation: Organisation = { ...testOrganisation('acme'), key: next.publicKey }
    const unproven = {
      organisation,
      proof: sign('proof-of-possession', memberProofBytes({ ledger: ledgerId, organisation }), app.seed),
    }
    assert.deepEqual(world.deliver([await propose(roster({ members: [unproven] }))]), ['SIGNATURE_INVALID'])
    const proof = sign('proof-of-possession', memberProofBytes({ ledger: ledgerId, organisation }), next.seed)
    assert.deepEqual(world.deliver([await propose(roster({ members: [{ organisation, proof }] }))]), ['OK'])
    const early = await buildAct({
      ledger: ledgerId,
      key: signerOf(next),
      sequence: 1,
      expires: forEver,
      act: { type: 'key-revoke', key: keyId(app.publicKey) },
    })
    assert.deepEqual(world.deliver([early.bytes]), ['SIGNER_REVOKED'])
    toLast(world)
    lastBlock(world)
    const late = await buildAct({
      ledger: ledgerId,
      key: signerOf(next),
      sequence: 2,
      expires: forEver,
      act: { type: 'key-revoke', key: keyId(app.publicKey) },
    })
    assert.deepEqual(world.deliver([await propose(roster({}), 2), late.bytes]), ['SIGNER_REVOKED', 'KEY_UNKNOWN'])
  })

  it('survives a restart from records at every stage, with a node of the genesis gone for good', async () => {
    const stored = new Map<string, StateRecord>()
    const world = new World()
    const [dune] = genesis.nodes.filter(({ organisation }) => organisation === 'dune')
    assert.ok(dune !== undefined)
    const change = roster({ leaving: [organisationIdOf('dune')], leavingNodes: [dune.id], cards: [elm] })
    let bytes = [await propose(change)]
    while (world.ledger.height < 324) {
      const { header, changes } = world.ledger.apply(sequenceOf(world.ledger.height + 1), batch(bytes))
      bytes = []
      for (const { key, value } of changes) {
        if (value === undefined) stored.delete(`${key}`)
        else stored.set(`${key}`, { key, value })
      }
      if (![1, 319, 320, 324].includes(header.sequence)) continue
      const again = Ledger.fromRecords(genesis, stored.values(), { header })
      assert.equal(again.stateHash(), world.ledger.stateHash())
      assert.deepEqual(again.roster(), world.ledger.roster())
      assert.deepEqual(again.apply(sequenceOf(header.sequence + 1), batch([])).hash.length, 64)
    }
    assert.equal(world.ledger.node(dune.id), undefined)
  })
})

describe('A key of a member or node', () => {
  it('N8 signs within its heights and at no other', async () => {
    const world = new World()
    const [old, next] = [testKey('bolt-1 consensus'), testKey('bolt-1 consensus 2')]
    assert.deepEqual(world.deliver([await byNode(next, 1, 1)]), ['KEY_UNKNOWN'])
    assert.deepEqual(world.deliver([await propose(roster({ cards: [rekeyed('bolt', 'bolt-1', '2')] }))]), ['OK'])
    assert.deepEqual(world.deliver([await byNode(next, 1, 1), await byNode(old, 1, 1)]), ['SIGNER_REVOKED', 'OK'])
    toLast(world)
    const last = world.ledger.apply(sequenceOf(320), batch([await byNode(next, 2, 2), await byNode(old, 2, 2)]))
    assert.deepEqual(
      last.outcomes.map(({ code }) => code),
      ['SIGNER_REVOKED', 'OK'],
    )
    assert.deepEqual(world.deliver([await byNode(next, 3, 3), await byNode(old, 3, 4)]), ['OK', 'SIGNER_REVOKED'])
    assert.deepEqual(world.ledger.keyTerm(keyId(old.publicKey))?.until, [320])
    assert.deepEqual(world.ledger.keyTerm(keyId(next.publicKey))?.from, 321)
    assert.deepEqual(world.deliver([await propose(roster({ cards: [testCard('bolt', 'bolt-1')] }), 2)]), ['KEY_TAKEN'])
  })

  it('N8 of an application sleeps when its organisation leaves, but for erasures', async () => {
    const world = new World()
    const theirs = testKey('app of dune')
    world.deliver([await keyAdd('dune', 1, theirs, [right(events)])])
    const [dune] = genesis.nodes.filter(({ organisation }) => organisation === 'dune')
    assert.ok(dune !== undefined)
    const change = roster({ leaving: [organisationIdOf('dune')], leavingNodes: [dune.id], cards: [elm] })
    assert.deepEqual(world.deliver([await propose(change), (await data(theirs, 1)).bytes]), ['OK', 'OK'])
    toLast(world)
    lastBlock(world)
    const envelope = { ledger: ledgerId, key: signerOf(theirs), sequence: 3, expires: forEver }
    const hold = await buildAct({
      ...envelope,
      act: {
        type: 'hold',
        items: [{ sequence: sequenceOf(1), transaction: 0, index: 0 }],
        reference: new Uint8Array(16),
      },
    })
    const after = [
      (await data(theirs, 2)).bytes,
      hold.bytes,
      await act('dune', 2, { type: 'key-revoke', key: keyId(theirs.publicKey) }),
    ]
    assert.deepEqual(world.deliver(after), ['SIGNER_REVOKED', 'ITEM_UNKNOWN', 'SIGNER_REVOKED'])
  })
})

describe('A change of the parameters', () => {
  it('P23 comes into force with the next epoch, at a checkpoint under both intervals', async () => {
    const world = new World()
    const parameters = { ...defaultParameters, checkpointInterval: 128, window: 512 }
    world.skip(70)
    assert.deepEqual(world.deliver([await propose({ type: 'parameters', parameters })]), ['OK'])
    assert.equal(world.ledger.governance().ends, 384)
    toLast(world)
    assert.deepEqual(world.ledger.parameters(), defaultParameters)
    assert.equal(lastBlock(world).next?.epoch, 1)
    assert.deepEqual(world.ledger.parameters(), parameters)
  })

  it('is refused out of range, and where checkpoints would not meet', async () => {
    const world = new World()
    for (const wrong of [{ window: 65 }, { checkpointInterval: 96, window: 960 }, { suspectMs: 1 }]) {
      const parameters = { ...defaultParameters, ...wrong }
      assert.deepEqual(world.deliver([await propose({ type: 'parameters', parameters })]), ['PARAMETERS_INVALID'])
    }
    world.deliver([await propose(roster({ cards: [elm] }))])
    const late = { ...defaultParameters, checkpointInterval: 256, window: 512 }
    assert.equal(world.ledger.governance().ends, 320)
    assert.deepEqual(world.deliver([await propose({ type: 'parameters', parameters: late }, 2)]), [
      'PARAMETERS_INVALID',
    ])
  })
})

describe('A version of the rules', () => {
  const announced = async (world: World, version: number): Promise<void> => {
    for (const name of ['acme-1', 'bolt-1', 'crux-1', 'dune-1']) {
      assert.deepEqual(world.deliver([await byNode(testKey(`${name} consensus`), version, version)]), ['OK'])
    }
  }

  it('P28 stops software that does not know it before its height, never after, and nothing has changed', async () => {
    const old = new World()
    await announced(old, 2)
    assert.deepEqual(old.deliver([await propose({ type: 'rules', version: 2, height: sequenceOf(300) })]), ['OK'])
    const knowing = Ledger.fromGenesis(genesis, undefined, 2)
    for (const each of old.batches) knowing.apply(sequenceOf(knowing.height + 1), each)
    while (knowing.height < 299) {
      const sequence = sequenceOf(knowing.height + 1)
      assert.deepEqual(knowing.apply(sequence, batch([])), old.ledger.apply(sequence, batch([])))
    }
    const hash = old.ledger.stateHash()
    assert.equal(knowing.stateHash(), hash)
    assert.throws(() => old.ledger.apply(sequenceOf(300), batch([])), { code: 'SOFTWARE_TOO_OLD' })
    assert.deepEqual([old.ledger.height, old.ledger.stateHash()], [299, hash])
    assert.equal(knowing.rulesVersion(), 1)
    const { header } = knowing.apply(sequenceOf(300), batch([]))
    assert.equal(knowing.rulesVersion(), 2)
    const records = [...knowing.records()]
    assert.throws(() => Ledger.fromRecords(genesis, records, { header }), { code: 'SOFTWARE_TOO_OLD' })
    assert.equal(Ledger.fromRecords(genesis, records, { header }, undefined, 2).rulesVersion(), 2)
  })

  it('P28 is not activated before every validator, present and planned, announced it', async () => {
    const world = new World()
    const change: Change = { type: 'rules', version: 2, height: sequenceOf(1_000) }
    assert.deepEqual(world.deliver([await propose(change)]), ['VERSION_NOT_ANNOUNCED'])
    await announced(world, 2)
    assert.deepEqual(world.deliver([await byNode(testKey('acme-1 consensus'), 3, 2)]), ['ANNOUNCED_BEFORE'])
    assert.deepEqual(world.deliver([await propose(roster({ cards: [elm] }))]), ['OK'])
    assert.deepEqual(world.deliver([await propose(change, 2)]), ['VERSION_NOT_ANNOUNCED'])
    assert.deepEqual(world.deliver([await byNode(testKey('elm-1 consensus'), 1, 2)]), ['SIGNER_REVOKED'])
    toLast(world)
    lastBlock(world)
    assert.deepEqual(world.deliver([await byNode(testKey('elm-1 consensus'), 2, 2), await propose(change, 2)]), [
      'OK',
      'OK',
    ])
    assert.deepEqual(world.deliver([await propose(roster({ cards: [testCard('fern', 'fern-1')] }), 3)]), [
      'VERSION_NOT_ANNOUNCED',
    ])
    assert.deepEqual(world.ledger.governance().activation, { version: 2, height: 1_000 })
  })

  it('is a later one, a window ahead, and one at a time', async () => {
    const world = new World()
    await announced(world, 2)
    await announced(world, 3)
    const rules = (version: number, height: number): Change => ({ type: 'rules', version, height: sequenceOf(height) })
    for (const wrong of [rules(1, 1_000), rules(2, 200)]) {
      assert.deepEqual(world.deliver([await propose(wrong)]), ['ACTIVATION_INVALID'])
    }
    assert.deepEqual(world.deliver([await propose(rules(2, 1_000))]), ['OK'])
    assert.deepEqual(world.deliver([await propose(rules(3, 1_000), 2)]), ['ACTIVATION_INVALID'])
  })
})
