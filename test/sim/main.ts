// `npm run sim`: plays seeds and says what failed and how to repeat it. Results go to stdout, progress to a terminal only.

import { parseArgs } from 'node:util'
import { hunt, runCampaign, seedsFrom } from './campaign.ts'
import { loadMutants, loadSubject, protocolNames } from './protocols.ts'
import { play } from './run.ts'
import { keepSeed } from './seeds.ts'
import { lineOf } from './trace.ts'

const help = `npm run sim -- [options]

Plays a protocol in virtual time: lossy, reordering, one-way networks, disks that tear, crashes at every boundary
between two effects, and liars; then heals a quorum and demands progress. The same seed always plays the same run.

  --protocol NAME   ${protocolNames.join(' | ')} (default ${protocolNames[0]})
  --nodes N         validators, 4 or more (raft: 3 or more) (default 4)
  --liars F         how many of them lie, at most floor((N-1)/3) (default 0)
  --seeds S         how many seeds to play (default 100)
  --seed X          the first seed (default 1); without --seeds, this one alone
  --trace           with --seed: print every event of the run
  --mutants         hunt the protocol's planted bugs instead, with up to S seeds each
  --json            end with one object on one line
  --help            this

Failing seeds print the command that repeats them, and are added to test/sim/seeds.txt.
Exit code: 0 all passed, 1 something failed (or a planted bug escaped), 2 wrong arguments.
What it plays and what it checks: docs/simulator.md`

interface Arguments {
  readonly protocol: string
  readonly nodes: number
  readonly liars: number
  readonly seeds: number
  readonly first: number
  readonly trace: boolean
  readonly mutants: boolean
  readonly json: boolean
  readonly help: boolean
}

/** @throws TypeError or RangeError for wrong arguments. */
function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      protocol: { type: 'string', default: protocolNames[0] as string },
      nodes: { type: 'string', default: '4' },
      liars: { type: 'string', default: '0' },
      seeds: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: string, text: string, min: number, max: number): number => {
    const value = Number(text)
    if (Number.isSafeInteger(value) && value >= min && value <= max && text !== '') return value
    throw new RangeError(`--${name} ${text}: expected a whole number from ${min} to ${max}`)
  }
  if (!protocolNames.includes(values.protocol)) {
    throw new RangeError(`--protocol ${values.protocol}: there are ${protocolNames.join(', ')}`)
  }
  const nodes = number('nodes', values.nodes, 3, 100)
  const seeds = values.seeds ?? (values.seed === undefined || values.mutants ? '100' : '1')
  return {
    ...values,
    nodes,
    liars: number('liars', values.liars, 0, Math.floor((nodes - 1) / 3)),
    seeds: number('seeds', seeds, 1, 10_000_000),
    first: number('seed', values.seed ?? '1', 0, 2 ** 50),
  }
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

function repeatCommand({ protocol, nodes, liars }: Arguments, seed: number): string {
  return `npm run sim -- --protocol ${protocol} --nodes ${nodes} --liars ${liars} --seed ${seed}`
}

/** True when all passed. */
async function campaign(args: Arguments): Promise<boolean> {
  const { protocol, nodes, liars, seeds, first } = args
  const subject = await loadSubject(protocol)
  if (args.trace) play({ subject, nodes, liars, seed: first, sink: (event) => console.log(lineOf(event)) })
  const began = Date.now()
  let failed = 0
  const onSeed = (seed: number, { failure }: { readonly failure: string | undefined }): void => {
    if (failure !== undefined) {
      failed++
      progress('')
      console.log(`seed ${seed} failed: ${failure}\n  repeat it: ${repeatCommand(args, seed)}`)
      keepSeed({ protocol, nodes, liars, seed })
    }
    progress(`${seed - first + 1} of ${seeds} seeds, ${failed} failed`)
  }
  const result = runCampaign({ protocol, subject, nodes, liars, seeds: seedsFrom(first, seeds), onSeed })
  progress('')
  if (!args.json) {
    const seconds = ((Date.now() - began) / 1000).toFixed(1)
    console.log(
      `${protocol}, ${nodes} nodes, ${liars} liars: ${seeds} seeds in ${seconds} s, ${result.failures} failed; ` +
        `${result.delivered} batches, ${result.epochs} epochs, ${result.rounds} rounds, slowest recovery ${result.maxRecoveryMs} ms of virtual time`,
    )
  } else console.log(JSON.stringify(result))
  return result.failures === 0
}

/** True when every planted bug was caught. */
async function mutants({ protocol, nodes, seeds, json }: Arguments): Promise<boolean> {
  const planted = await loadMutants(protocol)
  let caught = 0
  for (const mutant of planted) {
    progress(`${mutant.name} ...`)
    const { seed, failure } = hunt(mutant, nodes, seeds)
    progress('')
    if (seed !== undefined) caught++
    const [sentence = ''] = failure.split('\n')
    console.log(seed === undefined ? `ESCAPED  ${mutant.name}` : `caught   ${mutant.name}: seed ${seed}: ${sentence}`)
  }
  console.log(
    json ? JSON.stringify({ protocol, mutants: planted.length, caught }) : `${caught} of ${planted.length} caught`,
  )
  return caught === planted.length
}

async function main(): Promise<number> {
  let args: Arguments
  try {
    args = readArguments(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\nnpm run sim -- --help tells what there is.`)
    return 2
  }
  if (args.help) {
    console.log(help)
    return 0
  }
  return (await (args.mutants ? mutants(args) : campaign(args))) ? 0 : 1
}

// Whoever reads a trace through `head` has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

process.exitCode = await main()
