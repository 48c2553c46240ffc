// seeds.txt: every seed that ever failed, one a line (protocol nodes liars seed). Each is played again with every test run.

import { appendFileSync, readFileSync } from 'node:fs'

export interface KeptSeed {
  readonly protocol: string
  readonly nodes: number
  readonly liars: number
  readonly seed: number
}

const file = new URL('seeds.txt', import.meta.url)

/** @throws RangeError for a line that is none. */
export function keptSeeds(): readonly KeptSeed[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [protocol = '', ...numbers] = line.split(' ')
      const [nodes, liars, seed] = numbers.map(Number)
      if (nodes === undefined || liars === undefined || !Number.isSafeInteger(seed)) {
        throw new RangeError(`seeds.txt: ${line}`)
      }
      return { protocol, nodes, liars, seed: seed as number }
    })
}

/** Adds a seed unless it is there. */
export function keepSeed(kept: KeptSeed): void {
  const line = `${kept.protocol} ${kept.nodes} ${kept.liars} ${kept.seed}`
  if (!readFileSync(file, 'utf8').split('\n').includes(line)) appendFileSync(file, `${line}\n`)
}
