// Whatever is done to the files of a closed store, it gives the right answer or says that something is wrong; it never
// gives a wrong answer. And a verification of a sound store finds nothing.

import assert from 'node:assert/strict'
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import fc from 'fast-check'
import { Level } from 'level'
import { utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { openKeyRing } from '../../src/store/key-ring.ts'
import { localKey, tables } from '../../src/store/layout.ts'
import { openStore } from '../../src/store/store.ts'
import { long } from '../long.ts'
import { block, dump, iri, item, itemNamed, retraction, row, text, typed, World } from './world.ts'

const isLedgerError = (error: unknown): boolean => error instanceof LedgerError

describe('The files of a closed store', function () {
  this.timeout(long ? 600_000 : 60_000)
  let world: World
  let quads: readonly string[]

  before(async () => {
    world = await World.create()
    const store = await world.store(true, 0)
    for (let n = 1; n <= 6; n++) {
      const rows = Array.from({ length: 40 }, (_, i) =>
        row(`urn:s:${n}:${i % 9}`, `urn:p:${i % 3}`, i % 2 === 0 ? text(`${n} ${i}`) : typed(`${i}`, 'integer')),
      )
      await store.commit(
        block(n, {
          items: [item(`${n}`, rows, { class: n % 2 === 0 ? 'personal' : 'open' })],
          retractions: n > 1 ? [retraction(`${n - 1}`, [0])] : [],
          records: [{ key: utf8(`key ${n}`), value: utf8(`value ${n}`) }],
        }),
      )
    }
    quads = await dump(store.quads())
    await store.close()
    await world.keyRing.close()
    // Some blocks stand in no segment.
    world.keyRing = await openKeyRing(world.path('keys'), world.root)
    const later = await world.store()
    await later.commit(block(7, { items: [item('7', [row('urn:s:7', 'urn:p:7', text('7'))])] }))
    quads = await dump(later.quads())
    assert.deepEqual((await later.verify()).findings, [])
    await later.close()
    await world.keyRing.close()
    await cp(world.path(), world.path('..', `${world.directory.split('/').at(-1)}-copy`), { recursive: true })
    world.keyRing = await openKeyRing(world.path('keys'), world.root)
  })

  after(async () => {
    await rm(copy(), { recursive: true, force: true })
    await world.remove()
  })

  const copy = (...parts: readonly string[]): string => join(`${world.directory}-copy`, ...parts)

  async function files(): Promise<readonly string[]> {
    const found = await readdir(world.path(), { recursive: true, withFileTypes: true })
    // Lock files are empty, and LOG is what LevelDB tells people.
    const named = found.filter((entry) => entry.isFile() && !/^(LOCK|LOG|LOG\.old|unlock\.key)$/.test(entry.name))
    return named.map((entry) => relative(world.path(), join(entry.parentPath, entry.name))).sort()
  }

  async function restored(): Promise<void> {
    await rm(copy(), { recursive: true, force: true })
    await mkdir(copy(), { recursive: true })
    for (const folder of ['keys', 'store']) await cp(world.path(folder), copy(folder), { recursive: true })
  }

  /** All that the copy answers, through every door; throws what it finds wrong. */
  async function answers(): Promise<void> {
    const keyRing = await openKeyRing(copy('keys'), world.root)
    try {
      const store = await openStore(copy('store'), { keyRing })
      try {
        assert.deepEqual(await dump(store.quads()), quads)
        assert.equal(await store.countQuads(), quads.length)
        for (const bound of [
          [iri('urn:s:2:1')],
          [null, iri('urn:p:1')],
          [null, null, typed('5', 'integer')],
          [null, null, null, iri('urn:g:1')],
        ]) {
          const expected = quads.filter((line) => {
            const [subject, predicate] = bound
            if (subject) return line.startsWith('urn:s:2:1 ')
            if (predicate) return line.includes(' urn:p:1 ')
            return bound[2] === null || line.includes(' "5"@^^http://www.w3.org/2001/XMLSchema#integer ')
          })
          assert.deepEqual(await dump(store.match(...bound)), expected)
        }
        for (let n = 1; n <= 7; n++) {
          assert.deepEqual(await store.itemPayload(itemNamed(`${n}`)), utf8(`payload ${n}`))
          if (n < 7) assert.deepEqual(await store.record(utf8(`key ${n}`)), utf8(`value ${n}`))
        }
      } finally {
        await store.close()
      }
    } finally {
      await keyRing.close()
    }
  }

  it('S1 show any single byte that was flipped, or the flip does no harm: never a wrong answer', async () => {
    const names = await files()
    assert.ok(names.some((name) => name.includes('segments')) && names.some((name) => name.endsWith('.log')))
    let noticed = 0
    const runs = long ? 2_000 : 60
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1, max: 255 }),
        async (which, where, flip) => {
          await restored()
          const path = copy(names[which % names.length] as string)
          const bytes = await readFile(path)
          if (bytes.length === 0) return
          const at = Math.floor(where * bytes.length)
          bytes[at] = (bytes[at] as number) ^ flip
          await writeFile(path, bytes)
          await answers().catch((error: unknown) => {
            if (!isLedgerError(error)) throw error
            noticed += 1
          })
        },
      ),
      { seed: 20261123, numRuns: runs },
    )
    assert.ok(noticed > runs / 4, `${noticed} of ${runs}`)
  })

  it('S1 show segments that were swapped, cut short or taken away', async () => {
    const segments = (await files()).filter((name) => name.includes('segments'))
    assert.ok(segments.length >= 2)
    const [first, second] = segments as [string, string]
    const changes: readonly (() => Promise<void>)[] = [
      async () => {
        await rename(copy(first), copy('kept'))
        await rename(copy(second), copy(first))
        await rename(copy('kept'), copy(second))
      },
      async () => writeFile(copy(first), (await readFile(copy(first))).subarray(0, -1)),
      async () => rm(copy(first)),
      async () => copyFile(copy(first), copy(second)),
    ]
    for (const change of changes) {
      await restored()
      await change()
      await assert.rejects(answers(), (error) => error instanceof LedgerError && error.code === 'RECORD_TAMPERED')
    }
  })

  it('S3 show the tag of an index block cut short: a shorter block does not open', async () => {
    const [segment] = (await files()).filter((name) => name.includes('segments')) as [string]
    await restored()
    const bytes = await readFile(copy(segment))
    bytes.fill(0, 200, 216)
    await writeFile(copy(segment), bytes)
    await assert.rejects(answers(), isLedgerError)
  })

  it('S13 show by a verification that the index and the items say different things', async () => {
    const sound = await world.store()
    try {
      const { holds, rows, items, findings } = await sound.verify()
      assert.deepEqual([holds, rows, items, findings], [true, 241, 7, []])
    } finally {
      await sound.close()
    }
    await restored()
    await rm(copy('store', 'closed.json'))
    const level = new Level<Uint8Array, Uint8Array>(copy('store', 'data'), {
      keyEncoding: 'view',
      valueEncoding: 'view',
    })
    await level.del(localKey(tables.content, 3))
    await level.close()
    const keyRing = await openKeyRing(copy('keys'), world.root)
    const store = await openStore(copy('store'), { keyRing })
    try {
      const { holds, items, findings } = await store.verify()
      assert.deepEqual([holds, items], [false, 6])
      assert.ok(findings.some(({ code, details }) => code === 'CONTENT_DIVERGED' && details['expected'] === 201))
    } finally {
      await store.close()
      await keyRing.close()
    }
  })
})
