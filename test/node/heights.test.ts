// What nodes tell one another of their journals: a Raft server is heard with one journal only.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LedgerError } from '../../src/base/errors.ts'
import { type NodeId, nodeIdOf, sequenceOf } from '../../src/base/ids.ts'
import { Heights, type HeightsOptions } from '../../src/node/heights.ts'
import { Met } from '../../src/node/met.ts'
import type { Envelope } from '../../src/node/wire.ts'
import { simRoster } from '../sim/roster.ts'

const roster = simRoster(3)
const [one, other] = roster.validators.map(({ node }) => node) as [NodeId, NodeId, NodeId]
type Told = Extract<Envelope, { readonly type: 'height' }>

interface Side {
  readonly heights: Heights
  readonly told: Told[]
  readonly failures: LedgerError[]
}

describe('A Raft server', () => {
  let folder: string
  const sides: Side[] = []

  const open = async (self: NodeId, data: string, protocol = 'raft/1'): Promise<Side> => {
    const [told, failures]: [Told[], LedgerError[]] = [[], []]
    const applied = { sequence: sequenceOf(0) }
    const ledger = {
      genesis: { protocol },
      roster: () => roster,
      parameters: () => ({ checkpointInterval: 8 }),
    }
    const heights = new Heights({
      self,
      machine: { ledger, applied, succession: { inForce: [roster], known: [roster] } },
      forkProof: join(folder, 'none'),
      peers: () => [],
      send: (_to: NodeId, each: Told) => told.push(each),
      final: () => undefined,
      clock: { now: () => 0 },
      met: await Met.open(join(folder, data)),
      onFailure: (error: LedgerError) => failures.push(error),
    } as unknown as HeightsOptions)
    const side = { heights, told, failures }
    sides.push(side)
    return side
  }
  const last = ({ told }: Side): Told => told.at(-1) ?? assert.fail('nothing was told')
  /** As when they connect. */
  const meet = async (a: Side, b: Side): Promise<void> => {
    a.heights.tell(other)
    b.heights.tell(one)
    await a.heights.hear(other, last(b))
    await b.heights.hear(one, last(a))
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-heights-'))
  })

  afterEach(async () => {
    for (const { heights } of sides.splice(0)) heights.stop()
    await rm(folder, { recursive: true })
  })

  it('R13 is heard from its first word, and again after it or its peer was away', async () => {
    const [a, b] = [await open(one, 'a'), await open(other, 'b')]
    assert.equal(await a.heights.mayHear(other), false, 'not before it named its journal')
    await meet(a, b)
    assert.equal(await a.heights.mayHear(other), true)
    await meet(a, b)
    await meet(a, await open(other, 'b'))
    const again = await open(one, 'a')
    const back = await open(other, 'b')
    await meet(again, back)
    assert.equal(await again.heights.mayHear(other), true)
    for (const { failures } of sides) assert.deepEqual(failures, [])
  })

  it('R13 that lost its journal is not heard by whoever heard it before, is told so, and stops', async () => {
    const a = await open(one, 'a')
    await meet(a, await open(other, 'b'))
    assert.equal(await a.heights.mayHear(other), true)
    const wiped = await open(other, 'another')
    a.heights.tell(other)
    wiped.heights.tell(one)
    await a.heights.hear(other, last(wiped))
    assert.equal(await a.heights.mayHear(other), false)
    assert.equal(last(a).forgot, true)
    await wiped.heights.hear(one, last(a))
    assert.deepEqual(
      wiped.failures.map(({ code }) => code),
      ['RECOVERY_UNSAFE'],
    )
    assert.equal(a.heights.of(other), 0, 'nothing of it counts')
  })

  it('of PBFT, where a node asks for its own former votes, is heard whatever journal it has', async () => {
    const a = await open(one, 'a', 'pbft/1')
    assert.equal(await a.heights.mayHear(other), true)
    await meet(a, await open(other, 'b', 'pbft/1'))
    await meet(a, await open(other, 'another', 'pbft/1'))
    assert.equal(await a.heights.mayHear(other), true)
    for (const { failures } of sides) assert.deepEqual(failures, [])
  })

  it('P16 of PBFT goes on whoever says that it forgot what it promised: a liar must not stop it with a word', async () => {
    const [a, b] = [await open(one, 'a', 'pbft/1'), await open(other, 'b', 'pbft/1')]
    b.heights.tell(one)
    await a.heights.hear(other, { ...last(b), forgot: true, height: sequenceOf(7) })
    assert.deepEqual(a.failures, [])
    assert.equal(a.heights.of(other), 7, 'the rest of what it tells is heard')
  })
})

describe('A node that does not vote', () => {
  it('P16 fetches up to a height that one liar told only until so many validators spoke that one is correct', async () => {
    const four = simRoster(4)
    const [liar, second, third] = four.validators.map(({ node }) => node) as [NodeId, NodeId, NodeId]
    const ledger = {
      genesis: { protocol: 'pbft/1' },
      roster: () => four,
      parameters: () => ({ checkpointInterval: 8 }),
    }
    const fetches: { readonly target: number; readonly isBehind: () => boolean }[] = []
    const applied = { sequence: sequenceOf(3) }
    const heights = new Heights({
      self: nodeIdOf('f'.repeat(32)),
      machine: { ledger, applied, succession: { inForce: [four], known: [four] } },
      peers: () => [],
      met: { hasForgotten: () => false },
      validator: () => ({
        catchUp: (target: number, _from: NodeId, isBehind: () => boolean) => fetches.push({ target, isBehind }),
      }),
    } as unknown as HeightsOptions)
    try {
      const told = { type: 'height', final: [], journal: new Uint8Array(16), forgot: false } as unknown as Told
      await heights.hear(liar, { ...told, height: sequenceOf(Number.MAX_SAFE_INTEGER) })
      const [fetch] = fetches
      assert.equal(fetch?.target, Number.MAX_SAFE_INTEGER, 'a node that meets one other at first catches up with it')
      assert.equal(fetch.isBehind(), true)
      await heights.hear(second, { ...told, height: sequenceOf(5) })
      assert.equal(fetch.isBehind(), true)
      applied.sequence = sequenceOf(5)
      assert.equal(fetch.isBehind(), false)
      await heights.hear(third, { ...told, height: sequenceOf(5) })
      assert.equal(fetches.length, 2, 'nothing more is fetched')
    } finally {
      heights.stop()
    }
  })
})

describe('What a node keeps of the journals that it met', () => {
  it('R13 stands in the file when it is told so, though many are met at once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quadrille-met-'))
    try {
      for (let round = 0; round < 20; round++) {
        const path = join(folder, String(round))
        const met = await Met.open(path)
        const key = new Uint8Array(32).fill(7)
        const nodes = Array.from({ length: 6 }, (_, place) => nodeIdOf(`${place}`.repeat(32)))
        // All are waited for, so that the folder can be removed.
        const said = await Promise.allSettled(
          // Each says two things at once: the second must not be heard before the first is kept.
          [...nodes, ...nodes].map(async (node) => {
            await met.add(node, key, new Uint8Array(16).fill(1))
            const kept = await Met.open(path)
            assert.equal(kept.hasForgotten(node, key, new Uint8Array(16).fill(2)), true, 'what was added is kept')
          }),
        )
        for (const each of said) if (each.status === 'rejected') throw each.reason
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
