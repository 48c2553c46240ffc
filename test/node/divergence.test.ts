// Four real nodes of which some come to something else than the rest: other results, or other quads under the same results. What
// goes wrong inside them is played by changing what their own parts give them.

import assert from 'node:assert/strict'
import { cp, rename, writeFile } from 'node:fs/promises'
import { eventually } from '../../demo/processes.ts'
import type { LedgerError } from '../../src/base/errors.ts'
import { digestOf } from '../../src/base/ids.ts'
import { signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { homeAt } from '../../src/node/home.ts'
import { LedgerMachine } from '../../src/node/machine.ts'
import type { QuadrilleNode, Submission } from '../../src/node/node.ts'
import type { PayloadPool } from '../../src/node/payloads.ts'
import { repairNodeStore } from '../../src/node/repair.ts'
import { namedNode } from '../../src/store/terms.ts'
import { itLong } from '../long.ts'
import { enrol, type Founded, foundFour, openGraph, personalGraph, settled, statement } from './consortium.ts'

interface Inside {
  readonly machine: LedgerMachine
  readonly pool: PayloadPool
}

/** Starts one node and gives what is inside it. */
async function started(node: QuadrilleNode): Promise<Inside> {
  const { open } = LedgerMachine
  let inside: Inside | undefined
  LedgerMachine.open = async (options) => {
    const machine = await open.call(LedgerMachine, options)
    inside = { machine, pool: options.payloads }
    return machine
  }
  try {
    await node.start()
  } finally {
    LedgerMachine.open = open
  }
  return inside ?? assert.fail('a node without a machine')
}

/** From now on it comes to another log than the others. */
function misexecute({ machine }: Inside): void {
  const execute = machine.execute.bind(machine)
  machine.execute = async (block) => {
    const { outcome, mandate } = await execute(block)
    return { outcome: { ...outcome, logRoot: digestOf('ee'.repeat(32)) }, mandate }
  }
}

/** Until the answer is called, it finds nothing in the payloads of the others. */
function lose({ pool }: Inside): () => void {
  const opened = pool.opened.bind(pool)
  pool.opened = async (bytes) => {
    const { items, ...rest } = await opened(bytes)
    const empty = { type: 'void', code: 'PAYLOAD_MALFORMED', reason: 'lost' } as never
    return { ...rest, items: items.map((item) => (item.type === 'erased' ? item : { ...item, assertions: empty })) }
  }
  return () => {
    pool.opened = opened
  }
}

describe('Nodes that come to something else than the others', function () {
  this.timeout(120_000)
  let founded: Founded
  let nodes: QuadrilleNode[]
  let insides: Inside[]

  const node = (number: number): QuadrilleNode => nodes[number] as QuadrilleNode
  const inside = (number: number): Inside => insides[number] as Inside
  const submit = async (at: QuadrilleNode, sequence: number, options = {}): Promise<Submission> => {
    const { bytes, payload } = await statement(founded, sequence, options)
    return at.submit(bytes, payload, AbortSignal.timeout(30_000))
  }
  const quadsOf = (of: QuadrilleNode, graph: string): Promise<number> =>
    of.source().countQuads(null, null, null, namedNode(graph))

  /** `before`: once the homes are there. */
  const begin = async (protocol: 'pbft/1' | 'raft/1', before = async (): Promise<void> => undefined): Promise<void> => {
    founded = await foundFour({ checkpointInterval: 4, window: 16 }, protocol)
    await before()
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number)))
    insides = []
    for (const each of nodes) insides.push(await started(each))
    assert.equal((await enrol(founded, nodes)).code, 'OK')
  }

  afterEach(async () => {
    await Promise.all(nodes.map((each) => each.stop()))
    await founded.remove()
  })

  itLong(
    'R13 in Raft, one whose home is as it was before it ever voted is told so, and stops before it votes again',
    async () => {
      const copy = (): string => `${founded.home(2)}-copy`
      await begin('raft/1', () => cp(founded.home(2), copy(), { recursive: true }))
      for (let number = 1; number < 4; number++) assert.equal((await submit(node(0), number)).code, 'OK')
      await settled(nodes)
      await node(2).stop()
      await rename(founded.home(2), `${founded.home(2)}-lost`)
      await rename(copy(), founded.home(2))
      const failures: unknown[] = []
      nodes[2] = await founded.open(2, { onFailure: (error) => failures.push(error) })
      await node(2).start()
      const [failure] = await eventually('it stops', async () => (failures.length > 0 ? failures : undefined))
      assert.equal((failure as LedgerError).code, 'RECOVERY_UNSAFE')
      assert.equal((await submit(node(0), 4)).code, 'OK')
    },
  )

  it('S13 P19 one that holds other quads answers nothing from that graph until rebuilt; one with another result fences itself', async () => {
    await begin('pbft/1')
    assert.equal((await submit(node(0), 1, { graph: personalGraph })).code, 'OK')
    await settled(nodes)
    const find = lose(inside(3))
    assert.equal((await submit(node(0), 2)).code, 'OK')
    await settled(nodes)
    find()
    for (let number = 3; number < 12; number++) await submit(node(number % 3), number)
    // On a busy machine each node sums up few checkpoints, and not at once the same as the others.
    let more = 0
    const writingUntil = (what: string, happened: () => Promise<boolean>): Promise<boolean> =>
      eventually(what, async () => {
        if (await happened()) return true
        await submit(node(0), 30 + more++)
        return undefined
      })
    await writingUntil('it knows', async () => (await node(3).status()).diverged[0] === openGraph)
    await assert.rejects(quadsOf(node(3), openGraph), { code: 'CONTENT_DIVERGED' })
    await assert.rejects(node(3).source().match().toArray(), { code: 'CONTENT_DIVERGED' })
    assert.equal(await quadsOf(node(3), personalGraph), 3)
    assert.equal(await quadsOf(node(0), openGraph), 30 + 3 * more)
    await writingUntil('the others see it', async () => {
      const { diverged, differing } = await node(0).status()
      assert.deepEqual(diverged, [])
      return differing[0] === 'node-3'
    })

    await node(3).stop()
    const text = JSON.stringify(signedGenesisSchema.toJson(founded.genesis))
    await writeFile(homeAt(founded.home(3)).genesis, text)
    await repairNodeStore(homeAt(founded.home(3)), () => undefined)
    nodes[3] = await founded.open(3)
    insides[3] = await started(node(3))
    await settled(nodes)
    assert.deepEqual((await node(3).status()).diverged, [])
    assert.equal(await quadsOf(node(3), openGraph), 30 + 3 * more)

    misexecute(inside(3))
    await submit(node(0), 20)
    await eventually('it is fenced', async () => (await node(3).status()).state === 'fenced' || undefined)
    // What the core did is told once it is durable.
    await eventually('it is counted', async () => (await node(3).health()).mismatches === 1 || undefined)
    assert.equal((await node(3).health()).fenced, 'RESULT_DIVERGED')
    for (let number = 21; number < 30; number++) assert.equal((await submit(node(number % 3), number)).code, 'OK')
    assert.equal((await node(0).status()).state, 'normal')
  })

  itLong('L18 with f+1 of them everybody stops writing at once, and says who has which result', async () => {
    await begin('pbft/1')
    assert.equal((await submit(node(0), 1)).code, 'OK')
    await settled(nodes)
    for (const number of [2, 3]) misexecute(inside(number))
    await assert.rejects(submit(node(0), 2), { code: 'RESULTS_SPLIT' })
    for (const each of nodes) {
      await eventually('it has stopped', async () => (await each.status()).state === 'fenced' || undefined)
      const { note } = await each.status()
      assert.match(
        note,
        /^Nothing is written: block \d+ led to different results at node-\d and node-\d, at node-\d and node-\d\.$/,
      )
      const { fenced, mismatches } = await each.health()
      assert.deepEqual([fenced, mismatches], ['RESULTS_SPLIT', 1])
      await assert.rejects(submit(each, 3), { code: 'RESULTS_SPLIT' })
    }
  })
})
