// Payloads on their way: what a vote waits for, and what liars cannot do to it.

import assert from 'node:assert/strict'
import { LedgerError } from '../../src/base/errors.ts'
import { type RequestId, requestId } from '../../src/consensus/batch.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { PayloadPool } from '../../src/node/payloads.ts'
import { createVerdicts } from '../../src/node/verdicts.ts'
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
    const ledger = ledgerIdFor(founded.genesis.genesis)
    staged = new Map()
    asked = []
    pool = new PayloadPool({
      ledger,
      verdicts: createVerdicts(ledger),
      stage: async (id, payload) => void staged.set(id, payload),
      staged: async (id) => staged.get(id),
      ask: (ids, again) => asked.push({ ids, again }),
      onFailure: (error) => assert.fail(String(error)),
    })
  })

  const id = (of: Built): RequestId => requestId(of.bytes)
  const settles = async (promise: Promise<unknown>): Promise<boolean> =>
    Promise.race([promise.then(() => true), new Promise<boolean>((done) => setTimeout(() => done(false), 30))])

  it('lets a vote wait until the payload is checked and durable', async () => {
    const ready = pool.ready([built.bytes])
    assert.equal(await settles(ready), false)
    assert.deepEqual(asked, [{ ids: [id(built)], again: false }])
    pool.offer([{ id: id(built), payload: built.payload }])
    assert.equal(await ready, true)
    assert.deepEqual([...staged.keys()], [id(built)])
  })

  it('P26 drops a payload that is not the one committed to, and goes on waiting for the right one', async () => {
    const ready = pool.ready([built.bytes])
    pool.offer([{ id: id(built), payload: other.payload }])
    pool.offer([{ id: id(built), payload: Uint8Array.of(1, 2, 3) }])
    assert.equal(await settles(ready), false)
    assert.equal(staged.size, 0)
    pool.askAgain()
    assert.deepEqual(asked.at(-1), { ids: [id(built)], again: true })
    pool.offer([{ id: id(built), payload: built.payload }])
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

  it('keeps what was executed for peers that are a little behind', async () => {
    await pool.take(built.bytes, built.payload)
    pool.release([id(built)])
    assert.deepEqual(pool.carried([id(built)]), [{ id: id(built), payload: built.payload }])
  })
})
