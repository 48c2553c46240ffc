// Payloads on their way: what a vote waits for, and what liars cannot do to it.

import assert from 'node:assert/strict'
import { LedgerError } from '../../src/base/errors.ts'
import { digestOf, epochOf, nodeIdOf, organisationIdOf } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { type RequestId, requestId } from '../../src/consensus/batch.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { keptPayloadSchema } from '../../src/ledger/kept-payload.ts'
import { payloadSchema } from '../../src/ledger/payload.ts'
import { Shelf } from '../../src/node/offers.ts'
import { PayloadPool } from '../../src/node/payloads.ts'
import { Verdicts } from '../../src/node/verdicts.ts'
import { type Built, type Founded, foundFour, statement } from './consortium.ts'

describe('The payload pool', () => {
  let founded: Founded
  let built: Built
  let other: Built
  let staged: Map<RequestId, Uint8Array>
  let asked: { readonly ids: readonly RequestId[]; readonly again: boolean }[]
  let pool: PayloadPool

  before(async () => {
    founded = await foundFour()
    built = await statement(founded, 1)
    other = await statement(founded, 2)
  })

  after(() => founded.remove())

  beforeEach(() => {
    staged = new Map()
    asked = []
    pool = poolWith()
  })

  const poolWith = (stagedBytesMax?: number): PayloadPool => {
    const ledger = ledgerIdFor(founded.genesis.genesis)
    return new PayloadPool({
      stagedBytesMax,
      faults: 'byzantine',
      ledger,
      verdicts: new Verdicts(ledger),
      stage: async (id, payload) => void staged.set(id, payload),
      staged: async (id) => staged.get(id),
      unstage: async (ids) => {
        for (const each of ids) staged.delete(each)
      },
      ask: (ids, again) => asked.push({ ids, again }),
      onFailure: (error) => assert.fail(String(error)),
      roster: () => ({ epoch: epochOf(0), validators }),
    })
  }

  const validators = ['1', '2', '3', '4'].map((digit) => ({
    node: nodeIdOf(digit.repeat(32)),
    organisation: organisationIdOf(`org-${digit}`),
    key: new Uint8Array(32),
  }))
  const peer = nodeIdOf('1'.repeat(32))
  const liar = nodeIdOf('2'.repeat(32))
  const id = (of: Built): RequestId => requestId(of.bytes)
  const settles = async (promise: Promise<unknown>): Promise<boolean> =>
    Promise.race([promise.then(() => true), new Promise<boolean>((done) => setTimeout(() => done(false), 30))])

  it('lets a vote wait until the payload is checked and durable', async () => {
    const ready = pool.ready([built.bytes])
    assert.equal(await settles(ready), false)
    assert.deepEqual(asked, [{ ids: [id(built)], again: false }])
    pool.offer(peer, [{ id: id(built), payload: built.payload }])
    assert.equal(await ready, true)
    assert.deepEqual([...staged.keys()], [id(built)])
  })

  it('P26 drops a payload that is not the one committed to, and goes on waiting for the right one', async () => {
    const ready = pool.ready([built.bytes])
    pool.offer(peer, [{ id: id(built), payload: other.payload }])
    pool.offer(peer, [{ id: id(built), payload: Uint8Array.of(1, 2, 3) }])
    assert.equal(await settles(ready), false)
    assert.equal(staged.size, 0)
    pool.askAgain()
    assert.deepEqual(asked.at(-1), { ids: [id(built)], again: true })
    pool.offer(peer, [{ id: id(built), payload: built.payload }])
    assert.equal(await ready, true)
  })

  it('P26 refuses a request whose payload is missing or another one', async () => {
    const isUnavailable = (error: unknown): boolean =>
      error instanceof LedgerError && error.code === 'PAYLOAD_UNAVAILABLE'
    await assert.rejects(pool.take(built.bytes, new Uint8Array()), isUnavailable)
    await assert.rejects(pool.take(built.bytes, other.payload), isUnavailable)
    await pool.take(built.bytes, built.payload)
    assert.equal(await pool.ready([built.bytes]), true)
  })

  it('finds what was staged before a restart', async () => {
    staged.set(id(built), built.payload)
    assert.equal(await pool.ready([built.bytes]), true)
    assert.deepEqual(asked, [])
    assert.deepEqual(
      pool.carried([id(built), id(other)]).map((each) => each.id),
      [id(built)],
    )
  })

  it('says no to a transaction that no correct validator votes for', async () => {
    const forged = built.bytes.slice()
    forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1
    assert.equal(await pool.ready([forged]), false)
  })

  describe('of which items were erased', () => {
    const keptOf = ({ payload }: Built): Uint8Array => {
      const [item] = decode(payloadSchema, payload).items
      assert.ok(item)
      return encode(keptPayloadSchema, { items: [{ type: 'erased', retractions: item.retractions }] })
    }

    it('E2 are not believed to be on the word of as many as may lie, nor of anybody for a vote', async () => {
      const ready = pool.ready([other.bytes])
      for (const from of validators) pool.offerKept(from.node, [{ id: id(other), payload: keptOf(other) }])
      assert.equal(await settles(ready), false)
      const opened = pool.opened(built.bytes)
      pool.offerKept(liar, [{ id: id(built), payload: keptOf(built) }])
      pool.offerKept(liar, [{ id: id(built), payload: keptOf(built) }])
      pool.offerKept(nodeIdOf('9'.repeat(32)), [{ id: id(built), payload: keptOf(built) }])
      assert.equal(await settles(opened), false)
      pool.offer(peer, [{ id: id(built), payload: built.payload }])
      assert.equal((await opened).items[0]?.type, 'whole')
    })

    it('E2 are executed without what was erased once one more says so, and passed on to nobody', async () => {
      const opened = pool.opened(built.bytes)
      await settles(opened)
      for (const from of [peer, liar]) pool.offerKept(from, [{ id: id(built), payload: keptOf(built) }])
      assert.equal((await opened).items[0]?.type, 'erased')
      await pool.executed([id(built)])
      assert.deepEqual([pool.carried([id(built)]), staged.size], [[], 0])
    })

    it('E2 count what came with a block before its execution began', async () => {
      for (const from of [peer, liar]) pool.offerKept(from, [{ id: id(built), payload: keptOf(built) }])
      assert.equal((await pool.opened(built.bytes)).items[0]?.type, 'erased')
    })

    it('E2 L20 are asked of the others when the first says something of them, not whenever a liar says it again', async () => {
      const opened = pool.opened(built.bytes)
      await settles(opened)
      const before = asked.length
      for (let times = 0; times < 3; times++) {
        pool.offerKept(liar, [{ id: id(built), payload: keptOf(built) }])
        await settles(opened)
      }
      assert.equal(asked.length, before + 1)
      pool.offer(peer, [{ id: id(built), payload: built.payload }])
      await opened
    })

    it('E2 do not open with retractions of another item', async () => {
      const opened = pool.opened(built.bytes)
      await settles(opened)
      for (const from of validators) pool.offerKept(from.node, [{ id: id(built), payload: keptOf(other) }])
      assert.equal(await settles(opened), false)
    })

    it('E2 L20 are executed though a liar was the first to say something of them, with what opens nothing', async () => {
      const opened = pool.opened(built.bytes)
      await settles(opened)
      const [, second, ...rest] = validators.map(({ node }) => node)
      assert.equal(second, liar)
      pool.offerKept(liar, [{ id: id(built), payload: keptOf(other) }])
      for (const from of [peer, ...rest]) pool.offerKept(from, [{ id: id(built), payload: keptOf(built) }])
      assert.equal(await settles(opened), true)
      assert.equal((await opened).items[0]?.type, 'erased')
    })

    it('E2 are forgotten in memory too, and an offer of one afterwards is kept by nobody who would pass it on', async () => {
      await pool.take(built.bytes, built.payload)
      await pool.executed([id(built)])
      pool.erased([id(built)])
      staged.clear()
      pool.offer(liar, [{ id: id(built), payload: built.payload }])
      assert.deepEqual(await pool.answer([id(built)]), [])
    })
  })

  it('keeps what was executed for peers that are a little behind', async () => {
    await pool.take(built.bytes, built.payload)
    await pool.executed([id(built)])
    assert.deepEqual(pool.carried([id(built)]), [{ id: id(built), payload: built.payload }])
  })

  it('P26 lets no peer replace or push out what another offered', async () => {
    pool.offer(peer, [{ id: id(built), payload: built.payload }])
    pool.offer(liar, [{ id: id(built), payload: other.payload }])
    assert.equal(await settles(pool.ready([built.bytes])), true)
  })

  it('answers from the staging area what a restart dropped from memory', async () => {
    staged.set(id(built), built.payload)
    assert.deepEqual(pool.carried([id(built)]), [])
    assert.deepEqual(await pool.answer([id(built)]), [{ id: id(built), payload: built.payload }])
  })

  it('sends no more along than fits beside a message, and refuses a payload above its bound', async () => {
    const large = await Promise.all([11, 12, 13].map((number) => statement(founded, number, { count: 12_000 })))
    for (const each of large) await pool.take(each.bytes, each.payload)
    const carried = pool.carried(large.map(id))
    const bytes = carried.reduce((sum, { payload }) => sum + payload.length, 0)
    assert.ok(carried.length > 0 && bytes <= limits.carriedBytesMax)
    const huge = new Uint8Array(limits.payloadBytesMax + 1)
    await assert.rejects(
      pool.take(built.bytes, huge),
      (error: unknown) => error instanceof LedgerError && error.code === 'PAYLOAD_UNAVAILABLE',
    )
  })

  it('D7 P26 holds little of one peer, or of all that do not vote, so that others and own clients find room', async () => {
    const isBusy = (error: unknown): boolean => error instanceof LedgerError && error.code === 'TOO_BUSY'
    const all = await Promise.all(Array.from({ length: 6 }, (_, number) => statement(founded, 20 + number)))
    const [one, two, three, four, five, six] = all as [Built, Built, Built, Built, Built, Built]
    // The part of each is one payload.
    pool = poolWith(8 * one.payload.length)
    await pool.take(one.bytes, one.payload, liar)
    await assert.rejects(pool.take(two.bytes, two.payload, liar), isBusy)
    await pool.take(two.bytes, two.payload, peer)
    await pool.take(three.bytes, three.payload, nodeIdOf('8'.repeat(32)))
    await assert.rejects(pool.take(four.bytes, four.payload, nodeIdOf('9'.repeat(32))), isBusy)
    for (const each of [four, five]) await pool.take(each.bytes, each.payload)
    await pool.executed([id(one)])
    await pool.take(six.bytes, six.payload, liar)
  })

  it('P26 keeps no more empty payloads of a peer than others', async () => {
    const shelf = new Shelf(10 * 256)
    const ids = Array.from({ length: 11 }, (_, number) => digestOf(number.toString(16).padStart(64, '0')))
    for (const each of ids) shelf.put(each, new Uint8Array())
    assert.deepEqual(
      ids.map((each) => shelf.get(each) !== undefined),
      ids.map((_, number) => number > 0),
    )
    for (const each of [...ids, ...ids]) shelf.remove(each)
    shelf.put(ids[0] as RequestId, new Uint8Array(9 * 256))
    assert.equal(shelf.get(ids[0] as RequestId)?.length, 9 * 256)
  })

  it('forgets, on disk too, what was not ordered for very many blocks', async () => {
    await pool.take(built.bytes, built.payload)
    for (let block = 0; block <= limits.stagedBlocksMax; block++) await pool.executed([])
    assert.equal(staged.size, 0)
    assert.deepEqual(pool.carried([id(built)]), [])
  })

  it('asks first for what execution waits for', async () => {
    const vote = pool.ready([built.bytes])
    const execution = pool.opened(other.bytes)
    await settles(Promise.all([vote, execution]))
    pool.askAgain()
    assert.deepEqual(asked.at(-1), { ids: [id(other), id(built)], again: true })
    pool.offer(
      peer,
      [built, other].map((each) => ({ id: id(each), payload: each.payload })),
    )
    await Promise.all([vote, execution])
  })

  it('writes nothing into the staging area for an execution, whose block makes the payload durable', async () => {
    const opened = pool.opened(built.bytes)
    pool.offer(peer, [{ id: id(built), payload: built.payload }])
    assert.equal((await opened).items[0]?.type, 'whole')
    assert.equal(staged.size, 0)
    await pool.executed([id(built)])
    assert.equal(staged.size, 0)
  })

  it('S15 P26 lets a vote, and whoever hands in a request, wait until what an execution brought is durable', async () => {
    for (const wanted of ['vote', 'request']) {
      const one = wanted === 'vote' ? built : other
      pool.offer(peer, [{ id: id(one), payload: one.payload }])
      await pool.opened(one.bytes)
      if (wanted === 'vote') assert.equal(await pool.ready([one.bytes]), true)
      else await pool.take(one.bytes, one.payload)
      assert.deepEqual(staged.get(id(one)), one.payload)
    }
  })

  it('S15 makes a payload durable when a vote began to wait for it during an execution', async () => {
    const [opened, ready] = [pool.opened(built.bytes), pool.ready([built.bytes])]
    pool.offer(peer, [{ id: id(built), payload: built.payload }])
    await Promise.all([opened, ready])
    assert.deepEqual([...staged.keys()], [id(built)])
  })

  it('leaves nothing in the staging area of what was executed while it was being written there', async () => {
    pool.offer(peer, [{ id: id(built), payload: built.payload }])
    await pool.opened(built.bytes)
    const ready = pool.ready([built.bytes])
    await pool.executed([id(built)])
    await ready
    assert.equal(staged.size, 0)
  })

  it('asks once for all payloads that a block lacks', async () => {
    const waits = Promise.all([built, other].map(({ bytes }) => pool.opened(bytes)))
    await settles(waits)
    assert.deepEqual(asked, [{ ids: [id(built), id(other)], again: false }])
    pool.offer(
      peer,
      [built, other].map((each) => ({ id: id(each), payload: each.payload })),
    )
    await waits
  })

  it('L20 counts how long executions wait for what nobody gave, and nothing else', async () => {
    pool.offer(peer, [{ id: id(built), payload: built.payload }])
    await pool.opened(built.bytes)
    assert.equal(await settles(pool.ready([other.bytes])), false)
    assert.equal(pool.waitedMs, 0)
    const opened = pool.opened(other.bytes)
    assert.equal(await settles(opened), false)
    assert.ok(pool.waitedMs >= 20, `${pool.waitedMs} ms`)
    pool.offer(peer, [{ id: id(other), payload: other.payload }])
    await opened
    const waited = pool.waitedMs
    await settles(new Promise(() => undefined))
    assert.equal(pool.waitedMs, waited)
  })

  it('L20 knows what it is worth to ask the others again for: garbage and what came before are not', async () => {
    const opened = pool.opened(built.bytes)
    await settles(opened)
    assert.equal(pool.offer(liar, [{ id: id(built), payload: Uint8Array.of(1) }]), false)
    assert.equal(pool.offer(liar, [{ id: id(other), payload: other.payload }]), false)
    assert.equal(pool.offer(peer, [{ id: id(built), payload: built.payload }]), true)
    assert.equal(pool.offer(liar, [{ id: id(built), payload: built.payload }]), false)
    await opened
    const voted = pool.ready([other.bytes])
    assert.equal(await voted, true)
  })

  it('ends every wait when the node stops', async () => {
    const execution = pool.opened(built.bytes)
    await settles(execution)
    pool.close()
    await assert.rejects(execution, (error: unknown) => error instanceof LedgerError && error.code === 'NODE_STOPPED')
  })
})
