// The main job in one go: four organisations found a ledger, four processes run it, real data goes in, the same answers come
// out everywhere, keys turn, the leader is killed and comes back, an audit taken home verifies until one byte is changed, and a person is
// erased from all four disks while the record still verifies. Last, one of them lies and is exposed.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { askAct, auditAct, foundAct, keepAct, keysAct, killAct, startAct, submitAct } from './acts.ts'
import { type Consortium, stopAll } from './consortium.ts'
import { type Dataset, datasetFrom, ownDataset } from './dataset.ts'
import { type Erasure, eraseAct } from './erasing.ts'
import { liarAct } from './liar.ts'
import { Story } from './story.ts'

const usage = `npm run demo -- [--consensus pbft | raft] [--data PATH...] [--keep] [--json]

  --consensus   pbft (default): four organisations, one of which may lie; raft: three, which may only crash
  --data PATH   Turtle, TriG, N-Triples or N-Quads files (also .gz) or folders instead of the demo's own data
  --keep        leave the nodes running, and tell what to try and how to stop
  --json        print one object at the end and nothing else
`

/** What --json ends with. */
interface Ending {
  readonly ok: boolean
  readonly nodes: number
  /** Whether the faulty build was convicted by what it signed; with Raft there is none. */
  readonly liarExposed: boolean
  readonly heights: readonly number[]
  readonly heads: readonly string[]
  readonly quads: number
  /** Whether full dumps of all nodes are equal. */
  readonly sameDumps: boolean
  /** Whether all nodes sealed everything under new keys meanwhile and destroyed the old ones. */
  readonly keysRotated: boolean
  readonly auditVerified: boolean
  readonly tamperDetected: boolean
  readonly erasure: Erasure
  readonly seconds: number
}

async function play(story: Story, consortium: Consortium, dataset: Dataset): Promise<Ending> {
  await startAct(story, consortium)
  await submitAct(story, consortium, dataset)
  await askAct(story, consortium, dataset)
  const keysRotated = await keysAct(story, consortium, dataset)
  const { heights, heads, quads, sameDumps } = await killAct(story, consortium, dataset)
  const audit = await auditAct(story, consortium)
  const same = new Set(heights).size === 1 && new Set(heads).size === 1 && sameDumps
  const erasure = await eraseAct(story, consortium, dataset)
  // With Raft nobody is suspected of lying.
  const liarExposed = consortium.count === 'three' || (await liarAct(story, consortium, dataset))
  const ok = liarExposed && same && keysRotated && audit.auditVerified && audit.tamperDetected && isGone(erasure)
  const nodes = consortium.members.length
  return {
    ok,
    nodes,
    liarExposed,
    heights,
    heads,
    quads,
    sameDumps,
    keysRotated,
    ...audit,
    erasure,
    seconds: story.seconds,
  }
}

/** That it was there, that nothing of it is left, and that the record still verifies. */
function isGone({
  rawHitsBefore,
  rawHits,
  openedHitsBefore,
  openedHits,
  complete,
  auditVerifiedAfter,
}: Erasure): boolean {
  return rawHitsBefore > 0 && openedHitsBefore > 0 && rawHits + openedHits === 0 && complete && auditVerifiedAfter
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      consensus: { type: 'string', default: 'pbft' },
      data: { type: 'string', multiple: true },
      keep: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  })
  if (values.help === true) {
    console.log(usage)
    return 0
  }
  const { consensus } = values
  if (consensus !== 'pbft' && consensus !== 'raft') throw new Error(`--consensus ${consensus}: expected pbft or raft`)
  const story = new Story(values.json === true)
  const directory = await mkdtemp(join(tmpdir(), 'quadrille-demo-'))
  let consortium: Consortium | undefined
  let kept = false
  const cleanUp = async (): Promise<void> => {
    if (kept) return
    if (consortium !== undefined) await stopAll(consortium, 'SIGKILL')
    await rm(directory, { recursive: true, force: true })
  }
  const interrupted = (): void => void cleanUp().finally(() => process.exit(130))
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    const paths = [...(values.data ?? []), ...positionals]
    const dataset = paths.length === 0 ? await ownDataset(directory) : await datasetFrom(paths, directory)
    consortium = await foundAct(story, consensus, directory, dataset)
    const ending = await play(story, consortium, dataset)
    kept = values.keep === true
    if (kept) keepAct(story, consortium, dataset)
    if (values.json === true) console.log(JSON.stringify(ending))
    else
      story.end(
        ending.ok,
        `${ending.nodes} nodes, ${ending.quads} quads, height ${ending.heights[0]}, ${ending.seconds} s`,
      )
    return ending.ok ? 0 : 1
  } finally {
    await cleanUp()
  }
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  return 1
})
