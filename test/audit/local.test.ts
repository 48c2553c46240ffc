// Local logs in a bundle: what their nodes anchored binds them, and nobody can change, cut or add to them unnoticed.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { localFolder } from '../../src/audit/bundle.ts'
import type { BundleSource } from '../../src/audit/export.ts'
import { leafBytes, leafId } from '../../src/audit/leaf.ts'
import { type VerifyReport, verifyBundle } from '../../src/audit/verify.ts'
import { utf8 } from '../../src/base/bytes.ts'
import { long } from '../long.ts'
import {
  each,
  exported,
  type Files,
  type Fixture,
  ledger,
  localLeaves,
  localName,
  localSource,
  makeFixture,
  nodes,
  readerOver,
  reseal,
  rootOf,
  startReplay,
} from './bundle-fixture.ts'

const leaves = localLeaves(600)
const folder = localFolder(localName.node, localName.log)

describe('A local log in a bundle', function () {
  this.timeout(60_000)
  let fixture: Fixture
  let genuine: Files

  before(async () => {
    const anchor = (size: number): string => `${size} ${rootOf(leaves.slice(0, size))}`
    fixture = makeFixture(new Map([10, 20, 25].map((height, place) => [height, anchor([100, 256, 400][place] ?? 0)])))
    genuine = await withLocal(leaves)
  })

  const forged = (pieces: Partial<BundleSource>): Promise<Files> => exported({ ...fixture.source, ...pieces })
  const withLocal = (own: readonly Uint8Array[]): Promise<Files> => forged({ locals: () => each([localSource(own)]) })
  const check = (files: Files): Promise<VerifyReport> => verifyBundle(readerOver(files), { ledger }, startReplay)
  const names = async (files: Files): Promise<readonly string[]> =>
    (await check(files)).findings.map(({ code, file }) => `${code} ${file}`)

  it('holds as far as it is anchored, and the report says how far that is', async () => {
    const { findings, locals } = await check(genuine)
    assert.deepEqual(findings, [])
    assert.deepEqual(locals, [{ ...localName, size: 600, anchored: 400, anchors: 3, absent: [] }])
  })

  it('is not needed: a bundle without it holds, with or without anchors', async () => {
    assert.deepEqual(await names(await forged({})), [])
    const report = await check(await exported({ ...makeFixture().source, locals: () => each([localSource(leaves)]) }))
    assert.deepEqual([report.findings, report.locals[0]?.anchored, report.locals[0]?.anchors], [[], 0, 0])
  })

  it('that its node rewrote, cut or lengthened is refused as far as it is anchored', async () => {
    const rewritten = [...leaves.slice(0, 300)]
    for (let seq = 300; seq < 600; seq++) {
      const prev = leafId(rewritten.at(-1) ?? assert.fail('no leaf'))
      rewritten.push(leafBytes(seq, prev, { type: 'stopped', time: 9 * seq, code: '' }))
    }
    assert.deepEqual(await names(await withLocal(rewritten)), [`ANCHOR_MISMATCH ${folder}tile/entries/001`])
    assert.deepEqual(await names(await withLocal(leaves.slice(0, 300))), [`ANCHOR_MISMATCH ${folder}checkpoint`])
    assert.deepEqual(await names(await withLocal([...rewritten.slice(0, 300), ...leaves.slice(300)])), [])
  })

  it('that another node signed, or nobody, is refused', async () => {
    const stranger = await forged({ locals: () => each([localSource(leaves, nodes[1])]) })
    assert.deepEqual(await names(stranger), [`SIGNATURE_INVALID ${folder}checkpoint`])
    const unsigned = new Map(genuine)
    unsigned.set(`${folder}checkpoint`, utf8('no note'))
    assert.deepEqual(await names(reseal(unsigned)), [
      `FILE_MALFORMED ${folder}checkpoint`,
      ...[...genuine.keys()]
        .filter((path) => path.startsWith(`${folder}`) && !path.endsWith('checkpoint'))
        .map((path) => `FILE_UNLISTED ${path}`)
        .sort(),
    ])
  })

  it('in which a byte was changed by somebody who also redid manifest and sums is refused, and the file is named', async () => {
    const own = [...genuine.keys()].filter((path) => path.startsWith(folder))
    await fc.assert(
      fc.asyncProperty(fc.nat(own.length - 1), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, at, mask) => {
        const path = own[which] as string
        const bytes = (genuine.get(path) as Uint8Array).slice()
        const place = at % bytes.length
        bytes[place] = (bytes[place] as number) ^ mask
        const { findings, holds } = await check(reseal(new Map([...genuine, [path, bytes]])))
        assert.equal(holds, false)
        assert.ok(
          findings.some(({ file }) => file.startsWith(folder)),
          JSON.stringify(findings),
        )
      }),
      { numRuns: long ? 400 : 15 },
    )
  })

  it('from which a file was taken is refused', async () => {
    for (const path of [...genuine.keys()].filter((each) => each.startsWith(folder))) {
      const less = new Map(genuine)
      less.delete(path)
      assert.equal((await check(reseal(less))).holds, false, path)
    }
  })

  it('is not exported when the node’s own note is of something else', async () => {
    const { checkpoint } = localSource(leaves)
    const source = { ...fixture.source, locals: () => each([{ ...localSource(leaves.slice(1)), checkpoint }]) }
    await assert.rejects(exported(source), /is not what was written/)
  })
})
