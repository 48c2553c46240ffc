// A small database of format version 1, written once and frozen: every later version of the store must read it.
// UPDATE_VECTORS=1 writes it where there is none.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { createKeyRing, openKeyRing } from '../../src/store/key-ring.ts'
import { openStore } from '../../src/store/store.ts'
import { block, dump, item, itemNamed, retraction, row, tagged, text, typed } from './world.ts'

const folder = join(import.meta.dirname, '../fixtures/v1')
/** The fixture is no secret: its root key stands here. */
const root = fromHex('5a'.repeat(32))

interface Expected {
  readonly quads: readonly string[]
  readonly before: readonly string[]
  readonly payload: string
}

async function write(): Promise<void> {
  await mkdir(folder, { recursive: true })
  const keyRing = await createKeyRing(join(folder, 'keys'), root)
  // Two blocks stand in segments, one does not, one item is erased and not purged.
  let store = await openStore(join(folder, 'store'), { keyRing, memoryBytesMax: 0 })
  const values = [
    text('o'),
    typed('17', 'integer'),
    typed('017', 'integer'),
    tagged('o', 'en'),
    typed('1.50', 'decimal'),
  ]
  const rows = [...values, typed('2026-11-22T10:00:00Z', 'dateTime'), typed('true', 'boolean')].map((object, n) =>
    row(`urn:s:${n % 3}`, `urn:p:${n % 2}`, object),
  )
  await store.commit(block(1, { items: [item('open', rows), item('personal', rows, { class: 'personal' })] }))
  await store.commit(
    block(2, { retractions: [retraction('open', [0, 1])], records: [{ key: utf8('k'), value: utf8('v') }] }),
  )
  await store.close()
  store = await openStore(join(folder, 'store'), { keyRing })
  await store.commit(
    block(3, { items: [item('later', [row('urn:s:9', 'urn:p:9', text('9'))], { class: 'personal' })] }),
  )
  await store.commit(block(4, { items: [item('gone', rows, { class: 'personal' })] }))
  await store.commit(block(5, { erasures: [itemNamed('gone')] }))
  const expected: Expected = {
    quads: await dump(store.quads()),
    before: await dump(store.at(1).quads()),
    payload: toHex((await store.itemPayload(itemNamed('personal'))) ?? new Uint8Array()),
  }
  await store.close()
  await keyRing.close()
  await writeFile(join(folder, 'expected.json'), `${JSON.stringify(expected, undefined, 2)}\n`)
}

describe('A store of format version 1', () => {
  before(async () => {
    if (!existsSync(folder) && process.env['UPDATE_VECTORS'] === '1') await write()
  })

  it('S10 is read by this version, with every answer that it gave when it was written', async () => {
    const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as Expected
    const directory = await mkdtemp(join(tmpdir(), 'quadrille-v1-'))
    try {
      await cp(folder, directory, { recursive: true })
      const opened = Date.now()
      const keyRing = await openKeyRing(join(directory, 'keys'), root)
      // It says of no key when it was made, so that they count from their first opening.
      for (const { since } of keyRing.entries()) assert.ok(since >= opened && since <= Date.now())
      const store = await openStore(join(directory, 'store'), { keyRing })
      assert.equal(store.sequence, 5)
      assert.deepEqual(await dump(store.quads()), expected.quads)
      assert.deepEqual(await dump(store.at(1).quads()), expected.before)
      assert.deepEqual(await store.itemPayload(itemNamed('personal')), fromHex(expected.payload))
      assert.deepEqual(await store.record(utf8('k')), utf8('v'))
      assert.deepEqual(store.erased(), [itemNamed('gone')])
      assert.deepEqual((await store.verify()).findings, [])
      await store.purge()
      await store.rotate()
      assert.deepEqual(await dump(store.quads()), expected.quads)
      await store.close()
      await keyRing.close()
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})
