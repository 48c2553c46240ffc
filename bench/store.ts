// The store beside others, each in a process of its own on the same quads.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Bench, BenchValue } from './bench.ts'
import { hasBsbm } from './store/data.ts'

const names = ['ours', 'quadstore', 'oxigraph', 'n3'] as const
const figures = [
  'ingestBatch',
  'ingestBulk',
  'subject',
  'predicateObject',
  'range',
  'graph',
  'reopenMs',
  'bytesPerQuad',
  'rssMiB',
  'ingestPerCpuS',
] as const
const quadsDefault = 200_000

type Figures = Readonly<Record<(typeof figures)[number], number>> & { readonly answers: readonly number[] }

export const bench: Bench = {
  about: 'the encrypted store beside quadstore (disk, clear, synced), Oxigraph and N3.Store (memory)',
  options: [
    '--quads N      of the generator (200000)',
    '--only NAMES   some of ours,quadstore,oxigraph,n3',
    '--rotation N   instead: fill with N quads, then turn all keys while work goes on',
  ],
  run: async (options, say) => {
    const rotated = options.get('rotation')
    if (rotated !== undefined) {
      const rotation = await worker<{ readonly [name: string]: BenchValue }>(
        'rotation',
        rotated === '' ? '1000000' : rotated,
      )
      say(JSON.stringify(rotation, undefined, 2))
      return { rotation }
    }
    const quads = Number(options.get('quads') ?? quadsDefault)
    const chosen = options.get('only')?.split(',') ?? names
    const generated = await compare('events', quads, chosen, say)
    const berlin = hasBsbm ? { bsbm: await compare('bsbm', quads, chosen, say) } : {}
    return { quads, ...generated, ...berlin }
  },
}

async function compare(
  dataset: string,
  quads: number,
  chosen: readonly string[],
  say: (line: string) => void,
): Promise<Readonly<Record<string, BenchValue>>> {
  say(
    `${dataset}, ${quads} quads; a second, but for reopenMs to rssMiB; the last one in batches, a second of processor time`,
  )
  say(['', ...figures].map((name) => name.padStart(16)).join(''))
  const results: Record<string, Figures> = {}
  for (const name of names.filter((each) => chosen.includes(each))) {
    const result = await worker<Figures>('worker', name, dataset, String(quads))
    results[name] = result
    say(
      [name, ...figures.map((figure) => rounded(result[figure]).toString())].map((cell) => cell.padStart(16)).join(''),
    )
  }
  const answers = new Set(Object.values(results).map((result) => JSON.stringify(result.answers)))
  if (answers.size > 1) throw new Error(`the engines answer differently: ${[...answers].join(' and ')}`)
  return Object.fromEntries(
    Object.entries(results).map(([name, result]) => [
      name,
      Object.fromEntries(figures.map((figure) => [figure, rounded(result[figure])])),
    ]),
  )
}

function rounded(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(10 * value) / 10
}

/** What a file of the folder `store` prints, in a process of its own. */
async function worker<T>(file: string, ...args: readonly string[]): Promise<T> {
  const path = join(import.meta.dirname, 'store', `${file}.ts`)
  const flags = ['--expose-gc', '--conditions=source', '--import', 'tsx', path, ...args]
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  for await (const chunk of child.stdout) printed += String(chunk)
  if (printed === '') throw new Error(`the measurement ${args.join(' ')} gave nothing`)
  return JSON.parse(printed) as T
}
