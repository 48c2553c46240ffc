// One of four processes is a faulty build: the others go on, what convicts it is kept by those who saw it and verifies offline, and
// nothing that was acknowledged is lost. `npm run verify:long` plays every build, and longer.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, quadrille, quadrilleJson } from '../../demo/processes.ts'
import { homeAt } from '../../src/node/home.ts'
import { readMembership } from '../../src/node/membership.ts'
import { assertNothingLost } from './crash.ts'
import { Four, type NodeProcess } from './four.ts'
import { built, builtHook } from './hooks.ts'

const long = process.env['QUADRILLE_LONG'] === '1'
const parameters = '{ suspectMs: 1000, checkpointInterval: 8, window: 32 }'

/** What faulty builds do, and whether that contradicts what they signed. */
const lies: readonly {
  readonly lie: string
  readonly convicts: boolean
  readonly always: boolean
  readonly leads?: true
}[] = [
  { lie: 'equivocates', convicts: true, always: true, leads: true },
  { lie: 'votes twice', convicts: true, always: false },
  { lie: 'mutates', convicts: false, always: true },
  { lie: 'shuns one peer', convicts: false, always: false },
  { lie: 'stalls', convicts: false, always: false },
  { lie: 'lies in state transfer', convicts: false, always: false },
  { lie: 'hurries', convicts: false, always: false },
  { lie: 'boasts', convicts: false, always: false },
  { lie: 'invents certificates', convicts: false, always: false },
]

interface Kept {
  readonly id: string
  readonly culprit: string
}

describe('One of four processes that is a faulty build', function () {
  this.timeout(240_000)
  let four: Four
  let hook: string
  /** In which they lead. */
  let order: readonly NodeProcess[]
  let liar: NodeProcess
  let honest: readonly NodeProcess[]

  before(async () => {
    four = await Four.begin(parameters)
    hook = await builtHook(four.folder, 'liar-hook')
    const members = await Promise.all(
      four.nodes.map(async (node) => ({ node, ...(await readMembership(homeAt(home(node)))) })),
    )
    order = members.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(({ node }) => node)
  })

  after(() => four?.end())

  const home = (node: NodeProcess): string => join(four.folder, node.name)

  /** What the honest nodes hold against the liar. */
  async function held(): Promise<readonly { readonly node: NodeProcess; readonly kept: Kept }[]> {
    const lists = await Promise.all(
      honest.map(async (node) => {
        const kept = await quadrilleJson<readonly Kept[]>('evidence', 'list', '--home', home(node))
        return kept.map((each) => ({ node, kept: each }))
      }),
    )
    return lists.flat()
  }

  async function someHeld(): Promise<Awaited<ReturnType<typeof held>> | undefined> {
    const all = await held()
    return all.length > 0 ? all : undefined
  }

  async function restart(lie: string | undefined): Promise<void> {
    liar.signal('SIGTERM')
    await liar.ended
    if (lie === undefined) liar.start()
    else liar.start({ path: hook, environment: { QUADRILLE_LIE: lie, QUADRILLE_BUILT: built } })
  }

  /** Who leads: of a view that agrees on something, not of one on its way out. */
  async function leader(among: readonly NodeProcess[]): Promise<NodeProcess> {
    for (let count = 0; count < 3; count++) await four.submit(false)
    const { leader: name } = await (among[0] as NodeProcess).state()
    return four.nodes.find((node) => `${node.name}-1` === name) ?? assert.fail('one of four leads')
  }

  /** The faulty build will be the one that leads after the leader. */
  async function choose(): Promise<NodeProcess> {
    const first = await leader(four.nodes)
    liar = order[(order.indexOf(first) + 1) % order.length] as NodeProcess
    honest = four.nodes.filter((node) => node !== liar)
    return first
  }

  async function makeItLead(first: NodeProcess): Promise<void> {
    first.signal('SIGKILL')
    await first.ended
    // Its lies may cost it the lead at once.
    await leader(honest.filter((node) => node !== first))
    first.start()
    await four.ready(first)
  }

  for (const { lie, convicts, always, leads } of lies) {
    it(`and ${lie} does not stop the others${convicts ? ', and P1 P2 is convicted' : ''}`, async function () {
      if (!long && !always) this.skip()
      const first = await choose()
      await restart(lie)
      await four.ready(liar)
      if (leads === true) await makeItLead(first)
      const before = four.acknowledged.length
      const load = four.load(2)
      const wanted = before + (long ? 100 : 12)
      const found = await eventually('the others go on', async () =>
        four.acknowledged.length >= wanted ? [] : undefined,
      )
        .then(async () => (convicts ? await eventually('somebody holds evidence', someHeld) : []))
        .finally(() => load.stop())
      for (const { kept } of found) assert.equal(kept.culprit, `${liar.name}-1`)
      const [piece] = found
      if (piece !== undefined) await verifiesOffline(piece.node, piece.kept)
      await restart(undefined)
      await four.ready(liar)
      await four.settled()
    })
  }

  it('costs nothing that was acknowledged', () => assertNothingLost(four))

  async function verifiesOffline(node: NodeProcess, { id }: Kept): Promise<void> {
    const file = join(four.folder, 'evidence.json')
    const genesis = join(four.folder, 'genesis.json')
    await writeFile(file, await quadrille('evidence', 'show', id, '--home', home(node)))
    const verdict = await quadrilleJson<{ proven: boolean; name: string }>(
      'evidence',
      'verify',
      file,
      '--genesis',
      genesis,
    )
    assert.deepEqual([verdict.proven, verdict.name], [true, `${liar.name}-1`])
  }
})
