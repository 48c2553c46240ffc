// What is left on four disks after an erasure, searched from outside: for bytes noted beforehand, and by opening with every
// key that is left both the disks of now and those of before. Two planted faults show that this search can fail.

import assert from 'node:assert/strict'
import { DiskCopy, rawHits } from '../../demo/disks.ts'
import { utf8 } from '../../src/base/bytes.ts'
import type { ItemId } from '../../src/base/ids.ts'
import type { ItemPlace } from '../../src/ledger/erasure-acts.ts'
import type { NodeEvent, QuadrilleNode } from '../../src/node/node.ts'
import { KeyBag } from '../../src/store/key-bag.ts'
import { Store } from '../../src/store/store.ts'
import { enrol, type Founded, foundFour, settled } from './consortium.ts'
import { attested, type Erasers, enrolErasers, erase, stated } from './erasing.ts'

interface Searched {
  readonly rawHitsBefore: number
  readonly rawHits: number
  readonly openedHitsBefore: number
  readonly openedHits: number
}

describe('The disks of four nodes after an erasure', function () {
  this.timeout(60_000)
  let founded: Founded
  let nodes: QuadrilleNode[]
  let erasers: Erasers
  const events: NodeEvent[] = []
  const node = (number: number): QuadrilleNode => nodes[number] as QuadrilleNode
  const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0)

  before(async () => {
    founded = await foundFour({ checkpointInterval: 8, window: 32 })
    const onEvent = (event: NodeEvent): void => void events.push(event)
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number, { onEvent })))
    await Promise.all(nodes.map((each) => each.start()))
    await enrol(founded, nodes)
    erasers = await enrolErasers(founded, nodes)
  })

  after(async () => {
    await Promise.all(nodes.map((each) => each.stop()))
    await founded.remove()
  })

  /** Searches before and after `act`, which gets the items of a new person. */
  async function around(
    person: number,
    act: (gone: { readonly place: ItemPlace; readonly item: ItemId }) => Promise<void>,
  ): Promise<Searched> {
    const gone = await stated(founded, node(0), person)
    await stated(founded, node(0), person + 1)
    await settled(nodes)
    const values = [`https://example.org/thing/${person}`, `statement 1 of ${person}`]
    const disks = nodes.map((_, number) => ({
      home: founded.home(number),
      unlock: `${founded.directory}/unlock-${number}.key`,
    }))
    const copies = await Promise.all(disks.map((disk) => DiskCopy.take(disk)))
    const probes = await Promise.all(copies.map((copy) => copy.probes([gone.item])))
    const raw = async (): Promise<number> =>
      total(
        await Promise.all(disks.map((disk, number) => rawHits(disk, [...(probes[number] ?? []), ...values.map(utf8)]))),
      )
    const before = {
      rawHitsBefore: await raw(),
      openedHitsBefore: total(await Promise.all(copies.map((copy) => copy.openedHits(values)))),
    }
    await act(gone)
    const later = await Promise.all(disks.map((disk) => DiskCopy.take(disk)))
    const now = await Promise.all(later.map((copy) => copy.openedHits(values)))
    const then = await Promise.all(copies.map((copy, number) => copy.openedHits(values, later[number])))
    await Promise.all([...copies, ...later].map((copy) => copy.remove()))
    return { ...before, rawHits: await raw(), openedHits: total([...now, ...then]) }
  }

  it('E1 hold nothing of the person, also where an image from before meets the keys of now', async () => {
    const found = await around(100, async ({ place }) => {
      const { tx } = await erase(founded, node(1), erasers, [place])
      await attested(nodes, tx)
    })
    assert.ok(found.rawHitsBefore > 0)
    assert.equal(found.openedHitsBefore, 8)
    assert.deepEqual([found.rawHits, found.openedHits], [0, 0])
  })

  it('E7 hold nothing of the person either when a reader was open during the purge', async () => {
    const found = await around(200, async ({ place }) => {
      const readers = nodes.map((each) => each.source().match()[Symbol.asyncIterator]())
      await Promise.all(readers.map((reader) => reader.next()))
      const { tx } = await erase(founded, node(1), erasers, [place])
      await attested(nodes, tx)
      await Promise.all(readers.map((reader) => reader.return?.()))
    })
    assert.deepEqual([found.rawHits, found.openedHits], [0, 0])
  })

  it('S14 hold nothing of the person either when all keys at rest turn meanwhile', async () => {
    const found = await around(250, async ({ place }) => {
      for (const each of nodes) each.rotateKeys()
      const { tx } = await erase(founded, node(1), erasers, [place])
      for (const each of nodes) each.rotateKeys()
      await attested(nodes, tx)
    })
    assert.deepEqual([found.rawHits, found.openedHits], [0, 0])
  })

  it('give the person away when a node is planted that keeps the keys', async () => {
    const { drop } = KeyBag.prototype
    KeyBag.prototype.drop = async () => undefined
    try {
      const found = await around(300, async ({ place }) => {
        const { tx } = await erase(founded, node(1), erasers, [place])
        await attested(nodes, tx)
      })
      assert.equal(found.openedHits, 8)
    } finally {
      KeyBag.prototype.drop = drop
    }
  })

  it('E6 give the person away when nodes are planted that skip the purge, and these cannot attest', async () => {
    const { purge } = Store.prototype
    Store.prototype.purge = async () => ({ items: 0, records: 0, segments: 0, bytesRewritten: 0, generation: 0 })
    try {
      const found = await around(400, async ({ place }) => {
        const { tx, sequence } = await erase(founded, node(1), erasers, [place])
        await settled(nodes, sequence)
        await new Promise((done) => setTimeout(done, 500))
        const report = await node(2).erasure(tx)
        assert.equal(report?.complete, false)
        assert.deepEqual(
          report?.obligations.flatMap(({ attestations }) => attestations),
          [],
        )
      })
      assert.ok(found.rawHits > 0)
      assert.ok(events.some((event) => event.type === 'purge-failed' && event.code === 'PURGE_INCOMPLETE'))
    } finally {
      Store.prototype.purge = purge
    }
  })
})
