import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import fc from 'fast-check'
import {
  manifestBytes,
  manifestOrigin,
  parseManifest,
  piecePath,
  recordsOf,
  sequenced,
  sumsText,
} from '../../src/audit/bundle.ts'
import { type BundleSource, begunExport, exportBundle } from '../../src/audit/export.ts'
import type { Finding } from '../../src/audit/findings.ts'
import { folderReader } from '../../src/audit/folder.ts'
import { readLeaf } from '../../src/audit/leaf.ts'
import { openLog } from '../../src/audit/log.ts'
import { TreeFiles } from '../../src/audit/tree-files.ts'
import { type VerifyReport, type VerifyTrust, verifyBundle } from '../../src/audit/verify.ts'
import { concat, utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { digestOf, ledgerIdOf, organisationIdOf, type Round } from '../../src/base/ids.ts'
import { encode } from '../../src/base/schema.ts'
import { signingKeyOf } from '../../src/base/signature.ts'
import { type BlockRecord, blockRecordSchema } from '../../src/consensus/block.ts'
import { type ResultCertificate, resultCertificateSchema } from '../../src/consensus/certificate.ts'
import { agreementBytes, resultBytes } from '../../src/consensus/statements.ts'
import { long } from '../long.ts'
import {
  each,
  exported,
  type Files,
  type Fixture,
  ledger,
  makeFixture,
  makeResult,
  manifestNoteOf,
  members,
  nodes,
  noteOf,
  reader,
  readerOver,
  reseal,
  signaturesOf,
  startReplay,
} from './bundle-fixture.ts'

const check = (files: Files, trust: Partial<VerifyTrust> = {}): Promise<VerifyReport> =>
  verifyBundle(readerOver(files), { ledger, ...trust }, startReplay)

const names = ({ findings }: VerifyReport): string[] => findings.map(({ code, file }) => `${code} ${file}`)

describe('A bundle', function () {
  this.timeout(long ? 600_000 : 60_000)

  let fixture: Fixture
  let genuine: Files

  before(async () => {
    fixture = makeFixture()
    genuine = await exported(fixture.source)
  })

  /** The bundle that a source which differs in some pieces would give: what an attacker without keys can make. */
  const forged = (pieces: Partial<BundleSource>): Promise<Files> => exported({ ...fixture.source, ...pieces })
  const withBlocks = (change: (blocks: BlockRecord[]) => readonly BlockRecord[]): Promise<Files> => {
    const blocks = change([...fixture.blocks])
    const head = { ...fixture.source.head, height: blocks.length as typeof fixture.source.head.height }
    return forged({ head, blocks: () => each(blocks.map((block) => encode(blockRecordSchema, block))) })
  }
  const withResults = (change: (results: ResultCertificate[]) => readonly ResultCertificate[]): Promise<Files> =>
    forged({ results: () => each(change([...fixture.results]).map((each) => encode(resultCertificateSchema, each))) })

  it('that is genuine holds, and the report says what it trusts and counts', async () => {
    const report = await check(genuine)
    assert.deepEqual(report.findings, [])
    assert.deepEqual(
      { ...report, findings: [] },
      {
        holds: true,
        faults: 'byzantine',
        exporter: `${manifestOrigin(ledger)}/${'1'.repeat(32)}`,
        trusted: { ledger },
        reader,
        height: 30,
        log: { size: fixture.leaves.length, root: fixture.source.head.root },
        results: 10,
        note: { signers: 3, quorum: 3 },
        items: { opened: 269, erased: 1, withheld: 30, missing: 0 },
        locals: [],
        findings: [],
        findingsTotal: 0,
      },
    )
  })

  it('has the very tiles that a node serves from its log', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quadrille-log-'))
    const log = await openLog(folder)
    log.append(fixture.leaves.map((leaf) => readLeaf(leaf).entry))
    const tiles = [...genuine].filter(([path]) => path.startsWith('tile/'))
    assert.deepEqual(
      tiles.map(([path]) => path),
      ['tile/0/000', 'tile/0/001.p/76', 'tile/1/000.p/1', 'tile/entries/000', 'tile/entries/001.p/76'],
    )
    for (const [path, bytes] of tiles) assert.deepEqual(log.tile(path), bytes, path)
    assert.deepEqual(
      { size: log.size, root: log.root() },
      { size: fixture.source.head.size, root: fixture.source.head.root },
    )
    await log.close()
    rmSync(folder, { recursive: true })
  })

  it('is verified with the same verdicts by the code that runs in a browser', async () => {
    const built = await build({
      entryPoints: [join(import.meta.dirname, '../../src/audit/verify.ts')],
      bundle: true,
      platform: 'browser',
      format: 'esm',
      conditions: ['source', 'browser'],
      write: false,
    })
    const code = built.outputFiles[0]?.text ?? ''
    const browser = (await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)) as {
      verifyBundle: typeof verifyBundle
    }
    assert.ok(!code.includes('sodium') && code.includes('verifyBundle'))
    const report = await browser.verifyBundle(readerOver(genuine), { ledger }, startReplay)
    assert.deepEqual(report, await check(genuine))
    const cut = await withResults((results) => results.slice(0, -1))
    assert.deepEqual(names(await browser.verifyBundle(readerOver(cut), { ledger }, startReplay)), [
      'RESULT_MISSING results',
    ])
  })

  it('of another ledger is refused, whatever else it proves', async () => {
    const report = await check(genuine, { ledger: ledgerIdOf('00'.repeat(32)) })
    assert.deepEqual(names(report), ['WRONG_LEDGER genesis.json'])
    assert.equal(report.holds, false)
    const broken = reseal(new Map([...genuine, ['genesis.json', utf8('x')]]))
    assert.deepEqual(names(await check(broken)), ['GENESIS_INVALID genesis.json'])
  })

  it('in which any byte was changed is refused, and the file is named', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...genuine.keys()),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (path, at, change) => {
          const bytes = (genuine.get(path) as Uint8Array).slice()
          bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ change
          const report = await check(new Map([...genuine, [path, bytes]]))
          assert.equal(report.holds, false)
          const named = path === 'manifest.json' ? [path, 'SHA256SUMS'] : [path]
          assert.ok(
            report.findings.some(({ file }) => named.includes(file)),
            `${path}: ${names(report)}`,
          )
        },
      ),
      { seed: 11, numRuns: long ? 300 : 15 },
    )
  })

  it('in which any byte was changed by somebody who also redid manifest and sums is refused, and the file is named', async () => {
    const paths = [...genuine.keys()].filter((path) => !/manifest|SHA256/.test(path))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...paths),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (path, at, change) => {
          const bytes = (genuine.get(path) as Uint8Array).slice()
          bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ change
          const report = await check(reseal(new Map([...genuine, [path, bytes]])))
          assert.equal(report.holds, false, path)
          assert.ok(
            report.findings.some(({ file }) => file === path),
            `${path}: ${names(report)}`,
          )
        },
      ),
      { seed: 12, numRuns: long ? 500 : 20 },
    )
  })

  it('from which a file was taken, to which one was added, or of which the end is gone is refused, and the file is named', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...genuine.keys()),
        fc.constantFrom('drop', 'cut', 'add'),
        fc.boolean(),
        async (path, way, redo) => {
          const files = new Map(genuine)
          const bytes = files.get(path) as Uint8Array
          const target = way === 'add' ? `${path}.extra` : path
          if (way === 'drop') files.delete(path)
          else files.set(target, way === 'cut' ? bytes.subarray(0, bytes.length - 1) : bytes)
          // What resealing makes anew.
          const own = ['manifest.json', 'manifest.note', 'SHA256SUMS'].includes(path)
          const report = await check(redo && !own ? reseal(files) : files)
          assert.equal(report.holds, false, `${way} ${path}`)
          const kind = path.split('/')[0] as string
          assert.ok(
            report.findings.some(
              ({ file }) =>
                file === target || file.startsWith(kind) || (kind === 'manifest.json' && file === 'SHA256SUMS'),
            ),
            `${way} ${path}: ${names(report)}`,
          )
        },
      ),
      { seed: 13, numRuns: long ? 300 : 15 },
    )
  })

  it('whose leaves were removed, added, swapped or moved is refused even with all hashes redone, and the first wrong leaf is named', async () => {
    const { leaves } = fixture
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('remove', 'add', 'swap', 'move'),
        fc.nat(leaves.length - 1),
        fc.nat(leaves.length - 1),
        async (way, a, b) => {
          const changed = [...leaves]
          const [leaf] = changed.splice(a, 1) as [Uint8Array]
          if (way === 'add') changed.splice(a, 0, leaf, leaves[b] as Uint8Array)
          if (way === 'move') changed.splice(b, 0, leaf)
          if (way === 'swap') {
            changed.splice(a, 0, leaves[b] as Uint8Array)
            changed[b] = leaf
          }
          const first = leaves.findIndex((each, place) => each !== changed[place])
          const at = first < 0 ? (changed.length > leaves.length ? leaves.length : undefined) : first
          fc.pre(at !== undefined)
          const report = await check(await forged(logOf(changed)))
          assert.equal(report.holds, false)
          const tile = (at as number) < 256 ? 'tile/entries/000' : 'tile/entries/001'
          const found = report.findings.filter(
            ({ code, file }) => code === 'FILE_MISSING' || /^LEAF/.test(code) || file === tile,
          )
          assert.ok(
            found.some(({ file, at: place }) => file.startsWith(tile) && leafIn(place, at as number)),
            `${way} ${a} ${b} (${at}): ${JSON.stringify(report.findings.slice(0, 4))}`,
          )
          assert.ok(
            names(report).includes('NOTE_MISMATCH checkpoint') === false,
            'the note still says what the blocks lead to',
          )
        },
      ),
      { seed: 14, numRuns: long ? 120 : 8 },
    )
  })

  it('whose blocks were dropped, doubled, swapped or changed is refused at that height', async () => {
    const cases: [string, (blocks: BlockRecord[]) => readonly BlockRecord[], string][] = [
      ['dropped', (blocks) => blocks.toSpliced(6, 1), 'CHAIN_BROKEN'],
      ['doubled', (blocks) => blocks.toSpliced(6, 0, blocks[5] as BlockRecord), 'CHAIN_BROKEN'],
      [
        'swapped',
        (blocks) => blocks.toSpliced(6, 2, blocks[7] as BlockRecord, blocks[6] as BlockRecord),
        'CHAIN_BROKEN',
      ],
      [
        'without a transaction',
        edit(6, (block) => ({ ...block, transactions: block.transactions.slice(1) })),
        'DIGEST_MISMATCH',
      ],
      [
        'with transactions in another order',
        edit(6, (block) => ({ ...block, transactions: block.transactions.toReversed() })),
        'DIGEST_MISMATCH',
      ],
      [
        'with another time',
        edit(6, (block) => ({
          ...block,
          header: { ...block.header, time: (block.header.time + 1) as typeof block.header.time },
        })),
        'CHAIN_BROKEN',
      ],
      [
        'with the certificate of the next',
        (blocks) => edit(6, (block) => ({ ...block, certificate: (blocks[7] as BlockRecord).certificate }))(blocks),
        'CERTIFICATE_MISMATCH',
      ],
    ]
    for (const [what, change, code] of cases) {
      const report = await check(await withBlocks(change))
      assert.equal(report.height, 6, what)
      assert.deepEqual(
        report.findings.map(({ code, file, at }) => [code, file, at.split(',')[0]]),
        [[code, piecePath('blocks', 0), 'height 7']],
        what,
      )
    }
  })

  it('P8 P9 N10 whose commit certificate has too few signers, one twice, a stranger, or another view is refused', async () => {
    const block = fixture.blocks[6] as BlockRecord
    const { agreement, signatures } = block.certificate
    const message = agreementBytes(agreement)
    const [a, b] = signatures as [(typeof signatures)[0], (typeof signatures)[0]]
    const other = agreementBytes({ ...agreement, round: 1 as Round })
    const cases: [typeof signatures, string][] = [
      [signatures.slice(1), 'QUORUM_NOT_MET'],
      [[a, b, b], 'QUORUM_NOT_MET'],
      [signaturesOf('commit', message, nodes.slice(2)), 'QUORUM_NOT_MET'],
      [[a, b, ...signaturesOf('commit', other, nodes.slice(3, 4))], 'SIGNATURE_INVALID'],
      [signaturesOf('result', message, nodes.slice(1, 4)), 'SIGNATURE_INVALID'],
    ]
    for (const [signed, code] of cases) {
      const files = await withBlocks(
        edit(6, (each) => ({ ...each, certificate: { ...each.certificate, signatures: signed } })),
      )
      const report = await check(files)
      assert.deepEqual(
        report.findings.map((finding) => [finding.code, finding.at.split(',')[0]]),
        [[code, 'height 7']],
      )
    }
  })

  it('P27 whose later blocks were signed by validators that had left is refused', async () => {
    const files = await withBlocks(
      edit(25, (block) => {
        const signatures = signaturesOf('commit', agreementBytes(block.certificate.agreement), members(0).slice(1))
        return { ...block, certificate: { ...block.certificate, signatures } }
      }),
    )
    assert.deepEqual(names(await check(files)), ['QUORUM_NOT_MET blocks/000000.cborseq'])
  })

  it('N10 whose result certificates lack a quorum or say another thing is refused', async () => {
    const at = 4
    const { result } = fixture.results[at] as ResultCertificate
    const twice = makeResult(result, nodes.slice(0, 2))
    const cases: [ResultCertificate, string][] = [
      [makeResult(result, nodes.slice(0, 2)), 'QUORUM_NOT_MET'],
      [{ ...twice, signatures: [...twice.signatures, ...twice.signatures] }, 'QUORUM_NOT_MET'],
      [makeResult(result, nodes.slice(2)), 'QUORUM_NOT_MET'],
      [{ result, signatures: signaturesOf('commit', resultBytes(result), nodes.slice(0, 3)) }, 'SIGNATURE_INVALID'],
      [makeResult({ ...result, logRoot: digestOf('00'.repeat(32)) }), 'RESULT_MISMATCH'],
      [makeResult({ ...result, logSize: 1 }), 'RESULT_MISMATCH'],
      [makeResult({ ...result, block: digestOf('00'.repeat(32)) }), 'RESULT_MISMATCH'],
    ]
    for (const [certificate, code] of cases) {
      const report = await check(await withResults((results) => results.toSpliced(at, 1, certificate)))
      assert.deepEqual(
        report.findings.map((each) => [each.code, each.file, each.at.split(',')[0]]),
        [[code, 'results/000000.cborseq', `height ${result.sequence}`]],
      )
    }
    const checkpoint = fixture.results.find((each) => each.result.checkpoint.length > 0) as ResultCertificate
    const zero = digestOf('00'.repeat(32))
    const wrongState = makeResult({ ...checkpoint.result, checkpoint: [{ state: zero, roster: zero }] })
    const report = await check(await withResults((results) => results.with(results.indexOf(checkpoint), wrongState)))
    assert.deepEqual(names(report), ['RESULT_MISMATCH results/000000.cborseq'])
    const disordered = await check(await withResults((results) => results.toReversed()))
    assert.ok(names(disordered).includes('RESULT_MISMATCH results/000000.cborseq'))
  })

  it('P21 that proves positions only, without the result of its last block, is no success', async () => {
    const report = await check(await withResults((results) => results.slice(0, -1)))
    assert.deepEqual(names(report), ['RESULT_MISSING results'])
    assert.equal(report.findings[0]?.at, 'height 30')
    assert.deepEqual(names(await check(await withResults(() => []))), ['RESULT_MISSING results'])
  })

  it('that was cut to an earlier block with everything redone is refused by its checkpoint and by a trusted one', async () => {
    const cut = 27
    const tree = new TreeFiles()
    const size = (fixture.results[8] as ResultCertificate).result.logSize
    for (const leaf of fixture.leaves.slice(0, size)) tree.add(leaf)
    const head = { height: cut as typeof fixture.source.head.height, size, root: tree.root() }
    const pieces: Partial<BundleSource> = {
      head,
      blocks: () => each(fixture.blocks.slice(0, cut).map((block) => encode(blockRecordSchema, block))),
      results: () => each(fixture.results.slice(0, 9).map((each) => encode(resultCertificateSchema, each))),
      leaves: () => each(fixture.leaves.slice(0, size)),
      payloads: () => each(fixture.payloads.slice(0, cut * 9)),
    }
    assert.deepEqual(names(await check(await forged(pieces))), ['NOTE_MISMATCH checkpoint'])
    const signed = await forged({ ...pieces, checkpoint: async () => noteOf(head, members(1)) })
    assert.equal((await check(signed)).holds, true)
    const { size: whole, root } = fixture.source.head
    assert.deepEqual(names(await check(signed, { checkpoint: { size: whole, root } })), ['TRUNCATED checkpoint'])
    assert.equal((await check(genuine, { checkpoint: head })).holds, true)
    const other = { size, root: digestOf('00'.repeat(32)) }
    assert.deepEqual(names(await check(genuine, { checkpoint: other })), ['FORK_DETECTED checkpoint'])
  })

  it('N10 whose checkpoint too few validators signed, or one of them falsely, is refused', async () => {
    const { head } = fixture.source
    const note = (signers: typeof nodes, change = (text: string) => text) =>
      forged({ checkpoint: async () => change(noteOf(head, signers)) })
    assert.deepEqual(names(await check(await note(nodes.slice(0, 2)))), ['QUORUM_NOT_MET checkpoint'])
    assert.equal((await check(await note(nodes.slice(0, 2)), { noteSigners: 1 })).note.signers, 2)
    assert.deepEqual(
      names(await check(await note(nodes.slice(1, 4)))),
      ['QUORUM_NOT_MET checkpoint'],
      'validator 3 had left',
    )
    const false_ = await note(nodes.slice(0, 3), (text) => {
      const lines = text.split('\n')
      return [...lines.slice(0, 4), lines[4]?.replace(/.{8}$/, 'AAAAAAA='), ...lines.slice(5)].join('\n')
    })
    assert.ok(names(await check(false_)).includes('SIGNATURE_INVALID checkpoint'))
  })

  it('E4 that lacks an item without an erasure order says MISSING, never ERASED', async () => {
    const { payloads } = fixture
    const lost = await check(await forged({ payloads: () => each(payloads.toSpliced(100, 1)) }))
    assert.deepEqual(names(lost), ['MISSING payloads'])
    assert.ok(lost.findings[0]?.at.includes(payloads[100]?.item ?? '-'))
    assert.deepEqual(lost.items, { opened: 268, erased: 1, withheld: 30, missing: 1 })
    const { item, height } = payloads[100] as (typeof payloads)[0]
    const kept = payloads.with(100, { type: 'kept', height, item, retractions: utf8('retractions of 12.2') })
    assert.deepEqual(names(await check(await forged({ payloads: () => each(kept) }))), ['MISSING payloads'])
    const none = await check(await forged({ payloads: () => each([]), reader: undefined }))
    assert.deepEqual([none.holds, none.items], [true, { opened: 0, erased: 0, withheld: 300, missing: 0 }])
    const hidden = await check(await forged({ payloads: () => each([]), reader: undefined }), { reader })
    assert.equal(hidden.items.missing, 269)
    assert.equal(hidden.findingsTotal, 270)
    assert.equal(hidden.findings.length, 100)
  })

  it('that still holds an item whose erasure was ordered, payloads of no item, or payloads of another is refused', async () => {
    const { payloads } = fixture
    const place = payloads.findIndex(({ type }) => type === 'kept')
    const { item, height } = payloads[place] as (typeof payloads)[0]
    const whole = payloads.with(place, { type: 'whole', height, item, payload: utf8('payload of 5.1') })
    assert.deepEqual(names(await check(await forged({ payloads: () => each(whole) }))), [
      'NOT_ERASED payloads/000000.cborseq',
    ])
    const absent = await check(await forged({ payloads: () => each(payloads.toSpliced(place, 1)) }))
    assert.deepEqual([absent.holds, absent.items.erased], [true, 1])
    const swapped = payloads.with(3, {
      ...(payloads[4] as (typeof payloads)[0]),
      item: (payloads[3] as (typeof payloads)[0]).item,
    })
    assert.deepEqual(names(await check(await forged({ payloads: () => each(swapped) }))), [
      'PAYLOAD_MISMATCH payloads/000000.cborseq',
    ])
    const empty = payloads.with(3, {
      ...(payloads[3] as (typeof payloads)[0]),
      payload: new Uint8Array(0),
    } as (typeof payloads)[0])
    assert.deepEqual(names(await check(await forged({ payloads: () => each(empty) }))), [
      'PAYLOAD_MISMATCH payloads/000000.cborseq',
    ])
    const surplus = [...payloads, payloads[0] as (typeof payloads)[0]]
    assert.deepEqual(names(await check(await forged({ payloads: () => each(surplus) }))), [
      'PAYLOAD_SURPLUS payloads/000000.cborseq',
    ])
    const other = await check(await forged({ reader: organisationIdOf('org-1') }))
    assert.equal(other.items.missing, 30)
  })

  it('D6 names the node that made it, and no change of the manifest passes without that node', async () => {
    const report = await check(genuine)
    assert.match(report.exporter ?? '', /\/manifest\/1{32}$/)
    const manifest = parseManifest(genuine.get('manifest.json') as Uint8Array)
    const other = manifestBytes({ ...manifest, seed: 'chosen' })
    const sealed = new Map([
      ...genuine,
      ['manifest.json', other],
      ['SHA256SUMS', utf8(sumsText(other, manifest.files))],
    ])
    assert.ok(names(await check(sealed)).includes('MANIFEST_MISMATCH manifest.note'))
    const stranger = { ...nodes[1], checkpoint: signingKeyOf(new Uint8Array(32).fill(99)) } as (typeof nodes)[number]
    const signed = (note: string): Files => new Map([...genuine, ['manifest.note', utf8(note)]])
    const bytes = genuine.get('manifest.json') as Uint8Array
    assert.deepEqual(names(await check(signed(manifestNoteOf(bytes, stranger)))), ['SIGNATURE_INVALID manifest.note'])
    assert.deepEqual(names(await check(signed('nothing'))), ['FILE_MALFORMED manifest.note'])
    const noText: Files = new Map([...genuine, ['manifest.note', Uint8Array.of(0xff, 0x0a)]])
    assert.deepEqual(names(await check(noText)), ['FILE_MALFORMED manifest.note'])
    const without = new Map(genuine)
    without.delete('manifest.note')
    assert.deepEqual(names(await check(without)), ['FILE_MISSING manifest.note'])
    assert.ok((await check(signed(manifestNoteOf(bytes, nodes[4])))).holds, 'one that only follows exports too')
  })

  describe('in a folder', () => {
    let folder: string
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'quadrille-export-'))
      await exportBundle(join(folder, 'bundle'), fixture.source)
    })
    afterEach(() => rmSync(folder, { recursive: true }))

    it('is written once, whole or not at all', async () => {
      await assert.rejects(exportBundle(join(folder, 'bundle'), fixture.source), { code: 'FILE_EXISTS' })
      const lying = { ...fixture.source, leaves: () => each(fixture.leaves.slice(1)) }
      await assert.rejects(exportBundle(join(folder, 'other'), lying), { code: 'RECORD_TAMPERED' })
      assert.deepEqual([existsSync(join(folder, 'other')), existsSync(join(folder, 'other.partial'))], [false, false])
    })

    it('goes on where it was broken off, asks only for what is not there, and ends with the same bytes', async () => {
      const whole = folderReader(join(folder, 'bundle'))
      const kinds = ['blocks', 'results', 'leaves', 'payloads'] as const
      const { source } = fixture
      const path = join(folder, 'broken')
      const asked = { blocks: 0, results: 0, leaves: 0, payloads: 0 }
      /** Each of these kinds breaks off after so many records. */
      const breaking = (left: Readonly<Partial<Record<(typeof kinds)[number], number>>>): BundleSource => {
        const limited = (kind: (typeof kinds)[number]) =>
          async function* (from?: number): AsyncGenerator<never> {
            let given = 0
            for await (const each of source[kind](from)) {
              if (given++ === left[kind]) throw new LedgerError('NODE_UNREACHABLE')
              asked[kind]++
              yield each as never
            }
          }
        const [blocks, results, leaves, payloads] = kinds.map(limited)
        return { ...source, blocks, results, leaves, payloads } as BundleSource
      }
      for (const left of [{ blocks: 12 }, { results: 3 }, { leaves: 300 }, { payloads: 250 }]) {
        await assert.rejects(exportBundle(path, breaking(left)), { code: 'NODE_UNREACHABLE' })
        assert.equal((await begunExport(path))?.height, source.head.height)
        assert.equal(existsSync(path), false)
      }
      await assert.rejects(exportBundle(path, source, { seed: 'another' }), { code: 'FILE_EXISTS' })
      // A file that was being written when the process was killed.
      writeFileSync(join(`${path}.partial`, '.writing'), 'half of it')
      Object.assign(asked, { blocks: 0, results: 0, leaves: 0, payloads: 0 })
      await exportBundle(path, breaking({}))
      // Whole files are not asked for again; one that was not complete is.
      const { leaves, payloads } = fixture
      assert.deepEqual(asked, { blocks: 0, results: 0, leaves: leaves.length % 256, payloads: payloads.length })
      const again = folderReader(path)
      assert.deepEqual(await again.list(), await whole.list())
      for (const file of await whole.list()) assert.deepEqual(await again.read(file), await whole.read(file), file)
      assert.equal(await begunExport(path), undefined)
    })

    it('holds, tells how far checking is, and follows no link out of it', async () => {
      const told: string[] = []
      const bundle = folderReader(join(folder, 'bundle'))
      const report = await verifyBundle(bundle, { ledger }, startReplay, ({ stage, done, total }) =>
        told.push(`${stage} ${done}/${total}`),
      )
      assert.ok(report.holds)
      assert.equal(told.at(-1), 'blocks 30/30')
      rmSync(join(folder, 'bundle', 'checkpoint'))
      writeFileSync(join(folder, 'secret'), readFileSync(join(folder, 'bundle', 'genesis.json')))
      symlinkSync(join(folder, 'secret'), join(folder, 'bundle', 'checkpoint'))
      const linked = await verifyBundle(bundle, { ledger }, startReplay)
      assert.ok(names(linked).includes('FILE_MALFORMED checkpoint'))
    })

    it('is checked by sha256sum and openssl with the very commands of its VERIFY.md', function () {
      if (['sha256sum', 'openssl', 'sed', 'bash'].some((tool) => spawnSync(tool, ['--version']).error !== undefined)) {
        process.stdout.write('sha256sum or openssl is not installed: their verdicts on a bundle were not asked\n')
        this.skip()
      }
      const bundle = join(folder, 'bundle')
      const guide = readFileSync(join(bundle, 'VERIFY.md'), 'utf8')
      const commands = guide.split('\n').filter((line) => line.startsWith('    ') && !line.includes('quadrille audit'))
      const run = (): number | null =>
        spawnSync('bash', ['-e', '-o', 'pipefail', '-c', commands.join('\n')], { cwd: bundle }).status
      assert.equal(run(), 0)
      const note = join(bundle, 'checkpoint')
      writeFileSync(note, readFileSync(note, 'utf8').replace('\n', '\n1'))
      assert.notEqual(run(), 0)
    })
  })
})

describe('A CBOR sequence', () => {
  it('gives back its records with their places, and has one form', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 30 }),
            fc.constantFrom(255, 256, 65_535, 65_536).map((length) => new Uint8Array(length)),
          ),
        ),
        (records) => {
          const file = concat(...records.map(sequenced))
          const found = [...recordsOf(file)]
          assert.deepEqual(
            found.map(({ bytes }) => bytes),
            records,
          )
          assert.equal(found.at(-1)?.to ?? 0, file.length)
        },
      ),
      { seed: 15, numRuns: long ? 500 : 20 },
    )
    for (const wrong of [
      [0x41],
      [0x58, 1, 7],
      [0x59, 0, 30],
      [0x5f],
      [0x61, 0x61],
      [0x5b, 0, 0, 0, 0, 0, 0, 0, 1, 1],
    ]) {
      assert.throws(() => [...recordsOf(Uint8Array.from(wrong))], { code: 'MALFORMED' })
    }
  })
})

/** A log of other leaves, with tiles, events, root and size that fit it; the note and the results cannot be redone. */
function logOf(leaves: readonly Uint8Array[]): Partial<BundleSource> {
  const tree = new TreeFiles()
  for (const leaf of leaves) tree.add(leaf)
  const height = 30 as BundleSource['head']['height']
  return { head: { height, size: tree.size, root: tree.root() }, leaves: () => each(leaves) }
}

function edit(
  place: number,
  change: (block: BlockRecord) => BlockRecord,
): (blocks: BlockRecord[]) => readonly BlockRecord[] {
  return (blocks) => blocks.with(place, change(blocks[place] as BlockRecord))
}

/** Whether a finding's place is this leaf, or leaves among which it is. */
function leafIn(at: Finding['at'], leaf: number): boolean {
  const [, first, last] = /lea(?:f|ves) (\d+)(?: to (\d+))?/.exec(at) ?? []
  return first !== undefined && leaf >= Number(first) && leaf <= Number(last ?? first)
}
