// PBFT in the simulator: a few seeds of everything; `npm run sim -- --protocol pbft` plays as many as one likes.

import assert from 'node:assert/strict'
import type { NodeId } from '../../src/base/ids.ts'
import type { PbftMessage } from '../../src/pbft/pbft.ts'
import { hunt, runCampaign, seedsFrom, showsWith } from './campaign.ts'
import { bugs, mutants } from './mutants/pbft.ts'
import { pbftSubject } from './pbft.ts'
import { costOf } from './pbft-costs.ts'
import { pbftLiars } from './pbft-liars.ts'
import { play } from './run.ts'
import type { Subject } from './subject.ts'
import type { TraceEvent } from './trace.ts'
import { calm } from './weather.ts'

const subject = pbftSubject as unknown as Subject<unknown>
const campaign = { protocol: 'pbft', subject } as const

/** So many nodes whose number fits never say anything; the others are never cut off. */
function silencing(silent: (place: number) => boolean): Subject<PbftMessage> {
  const quiet = (node: NodeId): boolean => silent(Number.parseInt(node.slice(0, 2), 16))
  return {
    ...pbftSubject,
    parameters: { suspectMs: 1_000, suspectMsMax: 4_000 },
    protocol: {
      ...pbftSubject.protocol,
      start: (setup) => {
        const core = pbftSubject.protocol.start(setup)
        return {
          status: () => core.status(),
          rosters: (epoch) => core.rosters(epoch),
          step: (input) => core.step(input).filter(({ type }) => type !== 'send' || !quiet(setup.self)),
        }
      },
    },
  }
}

describe('PBFT in the simulator', function () {
  this.timeout(120_000)

  it('passes through loss, reordering, partitions, torn and lost disks, crashes, and changes of its validators', () => {
    const result = runCampaign({ ...campaign, nodes: 4, liars: 0, seeds: seedsFrom(1, 6) })
    assert.equal(result.failures, 0)
    assert.ok(result.rounds > 0, 'views changed')
    assert.ok(result.epochs > 0, 'validators changed')
    assert.ok(result.delivered > 6 * 5, `${result.delivered} batches`)
  })

  it('passes through f liars besides, for n of 4 to 8', () => {
    for (const [nodes, liars] of [
      [4, 1],
      [5, 1],
      [6, 1],
      [7, 2],
      [8, 2],
    ] as const) {
      const result = runCampaign({ ...campaign, nodes, liars, seeds: seedsFrom(50, nodes === 4 ? 4 : 1) })
      assert.equal(result.failures, 0, `${nodes} nodes, ${liars} liars`)
    }
  })

  it('P16 and P22 passes with disks that are lost, or put back from a copy, while validators change', () => {
    const happened = new Set<string>()
    const sink = ({ what }: TraceEvent): void => void happened.add(what)
    for (const seed of seedsFrom(1, 6)) {
      assert.equal(play({ subject: pbftSubject, nodes: 7, liars: 0, seed, sink }).failure, undefined, `seed ${seed}`)
    }
    assert.deepEqual(
      ['disk', 'forgot', 'installed'].filter((what) => !happened.has(what)),
      [],
    )
  })

  it('L19 passes with a liar that claims to be far ahead', () => {
    const lies = pbftLiars.filter(({ name }) => name === 'boasts')
    for (const seed of [1, 2, 3, 4]) {
      const { failure, recoveryMs } = play({ subject: pbftSubject, nodes: 4, liars: 1, seed, lies })
      assert.equal(failure, undefined)
      assert.ok((recoveryMs ?? 0) < 20_000, `${recoveryMs} ms`)
    }
  })

  it('P17 a power cut at each boundary between two effects, in turn, breaks nothing', () => {
    const options = { subject: pbftSubject, nodes: 4, liars: 0, seed: 5, weather: calm }
    const quiet = play(options)
    assert.equal(quiet.failure, undefined)
    const step = Math.ceil(quiet.boundaries / 12)
    for (let crashAt = 0; crashAt < quiet.boundaries; crashAt += step) {
      assert.equal(play({ ...options, crashAt }).failure, undefined, `boundary ${crashAt} of ${quiet.boundaries}`)
    }
  })

  it('each planted bug has its place in the source', () => {
    assert.ok(bugs.length >= 15)
    assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  })

  for (const name of [
    'takes f+1 for a quorum',
    'hides what prepared when it changes the view',
    'sends before it saves',
    'votes above the end of an epoch',
    'takes no notice of votes that it forgot',
  ]) {
    it(`catches a PBFT that ${name}`, () => {
      const mutant = mutants.find((each) => each.name === name)
      assert.ok(mutant !== undefined)
      assert.notEqual(hunt(mutant, 4, 100, showsWith[name]).seed, undefined)
    })
  }

  it('L11 a leader that hears and never speaks costs one view change', () => {
    const { failure, rounds } = play({
      subject: silencing((place) => place === 0) as never,
      nodes: 4,
      liars: 0,
      seed: 3,
      weather: calm,
      changes: false,
    })
    // The silent one may be among those that must come to know what is final: it hears everything.
    assert.equal(failure, undefined)
    assert.equal(rounds, 1)
  })
})

describe("PBFT's costs", () => {
  it('are those of docs/pbft.md: 3n(n-1) messages and 3n signatures for a batch', () => {
    for (const nodes of [4, 7]) {
      const { messages, signatures, records } = costOf(nodes)
      assert.equal(messages, 3 * nodes * (nodes - 1))
      assert.equal(signatures, 3 * nodes)
      assert.ok(records <= 3.5, `${records} journal records a batch`)
    }
  })
})
