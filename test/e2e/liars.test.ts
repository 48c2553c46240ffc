// One of four processes is a faulty build: the others go on, what convicts it is kept by those who saw it and verifies offline, and
// nothing that was acknowledged is lost. `npm run verify:long:field` plays it, and `verify:long:flat` for ten minutes each.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandFailed, eventually, quadrille, quadrilleJson } from '../../demo/processes.ts'
import { homeAt } from '../../src/node/home.ts'
import { readMembership } from '../../src/node/membership.ts'
import { describeLong } from '../long.ts'
import { assertNothingLost } from './crash.ts'
import { Four, type NodeProcess } from './four.ts'
import { built, builtHook } from './hooks.ts'

/** For so long each build goes on, and the memory of the others is watched. */
const flatMinutes = Number(process.env['FLAT_MINUTES'] ?? 0)
const parameters = '{ suspectMs: 1000, checkpointInterval: 8, window: 32 }'

/** What faulty builds do, and whether two things that they sign contradict each other. */
const lies: readonly {
  readonly lie: string
  readonly convicts: boolean
  readonly leads?: true
}[] = [
  { lie: 'equivocates', convicts: true, leads: true },
  { lie: 'votes twice', convicts: true },
  { lie: 'mutates', convicts: false },
  { lie: 'shuns one peer', convicts: false },
  { lie: 'stalls', convicts: false },
  { lie: 'lies in state transfer', convicts: false },
  { lie: 'hurries', convicts: false },
  { lie: 'boasts', convicts: false },
  { lie: 'invents certificates', convicts: false },
]

interface Kept {
  readonly id: string
  readonly culprit: string
}

describeLong('One of four processes that is a faulty build', function () {
  this.timeout(480_000 + 60_000 * flatMinutes)

  for (const { lie, convicts, leads } of lies) {
    it(`and ${lie} does not stop the others${convicts ? ', and P1 P2 is convicted' : ''}`, async () => {
      // What it signed beside its journal it can never take back: a ledger of its own for each.
      const four = await Four.begin(parameters)
      try {
        await play(four, lie, convicts, leads === true)
      } finally {
        await four.end()
      }
    })
  }
})

async function play(four: Four, lie: string, convicts: boolean, leads: boolean): Promise<void> {
  const first = await leader(four, four.nodes)
  const order = await inOrder(four)
  const liar = order[(order.indexOf(first) + 1) % order.length] as NodeProcess
  const honest = four.nodes.filter((node) => node !== liar)
  liar.signal('SIGTERM')
  await liar.ended
  const path = await builtHook(four.folder, '../pbft/liar-hook')
  liar.start({ path, environment: { QUADRILLE_LIE: lie, QUADRILLE_BUILT: built } })
  await four.ready(liar)
  if (leads) {
    // It leads next. Its lies may cost it the lead at once.
    first.signal('SIGKILL')
    await first.ended
    await leader(
      four,
      honest.filter((node) => node !== first),
    )
    first.start()
    await four.ready(first)
  }
  const wanted = four.acknowledged.length + 100
  const load = four.load(2)
  try {
    await eventually('the others go on', async () => four.acknowledged.length >= wanted || undefined, 180_000)
    if (convicts) {
      const { node, kept } = await eventually('somebody holds evidence', () => held(four, honest))
      assert.equal(kept.culprit, `${liar.name}-1`)
      await verifiesOffline(four, node, kept, liar)
      await namedEverywhere(four, honest, liar)
    }
    if (flatMinutes > 0) await staysFlat(honest)
  } finally {
    await load.stop()
  }
  liar.signal('SIGKILL')
  await liar.ended
  await four.settled(honest)
  await assertNothingLost(four, honest)
}

/** Who leads: of a view that agrees on something, not of one on its way out. */
async function leader(four: Four, among: readonly NodeProcess[]): Promise<NodeProcess> {
  for (let count = 0; count < 3; count++) await four.submit(false)
  const { leader: name } = await (among[0] as NodeProcess).state()
  return four.nodes.find((node) => `${node.name}-1` === name) ?? assert.fail('one of four leads')
}

/** The nodes in the order in which they lead. */
async function inOrder({ nodes, folder }: Four): Promise<readonly NodeProcess[]> {
  const members = await Promise.all(
    nodes.map(async (node) => ({ node, ...(await readMembership(homeAt(join(folder, node.name)))) })),
  )
  return members.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ node }) => node)
}

interface Held {
  readonly node: NodeProcess
  readonly kept: Kept
}

/** The first piece of evidence that one of these nodes holds. */
async function held({ folder }: Four, nodes: readonly NodeProcess[]): Promise<Held | undefined> {
  for (const node of nodes) {
    const [kept] = await quadrilleJson<readonly Kept[]>('evidence', 'list', '--home', join(folder, node.name))
    if (kept !== undefined) return { node, kept }
  }
  return undefined
}

async function verifiesOffline(four: Four, node: NodeProcess, { id }: Kept, liar: NodeProcess): Promise<void> {
  const file = join(four.folder, 'evidence.json')
  const genesis = join(four.folder, 'genesis.json')
  await writeFile(file, await quadrille('evidence', 'show', id, '--home', join(four.folder, node.name)))
  const verdict = await quadrilleJson<{ proven: boolean; name: string }>(
    'evidence',
    'verify',
    file,
    '--genesis',
    genesis,
  )
  assert.deepEqual([verdict.proven, verdict.name], [true, `${liar.name}-1`])
}

/** By the log, so that nodes name it which saw nothing themselves. */
async function namedEverywhere({ folder }: Four, honest: readonly NodeProcess[], liar: NodeProcess): Promise<void> {
  for (const node of honest) {
    await eventually('the log convicts it', async () => {
      const { convicted } = await node.state()
      return convicted.some(({ name }) => name === `${liar.name}-1`) || undefined
    })
    const home = join(folder, node.name)
    await assert.rejects(quadrille('doctor', '--home', home), (error: unknown) => {
      assert.ok(error instanceof CommandFailed)
      assert.match(error.output, new RegExp(`WRONG  ${liar.name}-1 contradicted itself in epoch 0`))
      return true
    })
  }
}

/** Once it has run for a third of the time, the resident memory of none of them grows beyond what a collection takes back. */
async function staysFlat(nodes: readonly NodeProcess[]): Promise<void> {
  const samples: number[][] = nodes.map(() => [])
  for (const end = Date.now() + 60_000 * flatMinutes; Date.now() < end; ) {
    for (const [place, { pid }] of nodes.entries()) {
      const status = await readFile(`/proc/${pid}/status`, 'utf8')
      samples[place]?.push(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024)
    }
    await new Promise((done) => setTimeout(done, 5_000))
  }
  for (const [place, all] of samples.entries()) {
    const third = Math.floor(all.length / 3)
    const [middle, last] = [Math.max(...all.slice(third, 2 * third)), Math.max(...all.slice(2 * third))]
    process.stdout.write(
      `      ${nodes[place]?.name}: ${Math.round(all[0] ?? 0)} MiB at first, ${Math.round(middle)}, ${Math.round(last)}\n`,
    )
    assert.ok(last <= 1.2 * middle + 16, `${nodes[place]?.name} grew from ${middle} to ${last} MiB`)
  }
}
