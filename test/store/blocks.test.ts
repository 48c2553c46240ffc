// The block archive: a block stands where its sequence says, once, until it is cut off.

import assert from 'node:assert/strict'
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { utf8 } from '../../src/base/bytes.ts'
import { InvariantError, LedgerError } from '../../src/base/errors.ts'
import { sequenceOf } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { type ArchivedBlock, type BlockArchive, openBlocks } from '../../src/store/blocks.ts'
import { World } from './world.ts'

const perFile = limits.blocksPerFile
const blockAt = (n: number): ArchivedBlock => ({ sequence: sequenceOf(n), bytes: utf8(`block ${n}`) })
const blocksFrom = (from: number, to: number): ArchivedBlock[] =>
  Array.from({ length: to - from + 1 }, (_, i) => blockAt(from + i))

describe('The block archive', () => {
  let world: World
  let archive: BlockArchive

  beforeEach(async () => {
    world = await World.create()
    archive = await openBlocks(world.path('blocks'))
  })

  afterEach(async () => {
    await archive.close()
    await world.remove()
  })

  async function reopen(atLeast = 0): Promise<void> {
    await archive.close()
    archive = await openBlocks(world.path('blocks'), { atLeast })
  }

  it('gives back each block by its sequence, over several files and openings', async () => {
    await archive.append(blocksFrom(1, 10))
    await archive.append(blocksFrom(11, 3 * perFile + 5))
    await archive.sync()
    for (const _ of [1, 2]) {
      assert.equal(archive.height, 3 * perFile + 5)
      for (const n of [1, 10, 11, perFile, perFile + 1, 2 * perFile, 3 * perFile + 5]) {
        assert.deepEqual(await archive.read(n), utf8(`block ${n}`))
      }
      assert.deepEqual(await archive.range(perFile - 1, 3), blocksFrom(perFile - 1, perFile + 1))
      assert.deepEqual(await archive.range(3 * perFile + 5, 10), blocksFrom(3 * perFile + 5, 3 * perFile + 5))
      await reopen(3 * perFile + 5)
    }
    await assert.rejects(archive.read(0), RangeError)
    await assert.rejects(archive.read(3 * perFile + 6), RangeError)
  })

  it('passes over blocks that it has and refuses a gap', async () => {
    await archive.append(blocksFrom(1, 3))
    await archive.append([{ sequence: sequenceOf(2), bytes: utf8('another') }, blockAt(4)])
    assert.equal(archive.height, 4)
    assert.deepEqual(await archive.read(2), utf8('block 2'))
    await assert.rejects(archive.append([blockAt(6)]), InvariantError)
    assert.equal(archive.height, 4)
  })

  it('cuts off blocks, also whole files, and goes on from there', async () => {
    await archive.append(blocksFrom(1, 2 * perFile + 5))
    for (const kept of [2 * perFile + 2, 2 * perFile, perFile + 1, perFile, 3, 0]) {
      await archive.truncateAfter(kept)
      assert.equal(archive.height, kept)
      await reopen(kept)
      assert.equal(archive.height, kept)
      await assert.rejects(archive.read(kept + 1), RangeError)
    }
    await archive.append(blocksFrom(1, 2))
    assert.deepEqual(await archive.range(1, 9), blocksFrom(1, 2))
  })

  it('makes no file for a result that somebody asks for and that cannot be here', async () => {
    await archive.append(blocksFrom(1, 3))
    await archive.putResult(2, utf8('result 2'))
    const before = await readdir(world.path('blocks'))
    for (const n of [0, 4, perFile + 1, 1_000_000_000, Number.MAX_SAFE_INTEGER]) {
      assert.equal(await archive.result(n), undefined)
    }
    assert.deepEqual(await readdir(world.path('blocks')), before)
    assert.deepEqual(await archive.result(2), utf8('result 2'))
  })

  it('keeps the first result of each sequence, in whatever order they come', async () => {
    await archive.append(blocksFrom(1, 3))
    for (const n of [3, 1, perFile + 2]) await archive.putResult(n, utf8(`result ${n}`))
    await archive.putResult(3, utf8('another'))
    await archive.sync()
    await reopen()
    assert.deepEqual(await archive.result(3), utf8('result 3'))
    assert.deepEqual(await archive.result(1), utf8('result 1'))
    assert.deepEqual(await archive.result(perFile + 2), utf8(`result ${perFile + 2}`))
    assert.equal(await archive.result(2), undefined)
  })

  it('S7 drops a torn last block, unless it is known to have been durable', async () => {
    await archive.append(blocksFrom(1, 5))
    await archive.close()
    const path = world.path('blocks', 'blocks-00000000')
    const whole = await readFile(path)
    await truncate(path, whole.length - 2)
    const torn = (error: unknown): boolean => error instanceof LedgerError && error.code === 'RECORD_TAMPERED'
    await assert.rejects(openBlocks(world.path('blocks'), { atLeast: 5 }), torn)
    archive = await openBlocks(world.path('blocks'), { atLeast: 4 })
    assert.equal(archive.height, 4)
    await archive.append([blockAt(5)])
    assert.deepEqual(await archive.read(5), utf8('block 5'))
  })

  it('S1 notices a byte changed in a full file', async () => {
    await archive.append(blocksFrom(1, perFile + 1))
    await archive.close()
    const path = world.path('blocks', 'blocks-00000000')
    const bytes = await readFile(path)
    bytes[5_000] = (bytes[5_000] as number) ^ 1
    await writeFile(path, bytes)
    archive = await openBlocks(world.path('blocks'))
    const tampered = (error: unknown): boolean => error instanceof LedgerError && error.code === 'RECORD_TAMPERED'
    await assert.rejects(archive.read(1), tampered)
    assert.deepEqual(await archive.read(perFile + 1), utf8(`block ${perFile + 1}`))
  })
})
