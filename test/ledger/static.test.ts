// The vote conditions: the same verdict for the same bytes, whoever holds whatever state.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { encodeCbor } from '../../src/base/cbor.ts'
import { nodeIdOf } from '../../src/base/ids.ts'
import { decode, encode } from '../../src/base/schema.ts'
import { sign, verify } from '../../src/base/signature.ts'
import { staticVerdict } from '../../src/ledger/static.ts'
import {
  type Act,
  actSchema,
  type ItemHeader,
  itemIdFor,
  type Receipt,
  receiptBytes,
  signedTransactionSchema,
  type Transaction,
  transactionSchema,
  txIdFor,
} from '../../src/ledger/transaction.ts'
import { hasCode } from '../base/codes.ts'
import {
  acme,
  app,
  data,
  events,
  forEver,
  graphId,
  ledgerId,
  openItem,
  people,
  personalItem,
  policyNamed,
  right,
  testKey,
} from './world.ts'

function signedWith(transaction: Transaction, seed: Uint8Array = app.seed): Uint8Array {
  const body = encode(transactionSchema, transaction)
  return encode(signedTransactionSchema, { body, signature: sign('transaction', body, seed) })
}

function verdict(bytes: Uint8Array): string {
  const result = staticVerdict(ledgerId, bytes, verify)
  return result.type === 'valid' ? 'valid' : result.code
}

async function transactionOf(items: Parameters<typeof data>[2]): Promise<Transaction> {
  const result = staticVerdict(ledgerId, (await data(app, 1, items)).bytes, verify)
  assert.ok(result.type === 'valid')
  return result.transaction
}

describe('The static verdict', () => {
  it('refuses a time that no date can say: whoever shows it, in the report of an erasure or of an audit, would fail', () => {
    const attested = (backupsEnd: number): Act => {
      const [order, counts, software] = [new Uint8Array(32), [1, 2, 3, 0], new Uint8Array(32)]
      return decode(actSchema, encodeCbor([11, order, counts, software, 'passphrase', backupsEnd]))
    }
    const last = attested(8_640_000_000_000_000)
    assert.ok(last.type === 'erasure-attest' && new Date(last.backupsEnd).toISOString().startsWith('+275760'))
    for (const later of [8_640_000_000_000_001, Number.MAX_SAFE_INTEGER]) {
      assert.throws(() => attested(later), hasCode('MALFORMED'))
    }
  })

  it('is valid for what the client builds, and names the transaction', async () => {
    const built = await data(app, 7, [openItem(), personalItem()])
    const result = staticVerdict(ledgerId, built.bytes, verify)
    assert.ok(result.type === 'valid')
    assert.equal(result.tx, built.tx)
    assert.equal(result.transaction.sequence, 7)
  })

  it('N6 refuses every flipped bit, a cut, a trailing byte, and another ledger', async () => {
    const { bytes } = await data(app, 1)
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const flipped = bytes.slice()
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        assert.notEqual(verdict(flipped), 'valid')
      }),
      { numRuns: 400, seed: 1 },
    )
    for (let length = 0; length < bytes.length; length += 7)
      assert.notEqual(verdict(bytes.subarray(0, length)), 'valid')
    assert.notEqual(verdict(Uint8Array.of(...bytes, 0)), 'valid')
    const transaction = await transactionOf([openItem()])
    assert.equal(verdict(signedWith({ ...transaction, ledger: '00'.repeat(32) as never })), 'WRONG_LEDGER')
    assert.equal(verdict(signedWith(transaction, testKey('other').seed)), 'SIGNATURE_INVALID')
    assert.equal(verdict(new Uint8Array(65_537)), 'TOO_LARGE')
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.notEqual(verdict(bytes), 'valid')
      }),
      { numRuns: 500, seed: 2 },
    )
  })

  it('refuses acts that are not in their one form', async () => {
    const transaction = await transactionOf([openItem()])
    assert.ok(transaction.act.type === 'data')
    const [item] = transaction.act.items
    assert.ok(item !== undefined)
    const of = (act: Act): string => verdict(signedWith({ ...transaction, act }))
    const base = [events, people]
      .map((iri) => ({ graph: graphId(iri), version: 0 as never }))
      .sort((a, b) => (a.graph < b.graph ? -1 : 1))
    const rights = [right(events), right(people)].sort((a, b) => (a.graph < b.graph ? -1 : 1))
    const keyAdd = { type: 'key-add', key: app.publicKey, name: 'app', rights, proof: new Uint8Array(64) } as const
    const graph = { iri: 'urn:g:x', owner: acme, policy: 'open', writers: [] }
    assert.equal(of({ type: 'data', items: [item], base }), 'valid')
    assert.equal(of({ type: 'data', items: [item], base: [...base].reverse() }), 'MALFORMED')
    assert.equal(of({ type: 'data', items: [item], base: [...base, ...base] }), 'MALFORMED')
    assert.equal(of({ type: 'data', items: [{ ...item, sizeClass: 7 }], base: [] }), 'MALFORMED')
    assert.equal(
      of({ type: 'data', items: Array.from({ length: 5 }, () => ({ ...item, sizeClass: 20 })), base: [] }),
      'TOO_LARGE',
    )
    assert.equal(of(keyAdd), 'valid')
    assert.equal(of({ ...keyAdd, rights: [...rights].reverse() }), 'MALFORMED')
    assert.equal(of({ ...keyAdd, name: 'line\nbreak' }), 'MALFORMED')
    assert.equal(of({ type: 'graph-add', graph }), 'valid')
    assert.equal(of({ type: 'graph-add', graph: { ...graph, iri: 'x y' } }), 'MALFORMED')
    assert.equal(of({ type: 'graph-add', graph: { ...graph, writers: [acme, acme] } }), 'MALFORMED')
    assert.equal(of({ type: 'policy-add', policy: { ...policyNamed('open'), name: '' } }), 'MALFORMED')
  })

  it('checks receipts under the keys that they carry, each node once', async () => {
    const transaction = await transactionOf([openItem()])
    assert.ok(transaction.act.type === 'data')
    const [item] = transaction.act.items
    assert.ok(item !== undefined)
    const statement = receiptBytes({
      ledger: ledgerId,
      item: itemIdFor(txIdFor(transaction), 0),
      assertions: item.assertions,
      retractions: item.retractions,
    })
    const receipt = (name: string, node: string): Receipt => {
      const key = testKey(name)
      return { node: nodeIdOf(node.repeat(16)), key: key.publicKey, signature: sign('receipt', statement, key.seed) }
    }
    const carried = (...receipts: readonly Receipt[]): string => {
      const header: ItemHeader = { ...item, carriage: { type: 'receipts', receipts } }
      return verdict(signedWith({ ...transaction, act: { type: 'data', items: [header], base: [] } }))
    }
    const [first, second] = [receipt('one', '01'), receipt('two', '02')]
    assert.equal(carried(first, second), 'valid')
    assert.equal(carried(second, first), 'MALFORMED')
    assert.equal(carried(first, first), 'MALFORMED')
    assert.equal(carried({ ...first, key: second.key }), 'SIGNATURE_INVALID')
  })

  it('E12 shows no exact size, no opening and no content in what is public', async () => {
    const long = await data(app, 1, [{ ...personalItem('Ada Lovelace, Countess'), subjects: ['urn:person:secret-7'] }])
    const short = await data(app, 1, [{ ...personalItem('A'), subjects: ['urn:person:secret-7'] }])
    assert.equal(long.bytes.length, short.bytes.length)
    assert.equal(long.payload.length, short.payload.length)
    const text = Buffer.from(long.bytes).toString('latin1')
    for (const word of ['Ada', 'urn:person', 'urn:v:name', people]) assert.ok(!text.includes(word), word)
    const { body } = decode(signedTransactionSchema, long.bytes)
    const transaction = decode(transactionSchema, body)
    assert.deepEqual(Object.keys(transaction).sort(), ['act', 'expires', 'key', 'ledger', 'sequence'])
    assert.equal(transaction.expires, forEver)
  })
})
