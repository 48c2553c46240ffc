// Answers to clients that wait, where blocks are executed at awkward moments.

import assert from 'node:assert/strict'
import { sequenceOf, txIdOf } from '../../src/base/ids.ts'
import { requestId } from '../../src/consensus/batch.ts'
import { Submissions } from '../../src/node/submissions.ts'

const tx = txIdOf('11'.repeat(32))
const bytes = Uint8Array.of(1, 2, 3)

/** A node whose ledger executes the transaction of `executed` while it judges another request for it. */
function submissions(executed: Uint8Array): Submissions {
  const all: Submissions = new Submissions({
    final: sequenceOf(0),
    machine: {
      execution: () => Promise.resolve(undefined),
      courtesyFault: () => {
        const outcome = { tx, index: 0, code: 'OK', admitted: true }
        all.executed({ header: { sequence: sequenceOf(7) }, outcomes: [outcome] } as never, [requestId(executed)])
        return Promise.resolve('REPEATED')
      },
    },
    verdicts: { of: () => ({ type: 'valid', tx, transaction: {} }) },
    payloads: { take: () => Promise.resolve() },
    propose: () => assert.fail('it was proposed'),
  } as never)
  return all
}

describe('a client that leaves while its transaction is judged', () => {
  it('gets NOT_FINAL, and costs the node nothing', async () => {
    const unhandled: unknown[] = []
    const hear = (reason: unknown): unknown => unhandled.push(reason)
    process.on('unhandledRejection', hear)
    const leaving = new AbortController()
    let judged: () => void = () => undefined
    const all = new Submissions({
      final: sequenceOf(0),
      machine: {
        execution: () => Promise.resolve(undefined),
        courtesyFault: () => new Promise<undefined>((done) => (judged = () => done(undefined))),
      },
      verdicts: { of: () => ({ type: 'valid', tx, transaction: {} }) },
      payloads: { take: () => Promise.resolve() },
      propose: () => undefined,
    } as never)
    const answer = all.submit(bytes, new Uint8Array(), leaving.signal)
    await new Promise((done) => setImmediate(done))
    leaving.abort()
    // Long enough for a rejection that nobody handles to end the process.
    await new Promise((done) => setTimeout(done, 5))
    judged()
    await assert.rejects(answer, { code: 'NOT_FINAL' })
    process.off('unhandledRejection', hear)
    assert.deepEqual(unhandled, [])
  })
})

describe('a client that sends the same bytes again', () => {
  it('is told their outcome, not that they repeat themselves, when they are executed at that moment', async () => {
    const all = submissions(bytes)
    const answer = all.submit(bytes, new Uint8Array(), AbortSignal.timeout(5_000))
    await new Promise((done) => setTimeout(done, 5))
    all.final(sequenceOf(7))
    assert.deepEqual((await answer).sequence, 7)
  })

  it('is told REPEATED when the number went to other bytes', async () => {
    const all = submissions(Uint8Array.of(9))
    await assert.rejects(all.submit(bytes, new Uint8Array(), AbortSignal.timeout(5_000)), { code: 'REPEATED' })
  })
})
