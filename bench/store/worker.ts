// Measures one engine in a process of its own, so that memory is its alone. Prints one JSON object.
// Arguments: engine, data set, quads.

import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bsbm, type Data, events, type Pattern } from './data.ts'
import { type Engine, engines } from './engines.ts'

const [name = '', dataset = '', count = ''] = process.argv.slice(2)
const make = engines[name]
if (make === undefined) throw new RangeError(`no engine ${name}`)
const before = process.memoryUsage().rss
const data: Data = dataset === 'bsbm' ? bsbm(Number(count)) : events(Number(count))
const afterData = process.memoryUsage().rss
const batch = 128
/** What one measurement takes: at least the first, so that it is not of a cold start alone, and at most the second. */
const budgetMs = { least: 1_500, most: 4_000 }

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}

/** How often `work` is done in a second; it is asked once before, so that code and caches are warm. */
async function perSecond<T>(inputs: readonly T[], work: (input: T) => Promise<number>): Promise<number> {
  if (inputs.length === 0) return 0
  await work(inputs[0] as T)
  const start = performance.now()
  let done = 0
  let ms = 0
  while (ms < budgetMs.least) {
    for (const input of inputs) {
      await work(input)
      done += 1
      ms = performance.now() - start
      if (ms > budgetMs.most) break
    }
  }
  return (1_000 * done) / ms
}

async function bytesIn(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function withFolder<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'quadrille-bench-'))
  try {
    return await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const result = await withFolder(async (directory) => {
  const open = make as (directory: string) => Promise<Engine>
  let engine = await open(directory)
  const cpuStart = process.cpuUsage()
  const ingest = await seconds(async () => {
    for (let at = 0; at < data.quads.length; at += batch) await engine.add(data.quads.slice(at, at + batch))
  })
  const cpu = process.cpuUsage(cpuStart)
  const onDisk = name === 'ours' || name === 'quadstore'
  let reopenMs = 0
  let bytesPerQuad = 0
  if (onDisk) {
    await engine.close()
    bytesPerQuad = (await bytesIn(directory)) / data.quads.length
    const start = performance.now()
    engine = await open(directory)
    reopenMs = performance.now() - start
  }
  const scan = (pattern: Pattern): Promise<number> => engine.count(pattern)
  const measured = {
    ingestBatch: data.quads.length / ingest,
    subject: await perSecond(data.subjects, scan),
    predicateObject: await perSecond(data.predicateObjects, scan),
    range: await perSecond(data.ranges, ({ predicate, from, to }) => engine.range(predicate, from, to)),
    graph: await perSecond(data.graphs, scan),
    reopenMs,
    bytesPerQuad,
    // Other work on the machine disturbs it least.
    ingestPerCpuS: (1e6 * data.quads.length) / (cpu.user + cpu.system),
  }
  globalThis.gc?.()
  const rssMiB = (process.memoryUsage().rss - (afterData - before)) / 2 ** 20
  const answers = [await scan(data.subjects[1] as Pattern), await scan(data.graphs[0] as Pattern)]
  for (const { predicate, from, to } of data.ranges.slice(0, 1)) answers.push(await engine.range(predicate, from, to))
  await engine.close()
  return { ...measured, rssMiB, answers }
})
const ingestBulk = await withFolder(async (directory) => {
  const engine = await (make as (directory: string) => Promise<Engine>)(directory)
  const bulk = await seconds(() => engine.bulk(data.quads))
  await engine.close()
  return data.quads.length / bulk
})
console.log(JSON.stringify({ ...result, ingestBulk }))
