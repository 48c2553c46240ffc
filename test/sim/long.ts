// `npm run verify:long:pbft` (most of an hour) and `verify:long:raft` (some ten minutes): a protocol at full counts. One line for
// each part, and exit code 1 when one failed. After the protocol, a number from 0 to 1 plays that share of each part.

import { playScenario, scenario, scenarioCount } from '../pbft/twins.ts'
import { hunt, runCampaign, seedsFrom } from './campaign.ts'
import { loadMutants, loadSubject } from './protocols.ts'
import { keepSeed } from './seeds.ts'

interface World {
  readonly nodes: number
  readonly liars: number
  readonly count: number
}

const worldsOf: Readonly<Record<string, readonly World[]>> = {
  pbft: [
    { nodes: 4, liars: 1, count: 2_000 },
    { nodes: 7, liars: 2, count: 500 },
    { nodes: 10, liars: 3, count: 200 },
    { nodes: 5, liars: 1, count: 200 },
    { nodes: 6, liars: 1, count: 200 },
    { nodes: 8, liars: 2, count: 200 },
    { nodes: 4, liars: 0, count: 500 },
  ],
  raft: [
    { nodes: 3, liars: 0, count: 2_000 },
    { nodes: 5, liars: 0, count: 1_000 },
    { nodes: 4, liars: 0, count: 500 },
    { nodes: 7, liars: 0, count: 200 },
  ],
}
const [protocol = 'pbft', share = '1'] = process.argv.slice(2)
const worlds = worldsOf[protocol] ?? []
/** Planted bugs are hunted with so many nodes. */
const hunters = protocol === 'raft' ? 5 : 4
const twinsCount = 10_000
const seedsPerMutant = 1_000

/** What failed, one line each. */
type Failures = readonly string[]

async function playWorld(nodes: number, liars: number, count: number): Promise<Failures> {
  const failures: string[] = []
  const onSeed = (seed: number, { failure }: { readonly failure: string | undefined }): void => {
    if (failure === undefined) return
    keepSeed({ protocol, nodes, liars, seed })
    failures.push(`npm run sim -- --protocol ${protocol} --nodes ${nodes} --liars ${liars} --seed ${seed}: ${failure}`)
  }
  runCampaign({ protocol, subject: await loadSubject(protocol), nodes, liars, seeds: seedsFrom(1, count), onSeed })
  return failures
}

/** Spread over all scenarios: a stride without a common factor with their number visits all parts. */
async function playTwins(count: number): Promise<Failures> {
  const stride = Math.floor(scenarioCount / count) | 1
  return Array.from({ length: count }, (_, i) => (i * stride) % scenarioCount).flatMap((index) => {
    const failure = playScenario(scenario(index))
    return failure === undefined ? [] : [`scenario ${index}: ${failure}`]
  })
}

async function huntMutants(): Promise<Failures> {
  const planted = await loadMutants(protocol)
  const missed = planted.filter((mutant) => hunt(mutant, hunters, seedsPerMutant).seed === undefined)
  return missed.map(({ name }) => `escaped: ${name}`)
}

/** True when nothing failed. */
async function part(title: string, count: number, play: (count: number) => Promise<Failures>): Promise<boolean> {
  const began = performance.now()
  const failures = await play(count)
  const seconds = (performance.now() - began) / 1000
  const times = `${seconds.toFixed(0)} s, ${(seconds / count).toFixed(3)} s each`
  process.stdout.write(`${title}: ${failures.length} of ${count} failed, ${times}\n`)
  for (const failure of failures) process.stdout.write(`  ${failure}\n`)
  return failures.length === 0
}

async function main(share: number): Promise<boolean> {
  if (worlds.length === 0) throw new RangeError(`there are ${Object.keys(worldsOf).join(', ')}`)
  if (!(share > 0 && share <= 1)) throw new RangeError('the share is a number above 0 and up to 1')
  const of = (count: number): number => Math.ceil(share * count)
  let good = true
  for (const { nodes, liars, count } of worlds) {
    good = (await part(`${nodes} nodes, ${liars} liars`, of(count), (some) => playWorld(nodes, liars, some))) && good
  }
  if (protocol === 'pbft') good = (await part('twins', of(twinsCount), playTwins)) && good
  return (await part('planted bugs', (await loadMutants(protocol)).length, huntMutants)) && good
}

process.exitCode = (await main(Number(share))) ? 0 : 1
