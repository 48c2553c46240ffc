// The audit log: appending with one fsync a batch, proofs, and a bundle of a long log, exported and verified in bounded memory.
// The rules are the small ones of the tests, so what is measured is the log and not the ledger's execution.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BundleSource, exportBundle } from '../src/audit/export.ts'
import { folderReader } from '../src/audit/folder.ts'
import { leafBytes, leafId, noPrevious } from '../src/audit/leaf.ts'
import { openLog } from '../src/audit/log.ts'
import { TreeFiles } from '../src/audit/tree-files.ts'
import { verifyBundle } from '../src/audit/verify.ts'
import type { Sequence } from '../src/base/ids.ts'
import { leafHash, verifyInclusion } from '../src/base/merkle.ts'
import { encode } from '../src/base/schema.ts'
import { type BlockHeader, type BlockRecord, blockRecordSchema } from '../src/consensus/block.ts'
import { type ResultCertificate, resultCertificateSchema } from '../src/consensus/certificate.ts'
import {
  dataTransaction,
  each,
  genesis,
  ledger,
  makeBlock,
  makeResult,
  manifestNoteOf,
  members,
  noteOf,
  startReplay,
} from '../test/audit/bundle-fixture.ts'
import type { Bench, BenchValue } from './bench.ts'

const batch = 1_000

export const bench: Bench = {
  about: 'appending leaves, proofs, and a bundle of a long log: export and verification with peak memory',
  options: ['--leaves N     of the bundle (1000000)', '--appended N   of the log on disk (300000)'],
  run: async (options, say) => {
    const folder = mkdtempSync(join(tmpdir(), 'quadrille-bench-audit-'))
    try {
      const log = await logFigures(join(folder, 'log'), Number(options.get('appended') ?? 300_000))
      say(JSON.stringify(log))
      const bundle = await bundleFigures(join(folder, 'bundle'), Number(options.get('leaves') ?? 1_000_000))
      say(JSON.stringify(bundle))
      return { log, bundle }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

type Figures = Readonly<Record<string, BenchValue>>

async function logFigures(folder: string, leaves: number): Promise<Figures> {
  const log = await openLog(folder)
  const began = performance.now()
  const cpu = process.cpuUsage()
  for (let from = 0; from < leaves; from += batch) {
    log.append(Array.from({ length: batch }, (_, place) => entryAt(from + place)))
    await log.sync()
  }
  const seconds = (performance.now() - began) / 1_000
  const { user, system } = process.cpuUsage(cpu)
  const times: number[] = []
  const cpuTimes: number[] = []
  const root = Buffer.from(log.root(), 'hex')
  for (let at = 0; at < 2_000; at++) {
    const index = (at * 7_919) % log.size
    const used = process.cpuUsage()
    const start = performance.now()
    const proof = log.inclusion(index)
    times.push(performance.now() - start)
    const { user, system } = process.cpuUsage(used)
    cpuTimes.push((user + system) / 1_000)
    if (!verifyInclusion(leafHash(log.leaf(index)), index, log.size, proof, root)) throw new Error('no proof')
  }
  times.sort((a, b) => a - b)
  await log.close()
  return {
    leaves,
    leavesPerSecond: Math.round(leaves / seconds),
    leavesPerCpuSecond: Math.round((leaves * 1e6) / (user + system)),
    inclusionMsMedian: rounded(times[times.length >> 1] ?? 0),
    inclusionMs99: rounded(times[Math.floor(times.length * 0.99)] ?? 0),
    inclusionMsMax: rounded(times.at(-1) ?? 0),
    // What others have of the processor meanwhile is no part of it.
    inclusionCpuMsMax: rounded(Math.max(...cpuTimes)),
  }
}

function entryAt(place: number): { readonly [name: string]: string | number } {
  const id = String(place).padStart(64, '0')
  return {
    type: 'transaction',
    height: place,
    index: 0,
    tx: id,
    act: 'data',
    outcome: 'OK',
    key: id,
    organisation: 'acme',
  }
}

async function bundleFigures(folder: string, leaves: number): Promise<Figures> {
  const source = sourceOf(Math.ceil(leaves / batch))
  const peak = { bytes: 0 }
  const watch = setInterval(() => {
    peak.bytes = Math.max(peak.bytes, process.memoryUsage.rss())
  }, 50)
  const before = process.memoryUsage.rss()
  const began = performance.now()
  const { files } = await exportBundle(folder, source)
  const exported = performance.now()
  const { holds, log } = await verifyBundle(folderReader(folder), { ledger }, startReplay)
  const verified = performance.now()
  clearInterval(watch)
  if (!holds) throw new Error('the bundle does not hold')
  return {
    leaves: log.size,
    files: files.length,
    mebibytes: Math.round(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1_048_576),
    exportSeconds: rounded((exported - began) / 1_000),
    verifySeconds: rounded((verified - exported) / 1_000),
    rssBeforeMiB: Math.round(before / 1_048_576),
    rssPeakMiB: Math.round(peak.bytes / 1_048_576),
  }
}

/** Blocks of one leaf for the block and 999 for its transactions, made again whenever they are read. */
function sourceOf(heights: number): BundleSource {
  const { replay } = startReplay(genesis)
  const tree = new TreeFiles()
  let last: ResultCertificate | undefined
  for (const leaf of leavesOf(heights)) tree.add(leaf)
  const head = { height: heights as Sequence, size: tree.size, root: tree.root() }
  for (const block of blocksOf(heights)) {
    const { header, hash } = replay.apply(block)
    if (header.sequence < heights) continue
    const { epoch, sequence } = header
    last = makeResult({ ledger, epoch, sequence, block: hash, logSize: head.size, logRoot: head.root, checkpoint: [] })
  }
  if (last === undefined) throw new Error('no blocks')
  const result = encode(resultCertificateSchema, last)
  return {
    ledger,
    reader: undefined,
    head,
    start: startReplay,
    genesis: async () => genesis,
    checkpoint: async () => noteOf(head, members(0)),
    checkpointKeys: async () => replay.checkpointKeys(),
    blocks: async function* () {
      for (const block of blocksOf(heights)) yield encode(blockRecordSchema, block)
    },
    results: () => each([result]),
    sign: async (manifest) => manifestNoteOf(manifest),
    leaves: async function* () {
      yield* leavesOf(heights)
    },
    locals: async function* () {},
    payloads: () => each([]),
  }
}

function* blocksOf(heights: number): Generator<BlockRecord> {
  let previous: BlockHeader | undefined
  for (let height = 1; height <= heights; height++) {
    const transactions = Array.from({ length: batch - 1 }, (_, place) => dataTransaction(`${height}.${place}`))
    const block = makeBlock(previous, 0, transactions)
    yield block
    previous = block.header
  }
}

function* leavesOf(heights: number): Generator<Uint8Array> {
  const { replay } = startReplay(genesis)
  let [seq, prev] = [0, noPrevious]
  for (const block of blocksOf(heights)) {
    for (const entry of replay.apply(block).entries) {
      const leaf = leafBytes(seq++, prev, entry)
      prev = leafId(leaf)
      yield leaf
    }
  }
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000
}
