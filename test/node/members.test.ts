// Members change while the ledger runs: nodes that join, learn, vote and leave, keys that turn, over Raft and PBFT alike.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import type { TxId } from '../../src/base/ids.ts'
import { signedGenesisSchema } from '../../src/ledger/genesis.ts'
import { homeAt } from '../../src/node/home.ts'
import type { NodeEvent, QuadrilleNode } from '../../src/node/node.ts'
import { putAside } from '../../src/node/recovery.ts'
import { BlockServer } from '../../src/node/serve.ts'
import { type ReceiptVerdict, verifyReceipt } from '../../src/node/verify.ts'
import { long } from '../long.ts'
import { enrol, type Founded, foundFour, settled, statement } from './consortium.ts'
import { eventually, Joining, writeUntil } from './joining.ts'

const parameters = { checkpointInterval: 4, window: 8, suspectMs: 3_000 }

interface Step {
  readonly certificate: { readonly signatures: readonly unknown[] }
}

const protocols = long ? (['raft/1', 'pbft/1'] as const) : (['pbft/1'] as const)

for (const protocol of protocols) {
  describe(`Members of a ledger of ${protocol}`, function () {
    this.timeout(300_000)
    let founded: Founded
    let joining: Joining
    const nodes: QuadrilleNode[] = []
    const events: NodeEvent[][] = []
    const failures: unknown[] = []
    const written: TxId[] = []
    let said = 0

    const node = (number: number): QuadrilleNode => nodes[number] as QuadrilleNode
    const open = async (number: number): Promise<void> => {
      events[number] = []
      nodes[number] = await founded.open(number, {
        onEvent: (event) => events[number]?.push(event),
        onFailure: (error) => failures.push(error),
      })
      await node(number).start()
    }
    const write = async (count: number): Promise<void> => {
      const enough = written.length + count
      said = await writeUntil(
        founded,
        node(0),
        said,
        () => written.length >= enough,
        (tx) => written.push(tx),
      )
    }
    const inEpoch = async (epoch: number, of: readonly number[]): Promise<void> => {
      said = await writeUntil(
        founded,
        node(0),
        said,
        async () => {
          const states = await Promise.all(of.map((number) => node(number).status()))
          return states.every((state) => state.epoch >= epoch)
        },
        (tx) => written.push(tx),
      )
    }

    before(async () => {
      founded = await foundFour(parameters, protocol)
      joining = new Joining(founded)
      for (const number of [0, 1, 2, 3]) await open(number)
      await eventually('a quorum', async () => (await node(0).status()).quorumConnected)
      await enrol(founded, nodes)
      await write(3)
    })

    after(async () => {
      await Promise.allSettled(nodes.map((each) => each?.stop()))
      await founded?.remove()
    })

    it('N14 a node that the genesis does not name joins by an act, and follows without a vote', async () => {
      await joining.prepare(4)
      await joining.propose(node(0), { cards: [await joining.card(4, 'learner')] })
      // Before the epoch turns it is let in already, so that it can learn.
      await open(4)
      await inEpoch(1, [0, 1, 2, 3, 4])
      const height = (await node(0).status()).height
      await eventually('the learner has all', async () => {
        const state = await node(4).status()
        return state.height >= height && state.final >= height
      })
      const state = await node(4).status()
      assert.deepEqual([state.epoch, state.validators, state.organisation], [1, 4, 'org-4'])
      assert.ok(events.flat().every(({ type }) => type !== 'accuse' && type !== 'fence'))
    })

    it('N14 refuses to draft the promotion of a node that is behind', async () => {
      await joining.prepare(5)
      await assert.rejects(joining.propose(node(0), { cards: [await joining.card(5, 'validator')] }), {
        code: 'NODE_BEHIND',
      })
    })

    it('P23 it is promoted, and one set of validators certifies each block', async () => {
      const before = (await node(0).status()).height
      const ends = await joining.propose(node(0), { cards: [await joining.card(4, 'validator')] })
      assert.ok(ends > before)
      await inEpoch(2, [0, 1, 2, 3, 4])
      assert.equal((await node(4).status()).validators, 5)
      await settled(nodes, 1, 60_000)
    })

    it('a consensus key turns, and the old one is destroyed when its successor is in force', async () => {
      const home = homeAt(founded.home(1))
      await joining.propose(node(0), { cards: [await joining.successorCard(1)] }, [0, 1, 2, 3, 4])
      assert.ok(existsSync(home.successor))
      await inEpoch(3, [0, 1, 2, 3, 4])
      said = await writeUntil(founded, node(0), said, () => !existsSync(home.successor))
      await node(1).stop()
      await open(1)
      await eventually('it votes again', async () => (await node(1).status()).quorumConnected)
      said = await writeUntil(founded, node(1), said, async () => (await node(1).status()).waiting === 0)
      await settled(nodes, 1, 60_000)
      assert.ok(events.flat().every(({ type }) => type !== 'accuse' && type !== 'fence' && type !== 'refuse'))
    })

    it('P27 proves from the genesis alone what was ordered and what became of it in every epoch so far', async () => {
      await write(3)
      const genesis = utf8(JSON.stringify(signedGenesisSchema.toJson(founded.genesis)))
      const proven = new Set<number>()
      // One that voted throughout, and one that fetched the blocks of the first epoch.
      for (const [number, tx] of [0, 4].flatMap((each) => written.map((tx) => [each, tx] as const))) {
        for (const type of ['final', 'ordered'] as const) {
          const receipt = (await node(number).receipt(tx, type)) as { epochs: Step[] }
          const verified = (epochs: Step[]): ReceiptVerdict =>
            verifyReceipt({ ...receipt, epochs } as never, { genesis })
          const { holds, fault, outcome } = verified(receipt.epochs)
          assert.deepEqual([holds, fault, outcome], [true, '', type === 'final' ? 'OK' : ''])
          const [first, ...rest] = receipt.epochs
          if (type === 'final') proven.add(receipt.epochs.length)
          if (type === 'ordered' || first === undefined) continue
          const unsigned = { ...first, certificate: { ...first.certificate, signatures: [] } }
          for (const lie of [[unsigned, ...rest], rest, receipt.epochs.slice(0, -1)]) {
            assert.equal(verified(lie).holds, false)
          }
        }
      }
      assert.deepEqual([...proven].sort(), [0, 1, 2, 3])
    })

    it('P16 P22 L20 a node that lost its disk comes back while one source lies; in Raft it may not', async () => {
      const home = homeAt(founded.home(2))
      if (protocol === 'raft/1') {
        await assert.rejects(putAside(home, protocol, 1), { code: 'RECOVERY_UNSAFE' })
        return
      }
      await node(2).stop()
      assert.ok(existsSync((await putAside(home, protocol, 1)) ?? ''))
      const lie = lyingServer()
      try {
        await open(2)
        await eventually('it has all again', async () => {
          const [own, other] = await Promise.all([node(2).status(), node(0).status()])
          return own.height >= other.height && own.final > 0
        })
      } finally {
        lie.end()
      }
      const refused = events[2]?.filter((event) => event.type === 'refuse') ?? []
      assert.ok(lie.told() === 0 || refused.length > 0)
      // Whatever it forgot of this epoch, in the next one it votes, under another key.
      const { epoch } = await node(0).status()
      await joining.propose(node(0), { cards: [await joining.successorCard(2)] }, [0, 1, 2, 3, 4])
      await inEpoch(epoch + 1, [0, 1, 2, 3, 4])
      await eventually('it votes again', async () => (await node(2).status()).state === 'normal')
      await settled(nodes, 1, 60_000)
    })

    it('N2 a node that is removed is cut off within five seconds and told so', async () => {
      const { epoch } = await node(0).status()
      await joining.propose(node(0), { leavingNodes: ['node-3'] }, [0, 1, 2, 4])
      await inEpoch(epoch + 1, [0, 1, 2, 4])
      const turned = Date.now()
      const gone = (): boolean =>
        events[3]?.some(
          (event) => event.type === 'refused' && event.by === 'them' && event.code === 'NODE_SUSPENDED',
        ) ?? false
      await eventually('it was told', gone, 10_000)
      await eventually('nobody talks to it', async () => (await node(3).status()).connected.length === 0, 10_000)
      assert.ok(Date.now() - turned < 10_000)
      await node(3).stop()
      nodes.splice(3, 1)
      said = await writeUntil(founded, node(0), said, () => true)
      await settled(nodes, 1, 60_000)
      assert.equal((await node(0).status()).validators, 4)
      assert.deepEqual(failures, [])
    })

    it('P28 software that does not know the next version of the rules stops before its height, and says so', async () => {
      const members = [0, 1, 2, 4]
      for (const number of members) await joining.announce(node(0), number, 2)
      const { height } = await node(0).status()
      const done = await joining.submit(node(0), { rulesVersion: 2, activateAfter: 12 }, members)
      assert.equal(done.code, 'OK')
      while (failures.length === 0) {
        said++
        const { bytes, payload } = await statement(founded, said)
        await node(0)
          .submit(bytes, payload, AbortSignal.timeout(2_000))
          .catch(() => undefined)
      }
      const [failure] = failures
      assert.ok(failure instanceof LedgerError && failure.code === 'SOFTWARE_TOO_OLD', String(failure))
      assert.ok(Number(failure.details['height']) > height)
    })
  })
}

/** The first of the nodes of this process that is asked for blocks gives others than it has, until the end. */
function lyingServer(): { readonly told: () => number; end(): void } {
  const { serve } = BlockServer.prototype
  let liar: BlockServer | undefined
  let told = 0
  BlockServer.prototype.serve = async function (peer, wanted) {
    liar ??= this
    const answer = await serve.call(this, peer, wanted)
    if (answer === undefined || liar !== this) return answer
    told++
    const blocks = answer.blocks.map((served) => {
      const block = served.block.slice()
      block[block.length >> 1] = (block[block.length >> 1] as number) ^ 1
      return { ...served, block }
    })
    return { ...answer, blocks }
  }
  return {
    told: () => told,
    end() {
      BlockServer.prototype.serve = serve
    },
  }
}
