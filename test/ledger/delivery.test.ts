// What delivery decides, one scenario at a time. The reference model and random histories are in model.test.ts.

import assert from 'node:assert/strict'
import { sequenceOf, timeOf } from '../../src/base/ids.ts'
import { encode } from '../../src/base/schema.ts'
import { nullBatch, summarize } from '../../src/consensus/batch.ts'
import { blockHash } from '../../src/consensus/block.ts'
import { proveKey, signerOf } from '../../src/ledger/build.ts'
import { Ledger } from '../../src/ledger/ledger.ts'
import { signedTransactionSchema } from '../../src/ledger/transaction.ts'
import {
  acme,
  act,
  app,
  appId,
  batch,
  bolt,
  data,
  events,
  genesis,
  graphId,
  keyAdd,
  ledgerId,
  openItem,
  organisationKey,
  owned,
  people,
  personalItem,
  policyNamed,
  right,
  testKey,
  World,
  worldWithApp,
} from './world.ts'

describe('Delivery', () => {
  it('L3 executes a request once that two replicas, two views and a restart bring again', async () => {
    const world = await worldWithApp()
    const { bytes } = await data(app, 1)
    assert.deepEqual(world.deliver([bytes, bytes]), ['OK', 'REPEATED'])
    const stateHash = world.ledger.stateHash()
    const { outcomes, changes } = world.ledger.apply(sequenceOf(3), batch([bytes]))
    assert.deepEqual(
      outcomes.map(({ code, admitted }) => [code, admitted]),
      [['REPEATED', false]],
    )
    assert.deepEqual(changes, [])
    assert.equal(world.ledger.stateHash(), stateHash)
  })

  it('L3 takes another transaction under a used number for a repeat', async () => {
    const world = await worldWithApp()
    const [first, second] = [await data(app, 1, [openItem('a')]), await data(app, 1, [openItem('b')])]
    assert.equal(first.tx, second.tx)
    assert.deepEqual(world.deliver([first.bytes, second.bytes]), ['OK', 'REPEATED'])
  })

  it('L4 executes number 5 before number 4 and then 4', async () => {
    const world = await worldWithApp()
    const order = [1, 2, 3, 5, 4]
    const transactions = await Promise.all(order.map(async (sequence) => (await data(app, sequence)).bytes))
    assert.deepEqual(
      world.deliver(transactions),
      order.map(() => 'OK'),
    )
    assert.equal(world.ledger.nextSequence(appId), 6)
  })

  it('L5 refuses an old request after its number left the window, and after its key was revoked', async () => {
    const world = await worldWithApp()
    const old = (await data(app, 1)).bytes
    const [next, far] = [(await data(app, 2)).bytes, (await data(app, 1026)).bytes]
    assert.deepEqual(world.deliver([old, next, far]), ['OK', 'OK', 'OK'])
    assert.deepEqual(world.deliver([old]), ['SEQUENCE_EXPIRED'])
    assert.deepEqual(world.deliver([await act('acme', 2, { type: 'key-revoke', key: appId })]), ['OK'])
    assert.deepEqual(world.deliver([far, old, (await data(app, 1027)).bytes]), [
      'REPEATED',
      'SEQUENCE_EXPIRED',
      'SIGNER_REVOKED',
    ])
  })

  it('L26 lets later numbers go on when number 7 is lost, and a refused jump burns nothing', async () => {
    const world = await worldWithApp()
    const numbers = [1, 2, 3, 4, 5, 6, 8, 9]
    world.deliver(await Promise.all(numbers.map(async (sequence) => (await data(app, sequence)).bytes)))
    assert.deepEqual(world.deliver([(await data(app, 2_000_000)).bytes]), ['SEQUENCE_TOO_FAR'])
    assert.equal(world.ledger.nextSequence(appId), 10)
    assert.deepEqual(world.deliver([(await data(app, 10)).bytes, (await data(app, 7)).bytes]), ['OK', 'OK'])
  })

  it('L27 lets a thousand inserts into one graph at once succeed', async () => {
    const world = await worldWithApp()
    const inserts = await Promise.all(
      Array.from({ length: 1000 }, async (_, place) => (await data(app, place + 1)).bytes),
    )
    assert.deepEqual(new Set(world.deliver(inserts)), new Set(['OK']))
  })

  it('finds a conflict only with a graph that the change was computed from', async () => {
    const world = await worldWithApp()
    const [onEvents, onPeople] = [events, people].map((iri) => ({ graph: graphId(iri), version: sequenceOf(1) }))
    assert.ok(onEvents !== undefined && onPeople !== undefined)
    assert.deepEqual(world.deliver([(await data(app, 1)).bytes]), ['OK'])
    const codes = world.deliver([
      (await data(app, 2, [openItem()], { base: [onEvents] })).bytes,
      (await data(app, 3, [openItem()], { base: [onPeople] })).bytes,
      (await data(app, 4, [openItem()], { base: [{ ...onEvents, version: sequenceOf(2) }] })).bytes,
    ])
    assert.deepEqual(codes, ['CONFLICT', 'OK', 'CONFLICT'])
    assert.deepEqual(
      world.deliver([(await data(app, 5, [openItem()], { base: [{ ...onEvents, version: sequenceOf(3) }] })).bytes]),
      ['OK'],
    )
  })

  it('P20 puts the time into the digest, and lets the time of blocks never go back', async () => {
    const [early, late] = [batch([], 5_000), batch([], 6_000)]
    const first = Ledger.fromGenesis(genesis).apply(sequenceOf(1), early)
    const second = Ledger.fromGenesis(genesis).apply(sequenceOf(1), late)
    assert.notEqual(first.header.batch, second.header.batch)
    const world = new World()
    world.deliver([], 6_000)
    const { header } = world.ledger.apply(sequenceOf(2), early)
    assert.equal(header.time, 6_000)
    assert.equal(header.batch, first.header.batch)
    const filler = world.ledger.apply(sequenceOf(3), nullBatch)
    assert.equal(filler.header.time, 6_000)
    assert.equal(filler.header.previous, blockHash(header))
    assert.equal(filler.hash, blockHash(filler.header))
    assert.equal(world.ledger.lastHash, filler.hash)
  })

  it('gives a kept batch, whose read tokens are forgotten, the same header', async () => {
    const { bytes } = await data(app, 1)
    const full = { ...batch([bytes]), tokens: [new Uint8Array(16).fill(7)] }
    const kept = { time: full.time, transactions: full.transactions, tokens: summarize(full).tokens }
    const [live, replayed] = [full, kept].map((each) => Ledger.fromGenesis(genesis).apply(sequenceOf(1), each))
    assert.deepEqual(replayed, live)
  })

  it('P25 lets a key that is enrolled at one height sign at the next, and before only what fails', async () => {
    const world = new World()
    const { bytes } = await data(app, 1)
    const enrol = await keyAdd('acme', 1, app, [right(events)])
    assert.deepEqual(world.deliver([bytes, enrol, bytes]), ['KEY_UNKNOWN', 'OK', 'OK'])
    assert.deepEqual(world.deliver([(await data(app, 2)).bytes]), ['OK'])
  })

  it('N7 refuses weak keys at enrolment', async () => {
    const world = new World()
    const weak = { publicKey: Uint8Array.of(1, ...new Uint8Array(31)), seed: app.seed }
    assert.deepEqual(world.deliver([await keyAdd('acme', 1, weak, [])]), ['KEY_WEAK'])
  })

  it('N8 refuses what a revoked key signed, and the key never comes back', async () => {
    const world = await worldWithApp()
    assert.deepEqual(
      world.deliver([(await data(app, 1)).bytes, await act('acme', 2, { type: 'key-revoke', key: appId })]),
      ['OK', 'OK'],
    )
    assert.deepEqual(world.deliver([(await data(app, 2)).bytes]), ['SIGNER_REVOKED'])
    assert.deepEqual(world.deliver([await keyAdd('acme', 3, app, [right(events)])]), ['KEY_TAKEN'])
    assert.deepEqual(world.ledger.applicationKey(appId)?.revoked, [sequenceOf(2)])
  })

  it('lets nobody enrol the key of another, nor a key that has another use', async () => {
    const world = new World()
    const proof = await proveKey(ledgerId, acme, signerOf(app))
    const stolen = { type: 'key-add', key: app.publicKey, name: 'app', rights: [], proof } as const
    assert.deepEqual(world.deliver([await act('bolt', 1, stolen), await act('acme', 1, stolen)]), [
      'SIGNATURE_INVALID',
      'OK',
    ])
    assert.deepEqual(world.deliver([await keyAdd('bolt', 2, app, [])]), ['KEY_TAKEN'])
    assert.deepEqual(world.deliver([await keyAdd('acme', 2, organisationKey('bolt'), [])]), ['KEY_TAKEN'])
    assert.deepEqual(world.deliver([await keyAdd('acme', 3, testKey('bolt-1 consensus'), [])]), ['KEY_TAKEN'])
  })

  it('replaces the rights of a key that its organisation enrols again', async () => {
    const world = await worldWithApp()
    assert.deepEqual(world.deliver([await keyAdd('acme', 2, app, [right(people)]), (await data(app, 1)).bytes]), [
      'OK',
      'NOT_PERMITTED',
    ])
    assert.equal(world.ledger.applicationKey(appId)?.enrolled, 1)
  })

  it('asks for a right to the graph, and for an organisation that may write there', async () => {
    const world = await worldWithApp()
    const other = testKey('app of bolt')
    assert.deepEqual(world.deliver([await keyAdd('bolt', 1, other, [right(owned)])]), ['NOT_PERMITTED'])
    assert.deepEqual(world.deliver([await keyAdd('bolt', 2, other, [right(owned, 'read'), right(events, 'read')])]), [
      'OK',
    ])
    const codes = world.deliver([
      (await data(other, 1, [openItem('x', owned)])).bytes,
      (await data(other, 2, [openItem('x', events)])).bytes,
      (await data(app, 1, [openItem('x', owned)])).bytes,
      (await data(organisationKey('acme'), 2)).bytes,
      (await data(app, 2, [openItem('x', 'urn:g:absent')])).bytes,
    ])
    assert.deepEqual(codes, ['NOT_PERMITTED', 'NOT_PERMITTED', 'OK', 'NOT_PERMITTED', 'GRAPH_UNKNOWN'])
  })

  it('executes nothing after its time, by the time of blocks', async () => {
    const world = await worldWithApp()
    const expires = timeOf(3_000)
    const [inTime, late] = [
      await data(app, 1, [openItem()], { expires }),
      await data(app, 2, [openItem()], { expires }),
    ]
    assert.deepEqual(world.deliver([inTime.bytes], 3_000), ['OK'])
    world.deliver([], 3_001)
    assert.deepEqual(world.deliver([late.bytes], 1), ['EXPIRED'])
    assert.deepEqual(world.deliver([late.bytes], 1), ['REPEATED'])
  })

  it('holds items to their policies', async () => {
    const world = await worldWithApp()
    const unknown = { ...openItem(), policy: { ...policyNamed('open'), name: 'absent' } }
    const personalUnderOpen = { ...personalItem(), policy: { ...policyNamed('personal'), name: 'open' } }
    const codes = world.deliver([
      (await data(app, 1, [personalItem()])).bytes,
      (await data(app, 2, [unknown])).bytes,
      (await data(app, 3, [personalUnderOpen])).bytes,
    ])
    assert.deepEqual(codes, ['OK', 'POLICY_UNKNOWN', 'ALGORITHM_MISMATCH'])
  })

  it('registers policies and graphs for the organisation that signs, each name once', async () => {
    const world = new World()
    const policy = { ...policyNamed('open'), name: 'open of bolt', controller: bolt }
    const graph = { iri: 'urn:g:bolt', owner: bolt, policy: policy.name, writers: [] }
    const codes = world.deliver([
      await act('bolt', 1, { type: 'graph-add', graph }),
      await act('acme', 1, { type: 'policy-add', policy }),
      await act('bolt', 2, { type: 'policy-add', policy }),
      await act('bolt', 3, { type: 'policy-add', policy }),
      await act('bolt', 4, { type: 'policy-add', policy: { ...policy, name: 'secret', class: 'confidential' } }),
      await act('bolt', 5, { type: 'graph-add', graph }),
    ])
    assert.deepEqual(codes, ['POLICY_UNKNOWN', 'NOT_CONTROLLER', 'OK', 'NAME_TAKEN', 'POLICY_UNSUPPORTED', 'OK'])
    assert.equal(world.ledger.graphVersion(graphId(graph.iri)), 1)
    assert.deepEqual(world.ledger.graph(graphId(graph.iri)), graph)
  })

  it('stops at a height out of turn, and at a transaction that no correct validator votes for', async () => {
    const world = await worldWithApp()
    assert.throws(() => world.ledger.apply(sequenceOf(3), batch([])), { name: 'InvariantError' })
    assert.throws(() => world.ledger.apply(sequenceOf(2), batch([Uint8Array.of(0)])), { name: 'InvariantError' })
    const foreign = encode(signedTransactionSchema, { body: Uint8Array.of(1), signature: new Uint8Array(64) })
    assert.throws(() => world.ledger.apply(sequenceOf(2), batch([foreign])), { name: 'InvariantError' })
    assert.equal(world.ledger.id, ledgerId)
  })
})
