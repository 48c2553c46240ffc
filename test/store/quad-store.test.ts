// `quadrille/store`: the RDF/JS face for whoever has no consortium, and wrong answers of another store that it must not give.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Quad, Term } from '@rdfjs/types'
import { DataFactory } from 'n3'
import { LedgerError } from '../../src/base/errors.ts'
import { openStore, type QuadStore } from '../../src/store/index.ts'

const { namedNode, literal, blankNode, quad, defaultGraph } = DataFactory
const xsd = (name: string) => namedNode(`http://www.w3.org/2001/XMLSchema#${name}`)
const s = namedNode('urn:s')
const p = namedNode('urn:p')

describe('quadrille/store', () => {
  let directory: string
  let store: QuadStore

  const open = (): Promise<QuadStore> =>
    openStore(join(directory, 'store'), {
      unlock: { provider: 'key-file', path: join(directory, 'unlock.key') },
      dataFactory: DataFactory as never,
    })

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'quadrille-open-'))
    store = await open()
  })

  afterEach(async () => {
    await store.close()
    await rm(directory, { recursive: true })
  })

  async function reopen(): Promise<void> {
    await store.close()
    store = await open()
  }

  async function found(...pattern: readonly (Term | null)[]): Promise<readonly Quad[]> {
    const quads: Quad[] = []
    for await (const each of store.match(...pattern)) quads.push(each)
    assert.equal(await store.countQuads(...pattern), quads.length)
    return quads
  }

  it('keeps what was added, with the terms of the given factory, over a reopening', async () => {
    const quads = [
      quad(s, p, literal('one', 'en')),
      quad(s, p, blankNode('b1'), namedNode('urn:g')),
      quad(blankNode('b1'), p, s),
    ]
    await store.add(quads)
    await store.add(quads.slice(0, 1))
    await reopen()
    const all = await found()
    assert.equal(all.length, 3)
    for (const each of quads) assert.ok(all.some((other) => other.equals(each)))
    assert.deepEqual(
      (await found(null, null, blankNode('b1'))).map(({ graph }) => graph.value),
      ['urn:g'],
    )
    assert.equal((await found(namedNode('_:b1'))).length, 0)
  })

  it('removes quads, and knows what held before', async () => {
    await store.add([quad(s, p, literal('1')), quad(s, p, literal('2'))])
    await store.add([quad(s, p, literal('1'))])
    await store.delete([quad(s, p, literal('1')), quad(s, p, literal('never'))])
    assert.deepEqual(
      (await found(s)).map(({ object }) => object.value),
      ['2'],
    )
    assert.equal(await store.at(2).countQuads(s), 2)
    assert.equal(await store.at(0).countQuads(), 0)
  })

  it('imports, removes matches and deletes a graph as RDF/JS says', async () => {
    const quads = Array.from({ length: 10_000 }, (_, n) =>
      quad(namedNode(`urn:${n}`), p, s, namedNode(`urn:g:${n % 2}`)),
    )
    await once(store.import(Readable.from(quads) as never), 'end')
    assert.equal(await store.countQuads(), 10_000)
    await once(store.removeMatches(namedNode('urn:0')), 'end')
    await once(store.deleteGraph('urn:g:1'), 'end')
    assert.equal(await store.countQuads(), 4_999)
  })

  it('refuses what it cannot keep faithfully, and then adds nothing', async () => {
    const triple = quad(s, p, s)
    for (const bad of [quad(s, p, triple as never), quad(namedNode('_:x'), p, s)]) {
      await assert.rejects(store.add([quad(s, p, literal('fine')), bad]), TypeError)
    }
    assert.equal(await store.countQuads(), 0)
  })

  it('gives for an IRI no literal and no blank node with the same text', async () => {
    await store.add([quad(s, p, namedNode('urn:x')), quad(s, p, literal('urn:x')), quad(s, p, blankNode('urn:x'))])
    for (const term of [namedNode('urn:x'), literal('urn:x'), blankNode('urn:x')]) {
      const quads = await found(null, null, term)
      assert.equal(quads.length, 1)
      assert.ok(quads[0]?.object.equals(term))
    }
  })

  it('gives for the default graph no graph named dg', async () => {
    await store.add([quad(s, p, s, namedNode('dg')), quad(s, p, s, namedNode('urn:rdf:default')), quad(s, p, p)])
    assert.deepEqual(
      (await found(null, null, null, defaultGraph())).map(({ object }) => object.value),
      ['urn:p'],
    )
    assert.equal((await found(null, null, null, namedNode('dg'))).length, 1)
  })

  it('finds xsd:float, and never takes 1 for 01 or 10 for 9', async () => {
    const numbers = ['1', '01', '9', '10', '1.0', '1e0', 'NaN', '-0']
    const objects = ['float', 'double', 'integer', 'decimal'].flatMap((type) =>
      numbers.map((number) => literal(number, xsd(type))),
    )
    await store.add(objects.map((object) => quad(s, p, object)))
    for (const object of objects) assert.equal((await found(s, p, object)).length, 1)
  })

  it('gives between two bounds what lies between by value, in whichever form, with both bounds', async () => {
    const forms: Readonly<Record<string, readonly string[]>> = {
      integer: ['-20', '-3', '0', '2', '002', '10', '+10', '11', '123456789012345678', ''],
      decimal: ['-3.5', '-0.0', '2.0', '2.00', '10.0001', '10.00001', '9.9999', '.5', '7.'],
      double: ['2', '1e1', '1.5E0', 'INF', 'NaN', '-4.25'],
      date: ['2025-12-31', '2026-01-01', '2026-01-02', '2026-01-01Z', '0999-01-01'],
      dateTime: [
        '2026-01-01T00:00:00Z',
        '2026-01-01T00:00:00.000Z',
        '2026-01-01T00:00:00.001Z',
        '2025-12-31T23:59:59Z',
      ],
    }
    const zoned = ['2026-01-01T02:00:00+02:00', '2026-01-01T00:00:00', '2999-12-31T23:59:59.999Z']
    const all = Object.entries({ ...forms, dateTime: [...(forms['dateTime'] ?? []), ...zoned] })
    await store.add(all.flatMap(([type, values]) => values.map((value) => quad(s, p, literal(value, xsd(type))))))
    const between = async (type: string, from: string, to: string): Promise<readonly string[]> => {
      const bounds = { from: literal(from, xsd(type)), to: literal(to, xsd(type)) }
      return (await store.matchBetween(p, bounds as never).toArray()).map(({ object }) => object.value).sort()
    }
    for (const turn of ['in memory', 'reopened']) {
      assert.deepEqual(await between('integer', '-3', '10'), ['+10', '-3', '0', '002', '10', '2'].sort(), turn)
      assert.deepEqual(await between('integer', '010', '10'), ['+10', '10'])
      assert.deepEqual(
        await between('decimal', '2', '10.0001'),
        ['10.0001', '10.00001', '2.0', '2.00', '7.', '9.9999'].sort(),
      )
      assert.deepEqual(await between('decimal', '-0.0', '0.0'), ['-0.0'])
      assert.deepEqual(await between('double', '1.5', '1e1'), ['1.5E0', '1e1', '2'].sort())
      assert.deepEqual(await between('date', '2026-01-01', '2026-01-01'), ['2026-01-01', '2026-01-01Z'])
      const instant = '2026-01-01T01:00:00+01:00'
      assert.equal((await between('dateTime', instant, instant)).length, 4)
      assert.equal((await between('dateTime', '2025-12-31T23:59:59Z', '2026-01-01T00:00:00.001Z')).length, 6)
      await reopen()
    }
    await assert.rejects(between('string', 'a', 'b'), TypeError)
  })

  it('gives the same quads one by one, at once, and as an event emitter', async () => {
    const objects = Array.from({ length: 3_000 }, (_, n) => literal(String(n), xsd('integer')))
    await store.add(objects.map((object) => quad(s, p, object)))
    const one: string[] = []
    for await (const { object } of store.match(s)) one.push(object.value)
    const events: string[] = []
    const stream = store.match(s).on('data', ({ object }: Quad) => events.push(object.value))
    await once(stream, 'end')
    const whole = (await store.match(s).toArray()).map(({ object }) => object.value)
    assert.equal(new Set(one).size, 3_000)
    assert.deepEqual(events, one)
    assert.deepEqual(whole, one)
    // Who leaves early leaves nothing open.
    const left = store.match(s)
    for await (const _ of left) break
    assert.ok(left.destroyed)
  })

  it('gives what lies between two bounds also as events, however little of what it reads lies there', async () => {
    const doubles = Array.from({ length: 5_000 }, (_, n) => literal(`${n}`, xsd('double')))
    await store.add(doubles.map((object) => quad(s, p, object)))
    const bounds = { from: literal('4999', xsd('double')), to: literal('1e9', xsd('double')) }
    const found: string[] = []
    const stream = store.matchBetween(p, bounds as never).on('data', ({ object }: Quad) => found.push(object.value))
    await once(stream, 'end')
    assert.deepEqual(found, ['4999'])
  })

  it('ends a stream with an error when the disk fails, never as if it were complete', async () => {
    await store.add([quad(s, p, s)])
    const stream = store.match()
    await store.close()
    await assert.rejects(
      async () => {
        for await (const _ of stream);
      },
      (error: unknown) => error instanceof LedgerError && error.code === 'STORAGE_FAILED',
    )
    store = await open()
  })

  it('S4 does not open with another key file, and S9 not twice', async () => {
    await assert.rejects(open(), (error: unknown) => error instanceof LedgerError && error.code === 'STORE_LOCKED')
    await store.close()
    const other = { provider: 'key-file', path: join(directory, 'other.key') } as const
    await assert.rejects(openStore(join(directory, 'store'), { unlock: other }), LedgerError)
    store = await open()
  })
})
