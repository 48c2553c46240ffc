// L25: whatever bytes come, a replica neither throws nor believes them; and every message has one encoding.

import assert from 'node:assert/strict'
import { LedgerError } from '../../src/base/errors.ts'
import { epochOf, sequenceOf, viewOf } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { batchDigest } from '../../src/consensus/batch.ts'
import { messageSchema, type PbftMessage, viewChangeSchema } from '../../src/pbft/messages.ts'
import { Random } from '../sim/random.ts'
import { simLedger } from '../sim/roster.ts'
import { batchOf, only, Puppet, someDigest, transaction } from './puppet.ts'

/** One message of each type, from validator 2 or of several. */
function examples(puppet: Puppet): readonly PbftMessage[] {
  const batch = batchOf(puppet, 'a')
  const digest = batchDigest(batch)
  const commits = [0, 2, 3].map((place) => puppet.commit(place, 0, 1, digest).vote)
  const changes = [0, 2, 3].map((place) => puppet.viewChange(place, 2, [puppet.prepared(0, 1, digest)]))
  const [change] = changes
  puppet.agree(0, 1, batch)
  if (change === undefined) throw new RangeError('no view change')
  return [
    { type: 'request', transactions: [transaction('b'), transaction('c')] },
    { type: 'token', owner: puppet.node(2), token: new Uint8Array(16).fill(7) },
    puppet.prePrepare(0, 2, batchOf(puppet, 'next')),
    puppet.prepare(2, 0, 2, someDigest('x')),
    puppet.commit(2, 0, 2, someDigest('x')),
    { type: 'result', signed: puppet.result(2, 1) },
    { type: 'status', epoch: 0, view: 0, active: true, delivered: 9, final: 8, stable: 8, help: true } as never,
    {
      type: 'decided',
      certificate: {
        type: 'pbft',
        agreement: { ledger: simLedger, epoch: 0, round: 0, sequence: 1, digest } as never,
        signatures: commits.map(({ signer, signature }) => ({ node: signer, signature })),
      },
      batch,
    },
    { type: 'certified', certificate: puppet.certificate(1, [0, 2, 3]) },
    { type: 'view-change', change },
    { type: 'new-view', newView: puppet.newView(2, changes) },
    { type: 'want', changes: [someDigest('v')], batches: [digest] },
    { type: 'batch', batch },
    { type: 'recall', epoch: 0, nonce: 7 } as never,
    {
      type: 'recalled',
      epoch: 0 as never,
      nonce: 7,
      proposals: [],
      prepares: [puppet.prepare(1, 0, 1, digest).vote],
      commits: [puppet.commit(1, 0, 1, digest).vote],
      changes: [puppet.viewChange(1, 1)],
      stable: [],
    },
  ]
}

describe('PBFT and bytes', () => {
  it('a view change can tell of all that prepared in the widest window that a ledger may have', () => {
    const signature = new Uint8Array(64)
    const proposal = { node: new Puppet().node(1), signature }
    const one = { view: viewOf(0), sequence: sequenceOf(1), digest: someDigest('x'), proposal, prepares: [proposal] }
    const prepared = Array.from({ length: limits.windowMax }, (_, at) => ({ ...one, sequence: sequenceOf(at + 1) }))
    const change = { signer: proposal.node, epoch: epochOf(0), view: viewOf(1), stable: [], prepared, signature }
    assert.deepEqual(decode(viewChangeSchema, encode(viewChangeSchema, change)), change)
    assert.throws(() => encode(viewChangeSchema, { ...change, prepared: [...prepared, one] }), { code: 'MALFORMED' })
  })

  it('every type of message has one encoding, and its claims hold', () => {
    const puppet = new Puppet()
    const messages = examples(puppet)
    assert.equal(new Set(messages.map(({ type }) => type)).size, 15)
    for (const message of messages) {
      const bytes = encode(messageSchema, message)
      assert.deepEqual(decode(messageSchema, bytes), message)
      assert.deepEqual(encode(messageSchema, decode(messageSchema, bytes)), bytes)
      assert.ok(puppet.verifies(message), message.type)
    }
  })

  it('L25 a replica that receives every message with changed bytes, even unverified, never throws', () => {
    const random = new Random(1)
    let decoded = 0
    for (let example = 0; example < 13; example++) {
      const puppet = new Puppet()
      const bytes = encode(messageSchema, examples(puppet)[example] as PbftMessage)
      for (let i = 0; i < 150; i++) {
        const changed = bytes.slice()
        changed[random.below(changed.length)] = random.below(256)
        const read = readOrUndefined(changed)
        if (read === undefined) continue
        decoded++
        // Worse than any host would allow: its claims are not even looked at.
        puppet.core.step({ type: 'receive', from: puppet.node(random.pick([0, 2, 3])), message: read })
      }
    }
    assert.ok(decoded > 300, `${decoded} changed messages decode`)
  })

  it('L25 cut short, doubled and empty bytes decode to nothing', () => {
    const puppet = new Puppet()
    for (const message of examples(puppet)) {
      const bytes = encode(messageSchema, message)
      for (const wrong of [bytes.subarray(0, -1), new Uint8Array([...bytes, 0]), new Uint8Array()]) {
        assert.equal(readOrUndefined(wrong), undefined)
      }
    }
  })

  it('memory stays bounded while one peer floods every kind of vote at every place', () => {
    const puppet = new Puppet()
    const saved = puppet.journal.length
    for (let i = 0; i < 3_000; i++) {
      puppet.receive(2, puppet.prepare(2, i % 7, i, someDigest(`${i}`)))
      puppet.receive(2, puppet.commit(2, i % 7, i, someDigest(`${i}`)))
    }
    assert.equal(puppet.journal.length, saved, 'nothing is written for a peer alone')
    assert.equal(only(puppet.effects, 'deliver').length, 0)
  })
})

function readOrUndefined(bytes: Uint8Array): PbftMessage | undefined {
  try {
    return decode(messageSchema, bytes)
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}
