// The store's face: what a block changes, what holds at a height, and the terms exactly as they were given.

import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { equal, utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { defaultGraph, type StoredQuad } from '../../src/store/terms.ts'
import {
  block,
  dump,
  iri,
  item,
  itemNamed,
  requestNamed,
  retraction,
  row,
  tagged,
  text,
  typed,
  World,
} from './world.ts'

describe('The store', () => {
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

  async function reopen(): Promise<void> {
    await store.close()
    await world.reopenKeys()
    store = await world.store()
  }

  it('is empty at first', async () => {
    assert.equal(store.sequence, 0)
    assert.equal(store.meta(), undefined)
    assert.deepEqual(await dump(store.quads()), [])
    assert.equal(await store.countQuads(), 0)
  })

  it('gives after a reopening what was committed before', async () => {
    await store.commit(
      block(1, {
        items: [item('a', [row('urn:s', 'urn:p', text('o'))], { class: 'personal' })],
        records: [{ key: utf8('key'), value: utf8('value') }],
      }),
    )
    await reopen()
    assert.equal(store.sequence, 1)
    assert.deepEqual(store.meta(), utf8('meta 1'))
    assert.deepEqual(await dump(store.quads()), ['urn:s urn:p "o"@^^http://www.w3.org/2001/XMLSchema#string urn:g:1'])
    assert.deepEqual(await store.itemPayload(itemNamed('a')), utf8('payload a'))
    assert.equal(await store.itemPayload(itemNamed('b')), undefined)
    assert.deepEqual(await store.record(utf8('key')), utf8('value'))
  })

  it('takes the next sequence only, and passes over one that it has', async () => {
    await store.commit(block(1, { items: [item('a', [row('urn:s', 'urn:p', iri('urn:o'))])] }))
    await store.commit(block(1, { items: [item('other', [row('urn:x', 'urn:x', iri('urn:x'))])] }))
    assert.equal(await store.countQuads(), 1)
    await assert.rejects(store.commit(block(3)), RangeError)
    await store.commit(block(2))
    assert.equal(store.sequence, 2)
  })

  it('does commits that are asked for together one after another', async () => {
    const commits = [1, 2, 3, 4].map((n) =>
      store.commit(block(n, { items: [item(`${n}`, [row(`urn:${n}`, 'urn:p', text('o'))])] })),
    )
    await Promise.all(commits)
    assert.equal(await store.countQuads(null, iri('urn:p')), 4)
  })

  it('refuses a term that it cannot keep, and stands where it stood', async () => {
    const blank = { termType: 'BlankNode', value: 'b', equals: () => false }
    const bad = { subject: blank, predicate: iri('urn:p'), object: text('o') } as unknown as ReturnType<typeof row>
    await assert.rejects(
      store.commit(block(1, { items: [item('a', [row('urn:s', 'urn:p', text('o')), bad])] })),
      TypeError,
    )
    assert.equal(await store.countQuads(), 0)
    await store.commit(block(1, { items: [item('a', [row('urn:s', 'urn:p', text('o'))])] }))
    assert.equal(await store.countQuads(), 1)
  })

  it('keeps state records apart from one another, and lets them go', async () => {
    const records = [1, 2, 3].map((n) => ({ key: utf8(`key ${n}`), value: utf8(`value ${n}`) }))
    await store.commit(block(1, { records }))
    await store.commit(
      block(2, {
        records: [
          { key: utf8('key 2'), value: undefined },
          { key: utf8('key 3'), value: utf8('new') },
        ],
      }),
    )
    const found: string[] = []
    for await (const { key, value } of store.records()) found.push(`${Buffer.from(key)}=${Buffer.from(value)}`)
    assert.deepEqual(found.sort(), ['key 1=value 1', 'key 3=new'])
    assert.equal(await store.record(utf8('key 2')), undefined)
  })

  it('reads at every height what held then', async () => {
    await store.commit(
      block(1, { items: [item('a', [row('urn:s', 'urn:p', text('1')), row('urn:s', 'urn:p', text('2'))])] }),
    )
    await store.commit(block(2, { retractions: [retraction('a', [0, 7])] }))
    await store.commit(
      block(3, {
        items: [item('b', [row('urn:s', 'urn:p', text('1'))])],
        retractions: [retraction('nobody', [0])],
      }),
    )
    const values = async (height: number): Promise<string> => {
      const found: string[] = []
      for await (const quad of store.at(height).match(iri('urn:s')) as AsyncIterable<StoredQuad>)
        found.push(quad.object.value)
      return found.sort().join()
    }
    assert.equal(await values(0), '')
    assert.equal(await values(1), '1,2')
    assert.equal(await values(2), '2')
    assert.equal(await values(3), '1,2')
    assert.equal(await store.at(2).countQuads(null, iri('urn:p')), 1)
    assert.throws(() => store.at(4), RangeError)
  })

  it('lets a later retraction of a row change nothing', async () => {
    await store.commit(block(1, { items: [item('a', [row('urn:s', 'urn:p', text('1'))])] }))
    await store.commit(block(2, { retractions: [retraction('a', [0])] }))
    await store.commit(block(3, { retractions: [retraction('a', [0])] }))
    assert.equal(await store.at(1).countQuads(), 1)
    assert.equal(await store.at(2).countQuads(), 0)
    assert.equal(await store.at(3).countQuads(), 0)
  })

  it('passes over a retraction that was made for another graph', async () => {
    await store.commit(block(1, { items: [item('a', [row('urn:s', 'urn:p', text('1'))])] }))
    await store.commit(block(2, { retractions: [retraction('a', [0], 'urn:g:2')] }))
    assert.equal(await store.countQuads(), 1)
  })

  it('retracts a row of the same block', async () => {
    await store.commit(
      block(1, {
        items: [item('a', [row('urn:s', 'urn:p', text('1')), row('urn:s', 'urn:p', text('2'))])],
        retractions: [retraction('a', [1])],
      }),
    )
    assert.equal(await store.countQuads(), 1)
    assert.equal(await store.countQuads(null, null, text('2')), 0)
  })

  it('gives a quad that several items assert once, until the last of them is retracted', async () => {
    const same = [row('urn:s', 'urn:p', text('o')), row('urn:s', 'urn:p', text('o'))]
    await store.commit(block(1, { items: [item('a', same), item('b', same.slice(1))] }))
    assert.equal(await store.countQuads(), 1)
    await store.commit(block(2, { retractions: [retraction('a', [0, 1])] }))
    assert.equal((await dump(store.match(iri('urn:s'), null, text('o')))).length, 1)
    await store.commit(block(3, { retractions: [retraction('b', [0])] }))
    assert.equal(await store.countQuads(), 0)
  })

  it('knows without a scan how many quads hold now, however often one came and went', async () => {
    const same = row('urn:s', 'urn:p', text('o'))
    const other = row('urn:s', 'urn:p', text('other'))
    const counts: number[] = []
    const commit = async (height: number, more: Parameters<typeof block>[1]): Promise<void> => {
      await store.commit(block(height, more))
      if (height % 2 === 0) await reopen()
      counts.push(await store.countQuads())
      assert.equal((await dump(store.quads())).length, counts.at(-1))
    }
    await commit(1, { items: [item('a', [same, other])] })
    await commit(2, { retractions: [retraction('a', [0])] })
    await commit(3, { items: [item('b', [same])], retractions: [retraction('b', [0])] })
    await commit(4, { items: [item('c', [same, same])] })
    await commit(5, { items: [item('d', [same])], retractions: [retraction('c', [0])] })
    await commit(6, { retractions: [retraction('c', [1]), retraction('a', [0, 1])] })
    await commit(7, { items: [item('e', [other])], retractions: [retraction('d', [0])] })
    assert.deepEqual(counts, [2, 1, 1, 2, 2, 1, 1])
  })

  it('never takes an IRI for a literal, 1 for 01, or one datatype or language for another', async () => {
    const objects = [
      iri('urn:x'),
      text('urn:x'),
      text('1'),
      typed('1', 'integer'),
      typed('01', 'integer'),
      typed('1', 'float'),
      typed('1', 'double'),
      typed('1.0', 'float'),
      tagged('1', 'en'),
      tagged('1', 'en-GB'),
      text('3 en1'),
      text(''),
    ]
    await store.commit(
      block(1, {
        items: [
          item(
            'a',
            objects.map((object) => row('urn:s', 'urn:p', object)),
          ),
        ],
      }),
    )
    for (const object of objects) {
      const found: StoredQuad[] = []
      for await (const quad of store.match(null, null, object)) found.push(quad)
      assert.equal(found.length, 1)
      assert.ok(object.equals(found[0]?.object))
      assert.equal(await store.countQuads(null, null, object), 1)
    }
    assert.equal(await store.countQuads(iri('urn:s'), iri('urn:p')), objects.length)
  })

  it('never takes a named graph for the default graph', async () => {
    const graphs = ['urn:dg', 'dg', 'urn:g:0', 'DefaultGraph']
    const items = graphs.map((graph) => item(graph, [row('urn:s', 'urn:p', iri('urn:o'))], { graph }))
    await store.commit(block(1, { items }))
    assert.equal(await store.countQuads(null, null, null, defaultGraph), 0)
    assert.equal(await store.countQuads(), 4)
    for (const graph of graphs) assert.equal(await store.countQuads(null, null, null, iri(graph)), 1)
  })

  it('gives the same answer through every order, counted and read', async () => {
    const items = [1, 2, 3].map((n) =>
      item(
        `${n}`,
        [1, 2, 3].map((m) => row(`urn:s:${m % 2}`, `urn:p:${n}`, iri(`urn:o:${m}`))),
        { graph: `urn:g:${n % 2}` },
      ),
    )
    await store.commit(block(1, { items }))
    const all: StoredQuad[] = []
    for await (const quad of store.quads()) all.push(quad)
    assert.equal(all.length, 9)
    for (let bound = 0; bound < 16; bound++) {
      const like = all[bound % 9] as StoredQuad
      const terms = [like.subject, like.predicate, like.object, like.graph].map((term, i) =>
        bound & (1 << i) ? term : null,
      )
      const [s, p, o, g] = terms
      const expected = all.filter((quad) =>
        [quad.subject, quad.predicate, quad.object, quad.graph].every((term, i) => terms[i]?.equals(term) ?? true),
      )
      assert.equal((await dump(store.match(s, p, o, g))).length, expected.length)
      assert.equal(await store.countQuads(s, p, o, g), expected.length)
    }
  })

  it('scans more rows than one read takes, and is not disturbed by commits meanwhile', async () => {
    const rows = Array.from({ length: 3_000 }, (_, n) => row(`urn:s:${n}`, 'urn:p', text('o')))
    await store.commit(block(1, { items: [item('a', rows)] }))
    let seen = 0
    for await (const _ of store.match(null, iri('urn:p'))) {
      if (seen++ === 10) {
        await store.commit(
          block(2, {
            items: [item('b', [row('urn:late', 'urn:p', text('o'))])],
            retractions: [retraction('a', [2_999])],
          }),
        )
      }
    }
    assert.equal(seen, 3_000)
    assert.equal(await store.countQuads(), 3_000)
  })

  it('leaves a stream that nobody finishes without hindrance to closing', async () => {
    const rows = Array.from({ length: 2_000 }, (_, n) => row(`urn:s:${n}`, 'urn:p', text('o')))
    await store.commit(block(1, { items: [item('a', rows)] }))
    const stream = store.match()
    for await (const _ of stream) break
    assert.ok(stream.destroyed)
    await reopen()
  })

  it('tells a failure of the disk as an error of the stream', async () => {
    await store.commit(block(1, { items: [item('a', [row('urn:s', 'urn:p', text('o'))])] }))
    const stream = store.match()
    await store.close()
    const error = await new Promise((resolve) => stream.once('error', resolve).resume())
    assert.ok(error instanceof LedgerError && error.code === 'STORAGE_FAILED')
    store = await world.store()
  })

  it('keeps staged payloads until a block takes them, or they are given up', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map(requestNamed) as [
      ReturnType<typeof requestNamed>,
      ReturnType<typeof requestNamed>,
      ReturnType<typeof requestNamed>,
    ]
    await Promise.all([
      store.stage(a, utf8('payload a')),
      store.stage(b, utf8('payload b')),
      store.stage(c, utf8('payload c')),
    ])
    await reopen()
    assert.deepEqual(await store.staged(a), utf8('payload a'))
    await store.commit(block(1, { unstage: [a, requestNamed('never staged')] }))
    await store.unstage([b])
    await reopen()
    assert.equal(await store.staged(a), undefined)
    assert.equal(await store.staged(b), undefined)
    const left: string[] = []
    for await (const request of store.stagedRequests()) left.push(request)
    assert.deepEqual(left, [c])
    assert.ok(equal((await store.staged(c)) as Uint8Array, utf8('payload c')))
    assert.equal(world.keyRing.bag.size, 1)
  })

  it('stages what concerns nobody under a key of the store: no key is made for it, and rotation seals it anew', async () => {
    const request = requestNamed('open')
    await store.stage(request, utf8('open payload'), 'open')
    assert.equal(world.keyRing.bag.size, 0)
    await reopen()
    assert.deepEqual(await store.staged(request), utf8('open payload'))
    await store.rotate()
    assert.deepEqual(await store.staged(request), utf8('open payload'))
    await store.commit(block(1, { unstage: [request] }))
    assert.equal(await store.staged(request), undefined)
  })

  it('stages payloads while blocks take the same ones, and keeps each whole or not at all', async () => {
    for (let n = 0; n < 20; n++) {
      const [taken, other] = [requestNamed(`taken ${n}`), requestNamed(`other ${n}`)]
      await store.stage(taken, utf8('payload'))
      const commit = store.commit(block(n + 1, { unstage: [taken] }))
      // The payload comes again while the block that takes it is being written.
      for (let turn = 0; turn < n; turn++) await new Promise((resolve) => setImmediate(resolve))
      await Promise.all([commit, store.stage(taken, utf8('payload')), store.stage(other, utf8('other'))])
      assert.deepEqual(await store.staged(other), utf8('other'))
      const kept = await store.staged(taken)
      const listed: string[] = []
      for await (const request of store.stagedRequests()) listed.push(request)
      assert.equal(kept !== undefined, listed.includes(taken))
      await store.unstage([taken, other])
      assert.equal(world.keyRing.bag.size, 0)
    }
  })

  it('takes a staged payload whose key is gone for forgotten', async () => {
    const [a, b] = [requestNamed('a'), requestNamed('b')]
    await Promise.all([store.stage(a, utf8('payload a')), store.stage(b, utf8('payload b'))])
    await world.keyRing.bag.drop([a])
    await reopen()
    assert.equal(await store.staged(a), undefined)
    const left: string[] = []
    for await (const request of store.stagedRequests()) left.push(request)
    assert.deepEqual(left, [b])
  })

  it('seals each personal item under a key of its own', async () => {
    const items = ['a', 'b'].map((name) => item(name, [row('urn:s', 'urn:p', text(name))], { class: 'personal' }))
    await store.commit(block(1, { items: [...items, item('c', [])] }))
    assert.equal(world.keyRing.bag.size, 2)
    assert.notDeepEqual(world.keyRing.bag.key(itemNamed('a')).secret, world.keyRing.bag.key(itemNamed('b')).secret)
  })

  it('holds in memory what it was given and no more, whatever the data', async function () {
    this.timeout(60_000)
    await store.close()
    const bytesMax = 131_072
    store = await world.store(true, bytesMax, bytesMax)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used = async (): Promise<number> => {
      // What native code gave is freed in a turn after its collection.
      for (let turn = 0; turn < 3; turn++) {
        collect()
        await new Promise(setImmediate)
      }
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    /** One commit, or one block, may go beyond the bound. */
    const extra = 131_072
    const within = (): void => {
      const [rows, blocks, terms] = store.memoryBytes
      assert.ok(rows <= 2 * (bytesMax + extra), `${rows} bytes of rows`)
      assert.ok(blocks <= bytesMax + extra, `${blocks} bytes of blocks`)
      assert.ok(terms <= bytesMax + extra, `${terms} bytes of terms`)
    }
    let before = 0
    const [commits, rowsEach, long] = [240, 60, 'long '.repeat(300)]
    for (let n = 1; n <= commits; n++) {
      // A personal item's texts stand with it, an open one's in the dictionary.
      const rows = Array.from({ length: rowsEach }, (_, i) =>
        row(`urn:s:${n}:${i}`, 'urn:p', text(`${n} ${i} ${long}`)),
      )
      await store.commit(block(n, { items: [item(`${n}`, rows, { class: n % 4 === 0 ? 'personal' : 'open' })] }))
      within()
      if (n === 20) before = await used()
    }
    let count = 0
    for await (const _ of store.quads()) {
      count += 1
      if (count % 500 === 0) within()
    }
    assert.equal(count, commits * rowsEach)
    within()
    // Twenty megabytes of text went through. What else this process holds varies by a few.
    const more = (await used()) - before
    assert.ok(more < 10_000_000, `${more} bytes more in memory`)
  })
})
