// `npm run verify:long:pbft` and `verify:long:raft`: a protocol at full counts, on all cores: each part is dealt out to as many
// processes. One line for each part, and exit code 1 when one failed. After the protocol, a number from 0 to 1 plays that share
// of each part.

import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { playScenario, scenario, scenarioCount } from '../pbft/twins.ts'
import { hunt } from './campaign.ts'
import { loadMutants, loadSubject } from './protocols.ts'
import { play } from './run.ts'
import { keepSeed } from './seeds.ts'

interface Part {
  readonly title: string
  readonly count: () => Promise<number>
  /** Loads what it takes to play number `i` of `count`, which says what failed. */
  readonly load: (count: number) => Promise<(i: number) => string | undefined>
}

const twinsCount = 10_000
const seedsPerMutant = 1_000

function world(protocol: string, nodes: number, liars: number, count: number): Part {
  return {
    title: `${nodes} nodes, ${liars} liars`,
    count: async () => count,
    load: async () => {
      const subject = await loadSubject(protocol)
      return (i) => {
        const seed = 1 + i
        const { failure } = play({ subject, nodes, liars, seed })
        if (failure === undefined) return undefined
        keepSeed({ protocol, nodes, liars, seed })
        return `npm run sim -- --protocol ${protocol} --nodes ${nodes} --liars ${liars} --seed ${seed}: ${failure}`
      }
    },
  }
}

/** Spread over all scenarios: a stride without a common factor with their number visits all parts. */
const twins: Part = {
  title: 'twins',
  count: async () => twinsCount,
  load: async (count) => {
    const stride = Math.floor(scenarioCount / count) | 1
    return (i) => {
      const index = (i * stride) % scenarioCount
      const failure = playScenario(scenario(index))
      return failure && `scenario ${index}: ${failure}`
    }
  },
}

/** All of them, whatever share of the rest is played. */
function plantedBugs(protocol: string, nodes: number): Part {
  return {
    title: 'planted bugs',
    count: async () => (await loadMutants(protocol)).length / Number(share),
    load: async () => {
      const planted = await loadMutants(protocol)
      return (i) => {
        const mutant = planted[i]
        const escaped = mutant !== undefined && hunt(mutant, nodes, seedsPerMutant).seed === undefined
        return escaped ? `escaped: ${mutant.name}` : undefined
      }
    },
  }
}

function partsOf(protocol: string): readonly Part[] {
  const of = (nodes: number, liars: number, count: number): Part => world(protocol, nodes, liars, count)
  if (protocol === 'pbft') {
    return [
      of(4, 1, 2_000),
      of(7, 2, 500),
      of(10, 3, 200),
      of(5, 1, 200),
      of(6, 1, 200),
      of(8, 2, 200),
      of(4, 0, 500),
      of(7, 0, 200),
      twins,
      plantedBugs(protocol, 4),
    ]
  }
  if (protocol !== 'raft') throw new RangeError('there are pbft, raft')
  return [of(3, 0, 2_000), of(5, 0, 1_000), of(4, 0, 500), of(7, 0, 200), plantedBugs(protocol, 5)]
}

const [protocol = 'pbft', share = '1', ...lane] = process.argv.slice(2)

/** In a process of its own: every `lanes`th of a part, from `first` on. */
async function playLane(place: number, first: number, lanes: number, count: number): Promise<readonly string[]> {
  const part = partsOf(protocol)[place] as Part
  const playOne = await part.load(count)
  const failures: string[] = []
  for (let i = first; i < count; i += lanes) failures.push(...[playOne(i) ?? []].flat())
  return failures
}

function inProcess(...numbers: readonly number[]): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [protocol, share, ...numbers.map(String)])
    let failures: readonly string[] | undefined
    child.on('message', (message) => {
      failures = message as readonly string[]
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (failures === undefined) reject(new Error(`a part ended with code ${code} and no word`))
      else resolve(failures)
    })
  })
}

/** True when nothing failed. */
async function playPart({ title }: Part, place: number, count: number): Promise<boolean> {
  const began = performance.now()
  const lanes = Math.min(availableParallelism(), count)
  const all = Array.from({ length: lanes }, (_, first) => inProcess(place, first, lanes, count))
  const failures = (await Promise.all(all)).flat()
  const seconds = (performance.now() - began) / 1000
  process.stdout.write(
    `${title}: ${failures.length} of ${count} failed, ${seconds.toFixed(0)} s in ${lanes} processes\n`,
  )
  for (const failure of failures) process.stdout.write(`  ${failure}\n`)
  return failures.length === 0
}

async function playAll(share: number): Promise<boolean> {
  if (!(share > 0 && share <= 1)) throw new RangeError('the share is a number above 0 and up to 1')
  let good = true
  for (const [place, part] of partsOf(protocol).entries()) {
    good = (await playPart(part, place, Math.ceil(share * (await part.count())))) && good
  }
  return good
}

if (lane.length > 0) process.send?.(await playLane(...(lane.map(Number) as [number, number, number, number])))
else process.exitCode = (await playAll(Number(share))) ? 0 : 1
