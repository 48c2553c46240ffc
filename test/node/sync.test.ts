// Catching up from peers that are slow, silent or lie, and from a node whose own disk fails.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { LedgerError } from '../../src/base/errors.ts'
import {
  digestOf,
  type Epoch,
  ledgerIdOf,
  type NodeId,
  nodeIdOf,
  organisationIdOf,
  type Round,
  type Sequence,
  sequenceOf,
  timeOf,
} from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { encode } from '../../src/base/schema.ts'
import { sign, signingKeyOf } from '../../src/base/signature.ts'
import { summarize, summaryDigest } from '../../src/consensus/batch.ts'
import { type BlockHeader, blockHash, blockRecordSchema } from '../../src/consensus/block.ts'
import { genesisOutcome, type Outcome } from '../../src/consensus/contract.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import { agreementBytes } from '../../src/consensus/statements.ts'
import type { Succession } from '../../src/consensus/succession.ts'
import type { BlocksWanted } from '../../src/node/serve.ts'
import { Sync, type SyncMachine, type SyncTiming } from '../../src/node/sync.ts'
import { createVerdicts } from '../../src/node/verdicts.ts'
import type { ServedBlock } from '../../src/node/wire.ts'

const ledger = ledgerIdOf('11'.repeat(32))
const keys = [1, 2, 3, 4].map((byte) => signingKeyOf(new Uint8Array(32).fill(byte)))
const roster: Roster = {
  epoch: 0 as Epoch,
  validators: keys.map(({ publicKey }, place) => ({
    node: nodeIdOf(`${place + 1}`.repeat(32)),
    organisation: organisationIdOf(`org-${place}`),
    key: publicKey,
  })),
}
const [odd, fair, other] = ['a', 'b', 'c'].map((digit) => nodeIdOf(digit.repeat(32))) as [NodeId, NodeId, NodeId]
const height = 300
const quick: SyncTiming = { answerMsMin: 40, answerMsMax: 120, retryMs: 5, fruitlessMsMax: 400 }

interface Certified {
  readonly block: Uint8Array
  readonly header: BlockHeader
}

/** Empty blocks, each with the signatures of `signers` validators. */
function chainOf(length: number, signers = 3): readonly Certified[] {
  const chain: Certified[] = []
  for (let sequence = 1; sequence <= length; sequence++) {
    const batch = { time: timeOf(sequence), tokens: [], transactions: [] }
    const summary = summarize(batch)
    const digest = summaryDigest(summary)
    const before = chain.at(-1)
    const previous = before === undefined ? digestOf(ledger) : blockHash(before.header)
    const at = { ledger, epoch: roster.epoch, sequence: sequenceOf(sequence) }
    const header: BlockHeader = { ...at, previous, batch: digest, time: batch.time }
    const agreement = { ...at, round: 0 as Round, digest }
    const signatures = roster.validators.slice(0, signers).map(({ node }, place) => ({
      node,
      signature: sign('commit', agreementBytes(agreement), keys[place]?.seed ?? new Uint8Array(32)),
    }))
    const record = {
      header,
      tokens: summary.tokens,
      batchTime: batch.time,
      transactions: [],
      certificate: { type: 'pbft' as const, agreement, signatures },
    }
    chain.push({ header, block: encode(blockRecordSchema, record) })
  }
  return chain
}

/** Answers with blocks, or with nothing ever. */
type Peer = (wanted: BlocksWanted) => Promise<readonly Uint8Array[] | undefined>

class FakeMachine implements SyncMachine {
  applied: Outcome = genesisOutcome(ledger, digestOf('00'.repeat(32)), {
    state: digestOf('00'.repeat(32)),
    roster: digestOf('00'.repeat(32)),
  })
  readonly ledger = { id: ledger, genesis: { protocol: 'pbft/1' } }
  readonly succession: Succession = { inForce: [roster], known: [roster] }
  failure: Error | undefined
  readonly #chain: readonly Certified[]

  constructor(chain: readonly Certified[]) {
    this.#chain = chain
  }

  async execute({ sequence }: { readonly sequence: Sequence }): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    assert.equal(sequence, this.applied.sequence + 1)
    const { header } = this.#chain[sequence - 1] as Certified
    this.applied = { ...this.applied, sequence, block: blockHash(header) }
  }
}

describe('Catching up', () => {
  let chain: readonly Certified[]
  let machine: FakeMachine
  let asked: Map<NodeId, number>
  let refused: { readonly from: NodeId; readonly code: string }[]

  before(() => {
    chain = chainOf(height)
  })

  beforeEach(() => {
    machine = new FakeMachine(chain)
    asked = new Map()
    refused = []
  })

  const blocksFor = ({ from, count }: BlocksWanted): readonly Uint8Array[] =>
    chain.slice(from - 1, from - 1 + count).map(({ block }) => block)

  /** Up to 16 blocks after `ms`. */
  const delayed =
    (ms: number, most = 16): Peer =>
    async (wanted) => {
      await sleep(ms)
      return blocksFor(wanted).slice(0, most)
    }
  const silent: Peer = async () => undefined

  function syncWith(peers: ReadonlyMap<NodeId, Peer>, timing: Partial<SyncTiming> = {}): Sync {
    const sync: Sync = new Sync({
      machine,
      blocks: { read: async () => assert.fail('nothing is served') },
      item: async () => undefined,
      verdicts: createVerdicts(ledger),
      peers: () => [...peers.keys()],
      refuse: (from, { code }) => refused.push({ from, code }),
      send: (to, wanted) => {
        assert.equal(wanted.type, 'blocks-wanted')
        asked.set(to, (asked.get(to) ?? 0) + 1)
        const answer = peers.get(to)?.(wanted as BlocksWanted) ?? Promise.resolve(undefined)
        answer.then((blocks) => {
          const served = blocks?.map((block): ServedBlock => ({ block, payloads: [], kept: [] }))
          if (served !== undefined)
            sync.receive(to, { type: 'blocks', from: (wanted as BlocksWanted).from, blocks: served })
        })
        return true
      },
      timing: { ...quick, ...timing },
    })
    return sync
  }

  const questions = (peer: NodeId): number => asked.get(peer) ?? 0

  it('asks all peers in turn', async () => {
    const sync = syncWith(new Map([odd, fair, other].map((node) => [node, delayed(2)])))
    assert.equal(await sync.fetch(sequenceOf(height), []), true)
    assert.deepEqual(
      [odd, fair, other].map(questions).map((count) => count >= 3),
      [true, true, true],
    )
  })

  it('L20 a peer that gives one block at a time, each just in time, holds up little', async () => {
    const sync = syncWith(
      new Map([
        [odd, delayed(30, 1)],
        [fair, delayed(2)],
        [other, delayed(2)],
      ]),
    )
    assert.equal(await sync.fetch(sequenceOf(height), [odd]), true)
    assert.ok(questions(odd) <= 3, `asked ${questions(odd)} times`)
    assert.deepEqual(refused, [])
  })

  it('L20 a silent peer costs one short wait in a catch-up, though it is the preferred one', async () => {
    const sync = syncWith(
      new Map([
        [odd, silent],
        [fair, delayed(2)],
      ]),
    )
    const began = performance.now()
    assert.equal(await sync.fetch(sequenceOf(height), [odd]), true)
    assert.ok(questions(odd) <= 2, `asked ${questions(odd)} times`)
    assert.ok(performance.now() - began < 1_000)
  })

  it('L20 a block with too few signatures, another block, and bytes that are none: refused, another source', async () => {
    const weak = chainOf(1, 2).map(({ block }) => block)
    const liars: readonly (readonly [Peer, string])[] = [
      [async () => weak, 'QUORUM_NOT_MET'],
      [async (wanted) => blocksFor({ ...wanted, from: sequenceOf(wanted.from + 1) }), 'BLOCK_INVALID'],
      [async () => [Uint8Array.of(0x80)], 'MALFORMED'],
    ]
    for (const [liar, code] of liars) {
      machine = new FakeMachine(chain)
      refused = []
      const sync = syncWith(
        new Map([
          [odd, liar],
          [fair, delayed(1)],
        ]),
      )
      assert.equal(await sync.fetch(sequenceOf(40), [odd]), true)
      assert.deepEqual(refused, [{ from: odd, code }])
    }
  })

  it('L20 blames no peer for what is wrong with this node itself', async () => {
    for (const failure of [
      new LedgerError('STORAGE_FAILED'),
      new LedgerError('KEY_MISSING'),
      new LedgerError('RECORD_TAMPERED'),
      new Error('impossible'),
    ]) {
      machine.failure = failure
      await assert.rejects(syncWith(new Map([[fair, delayed(1)]])).fetch(sequenceOf(5), []), failure)
    }
    assert.deepEqual(refused, [])
  })

  it('gives up when nobody gives anything for long enough, and not before', async () => {
    const began = performance.now()
    assert.equal(await syncWith(new Map([[odd, silent]])).fetch(sequenceOf(5), []), false)
    const ms = performance.now() - began
    assert.ok(ms >= quick.fruitlessMsMax && ms < 3 * quick.fruitlessMsMax, `${ms} ms`)
    assert.equal(await syncWith(new Map()).fetch(sequenceOf(5), []), false)
  })

  it('waits longer for a peer that was late, and takes a late answer too', async () => {
    const sync = syncWith(new Map([[fair, delayed(60)]]))
    assert.equal(await sync.fetch(sequenceOf(32), []), true)
    assert.ok(questions(fair) <= 4, `asked ${questions(fair)} times`)
  })

  it('executes no more than was asked for, whatever comes', async () => {
    const generous: Peer = async ({ from }) =>
      blocksFor({ type: 'blocks-wanted', from, count: limits.blocksPerAnswerMax })
    assert.equal(await syncWith(new Map([[fair, generous]])).fetch(sequenceOf(5), []), true)
    assert.equal(machine.applied.sequence, 5)
  })

  it('ignores answers that nobody asked for', async () => {
    const sync = syncWith(new Map([[odd, silent]]), { fruitlessMsMax: 60 })
    const fetched = sync.fetch(sequenceOf(5), [])
    await sleep(5)
    const blocks = blocksFor({ type: 'blocks-wanted', from: sequenceOf(1), count: 5 })
    sync.receive(other, {
      type: 'blocks',
      from: sequenceOf(1),
      blocks: blocks.map((block) => ({ block, payloads: [], kept: [] })),
    })
    assert.equal(await fetched, false)
    assert.equal(machine.applied.sequence, 0)
  })

  it('ends soon when the node stops', async () => {
    const sync = syncWith(new Map([[odd, silent]]), { answerMsMin: 5_000, fruitlessMsMax: 5_000 })
    const fetched = sync.fetch(sequenceOf(5), [])
    await sleep(5)
    await sync.stop()
    assert.equal(await fetched, false)
  })
})
