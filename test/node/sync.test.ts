// Catching up from peers that are slow, silent or lie, and from a node whose own disk fails.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomBytes } from '#crypto'
import { toHex } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { graphId } from '../../src/base/hash.ts'
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
import { type SigningKey, sign, signingKeyOf } from '../../src/base/signature.ts'
import { requestId, summarize, summaryDigest } from '../../src/consensus/batch.ts'
import { type BlockHeader, blockHash, blockRecordSchema } from '../../src/consensus/block.ts'
import { genesisOutcome, type Outcome } from '../../src/consensus/contract.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import { agreementBytes } from '../../src/consensus/statements.ts'
import type { Succession } from '../../src/consensus/succession.ts'
import { buildData, signerOf } from '../../src/ledger/build.ts'
import { defaultPolicies } from '../../src/ledger/founding.ts'
import type { Policy } from '../../src/ledger/records.ts'
import type { BlocksWanted } from '../../src/node/serve.ts'
import { Sync, type SyncMachine, type SyncTiming } from '../../src/node/sync.ts'
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

/** Blocks of the same transactions, each with the signatures of `signers` validators. */
function chainOf(length: number, signers = 3, transactions: readonly Uint8Array[] = []): readonly Certified[] {
  const chain: Certified[] = []
  for (let sequence = 1; sequence <= length; sequence++) {
    const batch = { time: timeOf(sequence), tokens: [], transactions }
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
      transactions,
      certificate: { type: 'pbft' as const, agreement, signatures },
    }
    chain.push({ header, block: encode(blockRecordSchema, record) })
  }
  return chain
}

/** A change of no quads. */
async function transactionOf(sequence: number): Promise<Uint8Array> {
  const policy = defaultPolicies(organisationIdOf('org-0'))[0] as Policy
  const item = { graph: graphId('urn:g:a'), policy, subjects: [], terms: [], triples: [], retractions: [] }
  const key = signerOf(keys[0] as SigningKey)
  const { bytes } = await buildData({ ledger, key, sequence, expires: timeOf(9), base: [], randomBytes, items: [item] })
  return bytes
}

/** Answers with blocks, or with nothing ever. */
type Peer = (wanted: BlocksWanted) => Promise<readonly (Uint8Array | ServedBlock)[] | undefined>

class FakeMachine implements SyncMachine {
  applied: Outcome = genesisOutcome(ledger, digestOf('00'.repeat(32)), {
    state: digestOf('00'.repeat(32)),
    roster: digestOf('00'.repeat(32)),
  })
  readonly ledger = { id: ledger, genesis: { protocol: 'pbft/1' } }
  readonly succession: Succession = { inForce: [roster], known: [roster] }
  failure: Error | undefined
  /** Awaited before each block. */
  executing: (sequence: Sequence) => Promise<void> = async () => undefined
  readonly #chain: readonly Certified[]

  constructor(chain: readonly Certified[]) {
    this.#chain = chain
  }

  async execute({ sequence }: { readonly sequence: Sequence }): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    await this.executing(sequence)
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

  function syncWith(peers: ReadonlyMap<NodeId, Peer>, timing: Partial<SyncTiming> = {}, waitedMs = () => 0): Sync {
    const sync: Sync = new Sync({
      machine,
      blocks: { read: async () => assert.fail('nothing is served') },
      item: async () => undefined,
      peers: () => [...peers.keys()],
      refuse: (from, { code }) => refused.push({ from, code }),
      send: (to, wanted) => {
        assert.equal(wanted.type, 'blocks-wanted')
        asked.set(to, (asked.get(to) ?? 0) + 1)
        const answer = peers.get(to)?.(wanted as BlocksWanted) ?? Promise.resolve(undefined)
        answer.then((blocks) => {
          const served = blocks?.map(
            (block): ServedBlock => (block instanceof Uint8Array ? { block, payloads: [], kept: [] } : block),
          )
          if (served !== undefined)
            sync.receive(to, { type: 'blocks', from: (wanted as BlocksWanted).from, blocks: served })
        })
        return true
      },
      timing: { ...quick, ...timing },
      waitedMs,
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

  it('has the next blocks on their way while it executes, and no more than two answers that wait', async () => {
    const wanted: number[] = []
    const peer: Peer = async (question) => {
      wanted.push(question.from)
      return delayed(1)(question)
    }
    const sync = syncWith(new Map([fair, other].map((node) => [node, peer])))
    machine.executing = async (sequence) => {
      if (sequence !== 1) return
      while (wanted.length < 3) await sleep(5)
      await sleep(30)
      assert.deepEqual(wanted, [1, 17, 33])
    }
    assert.equal(await sync.fetch(sequenceOf(height), []), true)
    assert.deepEqual(wanted, [...new Set(wanted)], 'nothing is asked for twice')
  })

  it('L20 a peer that is not heard of while blocks are executed is not silent', async () => {
    machine.executing = () => sleep(10)
    const timing = { answerMsMin: 20, answerMsMax: 20, fruitlessMsMax: 5_000 }
    const sync = syncWith(new Map([[fair, delayed(60)]]), timing)
    assert.equal(await sync.fetch(sequenceOf(80), []), true)
    assert.ok(questions(fair) <= 9, `asked ${questions(fair)} times`)
  })

  it('L20 what a liar gave ahead is dropped, and nothing that an honest peer gave is refused', async () => {
    const liar: Peer = async (wanted) =>
      wanted.from === 1 ? blocksFor(wanted).slice(0, 16) : [chain[0]?.block as Uint8Array]
    machine.executing = () => sleep(2)
    const sync = syncWith(
      new Map([
        [odd, liar],
        [fair, delayed(1)],
      ]),
    )
    assert.equal(await sync.fetch(sequenceOf(100), [odd]), true)
    assert.deepEqual(new Set(refused.map(({ from, code }) => `${from} ${code}`)), new Set([`${odd} BLOCK_INVALID`]))
    assert.equal(refused.length, 1)
  })

  describe('of a block whose payloads fill several answers', () => {
    let large: readonly Certified[]
    let transactions: readonly Uint8Array[]
    const carried = (numbers: readonly number[]): ServedBlock['payloads'] =>
      numbers.map((number) => ({ id: requestId(transactions[number] as Uint8Array), payload: Uint8Array.of(1) }))

    before(async () => {
      transactions = await Promise.all([1, 2, 3].map(transactionOf))
      large = chainOf(2, 3, transactions)
    })

    beforeEach(() => {
      machine = new FakeMachine(large)
    })

    it('asks the same peer for the rest at once, while execution waits for it', async () => {
      const parts = [[0], [1], [2], [0, 1, 2]]
      let release = (): void => undefined
      const whole = new Promise<void>((resolve) => {
        release = resolve
      })
      machine.executing = () => whole
      const peer: Peer = async ({ from }) => {
        const part = carried(parts.shift() ?? [])
        if (parts.length === 1) release()
        return [{ block: large[from - 1]?.block as Uint8Array, payloads: part, kept: [] }]
      }
      const sync = syncWith(
        new Map([
          [odd, peer],
          [fair, silent],
          [other, silent],
        ]),
        { answerMsMin: 5_000, fruitlessMsMax: 5_000 },
      )
      const began = performance.now()
      assert.equal(await sync.fetch(sequenceOf(1), [odd]), true)
      assert.equal(questions(odd), 3)
      assert.ok(performance.now() - began < 1_000)
    })

    it('tells who gives the rest of the block that is executed, so that the payload pool asks the others', async () => {
      let release = (): void => undefined
      machine.executing = () =>
        new Promise((resolve) => {
          release = resolve
        })
      let given = 0
      const peer: Peer = async ({ from }) =>
        given++ === 0 ? [{ block: large[from - 1]?.block as Uint8Array, payloads: carried([0]), kept: [] }] : undefined
      const sync = syncWith(new Map([[odd, peer]]), { answerMsMin: 5_000, fruitlessMsMax: 5_000 })
      assert.equal(sync.owing, undefined)
      const fetched = sync.fetch(sequenceOf(1), [odd])
      await sleep(20)
      assert.equal(questions(odd), 2)
      assert.equal(sync.owing, odd)
      release()
      assert.equal(await fetched, true)
      assert.equal(sync.owing, undefined)
    })

    it('L20 asks nobody for the rest for ever: not who brings nothing new, nor who brings what is not in it', async () => {
      const strange: Peer = async ({ from }) => [
        {
          block: large[from - 1]?.block as Uint8Array,
          payloads: [{ id: digestOf(toHex(randomBytes(32))), payload: Uint8Array.of(1) }, ...carried([0])],
          kept: [],
        },
      ]
      const sync = syncWith(new Map([[odd, strange]]))
      assert.equal(await sync.fetch(sequenceOf(2), [odd]), true)
      assert.equal(questions(odd), 4)
    })
  })

  it('L20 a peer that gives one block at a time, each just in time, holds up little', async () => {
    const sync = syncWith(
      new Map([
        [odd, delayed(400, 1)],
        [fair, delayed(2)],
        [other, delayed(2)],
      ]),
      { answerMsMin: 2_000, answerMsMax: 2_000, fruitlessMsMax: 5_000 },
    )
    assert.equal(await sync.fetch(sequenceOf(height), [odd]), true)
    assert.ok(questions(odd) <= 3, `asked ${questions(odd)} times`)
    assert.deepEqual(refused, [])
  })

  it('L20 a liar that gives blocks without their payloads, for which execution then waits, holds up little', async () => {
    const bare = new Set<number>()
    const liar: Peer = async (wanted) => {
      const given = blocksFor(wanted)
      for (const place of given.keys()) bare.add(wanted.from + place)
      return given
    }
    let waited = 0
    const executed: number[] = []
    machine.executing = async (sequence) => {
      if (bare.has(sequence)) {
        await sleep(30)
        waited += 30
        executed.push(sequence)
      }
    }
    const sync = syncWith(
      new Map([
        [odd, liar],
        [fair, honest],
        [other, honest],
      ]),
      { fruitlessMsMax: 5_000 },
      () => waited,
    )
    async function honest(wanted: BlocksWanted): Promise<readonly Uint8Array[]> {
      const given = blocksFor(wanted).slice(0, 16)
      for (const place of given.keys()) bare.delete(wanted.from + place)
      return given
    }
    assert.equal(await sync.fetch(sequenceOf(height), [odd]), true)
    assert.ok(questions(odd) <= 2, `asked ${questions(odd)} times`)
    assert.ok(executed.length <= 4, `waited for the payloads of ${executed.length} blocks`)
    assert.deepEqual(refused, [], 'it may be that nobody has them')
  })

  it('L20 a peer whose blocks lack payloads that nobody else has faster is gone on with', async () => {
    let waited = 0
    machine.executing = async () => {
      await sleep(10)
      waited += 10
    }
    const sync = syncWith(new Map([[fair, delayed(1)]]), { answerMsMin: 20, fruitlessMsMax: 5_000 }, () => waited)
    assert.equal(await sync.fetch(sequenceOf(40), []), true)
  })

  it('L20 a silent peer costs one short wait in a catch-up, though it is the preferred one', async () => {
    const sync = syncWith(
      new Map([
        [odd, silent],
        [fair, delayed(2)],
      ]),
      { answerMsMin: 300, answerMsMax: 300, fruitlessMsMax: 5_000 },
    )
    const began = performance.now()
    assert.equal(await sync.fetch(sequenceOf(height), [odd]), true)
    assert.ok(questions(odd) <= 2, `asked ${questions(odd)} times`)
    assert.ok(performance.now() - began < 3_000)
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

  it('L20 does not ask liars without a pause when there is nobody else', async () => {
    const lie = Uint8Array.of(0x80)
    const liars: readonly Peer[] = [
      async () => [lie],
      async ({ from }) => Array.from({ length: 6 - from }, () => lie),
      async (wanted) => (wanted.from === 1 ? blocksFor(wanted).slice(0, 1) : [lie]),
    ]
    for (const liar of liars) {
      machine = new FakeMachine(chain)
      refused = []
      const sync = syncWith(new Map([[odd, liar]]), { retryMs: 50, fruitlessMsMax: 400 })
      assert.equal(await sync.fetch(sequenceOf(5), []), false)
      assert.ok(refused.length >= 2 && refused.length <= 12, `${refused.length} lies in 400 ms`)
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

  it('L20 P16 ends soon once others show that the height it was told is a lie, blocks or none', async () => {
    for (const peer of [silent, delayed(1)]) {
      let isWanted = true
      const sync = syncWith(new Map([[fair, peer]]), { fruitlessMsMax: 5_000 })
      const fetched = sync.fetch(sequenceOf(Number.MAX_SAFE_INTEGER), [], () => isWanted)
      await sleep(5)
      isWanted = false
      const began = performance.now()
      assert.equal(await fetched, true)
      assert.ok(performance.now() - began < 1_000)
      assert.ok(machine.applied.sequence < height)
    }
  })

  it('waits longer for a peer that was late, and takes a late answer too', async () => {
    const sync = syncWith(new Map([[fair, delayed(60)]]), { fruitlessMsMax: 5_000 })
    assert.equal(await sync.fetch(sequenceOf(32), []), true)
    assert.ok(questions(fair) <= 4, `asked ${questions(fair)} times`)
  })

  it('L20 never asks for one block alone, which is how the payloads of a block that is executed are asked for', async () => {
    const counts: number[] = []
    const peer: Peer = async (wanted) => {
      counts.push(wanted.count)
      return blocksFor(wanted).slice(0, 1)
    }
    assert.equal(await syncWith(new Map([[fair, peer]])).fetch(sequenceOf(3), []), true)
    assert.equal(machine.applied.sequence, 3)
    assert.ok(Math.min(...counts) > 1, `asked for ${counts}`)
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
