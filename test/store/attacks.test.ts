// Attacks on the files of a store that is closed, and on its keys (numbers: the list of attacks).

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Level } from 'level'
import { utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { encodeBlock } from '../../src/store/block-codec.ts'
import { inlineId } from '../../src/store/inline-ids.ts'
import { createKeyRing, openKeyRing } from '../../src/store/key-ring.ts'
import { tables } from '../../src/store/layout.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { block, dump, iri, item, itemNamed, requestNamed, retraction, row, text, typed, World } from './world.ts'

type Raw = Level<Uint8Array, Uint8Array>

const failsWith =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof LedgerError && error.code === code

/** Reads everything that the store holds, through its face. */
async function readAll(store: Store): Promise<void> {
  await dump(store.quads())
  for (const name of ['a', 'b', 'c']) await store.itemPayload(itemNamed(name))
  for (const name of ['a', 'b']) await store.staged(requestNamed(name))
  for await (const _ of store.records());
  const terms = ['urn:s:1', 'urn:s:2', 'urn:s:3', 'urn:p', 'urn:g:1'].map(iri)
  for (const term of [text('one'), text('two'), ...terms]) {
    for (let place = 0; place < 4; place++)
      await dump(store.match(...[0, 1, 2, 3].map((i) => (i === place ? term : null))))
  }
  await store.commit(block(2, { retractions: ['a', 'b', 'c'].map((name) => retraction(name, [0])) }))
}

describe('A closed store', () => {
  let world: World

  beforeEach(async () => {
    world = await World.create()
  })

  afterEach(() => world.remove())

  async function filled(seal = true): Promise<void> {
    const store = await world.store(seal)
    await Promise.all(['a', 'b'].map((name) => store.stage(requestNamed(name), utf8(`staged ${name}`))))
    await store.commit(
      block(1, {
        items: [
          item('a', [row('urn:s:1', 'urn:p', text('one'))], { class: 'personal' }),
          item('b', [row('urn:s:2', 'urn:p', text('two')), row('urn:s:2', 'urn:p', text('two'))]),
          item('c', [row('urn:s:3', 'urn:p', text('two')), row('urn:s:3', 'urn:p', text('two'))]),
        ],
        records: ['a', 'b'].map((name) => ({ key: utf8(name), value: utf8(`value ${name}`) })),
      }),
    )
    await store.close()
  }

  async function raw<T>(work: (level: Raw) => Promise<T>): Promise<T> {
    // Whoever changes records removes the mark of a clean close, too.
    await rm(world.path('store', 'closed.json'), { force: true })
    const level: Raw = new Level(world.path('store', 'data'), { keyEncoding: 'view', valueEncoding: 'view' })
    try {
      await level.open()
      return await work(level)
    } finally {
      await level.close()
    }
  }

  async function reread(): Promise<void> {
    const store = await world.store()
    try {
      await readAll(store)
    } finally {
      await store.close()
    }
  }

  /** Every kind of change to every record in turn, each undone again; the store must notice each one. */
  async function changed(
    change: (key: Uint8Array, all: readonly [Uint8Array, Uint8Array][]) => Uint8Array | undefined,
  ): Promise<void> {
    const all = await raw((level) => level.iterator().all())
    const seen = new Set<number>()
    for (const [key, value] of all) {
      const table = key[0] as number
      const damaged = seen.has(table) ? undefined : change(key, all)
      if (damaged === undefined) continue
      seen.add(table)
      await raw((level) => level.put(key, damaged))
      await assert.rejects(reread(), failsWith('RECORD_TAMPERED'), `table ${table}`)
      await raw((level) => level.put(key, value))
    }
    assert.equal(seen.size, 7, `${seen.size} tables`)
    await reread()
  }

  it('S1 notices an edited record, of whatever kind', async () => {
    await filled()
    await changed((key, all) => {
      const value = Uint8Array.from((all.find(([other]) => other === key) as [Uint8Array, Uint8Array])[1])
      const last = value.length - 1
      value[last] = (value[last] as number) ^ 1
      return value
    })
  })

  it('S1 notices two records swapped', async () => {
    await filled()
    await changed((key, all) => {
      // What is alone in its table gets a state record's value.
      const wanted = key[0] === tables.root || key[0] === tables.pending ? tables.record : key[0]
      return all.find(([other]) => other !== key && other[0] === wanted)?.[1]
    })
  })

  it('S1 notices a record cut short', async () => {
    await filled()
    await changed((key, all) => (all.find(([other]) => other === key) as [Uint8Array, Uint8Array])[1].subarray(0, 40))
  })

  it('S1 names the store and the key, and takes no record of another store', async () => {
    await filled()
    const others = await World.create()
    try {
      const store = await openStore(others.path('store'), { keyRing: world.keyRing })
      await store.commit(block(1, { records: [{ key: utf8('a'), value: utf8('another') }] }))
      await store.close()
      const level: Raw = new Level(others.path('store', 'data'), { keyEncoding: 'view', valueEncoding: 'view' })
      const entries = await level.iterator().all()
      await level.close()
      const foreign = entries.find(([key]) => key[0] === tables.record) as [Uint8Array, Uint8Array]
      await raw((own) => own.put(...foreign))
    } finally {
      await others.remove()
    }
    const store = await world.store()
    await assert.rejects(
      store.record(utf8('a')),
      (error: unknown) =>
        failsWith('RECORD_TAMPERED')(error) && /^[0-9a-f]{16}$/.test(String((error as LedgerError).details['key'])),
    )
    await store.close()
  })

  it('S1 notices a key bag that lost notes which were durable at its last block', async () => {
    await filled()
    await world.keyRing.close()
    const path = world.path('keys', 'bag-1')
    await truncate(path, (await readFile(path)).length - 1)
    world.keyRing = await openKeyRing(world.path('keys'), world.root)
    for (const _ of [1, 2]) await assert.rejects(world.store(), failsWith('RECORD_TAMPERED'))
  })

  it('S3 notices a tag cut short or emptied', async () => {
    await filled()
    const isRecord = ([key]: readonly Uint8Array[]): boolean => key?.[0] === tables.record
    const [key, value] = (await raw((level) => level.iterator().all())).find(isRecord) as [Uint8Array, Uint8Array]
    for (const kept of [value.length - 1, value.length - 12, value.length - 16, 33, 9, 8, 0]) {
      await raw((level) => level.put(key, value.subarray(0, kept)))
      await assert.rejects(reread(), failsWith('RECORD_TAMPERED'), `${kept} bytes`)
    }
  })

  const persons = Array.from({ length: 10 }, (_, n) => `https://person.example/id/known-${n}-${n * 7919}`)
  const names = Array.from({ length: 10 }, (_, n) => `Known Name ${n} of Quadrille Street ${n * 6007}`)

  async function leaks(seal: boolean): Promise<number> {
    const store = await world.store(seal)
    const rows = persons.map((person, n) => row(person, 'https://person.example/name', text(names[n] as string)))
    for (let n = 0; n < 10; n++) {
      await store.stage(requestNamed(`${n}`), utf8(names[n] as string))
      await store.commit(
        block(n + 1, {
          items: [
            item(`${n}`, rows.slice(n, n + 1), {
              class: n % 2 === 0 ? 'personal' : 'open',
              payload: utf8(persons[n] as string),
            }),
          ],
          records: [{ key: utf8(persons[n] as string), value: utf8(names[n] as string) }],
          meta: utf8(names[n] as string),
          unstage: [requestNamed(`${n}`)],
        }),
      )
    }
    await store.close()
    const bytes = await world.bytes()
    return [...persons, ...names].filter((known) => bytes.includes(Buffer.from(known))).length
  }

  it('S8 holds none of twenty known IRIs and literals in any file', async () => {
    assert.equal(await leaks(true), 0)
  })

  it('S8 would show all twenty without sealing and compression', async () => {
    assert.equal(await leaks(false), 20)
  })

  it('S8 holds no sequence of term ids of known rows, and would show it without sealing', async () => {
    const values = Array.from({ length: 40 }, (_, n) => typed(`${(n * 7_919) % 10_007}`, 'integer'))
    const ids = Float64Array.from(values, (value) => inlineId(value) as number)
    // Behind the head of the block, as it stands in the item's content.
    const sequence = encodeBlock({ width: 1, values: ids, texts: [] }, false).slice(16, 64)
    for (const seal of [true, false]) {
      const store = await world.store(seal)
      await store.commit(
        block(1, {
          items: [
            item(
              'x',
              values.map((value) => row('urn:s', 'urn:p', value)),
            ),
          ],
        }),
      )
      await store.close()
      assert.equal((await world.bytes('store')).includes(Buffer.from(sequence)), !seal)
      await rm(world.path('store'), { recursive: true })
    }
  })

  it('S8 shows no item, request or key id in a LevelDB key', async () => {
    await filled()
    const bytes = await world.bytes('store')
    for (const id of [itemNamed('a'), itemNamed('b'), requestNamed('a')]) {
      assert.ok(!bytes.includes(Buffer.from(id, 'hex')) && !bytes.includes(Buffer.from(id)))
    }
  })

  it('S10 is left untouched by a version that does not know its format', async () => {
    await filled()
    const path = world.path('store', 'store.json')
    await writeFile(path, (await readFile(path, 'utf8')).replace('"version": 1', '"version": 2'))
    const before = await world.bytes('store')
    await assert.rejects(world.store(), failsWith('FORMAT_UNSUPPORTED'))
    assert.deepEqual(await world.bytes('store'), before)
  })

  it('S12 says which key is missing when a personal record has lost its own', async () => {
    await filled()
    await world.keyRing.bag.drop([itemNamed('a')])
    const store = await world.store()
    await assert.rejects(store.itemPayload(itemNamed('a')), failsWith('KEY_MISSING'))
    assert.deepEqual(await store.itemPayload(itemNamed('b')), utf8('payload b'))
    await store.close()
  })

  it('S12 does not open at all under another key ring', async () => {
    await filled()
    const other = await createKeyRing(world.path('other-keys'), world.root)
    await assert.rejects(openStore(world.path('store'), { keyRing: other }), failsWith('KEY_MISSING'))
    await other.close()
  })
})

describe('A store in another process', function () {
  this.timeout(60_000)
  let world: World

  beforeEach(async () => {
    world = await World.create()
  })

  afterEach(() => world.remove())

  /** Commits blocks of 20 quads until it is killed, and says each height when it is durable. */
  function committer(): ChildProcess {
    const arguments_ = [
      '--conditions=source',
      '--import',
      'tsx',
      join(import.meta.dirname, 'committer.ts'),
      world.directory,
    ]
    return spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  /** Resolves with the last height that it said, once it said at least `height`, or with what it ended with. */
  async function until(child: ChildProcess, height: number): Promise<number> {
    let said = 0
    for await (const chunk of child.stdout ?? []) {
      for (const part of String(chunk).split('\n')) if (part !== '') said = Number(part)
      if (said >= height) return said
    }
    throw new Error(`the committer ended at ${said}`)
  }

  it('S9 keeps a second process out', async () => {
    const child = committer()
    await until(child, 1)
    await assert.rejects(world.store(), failsWith('STORE_LOCKED'))
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    await world.reopenKeys()
    await (await world.store()).close()
  })

  it('S7 S15 stands at a whole height after every kill -9, and has all that was acknowledged', async () => {
    let acknowledged = 0
    for (const more of [3, 17, 40]) {
      const child = committer()
      const ended = new Promise((resolve) => child.once('exit', resolve))
      acknowledged = await until(child, acknowledged + more)
      child.kill('SIGKILL')
      await ended
      await world.reopenKeys()
      const store = await world.store()
      assert.ok(store.sequence >= acknowledged, `${store.sequence} of ${acknowledged}`)
      assert.equal(await store.countQuads(), 20 * store.sequence)
      assert.equal((await dump(store.quads())).length, 20 * store.sequence)
      assert.deepEqual(store.meta(), utf8(`meta ${store.sequence}`))
      assert.deepEqual(await store.record(utf8('height')), utf8(`${store.sequence}`))
      const payload = await store.itemPayload(itemNamed(`${store.sequence}`))
      assert.deepEqual(payload, utf8(`payload ${store.sequence}`))
      acknowledged = store.sequence
      await store.close()
    }
    await rm(world.path('store'), { recursive: true })
  })
})
