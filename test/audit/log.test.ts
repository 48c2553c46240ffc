import assert from 'node:assert/strict'
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { type Entry, leafBytes, noPrevious, readLeaf } from '../../src/audit/leaf.ts'
import { type Log, openLog } from '../../src/audit/log.ts'
import { checkpointText, formatNote, signNote } from '../../src/audit/note.ts'
import { leafProof } from '../../src/audit/sample.ts'
import { leavesOf, parseTilePath, tilePath, tilesAt } from '../../src/audit/tiles.ts'
import { concat, fromBase64, fromHex, utf8 } from '../../src/base/bytes.ts'
import { digestOf } from '../../src/base/ids.ts'
import { leafHash, rootOf, verifyConsistency, verifyInclusion } from '../../src/base/merkle.ts'

const entries = (count: number, from = 0): Entry[] =>
  Array.from({ length: count }, (_, place) => ({
    type: 'test',
    number: from + place,
    fill: 'x'.repeat((from + place) % 50),
  }))

/** The leaves that a log of these entries must hold, computed apart from it. */
function expectedLeaves(all: readonly Entry[]): Uint8Array[] {
  const leaves: Uint8Array[] = []
  for (const entry of all) {
    const last = leaves.at(-1)
    leaves.push(leafBytes(leaves.length, last === undefined ? noPrevious : digestOf(leafHash(last)), entry))
  }
  return leaves
}

describe('The log', function () {
  this.timeout(60_000)

  let folder: string
  let log: Log

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'quadrille-log-'))
    log = await openLog(join(folder, 'log'))
  })
  afterEach(async () => {
    await log.close()
    rmSync(folder, { recursive: true })
  })

  it('proves each leaf under any checkpoint in one text, C2SP tlog-proof, and none that it does not cover', () => {
    const size = 300
    log.append(entries(700))
    const root = log.rootAt(size)
    const text = checkpointText({ origin: 'log', size, root })
    const note = formatNote({ text, signatures: [signNote(text, 'log/a', new Uint8Array(32).fill(7))] })
    for (const index of [0, 255, 256, 299]) {
      const [head = '', ...rest] = leafProof(log, index, note)?.split('\n\n') ?? []
      const [first, extra = '', place, ...hashes] = head.split('\n')
      assert.deepEqual([first, place], ['c2sp.org/tlog-proof@v1', `index ${index}`])
      assert.equal(rest.join('\n\n'), note)
      const leaf = fromBase64(extra.slice('extra '.length))
      assert.deepEqual(leaf, log.leaf(index))
      assert.ok(verifyInclusion(leafHash(leaf), index, size, hashes.map(fromBase64), fromHex(root)))
      assert.ok(!verifyInclusion(leafHash(utf8('x')), index, size, hashes.map(fromBase64), fromHex(root)))
    }
    assert.equal(leafProof(log, size, note), undefined)
  })

  it('holds chained leaves under the RFC 6962 root, whatever the batches', async () => {
    const all = entries(700)
    let done = 0
    for (const count of [1, 1, 254, 2, 255, 187]) {
      const head = log.append(all.slice(done, done + count))
      done += count
      const leaves = expectedLeaves(all.slice(0, done))
      assert.deepEqual(head, { size: done, root: digestOf(rootOf(leaves.map(leafHash))) })
    }
    await log.sync()
    assert.deepEqual([...log.leaves()], expectedLeaves(all))
    assert.deepEqual([...log.leaves(250, 520)], expectedLeaves(all).slice(250, 520))
    assert.deepEqual(log.leaf(511), expectedLeaves(all)[511])
    assert.throws(() => log.leaf(700), RangeError)
    assert.equal(log.rootAt(300), digestOf(rootOf(expectedLeaves(all.slice(0, 300)).map(leafHash))))
  })

  it('gives proofs that verify, and no proof verifies for another leaf, size or root', () => {
    log.append(entries(600))
    const hashes = [...log.leaves()].map(leafHash)
    fc.assert(
      fc.property(fc.nat(599), fc.integer({ min: 1, max: 600 }), (index, size) => {
        fc.pre(index < size)
        const proof = log.inclusion(index, size)
        const root = fromHex(log.rootAt(size))
        assert.ok(verifyInclusion(hashes[index] as Uint8Array, index, size, proof, root))
        assert.ok(!verifyInclusion(hashes[(index + 1) % 600] as Uint8Array, index, size, proof, root))
        assert.ok(verifyConsistency(size, 600, log.consistency(size), root, fromHex(log.root())))
      }),
      { seed: 2, numRuns: 60 },
    )
  })

  it('serves every tile of tlog-tiles, full and partial, as a static file', () => {
    log.append(entries(70_000).map(({ type, number }) => ({ type, number }) as Entry))
    assert.deepEqual(
      [0, 1, 2].map((level) => [...tilesAt(level, 70_000)].map(({ width }) => width).filter((width) => width < 256)),
      [[112], [17], [1]],
    )
    const bundle = leavesOf(log.tile('tile/entries/272') as Uint8Array)
    assert.equal(bundle.length, 256)
    assert.deepEqual(concat(...bundle.map(leafHash)), log.tile('tile/0/272'))
    assert.equal(log.tile('tile/1/001.p/17')?.length, 17 * 32)
    assert.deepEqual(
      log.tile('tile/1/001.p/17')?.subarray(16 * 32),
      rootOf(leavesOf(log.tile('tile/entries/272') as Uint8Array).map(leafHash)),
    )
    for (const absent of [
      'tile/0/273',
      'tile/0/273.p/113',
      'tile/2/000.p/2',
      'tile/entries/273',
      'tile/0/000.p/0',
      'tile/0/0',
      'tile/00/000',
      'tile/0/000.p/256',
      'tile/0/x000/000',
      '../mark',
    ]) {
      assert.equal(log.tile(absent), undefined, absent)
    }
  })

  it('opens again where it was, and goes on', async () => {
    log.append(entries(300))
    await log.sync()
    const { root } = log.append(entries(300, 300))
    await log.close()
    log = await openLog(join(folder, 'log'))
    assert.deepEqual([log.size, log.root()], [600, root])
    log.append(entries(1, 600))
    assert.deepEqual([...log.leaves()], expectedLeaves(entries(601)))
  })

  it('keeps what was synced and drops a torn end, wherever a crash cut the files', async () => {
    log.append(entries(520))
    await log.sync()
    const crashed = join(folder, 'crashed')
    const whole = readFileSync(join(folder, 'log', 'leaves'))
    for (const cut of [whole.length, whole.length - 1, whole.length - 150, 30_001, 1, 0]) {
      cpSync(join(folder, 'log'), crashed, { recursive: true })
      // Hashes and starts are not synced with every batch: after a crash they may hold anything above the mark.
      for (const file of ['starts', 'hashes-0', 'hashes-1']) writeFileSync(join(crashed, file), new Uint8Array(7))
      truncateSync(join(crashed, 'leaves'), cut)
      appendFileSync(join(crashed, 'leaves'), new Uint8Array(cut % 3 === 0 ? 0 : 4096))
      const again = await openLog(crashed)
      const leaves = expectedLeaves(entries(again.size))
      assert.ok(leaves.reduce((bytes, leaf) => bytes + 2 + leaf.length, 0) <= cut)
      assert.ok(
        again.size === 520 ||
          expectedLeaves(entries(again.size + 1)).reduce((bytes, leaf) => bytes + 2 + leaf.length, 0) > cut,
      )
      again.append(entries(3, again.size))
      assert.deepEqual([...again.leaves()], expectedLeaves(entries(again.size)))
      assert.equal(again.root(), digestOf(rootOf([...again.leaves()].map(leafHash))))
      await again.close()
      rmSync(crashed, { recursive: true })
    }
  })

  it('is cut to any size, below and above its mark, and grows another way from there', async () => {
    log.append(entries(600))
    await log.close()
    log = await openLog(join(folder, 'log'))
    log.append(entries(10, 600))
    for (const size of [605, 599, 513, 512, 257, 3, 0]) {
      await log.truncate(size)
      log.append(entries(1, 9_000))
      assert.equal(log.root(), digestOf(rootOf(expectedLeaves([...entries(size), ...entries(1, 9_000)]).map(leafHash))))
      await log.truncate(size)
      await log.close()
      log = await openLog(join(folder, 'log'))
      assert.deepEqual([...log.leaves()], expectedLeaves(entries(size)))
    }
    await assert.rejects(log.truncate(1), RangeError)
  })

  it('refuses files that end before what was durable', async () => {
    log.append(entries(300))
    await log.close()
    copyFileSync(join(folder, 'log', 'leaves'), join(folder, 'kept'))
    truncateSync(join(folder, 'log', 'leaves'), 100)
    await assert.rejects(openLog(join(folder, 'log')), { code: 'RECORD_TAMPERED' })
    copyFileSync(join(folder, 'kept'), join(folder, 'log', 'leaves'))
    log = await openLog(join(folder, 'log'))
    assert.equal(log.size, 300)
  })

  it('takes none of a batch in which one leaf is too large', () => {
    log.append(entries(2))
    assert.throws(() => log.append([...entries(1), { fill: 'x'.repeat(4096) }]), { code: 'TOO_LARGE' })
    assert.equal(log.size, 2)
    log.append(entries(1, 2))
    assert.equal(readLeaf(log.leaf(2)).seq, 2)
  })
})

describe('Tile paths', () => {
  it('are those of tlog-tiles and read back', () => {
    assert.equal(tilePath({ level: 0, index: 1_234_067, width: 256 }), 'tile/0/x001/x234/067')
    assert.equal(tilePath({ level: 'entries', index: 5, width: 17 }), 'tile/entries/005.p/17')
    fc.assert(
      fc.property(
        fc.constantFrom<number | 'entries'>(0, 1, 7, 'entries'),
        fc.nat(5e9),
        fc.integer({ min: 1, max: 256 }),
        (level, index, width) => {
          assert.deepEqual(parseTilePath(tilePath({ level, index, width })), { level, index, width })
        },
      ),
      { seed: 3, numRuns: 200 },
    )
  })
})
