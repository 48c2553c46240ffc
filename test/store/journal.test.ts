// The journal: what was durable is there again, in order; what was torn is not; nothing is sealed twice alike.

import assert from 'node:assert/strict'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex, utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { sequenceOf } from '../../src/base/ids.ts'
import type { JournalRecord } from '../../src/consensus/contract.ts'
import type { Journal } from '../../src/consensus/ports.ts'
import { openJournal } from '../../src/store/journal.ts'
import { journalContract } from '../consensus/ports/journal.ts'
import { World } from './world.ts'

const note = (sequence: number, content: string): JournalRecord => ({
  sequence: sequenceOf(sequence),
  bytes: utf8(content),
})
const notes = (...sequences: number[]): JournalRecord[] =>
  sequences.map((sequence) => note(sequence, `note ${sequence}`))

journalContract('sealed, on disk', async () => {
  const world = await World.create()
  const folder = world.path('journal')
  return {
    open: async () => openJournal(folder, await world.reopenKeys()),
    tear: async () => {
      const last = join(folder, (await readdir(folder)).sort().at(-1) as string)
      await truncate(last, (await readFile(last)).length - 3)
    },
    remove: () => world.remove(),
  }
})

const tampered = (error: unknown): boolean => error instanceof LedgerError && error.code === 'RECORD_TAMPERED'

describe('The journal', () => {
  let world: World

  beforeEach(async () => {
    world = await World.create()
  })

  afterEach(() => world.remove())

  const folder = (): string => world.path('journal')
  const open = (): Promise<Journal> => openJournal(folder(), world.keyRing)
  const segments = async (): Promise<string[]> => (await readdir(folder())).sort().map((name) => join(folder(), name))

  /** Opens it, appends, closes it. */
  async function written(...sequences: number[]): Promise<void> {
    const journal = await open()
    await journal.append(notes(...sequences))
    await journal.close()
  }

  async function read(): Promise<readonly JournalRecord[]> {
    await world.reopenKeys()
    const journal = await open()
    const found = await journal.read()
    await journal.close()
    return found
  }

  it('gives back every record over several openings, oldest first', async () => {
    await written(1, 2)
    await written()
    await written(3, 2)
    assert.deepEqual(await read(), notes(1, 2, 3, 2))
  })

  it('keeps records of any length, also none', async () => {
    const journal = await open()
    const records = [note(0, ''), note(5, 'x'.repeat(100_000))]
    await journal.append([])
    await journal.append(records)
    await journal.close()
    assert.deepEqual(await read(), records)
  })

  it('cuts whole old segments only, and forgets their keys', async () => {
    await written(1, 2)
    await written(3)
    const journal = await open()
    await journal.append(notes(4))
    await journal.cut(sequenceOf(2))
    assert.equal((await segments()).length, 3)
    await journal.cut(sequenceOf(3))
    assert.equal((await segments()).length, 2)
    await journal.cut(sequenceOf(100))
    await journal.close()
    const left = world.keyRing.entries().filter(({ purpose }) => purpose === 'journal')
    assert.equal(left.length, 1)
    assert.deepEqual(await read(), notes(4))
  })

  it('takes nothing more once it is closed', async () => {
    const journal = await open()
    await journal.close()
    await assert.rejects(journal.append(notes(1)), LedgerError)
  })

  it('S7 drops a torn last record wherever it was torn, and keeps all before it', async () => {
    await written(1, 2, 3)
    const [path] = (await segments()) as [string]
    const whole = await readFile(path)
    const last = 12 + 1 + 8 + 24 + 8 + 'note 3'.length + 16
    for (let kept = whole.length - last; kept < whole.length; kept++) {
      for (const other of await segments()) await rm(other)
      await writeFile(path, whole.subarray(0, kept))
      assert.deepEqual(await read(), notes(1, 2))
    }
  })

  it('S7 goes on after a torn tail, and after a segment whose first note was torn', async () => {
    await written(1, 2)
    const [first] = (await segments()) as [string]
    await truncate(first, (await readFile(first)).length - 3)
    await written(7)
    const second = (await segments())[1] as string
    await written(8)
    await truncate((await segments())[2] as string, 9)
    assert.deepEqual(await read(), notes(1, 7))
    assert.ok((await segments()).includes(second))
  })

  it('S1 takes no torn tail in a segment that another one follows, and no missing segment', async () => {
    await written(1, 2)
    await written(3)
    await written(4)
    const [first, second] = (await segments()) as [string, string]
    const whole = await readFile(first)
    await truncate(first, whole.length - 3)
    await assert.rejects(open(), tampered)
    assert.equal((await readFile(first)).length, whole.length - 3, 'the evidence stays as it is')
    await writeFile(first, whole)
    await rm(second)
    await assert.rejects(open(), tampered)
  })

  it('S1 takes no damage in the middle of its last segment for a torn tail', async () => {
    await written(1, 2, 3)
    const [path] = (await segments()) as [string]
    const whole = await readFile(path)
    for (const place of [9, 30, 12 + 8 + 8 + 49, whole.length - 200, whole.length - 90]) {
      const damaged = Uint8Array.from(whole)
      damaged[place] = (damaged[place] as number) ^ 1
      await writeFile(path, damaged)
      await assert.rejects(open(), tampered, `byte ${place}`)
      assert.deepEqual(Uint8Array.from(await readFile(path)), damaged)
    }
    await writeFile(path, whole)
    assert.deepEqual(await read(), notes(1, 2, 3))
  })

  it('S1 that is gone is missed by a node that has executed blocks', async () => {
    const expected = async (): Promise<void> => (await openJournal(folder(), world.keyRing, { expected: true })).close()
    const missing = (error: unknown): boolean => error instanceof LedgerError && error.code === 'JOURNAL_MISSING'
    await assert.rejects(expected(), missing)
    await written(1, 2)
    await expected()
    assert.deepEqual(await read(), notes(1, 2))
    for (const path of (await segments()).slice(1)) await rm(path)
    const [first] = (await segments()) as [string]
    await truncate(first, 3)
    await assert.rejects(expected(), missing, 'the only segment is empty')
    await rm(folder(), { recursive: true })
    await assert.rejects(expected(), missing, 'the folder is gone')
  })

  it('S11 never uses a nonce or a key twice, also after a torn tail', async () => {
    for (let round = 0; round < 4; round++) {
      await written(1, 2, 3)
      const last = (await segments()).at(-1) as string
      await truncate(last, (await readFile(last)).length - 5)
    }
    const nonces: string[] = []
    const keys = new Set<string>()
    for (const path of await segments()) {
      const bytes = await readFile(path)
      const ids = new Set<string>()
      for (let at = 8; at + 12 + 33 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
        ids.add(toHex(bytes.subarray(at + 13, at + 21)))
        nonces.push(toHex(bytes.subarray(at + 21, at + 45)))
      }
      assert.equal(ids.size, 1)
      for (const id of ids) keys.add(id)
    }
    assert.equal(keys.size, 4)
    assert.equal(new Set(nonces).size, nonces.length)
    assert.ok(nonces.length >= 12)
  })

  it('S8 holds no note in clear', async () => {
    const journal = await open()
    await journal.append([note(1, 'a secret that stands in a note')])
    await journal.close()
    assert.ok(!(await world.bytes()).includes('a secret that stands'))
  })

  it('S12 says which key is missing', async () => {
    await written(1)
    const key = world.keyRing.active('journal')
    await world.keyRing.renew('journal')
    await world.keyRing.destroy([key.id])
    await assert.rejects(
      open(),
      (error: unknown) => error instanceof LedgerError && error.details['key'] === toHex(key.id),
    )
  })
})
