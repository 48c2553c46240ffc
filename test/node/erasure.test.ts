// Erasure orders carried out by four real nodes in one process: what every interface says from the order's block on.

import assert from 'node:assert/strict'
import { LedgerError } from '../../src/base/errors.ts'
import { timeOf } from '../../src/base/ids.ts'
import { signerOf } from '../../src/ledger/build.ts'
import { approve, type ErasureDraft, signDraft } from '../../src/node/erasure-draft.ts'
import type { QuadrilleNode } from '../../src/node/node.ts'
import { scanFiles } from '../../src/store/raw-scan.ts'
import { enrol, type Founded, foundFour, settled } from './consortium.ts'
import { act, attested, type Erasers, enrolErasers, erase, stated } from './erasing.ts'

describe('An erasure order at four nodes', function () {
  this.timeout(60_000)
  let founded: Founded
  let nodes: QuadrilleNode[]
  let erasers: Erasers
  const node = (number: number): QuadrilleNode => nodes[number] as QuadrilleNode

  before(async () => {
    founded = await foundFour({ checkpointInterval: 8, window: 32 })
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number)))
    await Promise.all(nodes.map((each) => each.start()))
    await enrol(founded, nodes)
    erasers = await enrolErasers(founded, nodes)
  })

  after(async () => {
    await Promise.all(nodes.map((each) => each.stop()))
    await founded.remove()
  })

  it('E1 takes the item from every node at every height, and leaves the others', async () => {
    const gone = await stated(founded, node(0), 1)
    const stays = await stated(founded, node(1), 2)
    const before = await settled(nodes)
    const order = await erase(founded, node(2), erasers, [gone.place])
    assert.equal(order.code, 'OK')
    await settled(nodes, order.sequence)
    for (const each of nodes) {
      const counts = [before, order.sequence].map((height) => each.source(height).countQuads())
      assert.deepEqual(await Promise.all(counts), [3, 3])
      const item = await each.item(gone.item)
      assert.equal(item?.type, 'erased')
      assert.deepEqual(item?.type === 'erased' && [item.order, item.height], [order.tx, order.sequence])
      assert.equal((await each.item(stays.item))?.type, 'whole')
    }
  })

  it('E13 ends a query that reads an older height with QUERY_ABORTED_BY_ERASURE', async () => {
    const gone = await stated(founded, node(0), 3, { graph: 'urn:g:personal', count: 2_000 })
    await settled(nodes)
    const reading = node(0).source().match()
    const quads = reading[Symbol.asyncIterator]()
    await quads.next()
    const order = await erase(founded, node(0), erasers, [gone.place])
    assert.equal(order.code, 'OK')
    await assert.rejects(
      async () => {
        while ((await quads.next()).done !== true);
      },
      (error) => error instanceof LedgerError && error.code === 'QUERY_ABORTED_BY_ERASURE',
    )
  })

  it('E3 erases nothing twice, and nothing that is unknown', async () => {
    const gone = await stated(founded, node(0), 4)
    const first = await erase(founded, node(0), erasers, [gone.place])
    await settled(nodes, first.sequence)
    const again = await erase(founded, node(1), erasers, [gone.place])
    assert.deepEqual([first.code, again.code], ['OK', 'OK'])
    await settled(nodes, again.sequence)
    for (const each of nodes) {
      const item = await each.item(gone.item)
      assert.equal(item?.type === 'erased' && item.order, first.tx)
    }
    await assert.rejects(
      erase(founded, node(0), erasers, [{ ...gone.place, index: 7 }]),
      (error) => error instanceof LedgerError && error.code === 'ITEM_UNKNOWN',
    )
  })

  it('E2 comes to a node that was away from before the item was made, without what was erased', async () => {
    await node(3).stop()
    const gone = await stated(founded, node(0), 5)
    const stays = await stated(founded, node(0), 6)
    const order = await erase(founded, node(0), erasers, [gone.place])
    await settled(nodes.slice(0, 3), order.sequence)
    nodes[3] = await founded.open(3)
    await node(3).start()
    await settled(nodes, order.sequence)
    assert.equal((await node(3).item(gone.item))?.type, 'erased')
    assert.equal((await node(3).item(stays.item))?.type, 'whole')
    const counts = await Promise.all(nodes.map((each) => each.source().countQuads()))
    assert.equal(new Set(counts).size, 1)
  })

  it('is purged from every disk and attested by every node, one that came later included', async () => {
    const gone = await stated(founded, node(0), 7)
    await settled(nodes)
    const probes = await Promise.all(nodes.map((each) => each.probes([gone.item])))
    const scans = (): Promise<readonly number[]> =>
      Promise.all(probes.map(async (of, number) => (await scanFiles([founded.home(number)], of)).hits))
    assert.ok((await scans()).every((hits) => hits > 0))
    const order = await erase(founded, node(1), erasers, [gone.place])
    await attested(nodes, order.tx)
    assert.deepEqual(await scans(), [0, 0, 0, 0])
  })

  it('E3 is refused with LEGAL_HOLD while a hold lies on an item, and carried out once it is lifted', async () => {
    const held = await stated(founded, node(0), 8)
    await settled(nodes)
    const hold = await act(founded, node(0), erasers.clerk, {
      type: 'hold',
      items: [held.place],
      reference: new Uint8Array(16),
    })
    assert.equal(hold.code, 'OK')
    const { items } = await node(0).overview({ type: 'items', items: [held.item] })
    assert.deepEqual(items[0]?.holds, [hold.tx])
    await assert.rejects(
      erase(founded, node(0), erasers, [held.place]),
      (error) => error instanceof LedgerError && error.code === 'LEGAL_HOLD',
    )
    assert.equal((await act(founded, node(0), erasers.officer, { type: 'hold-lift', hold: hold.tx })).code, 'OK')
    assert.equal((await erase(founded, node(0), erasers, [held.place])).code, 'OK')
  })

  it('is preceded by what the controller holds about the person, which nobody else is told', async () => {
    const person = 'https://example.org/thing/9'
    const { item } = await stated(founded, node(0), 9)
    await settled(nodes)
    const found = await node(0).overview({ type: 'person', person })
    assert.deepEqual(
      found.items.map(({ item: id, quads, subjects }) => [id, quads, subjects]),
      [[item, 3, 1]],
    )
    assert.deepEqual(found.references, [])
    assert.deepEqual(found.copies.length, 4)
    assert.deepEqual((await node(1).overview({ type: 'person', person })).items, [])
    const said: string[] = []
    for await (const { object } of node(0).personQuads(person)) said.push(object.value)
    assert.deepEqual(
      said.sort(),
      [0, 1, 2].map((number) => `statement ${number} of 9`),
    )
    await erase(founded, node(0), erasers, [found.items[0]?.place as never])
    assert.deepEqual((await node(0).overview({ type: 'person', person })).items, [])
  })

  it('can be drafted, approved and sent on different machines, and an approval fits no other draft', async () => {
    const gone = await stated(founded, node(0), 10)
    const draft: ErasureDraft = {
      kind: 'quadrille erasure draft 1',
      ledger: node(0).ledger,
      key: erasers.clerk.publicKey,
      sequence: node(0).nextSequence(erasers.clerk.publicKey),
      items: [gone.place],
      reason: 'rectification',
      reference: new Uint8Array(16),
    }
    const approval = await approve(draft, signerOf(erasers.officer))
    const send = async (changed: Partial<ErasureDraft>): Promise<string> => {
      const expires = timeOf(Date.now() + 60_000)
      const { bytes } = await signDraft({ ...draft, ...changed }, approval, signerOf(erasers.clerk), expires)
      return (await node(0).submit(bytes, new Uint8Array(), AbortSignal.timeout(20_000))).code
    }
    await assert.rejects(
      send({ reason: 'other' }),
      (error) => error instanceof LedgerError && error.code === 'SIGNATURE_INVALID',
    )
    await assert.rejects(signDraft(draft, approval, signerOf(erasers.officer), timeOf(1)), LedgerError)
    assert.equal(await send({}), 'OK')
  })
})
