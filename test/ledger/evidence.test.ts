// Portable evidence of malformed payloads: what proves, and what does not.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { commit } from '../../src/base/commitment.ts'
import { keyId } from '../../src/base/hash.ts'
import { ledgerIdOf } from '../../src/base/ids.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { type SigningKey, sign, verify } from '../../src/base/signature.ts'
import { malformedPartSchema, malformedParts, verifyMalformedPart } from '../../src/ledger/evidence.ts'
import { padPart, partContext } from '../../src/ledger/items.ts'
import { type Payload, payloadSchema } from '../../src/ledger/payload.ts'
import { decodeTransaction } from '../../src/ledger/static.ts'
import {
  itemIdFor,
  signedTransactionSchema,
  type Transaction,
  transactionSchema,
  txIdFor,
} from '../../src/ledger/transaction.ts'
import { app, data, ledgerId, openItem, personalItem, testKey } from './world.ts'

interface Sent {
  readonly bytes: Uint8Array
  readonly transaction: Transaction
  readonly payload: Payload
}

function signed(transaction: Transaction, key: SigningKey = app): Uint8Array {
  const body = encode(transactionSchema, transaction)
  return encode(signedTransactionSchema, { body, signature: sign('transaction', body, key.seed) })
}

/** A sound transaction of two items, of which the author replaces one part by nonsense, and commits to it. */
async function spoilt(index: number, which: 'assertions' | 'retractions', content: Uint8Array): Promise<Sent> {
  const built = await data(app, 1, [openItem(), personalItem()])
  const { act, ...rest } = decodeTransaction(built.bytes)
  const payload = decode(payloadSchema, built.payload)
  assert.ok(act.type === 'data')
  const items = act.items.map((header, place) => {
    const opening = payload.items[place]?.[which].opening
    if (place !== index || opening === undefined) return header
    const context = partContext(ledgerId, itemIdFor(built.tx, place), header, which)
    return { ...header, [which]: commit(header.algorithm, context, opening, padPart(content)) }
  })
  const transaction: Transaction = { ...rest, act: { ...act, items } }
  const replaced = payload.items.map((item, place) =>
    place === index ? { ...item, [which]: { ...item[which], padded: padPart(content) } } : item,
  )
  return { bytes: signed(transaction), transaction, payload: { items: replaced } }
}

const nonsense = Uint8Array.of(1, 2, 3)
const evidenceOf = ({ bytes, transaction, payload }: Sent): readonly Uint8Array[] =>
  malformedParts(bytes, transaction, payload)

describe('Evidence of a malformed payload', () => {
  it('E11 proves by itself which part of which item is void, and whose key signed it', async () => {
    for (const index of [0, 1]) {
      for (const which of ['assertions', 'retractions'] as const) {
        const sent = await spoilt(index, which, nonsense)
        const [evidence, ...more] = evidenceOf(sent)
        assert.ok(evidence !== undefined && more.length === 0)
        assert.deepEqual(verifyMalformedPart(ledgerId, evidence, verify), {
          type: 'proven',
          author: keyId(app.publicKey),
          tx: txIdFor(sent.transaction),
          item: itemIdFor(txIdFor(sent.transaction), index),
          which,
          code: 'PAYLOAD_MALFORMED',
          reason: 'bytes of another form',
        })
      }
    }
  })

  it('E11 cannot be made of a sound payload', async () => {
    const built = await data(app, 1, [openItem(), personalItem()])
    const transaction = decodeTransaction(built.bytes)
    const payload = decode(payloadSchema, built.payload)
    assert.deepEqual(malformedParts(built.bytes, transaction, payload), [])
    for (const [index, item] of payload.items.entries()) {
      for (const which of ['assertions', 'retractions'] as const) {
        const claim = { signed: decode(signedTransactionSchema, built.bytes), index, which, part: item[which] }
        const verdict = verifyMalformedPart(ledgerId, encode(malformedPartSchema, claim), verify)
        assert.deepEqual(verdict, { type: 'void', code: 'EVIDENCE_EMPTY' })
        const forged = { ...claim, part: { ...item[which], padded: padPart(nonsense) } }
        const caught = verifyMalformedPart(ledgerId, encode(malformedPartSchema, forged), verify)
        assert.deepEqual(caught, { type: 'void', code: 'PAYLOAD_MISMATCH' })
      }
    }
  })

  it('E11 cannot be turned against another author, item, part or ledger', async () => {
    const sent = await spoilt(0, 'assertions', nonsense)
    const [evidence] = evidenceOf(sent)
    assert.ok(evidence !== undefined)
    const claim = decode(malformedPartSchema, evidence)
    const other = testKey('somebody else')
    const lifted = { ...sent.transaction, key: other.publicKey }
    const cases = [
      [{ ...claim, signed: decode(signedTransactionSchema, signed(lifted, other)) }, 'PAYLOAD_MISMATCH'],
      [{ ...claim, signed: { ...claim.signed, signature: new Uint8Array(64) } }, 'SIGNATURE_INVALID'],
      [{ ...claim, index: 1 }, 'PAYLOAD_MISMATCH'],
      [{ ...claim, index: 2 }, 'PAYLOAD_MISMATCH'],
      [{ ...claim, which: 'retractions' as const }, 'PAYLOAD_MISMATCH'],
    ] as const
    for (const [changed, code] of cases) {
      const verdict = verifyMalformedPart(ledgerId, encode(malformedPartSchema, changed), verify)
      assert.deepEqual(verdict, { type: 'void', code })
    }
    const elsewhere = verifyMalformedPart(ledgerIdOf('11'.repeat(32)), evidence, verify)
    assert.deepEqual(elsewhere, { type: 'void', code: 'WRONG_LEDGER' })
  })

  it('E11 holds for no flipped bit of it, and the verifier never throws', async () => {
    const [evidence] = evidenceOf(await spoilt(0, 'retractions', nonsense))
    assert.ok(evidence !== undefined)
    fc.assert(
      fc.property(fc.nat({ max: evidence.length * 8 - 1 }), (bit) => {
        const flipped = evidence.slice()
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.equal(verifyMalformedPart(ledgerId, flipped, verify).type, 'void')
      }),
      { numRuns: 200, seed: 11 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        assert.equal(verifyMalformedPart(ledgerId, bytes, verify).type, 'void')
      }),
      { numRuns: 200, seed: 12 },
    )
  })
})
