// Erased items leave every reader at once and the disk with the next purge, and nothing else goes with them.

import assert from 'node:assert/strict'
import { cp, rename, rm } from 'node:fs/promises'
import { utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { piecesOf } from '../../src/store/purge.ts'
import { scanFiles } from '../../src/store/raw-scan.ts'
import type { Store } from '../../src/store/store.ts'
import { block, dump, iri, item, itemNamed, retraction, row, text, World } from './world.ts'

const person = (n: number): string => `https://person.example/id/${n}`

describe('A purge', function () {
  this.timeout(30_000)
  let world: World
  let store: Store

  beforeEach(async () => {
    world = await World.create()
    store = await world.store()
  })

  afterEach(async () => {
    await store.close()
    await world.remove()
  })

  async function reopen(memoryBytesMax?: number): Promise<void> {
    await store.close()
    await world.reopenKeys()
    store = await world.store(true, memoryBytesMax)
  }

  /** Ten persons of three rows each, one block a person; the second half of the rows is of an open item. */
  async function filled(): Promise<void> {
    for (let n = 0; n < 10; n++) {
      const name = text(`Known Name ${n}`)
      await store.commit(
        block(n + 1, {
          items: [
            item(`person ${n}`, [row(person(n), 'urn:name', name), row(person(n), 'urn:knows', iri(person(0)))], {
              class: 'personal',
              payload: utf8(`payload of ${person(n)}`),
            }),
            item(`product ${n}`, [row(`urn:product:${n}`, 'urn:made', text('today'))]),
          ],
        }),
      )
    }
  }

  const quads = async (): Promise<readonly string[]> => dump(store.quads())

  async function openedHits(known: string): Promise<number> {
    let hits = 0
    for await (const plain of store.opened()) if (Buffer.from(plain).includes(known)) hits += 1
    return hits
  }

  for (const memoryBytesMax of [undefined, 0]) {
    const where = memoryBytesMax === 0 ? 'segments' : 'memory'

    it(`leaves no byte and no opened value of an erased item that stood in ${where}, and all of the others`, async () => {
      await reopen(memoryBytesMax)
      await filled()
      const probes = await store.probes([itemNamed('person 3')])
      assert.ok(probes.length >= 6)
      const before = await scanFiles([world.directory], probes)
      assert.equal(before.hits, probes.length)
      assert.ok((await openedHits('Known Name 3')) > 0)
      const rest = (await quads()).filter((line) => !line.startsWith(person(3)))
      await store.commit(block(11, { erasures: [itemNamed('person 3')] }))
      assert.deepEqual(store.erased(), [itemNamed('person 3')])
      assert.deepEqual(await quads(), rest)
      const purged = await store.purge()
      assert.equal(purged.items, 1)
      assert.ok(purged.segments > 0 && purged.bytesRewritten > 0)
      const after = await scanFiles([world.directory], probes)
      assert.equal(after.hits, 0)
      assert.ok(after.files > 0 && after.bytes > 0)
      for (const known of ['Known Name 3', person(3)]) assert.equal(await openedHits(known), 0)
      assert.ok((await openedHits('Known Name 4')) > 0)
      assert.deepEqual(store.erased(), [])
      assert.deepEqual(await quads(), rest)
      await reopen()
      assert.deepEqual(await quads(), rest)
      assert.equal(await store.countQuads(), rest.length)
      assert.equal((await store.purge()).items, 0)
    })
  }

  it('E1 an erased item is read at no height, counted nowhere, and has no payload', async () => {
    await filled()
    await store.commit(block(11, { erasures: [itemNamed('person 3'), itemNamed('nobody')] }))
    for (const height of [4, 10, 11]) {
      const then = store.at(height)
      assert.equal((await dump(then.match(iri(person(3))))).length, 0)
      assert.equal(await then.countQuads(iri(person(3))), 0)
      assert.equal((await dump(then.quads())).length, await then.countQuads())
    }
    assert.equal(await store.countQuads(), 28)
    assert.equal(await store.itemPayload(itemNamed('person 3')), undefined)
    assert.deepEqual(await store.itemPayload(itemNamed('person 4')), utf8(`payload of ${person(4)}`))
  })

  it('E1 purges only the items that it is told, and the others can be read until their turn', async () => {
    await filled()
    await store.commit(block(11, { erasures: [itemNamed('person 3'), itemNamed('person 5')] }))
    const probes = await store.probes([itemNamed('person 5')])
    assert.equal((await store.purge([itemNamed('person 3')])).items, 1)
    assert.deepEqual(store.erased(), [itemNamed('person 5')])
    assert.equal(await store.itemPayload(itemNamed('person 3'), 'purged'), undefined)
    assert.deepEqual(await store.itemPayload(itemNamed('person 5'), 'purged'), utf8(`payload of ${person(5)}`))
    assert.ok((await store.probes([itemNamed('person 5')])).length > 0)
    assert.equal((await store.purge()).items, 1)
    assert.equal((await scanFiles([world.directory], probes)).hits, 0)
    for (const known of ['Known Name 5', person(5)]) assert.equal(await openedHits(known), 0)
  })

  it('E13 a query that was running while an item was erased ends with an error', async () => {
    await filled()
    const before = store.at(10)
    await store.commit(block(11, { erasures: [itemNamed('person 3')] }))
    const aborted = (error: unknown): boolean =>
      error instanceof LedgerError && error.code === 'QUERY_ABORTED_BY_ERASURE'
    await assert.rejects(dump(before.quads()), aborted)
    await assert.rejects(before.countQuads(), aborted)
    assert.equal((await dump(store.at(10).quads())).length, 28)
  })

  it('E8 a quad that another item asserts stays, and so does what the erased item retracted', async () => {
    const same = row(person(1), 'urn:knows', iri(person(2)))
    await store.commit(
      block(1, { items: [item('a', [same], { class: 'personal' }), item('b', [same], { class: 'personal' })] }),
    )
    await store.commit(block(2, { items: [item('c', [row('urn:s', 'urn:p', text('o'))])] }))
    await store.commit(block(3, { items: [item('d', [])], retractions: [retraction('c', [0])] }))
    await store.commit(block(4, { erasures: [itemNamed('a'), itemNamed('d')] }))
    await store.purge()
    await reopen()
    assert.deepEqual(await quads(), [`${person(1)} urn:knows ${person(2)} urn:g:1`])
    assert.equal(await store.countQuads(null, null, iri(person(2))), 1)
    await store.commit(block(5, { retractions: [retraction('b', [0])] }))
    assert.equal(await store.countQuads(), 0)
  })

  it('goes on beside commits and reads, and takes a term again that came back later', async () => {
    await filled()
    await store.commit(block(11, { erasures: [itemNamed('person 0')] }))
    const purging = store.purge()
    for (let n = 12; n < 30; n++) {
      const again = row(person(0), 'urn:name', text(`Known Name ${n}`))
      await store.commit(block(n, { items: [item(`later ${n}`, [again], { class: 'personal' })] }))
      assert.equal((await dump(store.match(iri(person(0))))).length, n - 11)
      assert.deepEqual(await store.itemPayload(itemNamed('person 1')), utf8(`payload of ${person(1)}`))
    }
    await purging
    await reopen()
    assert.equal((await dump(store.match(iri(person(0))))).length, 18)
    assert.equal((await dump(store.match(null, iri('urn:knows'), iri(person(0))))).length, 9)
  })

  it('E1 leaves no key that opens a removed detail in an older copy of the disk, and all other details', async () => {
    await filled()
    const reference = (n: number): Uint8Array => new Uint8Array(16).fill(n)
    const details = [1, 2, 3].map((n) => ({ reference: reference(n), bytes: utf8(`asked for ${person(n)}`) }))
    await store.details.put(details)
    await store.rotate()
    await store.details.put([{ reference: reference(4), bytes: utf8(`asked for ${person(3)} again`) }])
    await cp(world.path('store'), world.path('older', 'store'), { recursive: true })
    await store.details.remove([reference(3), reference(4)])
    await store.commit(block(11, { erasures: [itemNamed('person 3')] }))
    await store.purge()
    assert.deepEqual(await store.details.get(reference(2)), utf8(`asked for ${person(2)}`))
    await reopen()
    assert.deepEqual(await store.details.get(reference(1)), utf8(`asked for ${person(1)}`))
    await store.close()
    await rm(world.path('store'), { recursive: true })
    await rename(world.path('older', 'store'), world.path('store'))
    await world.reopenKeys()
    store = await world.store()
    assert.equal(await openedHits(person(3)), 0)
  })

  it('E1 leaves no byte of a removed detail, though no item is marked', async () => {
    const details = [1, 2].map((n) => ({
      reference: new Uint8Array(16).fill(n),
      bytes: utf8(`asked for ${person(n)}`),
    }))
    await store.details.put(details)
    const found: Uint8Array[] = []
    for await (const { sealed } of store.details.all()) found.push(...piecesOf(sealed))
    await store.details.remove(details.map(({ reference }) => reference))
    assert.ok((await scanFiles([world.directory], found)).hits > 0)
    assert.equal((await store.purge([])).items, 0)
    assert.equal((await scanFiles([world.directory], found)).hits, 0)
  })

  it('begins again when it was interrupted after the keys went', async () => {
    await filled()
    await store.commit(block(11, { erasures: [itemNamed('person 3')] }))
    const probes = await store.probes([itemNamed('person 3')])
    await world.keyRing.bag.drop([itemNamed('person 3')])
    await world.keyRing.turnBag()
    await reopen()
    assert.deepEqual(store.erased(), [itemNamed('person 3')])
    await store.purge()
    assert.equal((await scanFiles([world.directory], probes)).hits, 0)
    assert.equal(await store.countQuads(), 28)
  })
})

describe('A raw scan', () => {
  it('finds a probe wherever it stands, across the chunks that are read at a time', async () => {
    const world = await World.create()
    try {
      const { writeFile } = await import('node:fs/promises')
      const probes = [utf8('needle one'), utf8('needle two, longer'), utf8('absent')]
      const bytes = new Uint8Array(3_000_000)
      bytes.set(probes[0] as Uint8Array, 1_048_576 - 5)
      bytes.set(probes[1] as Uint8Array, bytes.length - (probes[1] as Uint8Array).length)
      await writeFile(world.path('haystack'), bytes)
      const { hits, files } = await scanFiles([world.directory], probes)
      assert.deepEqual([hits, files > 1], [2, true])
      await assert.rejects(scanFiles([world.directory], [utf8('abc')]), RangeError)
    } finally {
      await world.remove()
    }
  })
})
