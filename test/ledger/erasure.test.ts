// Erasure as rules: orders, approvals, holds, attestations and the tree of erased ids.

import assert from 'node:assert/strict'
import { idBytes, sequenceOf, type TxId, timeOf } from '../../src/base/ids.ts'
import { leafHash, rootOf } from '../../src/base/merkle.ts'
import { type SigningKey, sign } from '../../src/base/signature.ts'
import { buildAct, signerOf } from '../../src/ledger/build.ts'
import { approvalBytes, type ErasureAct, type ItemPlace } from '../../src/ledger/erasure-acts.ts'
import { Ledger } from '../../src/ledger/ledger.ts'
import { itemIdFor, txIdFor } from '../../src/ledger/transaction.ts'
import { Archive } from './archive.ts'
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
  organisationNames,
  people,
  personalItem,
  right,
  testKey,
} from './world.ts'

const officer = testKey('data protection officer')
const stranger = testKey('app of bolt')
const reference = new Uint8Array(16).fill(9)

/** A ledger with an archive; acme's application and officer may erase, and two personal items stand at height 2. */
class ErasureWorld {
  readonly archive = new Archive()
  readonly ledger = Ledger.fromGenesis(genesis, this.archive.read)
  erased: readonly string[] = []

  deliver(...transactions: readonly Uint8Array[]): readonly string[] {
    const delivered = this.ledger.apply(sequenceOf(this.ledger.height + 1), batch(transactions))
    this.archive.keep(delivered)
    this.erased = delivered.erased.map(({ item }) => item)
    return delivered.outcomes.map(({ code }) => code)
  }
}

async function erasureWorld(): Promise<ErasureWorld> {
  const world = new ErasureWorld()
  const rights = [right(people), right(people, 'erase'), right(events), right(events, 'erase')]
  const enrolled = world.deliver(
    await keyAdd('acme', 1, app, rights),
    await keyAdd('acme', 2, officer, rights),
    await keyAdd('bolt', 1, stranger, rights),
  )
  assert.deepEqual(enrolled, ['OK', 'OK', 'OK'])
  assert.deepEqual(world.deliver((await data(app, 1, [personalItem('a'), personalItem('b')])).bytes), ['OK'])
  return world
}

const place = (index: number, sequence = 2): ItemPlace => ({ sequence: sequenceOf(sequence), transaction: 0, index })
const itemAt = (index: number): string =>
  itemIdFor(txIdFor({ ledger: ledgerId, key: app.publicKey, sequence: 1 }), index)

async function send(
  key: SigningKey,
  sequence: number,
  what: ErasureAct,
): Promise<{ readonly bytes: Uint8Array; readonly tx: TxId }> {
  return await buildAct({ ledger: ledgerId, key: signerOf(key), sequence, expires: forEver, act: what })
}

/** An order, approved by the officer unless told otherwise. */
async function order(
  sequence: number,
  items: readonly ItemPlace[],
  options: { readonly key?: SigningKey; readonly approver?: SigningKey; readonly approvedFor?: number } = {},
): Promise<{ readonly bytes: Uint8Array; readonly tx: TxId }> {
  const { key = app, approver = officer, approvedFor = sequence } = options
  const content = { items, reason: 'art17-1-b', reference } as const
  const tx = txIdFor({ ledger: ledgerId, key: key.publicKey, sequence: approvedFor })
  const signature = sign('erasure-approval', approvalBytes({ ledger: ledgerId, order: tx, ...content }), approver.seed)
  return send(key, sequence, { type: 'erase', ...content, approval: { key: approver.publicKey, signature } })
}

function attestation(
  node: string,
  sequence: number,
  of: TxId,
  hits = 0,
  probes = 5,
): Promise<{ readonly bytes: Uint8Array }> {
  return send(testKey(`${node} consensus`), sequence, {
    type: 'erasure-attest',
    order: of,
    counts: { files: 3, bytes: 1000, probes, hits },
    software: new Uint8Array(32),
    unlock: 'key-file',
    backupsEnd: timeOf(0),
  })
}

describe('An erasure order', () => {
  it('puts tombstones into its own block and the ids into an append-only tree', async () => {
    const world = await erasureWorld()
    assert.equal(world.ledger.erasureRoot().size, 0)
    assert.deepEqual(world.deliver((await order(2, [place(0)])).bytes), ['OK'])
    assert.deepEqual(world.erased, [itemAt(0)])
    assert.deepEqual(world.deliver((await order(3, [place(1)])).bytes), ['OK'])
    const leaves = [itemAt(0), itemAt(1)].map((id) => leafHash(idBytes(id as never)))
    assert.deepEqual(world.ledger.erasureRoot().size, 2)
    assert.deepEqual(idBytes(world.ledger.erasureRoot().root), rootOf(leaves))
  })

  it('E3 is refused from the wrong member and for an unknown item, and repeated it changes nothing', async () => {
    const world = await erasureWorld()
    const colleague = testKey('second app of bolt')
    world.deliver(await keyAdd('bolt', 2, colleague, [right(people, 'erase')]))
    const foreign = await order(1, [place(0)], { key: stranger, approver: colleague })
    assert.deepEqual(world.deliver(foreign.bytes), ['NOT_CONTROLLER'])
    assert.deepEqual(world.deliver((await order(2, [place(7)])).bytes, (await order(3, [place(0, 9)])).bytes), [
      'ITEM_UNKNOWN',
      'ITEM_UNKNOWN',
    ])
    const first = await order(4, [place(0)])
    assert.deepEqual(world.deliver(first.bytes, first.bytes, (await order(5, [place(0), place(1)])).bytes), [
      'OK',
      'REPEATED',
      'OK',
    ])
    assert.deepEqual(world.erased, [itemAt(0), itemAt(1)])
    assert.deepEqual(world.deliver((await order(6, [place(0)])).bytes), ['OK'])
    assert.deepEqual(world.erased, [])
    assert.equal(world.ledger.erasureRoot().size, 2)
  })

  it('E3 is refused while a legal hold lies on one of its items', async () => {
    const world = await erasureWorld()
    const hold = await send(officer, 1, { type: 'hold', items: [place(1)], reference })
    assert.deepEqual(world.deliver(hold.bytes), ['OK'])
    assert.deepEqual(world.ledger.holdsOn(itemAt(1) as never), [hold.tx])
    assert.deepEqual(world.deliver((await order(2, [place(0), place(1)])).bytes), ['LEGAL_HOLD'])
    assert.deepEqual(world.erased, [])
    assert.deepEqual(world.deliver((await order(3, [place(0)])).bytes), ['OK'])
    const lift = (key: SigningKey, sequence: number) => send(key, sequence, { type: 'hold-lift', hold: hold.tx })
    assert.deepEqual(
      world.deliver((await lift(stranger, 1)).bytes, (await lift(officer, 2)).bytes, (await lift(officer, 3)).bytes),
      ['NOT_CONTROLLER', 'OK', 'HOLD_UNKNOWN'],
    )
    assert.deepEqual(world.deliver((await order(4, [place(1)])).bytes), ['OK'])
    assert.deepEqual(world.erased, [itemAt(1)])
  })

  it('needs the eyes of two keys of the controller, for this very order', async () => {
    const world = await erasureWorld()
    const codes = world.deliver(
      (await order(2, [place(0)], { approver: app })).bytes,
      (await order(3, [place(0)], { approver: stranger })).bytes,
      (await order(4, [place(0)], { approver: testKey('nobody') })).bytes,
      (await order(5, [place(0)], { approvedFor: 6 })).bytes,
    )
    assert.deepEqual(codes, ['APPROVAL_MISSING', 'APPROVAL_MISSING', 'APPROVAL_MISSING', 'SIGNATURE_INVALID'])
    assert.deepEqual(
      world.deliver(await keyAdd('acme', 3, officer, [right(people)]), (await order(6, [place(0)])).bytes),
      ['OK', 'APPROVAL_MISSING'],
    )
    assert.deepEqual(world.deliver(await keyAdd('acme', 4, app, [right(people)]), (await order(7, [place(0)])).bytes), [
      'OK',
      'NOT_PERMITTED',
    ])
    assert.equal(world.ledger.erasureRoot().size, 0)
  })

  it('names only items of earlier blocks', async () => {
    const world = await erasureWorld()
    const written = (await data(app, 2, [personalItem('c')])).bytes
    assert.deepEqual(world.deliver(written, (await order(3, [place(0, 3)])).bytes), ['OK', 'ITEM_UNKNOWN'])
    assert.deepEqual(world.deliver((await order(4, [place(0, 3)])).bytes), ['OK'])
  })

  it('E6 is partial and names who has not attested, until all have', async () => {
    const world = await erasureWorld()
    const { bytes, tx } = await order(2, [place(0)])
    world.deliver(bytes)
    const nodes = organisationNames.map((name) => `${name}-1`)
    for (const node of nodes.slice(0, 3))
      assert.deepEqual(world.deliver((await attestation(node, 1, tx)).bytes), ['OK'])
    const last = genesis.nodes.find(({ name }) => name === 'dune-1')
    assert.deepEqual(world.ledger.erasure(tx), {
      type: 'partial',
      organisation: 'acme',
      height: 3,
      erased: 1,
      obliged: genesis.nodes.map(({ id }) => id).sort(),
      missing: [last?.id],
    })
    const codes = world.deliver(
      (await attestation('dune-1', 1, tx, 1)).bytes,
      (await attestation('acme-1', 2, tx)).bytes,
      (await attestation('dune-1', 3, '00'.repeat(32) as TxId)).bytes,
      (await send(app, 3, { type: 'hold-lift', hold: tx })).bytes,
      // Held no copy, so had nothing to look for.
      (await attestation('dune-1', 4, tx, 0, 0)).bytes,
    )
    assert.deepEqual(codes, ['PURGE_INCOMPLETE', 'ATTESTED_BEFORE', 'ORDER_UNKNOWN', 'HOLD_UNKNOWN', 'OK'])
    assert.equal(world.ledger.erasure(tx)?.type, 'complete')
    assert.equal(world.ledger.erasure('11'.repeat(32) as TxId), undefined)
  })

  it('lets a node sign attestations and nothing else', async () => {
    const world = await erasureWorld()
    const node = testKey('acme-1 consensus')
    const change = await act('acme', 3, { type: 'key-revoke', key: '00'.repeat(32) as never })
    const codes = world.deliver(
      (await data(node, 1, [personalItem()])).bytes,
      (await order(2, [place(0)], { key: node })).bytes,
      change,
    )
    assert.deepEqual(codes, ['NOT_PERMITTED', 'NOT_PERMITTED', 'KEY_UNKNOWN'])
  })
})
