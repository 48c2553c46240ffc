// Files that survive: every byte of a torn tail, damage told from tearing, and one process per folder.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { randomBytes } from '#crypto'
import { concat, toHex, utf8 } from '../../src/base/bytes.ts'
import { AppendFile, lockDirectory, writeFileAtomic } from '../../src/base/files.ts'
import { hasCode } from './codes.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quadrille-files-'))
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

async function filled(path: string, records: readonly Uint8Array[]): Promise<void> {
  const file = await AppendFile.open(path)
  await file.append(records)
  await file.sync()
  await file.close()
}

async function contents(path: string): Promise<readonly string[]> {
  const file = await AppendFile.open(path)
  const records: string[] = []
  for (let index = 0; index < file.count; index++) records.push(toHex(await file.read(index)))
  await file.close()
  return records
}

const three = [utf8('one'), new Uint8Array(), utf8('the third')]
const threeHex = three.map(toHex)

describe('A file that is replaced at once', () => {
  it('holds the new bytes and leaves no draft', async () => {
    const path = join(folder, 'a')
    await writeFileAtomic(path, utf8('old'))
    await writeFileAtomic(path, utf8('new'))
    assert.equal(await readFile(path, 'utf8'), 'new')
    assert.deepEqual(await readdir(folder), ['a'])
  })

  it('is left alone, without a draft, when the new one cannot take its place', async () => {
    await filled(join(folder, 'x'), [])
    await assert.rejects(writeFileAtomic(join(folder, 'x', 'y'), utf8('never')), { code: 'ENOTDIR' })
    assert.deepEqual(await readdir(folder), ['x'])
  })
})

describe('An append-only file', () => {
  it('gives back what was appended, also after it was closed', async () => {
    const path = join(folder, 'log')
    await filled(path, three)
    await filled(path, [utf8('four')])
    assert.deepEqual(await contents(path), [...threeHex, toHex(utf8('four'))])
  })

  it('asks the disk for a sync once for what was appended, for what was found when it was opened too', async () => {
    const path = join(folder, 'log')
    await filled(path, [utf8('one')])
    const handle = await open(path)
    const files = Object.getPrototypeOf(handle) as { datasync: () => Promise<void> }
    await handle.close()
    const datasync = files.datasync
    let syncs = 0
    files.datasync = function (this: unknown): Promise<void> {
      syncs += 1
      return datasync.call(this)
    }
    try {
      const file = await AppendFile.open(path)
      const expect = async (count: number): Promise<void> => {
        await Promise.all([file.sync(), file.sync()])
        assert.equal(syncs, count)
      }
      await expect(1)
      await expect(1)
      await file.append([utf8('two')])
      await expect(2)
      await file.append([utf8('three')])
      const [first] = [file.sync(), await file.append([utf8('four')])]
      await first
      await expect(4)
      await file.close()
    } finally {
      files.datasync = datasync
    }
  })

  it('S7 cut short at any byte keeps a prefix of whole records and goes on from there', async () => {
    const path = join(folder, 'log')
    await filled(path, three)
    const whole = await readFile(path)
    for (let length = whole.length - 1; length >= 0; length--) {
      await writeFile(path, whole.subarray(0, length))
      await (await AppendFile.open(path, { sealed: true })).close()
      const kept = await contents(path)
      assert.deepEqual(kept, threeHex.slice(0, kept.length))
      assert.ok(kept.length < 3)
      await filled(path, [utf8('next')])
      assert.deepEqual(await contents(path), [...kept, toHex(utf8('next'))])
    }
  })

  it('S7 with any byte of its last record changed drops that record only', async () => {
    const path = join(folder, 'log')
    await filled(path, three)
    const whole = await readFile(path)
    for (let place = whole.length - 12 - 9; place < whole.length; place++) {
      const torn = Uint8Array.from(whole)
      torn[place] = (torn[place] ?? 0) ^ 1
      await writeFile(path, torn)
      assert.deepEqual(await contents(path), threeHex.slice(0, 2))
    }
  })

  it('drops a tail of zeros, which file systems leave behind', async () => {
    const path = join(folder, 'log')
    await filled(path, three)
    const { length } = await readFile(path)
    await truncate(path, length + 5000)
    const file = await AppendFile.open(path)
    assert.equal(file.tornBytes, 5000)
    assert.equal(file.count, 3)
    await file.close()
  })

  it('S1 with fewer whole records than its user knows to be durable is damaged and stays as it is', async () => {
    const path = join(folder, 'log')
    await filled(path, three)
    const damaged = await readFile(path)
    damaged[8 + 12] = 0
    await writeFile(path, damaged)
    await assert.rejects(AppendFile.open(path, { atLeast: 3 }), hasCode('RECORD_TAMPERED'))
    assert.deepEqual(await readFile(path), damaged)
  })

  /** Every record but the last in turn broken at every byte: of the length, the checksum and the record. */
  it('S1 of sealed records is damaged when a whole one stands behind a broken one, and stays as it is', async () => {
    const path = join(folder, 'log')
    await filled(path, three)
    const whole = await readFile(path)
    for (let place = 8; place < whole.length - 12 - 9; place++) {
      for (const flip of [0x01, 0xff]) {
        const damaged = Uint8Array.from(whole)
        damaged[place] = (damaged[place] ?? 0) ^ flip
        await writeFile(path, damaged)
        await assert.rejects(AppendFile.open(path, { sealed: true }), hasCode('RECORD_TAMPERED'), `byte ${place}`)
        assert.deepEqual(Uint8Array.from(await readFile(path)), damaged)
      }
    }
  })

  it('S1 of sealed records finds long ones behind several that are broken', async () => {
    const path = join(folder, 'log')
    const records = [100, 200_000, 3_000_000, 40, 1_100_000].map((length) => randomBytes(length))
    await filled(path, records)
    const damaged = Uint8Array.from(await readFile(path))
    // The first loses its length; the second and the fourth, around the long third, a byte each.
    damaged.fill(0xff, 8, 12)
    damaged[8 + 12 + 100 + 12 + 5] = ~(damaged[8 + 12 + 100 + 12 + 5] ?? 0)
    damaged[damaged.length - 1_100_000 - 12 - 1] = ~(damaged[damaged.length - 1_100_000 - 12 - 1] ?? 0)
    await writeFile(path, damaged)
    await assert.rejects(AppendFile.open(path, { sealed: true }), hasCode('RECORD_TAMPERED'))
    // Without the two that are whole it is the tail of a crash.
    damaged[8 + 12 + 100 + 12 + 200_000 + 12] = ~(damaged[8 + 12 + 100 + 12 + 200_000 + 12] ?? 0)
    await writeFile(path, damaged.subarray(0, damaged.length - 1))
    const file = await AppendFile.open(path, { sealed: true })
    assert.equal(file.count, 0)
    await file.close()
  })

  it('S7 of sealed records drops a torn tail of megabytes, and of zeros', async () => {
    const path = join(folder, 'log')
    await filled(path, [randomBytes(500), randomBytes(6_000_000)])
    await truncate(path, 5_000_000)
    const file = await AppendFile.open(path, { sealed: true })
    assert.equal(file.count, 1)
    await file.close()
    await truncate(path, 5_000_000)
    const again = await AppendFile.open(path, { sealed: true })
    assert.equal(again.count, 1)
    await again.close()
  })

  it('S7 of clear records takes nothing that stands in a torn record for a record', async () => {
    const inner = join(folder, 'inner')
    const path = join(folder, 'log')
    await filled(inner, [utf8('looks like a record')])
    await filled(path, [utf8('one'), concat(await readFile(inner), utf8('and more'))])
    await truncate(path, (await readFile(path)).length - 3)
    assert.deepEqual(await contents(path), [toHex(utf8('one'))])
  })

  it('S1 whose record changes on disk while it is open says so', async () => {
    const path = join(folder, 'log')
    await filled(path, three)
    const file = await AppendFile.open(path)
    const damaged = await readFile(path)
    damaged[8 + 12] = 0
    await writeFile(path, damaged)
    await assert.rejects(file.read(0), hasCode('RECORD_TAMPERED'))
    assert.deepEqual(await file.read(2), three[2])
    await file.close()
  })

  it('S10 of a newer version or of another kind is refused and not touched', async () => {
    const path = join(folder, 'log')
    for (const bytes of [utf8('quadlog\u0002'), utf8('something else'), utf8('q!')]) {
      await writeFile(path, bytes)
      await assert.rejects(AppendFile.open(path), hasCode('FORMAT_UNSUPPORTED'))
      assert.equal(toHex(await readFile(path)), toHex(bytes))
    }
  })

  it('cut to its first records forgets the others for good', async () => {
    const path = join(folder, 'log')
    await filled(path, three)
    const file = await AppendFile.open(path)
    await file.truncate(1)
    await file.append([utf8('other')])
    assert.deepEqual(await file.read(1), utf8('other'))
    await assert.rejects(file.read(2), RangeError)
    await assert.rejects(file.truncate(3), RangeError)
    await file.close()
    assert.deepEqual(await contents(path), [toHex(utf8('one')), toHex(utf8('other'))])
  })

  it('refuses a record over its bound and takes a length over it for damage', async () => {
    const path = join(folder, 'log')
    await filled(path, three)
    const file = await AppendFile.open(path, { recordBytesMax: 8 })
    assert.equal(file.count, 2)
    await assert.rejects(file.append([new Uint8Array(9)]), RangeError)
    await file.close()
  })

  it('takes nothing more after a write failed', async () => {
    const file = await AppendFile.open(join(folder, 'log'))
    await file.close()
    await assert.rejects(file.append(three))
    await assert.rejects(file.sync())
    assert.equal(file.count, 0)
  })

  it('agrees with a plain array under any sequence of operations', async () => {
    const step = fc.oneof(
      fc.record({
        type: fc.constant('append' as const),
        records: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 }),
      }),
      fc.record({ type: fc.constant('cut' as const), keep: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ type: fc.constant('reopen' as const) }),
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const path = join(folder, `log-${run++}`)
        const model: Uint8Array[] = []
        let file = await AppendFile.open(path)
        for (const each of steps) {
          if (each.type === 'append') {
            await file.append(each.records)
            model.push(...each.records)
          } else if (each.type === 'cut') {
            model.length = Math.floor(each.keep * model.length)
            await file.truncate(model.length)
          } else {
            await file.close()
            file = await AppendFile.open(path, { atLeast: model.length })
          }
          assert.equal(file.count, model.length)
        }
        for (const [index, record] of model.entries()) assert.deepEqual(await file.read(index), record)
        await file.close()
      }),
      { seed: 7, numRuns: 40 },
    )
  })
})

const holder = `
import { lockDirectory } from ${JSON.stringify(resolve(import.meta.dirname, '../../src/base/files.ts'))}
await lockDirectory(process.argv[2])
process.stdout.write('held')
setInterval(() => {}, 1000)
`

describe('The lock of a folder', () => {
  it('S9 refuses a second holder until the first lets go', async () => {
    const lock = await lockDirectory(folder)
    await assert.rejects(lockDirectory(folder), hasCode('STORE_LOCKED'))
    await lock.release()
    const next = await lockDirectory(folder)
    await next.release()
    assert.deepEqual(await readdir(folder), [])
  })

  it('S9 holds in folders whose path is longer than a socket may have', async () => {
    const long = join(folder, 'a-long-name-'.repeat(12))
    await mkdir(long)
    const lock = await lockDirectory(long)
    await assert.rejects(lockDirectory(long), hasCode('STORE_LOCKED'))
    await lock.release()
    await (await lockDirectory(long)).release()
  })

  it('S9 is held by another process, also a stopped one, and ends with it at kill -9', async function () {
    this.timeout(20_000)
    const script = join(folder, 'holder.mts')
    await writeFile(script, holder)
    const home = join(folder, 'home')
    await mkdir(home)
    const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', script, home], {
      cwd: resolve(import.meta.dirname, '../..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(child.stdout, 'data')
      await assert.rejects(lockDirectory(home), hasCode('STORE_LOCKED'))
      child.kill('SIGSTOP')
      await assert.rejects(lockDirectory(home), hasCode('STORE_LOCKED'))
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    }
    const lock = await lockDirectory(home)
    assert.equal((await readdir(home)).length, 1)
    await lock.release()
  })

  it('S9 is never held twice when many try at once', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(folder)))
    const held = tries.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    assert.ok(held.length <= 1)
    for (const lock of held) await lock.release()
    await (await lockDirectory(folder)).release()
  })
})
