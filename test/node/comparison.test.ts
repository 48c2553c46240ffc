// Copies that say the same of the ledger's state and hold other quads: found by comparing, graph by graph, and refused where the
// others have something else.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../demo/processes.ts'
import { graphId } from '../../src/base/hash.ts'
import { type NodeId, type Sequence, sequenceOf } from '../../src/base/ids.ts'
import { Comparison, type ComparisonOptions, type ContentEvent, type ContentTold } from '../../src/node/comparison.ts'
import { QuadSum } from '../../src/node/quad-sum.ts'
import { namedNode } from '../../src/store/terms.ts'
import { simRoster } from '../sim/roster.ts'

const graphs = ['urn:g:1', 'urn:g:2'] as const
const roster = simRoster(4)
const [, ...others] = roster.validators.map(({ node }) => node) as [NodeId, NodeId, NodeId, NodeId]

/** Names of subjects, by graph. */
type Holding = Readonly<Record<string, readonly string[]>>
const same: Holding = { 'urn:g:1': ['a', 'b'], 'urn:g:2': ['c'] }

const quadOf = (name: string) => ({
  subject: namedNode(`urn:s:${name}`),
  predicate: namedNode('urn:p'),
  object: namedNode('urn:o'),
})

function toldOf(holding: Holding, sequence = 8, erased = 0): ContentTold {
  const sums = graphs.map((iri) => {
    const sum = new QuadSum()
    for (const name of holding[iri] ?? []) sum.add(quadOf(name))
    return { graph: graphId(iri), sum: sum.digest() }
  })
  return { type: 'content', sequence: sequenceOf(sequence), erased, graphs: sums }
}

describe('Nodes that compare what they hold', () => {
  let folder: string
  const events: ContentEvent[] = []
  const sent: ContentTold[] = []

  const opened = (holding: Holding, protocol = 'pbft/1', erased = 0): Promise<Comparison> =>
    Comparison.open({
      ledger: {
        genesis: { protocol },
        graphs: () => graphs.map((iri) => ({ iri })),
        roster: () => roster,
        erasureRoot: () => ({ size: erased }),
        parameters: () => ({ checkpointInterval: 8 }),
      },
      store: {
        at: () => ({
          async *batches(pattern: readonly { readonly value: string }[]) {
            yield (holding[pattern[3]?.value ?? ''] ?? []).map(quadOf)
          },
        }),
      },
      notes: { diverged: join(folder, 'diverged.json') },
      peers: () => others,
      send: (_to: NodeId, told: ContentTold) => sent.push(told),
      onEvent: (event: ContentEvent) => events.push(event),
      onFailure: (error: unknown) => assert.fail(String(error)),
    } as unknown as ComparisonOptions)

  const summedUp = async (comparison: Comparison, sequence = 8): Promise<void> => {
    comparison.reached(sequenceOf(sequence))
    await eventually('it told its peers', async () => sent.some((told) => told.sequence === sequence) || undefined)
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-comparison-'))
    events.length = 0
    sent.length = 0
  })

  afterEach(() => rm(folder, { recursive: true }))

  it('agree whatever the order in which their indexes give quads', async () => {
    const comparison = await opened({ 'urn:g:1': ['b', 'a'], 'urn:g:2': ['c'] })
    await summedUp(comparison)
    assert.deepEqual(sent[0], toldOf(same))
    for (const node of others) await comparison.hear(node, toldOf(same))
    assert.deepEqual([events, comparison.differing()], [[], []])
    await comparison.stop()
  })

  it('S13 refuse a graph of which f+1 others hold something else, that graph only, also after a restart', async () => {
    const comparison = await opened({ ...same, 'urn:g:1': ['a'] })
    await comparison.hear(others[0], toldOf(same))
    await summedUp(comparison)
    assert.deepEqual([...comparison.diverged.keys()], [], 'one of them may lie')
    assert.deepEqual(comparison.differing(), [others[0]])
    await comparison.hear(others[1], toldOf(same))
    assert.deepEqual([...comparison.diverged], [['urn:g:1', 8 as Sequence]])
    assert.deepEqual(
      events.filter(({ type }) => type === 'content'),
      [{ type: 'content', code: 'CONTENT_DIVERGED', graph: 'urn:g:1', height: 8 }],
    )
    await comparison.stop()
    assert.deepEqual([...(await opened(same)).diverged], [['urn:g:1', 8 as Sequence]])
  })

  it('S13 keep each graph that they refuse, though several are found at once', async () => {
    const told = toldOf(same)
    for (let round = 0; round < 20; round++) {
      await rm(join(folder, 'diverged.json'), { force: true })
      const comparison = await opened({})
      sent.length = 0
      await summedUp(comparison)
      await comparison.hear(others[0], told)
      // As parts of one message that did not fit.
      await Promise.all(told.graphs.map((graph) => comparison.hear(others[1], { ...told, graphs: [graph] })))
      await comparison.stop()
      assert.deepEqual([...(await opened(same)).diverged.keys()].toSorted(), graphs)
    }
  })

  it('S13 do not believe one liar, nor several who say different things, nor anybody who is no validator', async () => {
    const comparison = await opened(same)
    await summedUp(comparison)
    await comparison.hear(others[0], toldOf({ ...same, 'urn:g:1': ['x'] }))
    await comparison.hear(others[1], toldOf({ ...same, 'urn:g:1': ['y'] }))
    for (const place of [7, 8, 9]) {
      const stranger = simRoster(10).validators[place]?.node ?? assert.fail()
      await comparison.hear(stranger, toldOf({ ...same, 'urn:g:2': ['z'] }))
    }
    assert.deepEqual([...comparison.diverged.keys()], [])
    assert.deepEqual(comparison.differing().toSorted(), [others[0], others[1]].toSorted())
    await comparison.stop()
  })

  it('S13 go by most of all where nobody lies, and say when two differ', async () => {
    const comparison = await opened({ ...same, 'urn:g:2': [] }, 'raft/1')
    await summedUp(comparison)
    for (const node of others.slice(0, 2)) await comparison.hear(node, toldOf(same))
    assert.deepEqual([...comparison.diverged.keys()], [], 'two of four are not most')
    await comparison.hear(others[2], toldOf(same))
    assert.deepEqual([...comparison.diverged.keys()], ['urn:g:2'])
    await comparison.stop()
  })

  it('compare nothing across an erasure, and nothing of other checkpoints', async () => {
    const comparison = await opened(same, 'pbft/1', 1)
    await summedUp(comparison)
    const wrong = { ...same, 'urn:g:1': ['a'] }
    for (const node of others) {
      await comparison.hear(node, toldOf(wrong, 8, 0))
      await comparison.hear(node, toldOf(wrong, 16, 1))
    }
    assert.deepEqual([events, [...comparison.diverged.keys()]], [[], []])
    await comparison.stop()
  })
})
