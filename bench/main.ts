// `npm run bench -- NAME [--option value] [--json]`: runs one benchmark. Each file of this folder that exports `bench` is one.
// With --json the last line is one object, and nothing else is printed.

import { readdirSync } from 'node:fs'
import { arch, cpus, release } from 'node:os'
import type { Bench } from './bench.ts'

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !['main.ts', 'bench.ts'].includes(file))
  .map((file) => file.slice(0, -3))

async function load(name: string): Promise<Bench | undefined> {
  const module: { readonly bench?: Bench } = await import(`./${name}.ts`)
  return module.bench
}

async function help(): Promise<void> {
  console.log('npm run bench -- NAME [--option value] [--json]\n')
  for (const name of names) {
    const bench = await load(name)
    if (bench === undefined) continue
    console.log(`  ${name.padEnd(12)}${bench.about}`)
    for (const option of bench.options) console.log(`  ${''.padEnd(12)}${option}`)
  }
}

function optionsOf(args: readonly string[]): ReadonlyMap<string, string> {
  const options = new Map<string, string>()
  for (const [place, arg] of args.entries()) {
    const value = args[place + 1]
    if (arg.startsWith('--')) options.set(arg.slice(2), value === undefined || value.startsWith('--') ? '' : value)
  }
  return options
}

const [name = '--help', ...rest] = process.argv.slice(2)
const options = optionsOf(rest)
const bench = names.includes(name) ? await load(name) : undefined
if (bench === undefined || options.has('help')) {
  await help()
  if (!name.startsWith('--help') && bench === undefined) process.exitCode = 2
} else {
  const json = options.has('json')
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? arch(), cpus: cpus().length, system: release() }
  const result = await bench.run(options, json ? () => {} : (line) => console.log(line))
  if (json) console.log(JSON.stringify({ bench: name, machine, ...result }))
}
