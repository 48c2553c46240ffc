// Raft in the simulator: a few seeds of everything; `npm run sim -- --protocol raft` plays as many as one likes.

import assert from 'node:assert/strict'
import { hunt, runCampaign, seedsFrom, showsWith } from './campaign.ts'
import { bugs, mutants } from './mutants/raft.ts'
import { raftSubject } from './raft.ts'
import { play } from './run.ts'
import type { Subject } from './subject.ts'
import type { TraceEvent } from './trace.ts'
import { calm } from './weather.ts'

const subject = raftSubject as unknown as Subject<unknown>
const campaign = { protocol: 'raft', subject, liars: 0 } as const

describe('Raft in the simulator', function () {
  this.timeout(120_000)

  for (const [nodes, seeds] of [
    [3, 30],
    [5, 12],
    [4, 6],
  ] as const) {
    it(`R20 passes through loss, reordering, partitions, torn disks, crashes and changes of ${nodes} validators`, () => {
      const result = runCampaign({ ...campaign, nodes, seeds: seedsFrom(1, seeds) })
      assert.equal(result.failures, 0)
      assert.ok(result.rounds > seeds, 'leaders changed')
      assert.ok(result.epochs > seeds / 4, 'validators changed')
      assert.ok(result.delivered > seeds * 5, `${result.delivered} batches`)
    })
  }

  it('R17 R22 passes with servers that fetch blocks across epochs, and with new ones that learn before they vote', () => {
    const happened = new Map<string, number>()
    const sink = ({ what }: TraceEvent): void => void happened.set(what, (happened.get(what) ?? 0) + 1)
    for (const seed of seedsFrom(1010, 8)) {
      assert.equal(play({ subject, nodes: 3, liars: 0, seed, sink }).failure, undefined, `seed ${seed}`)
    }
    assert.ok((happened.get('installed') ?? 0) > 8, `${happened.get('installed')} times blocks were fetched`)
  })

  it('R13 a power cut at each boundary between two effects, in turn, breaks nothing', () => {
    const options = { subject, nodes: 3, liars: 0, seed: 5, weather: calm }
    const quiet = play(options)
    assert.equal(quiet.failure, undefined)
    const step = Math.ceil(quiet.boundaries / 24)
    for (let crashAt = 0; crashAt < quiet.boundaries; crashAt += step) {
      assert.equal(play({ ...options, crashAt }).failure, undefined, `boundary ${crashAt} of ${quiet.boundaries}`)
    }
  })

  it('has nobody lie', () => {
    assert.throws(() => play({ subject, nodes: 5, liars: 1, seed: 1 }), /do not survive/)
  })

  it('each planted bug has its place in the source', () => {
    assert.ok(bugs.length >= 12)
    assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  })

  for (const name of [
    'votes twice in one term',
    'lets an old append truncate',
    'sends before it saves',
    'proves blocks by validators who are known only after them',
    'takes no notice of epochs that end in fetched blocks',
    'signs although it does not vote',
  ]) {
    it(`catches a Raft that ${name}`, () => {
      const mutant = mutants.find((each) => each.name === name)
      assert.ok(mutant !== undefined)
      assert.notEqual(hunt(mutant, 5, 100, showsWith[name]).seed, undefined)
    })
  }
})
