// Receipts of four real nodes, verified offline from the genesis.

import assert from 'node:assert/strict'
import { utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { type TxId, txIdOf } from '../../src/base/ids.ts'
import type { JsonValue } from '../../src/base/schema.ts'
import { signedGenesisSchema } from '../../src/ledger/genesis.ts'
import type { QuadrilleNode, Submission } from '../../src/node/node.ts'
import { type ReceiptVerdict, verifyReceipt } from '../../src/node/verify.ts'
import { enrol, type Founded, foundFour, settled, statement } from './consortium.ts'

describe('A receipt', function () {
  this.timeout(120_000)
  let founded: Founded
  let nodes: QuadrilleNode[]
  let genesis: Uint8Array
  let good: Submission
  let conflicting: Submission

  before(async () => {
    founded = await foundFour({ checkpointInterval: 8, window: 32 })
    genesis = utf8(JSON.stringify(signedGenesisSchema.toJson(founded.genesis)))
    nodes = await Promise.all([0, 1, 2, 3].map((number) => founded.open(number)))
    await Promise.all(nodes.map((each) => each.start()))
    await enrol(founded, nodes)
    const first = await submit(1)
    // Both computed from one state, and under way at once: whichever is ordered second changes nothing.
    const both = await Promise.all([submit(2, first.sequence), submit(3, first.sequence)])
    good = both.find(({ code }) => code === 'OK') as Submission
    conflicting = both.find(({ code }) => code === 'CONFLICT') as Submission
    await settled(nodes)
  })

  after(async () => {
    await Promise.all(nodes.map((each) => each.stop()))
    await founded.remove()
  })

  async function submit(number: number, baseVersion?: number): Promise<Submission> {
    const { bytes, payload } = await statement(founded, number, baseVersion === undefined ? {} : { baseVersion })
    return (nodes[1] as QuadrilleNode).submit(bytes, payload, AbortSignal.timeout(60_000))
  }

  const of = async (tx: TxId, type: 'ordered' | 'final', node = 0): Promise<JsonValue> =>
    (await (nodes[node] as QuadrilleNode).receipt(tx, type)) as JsonValue
  const verified = (receipt: JsonValue): ReceiptVerdict => verifyReceipt(receipt, { genesis })

  it('proves to whoever has the genesis what became of a transaction, whichever node gave it', async () => {
    for (const node of [0, 1, 2, 3]) {
      const verdict = verified(await of(good.tx, 'final', node))
      const { holds, fault, type, tx, height, index, outcome } = verdict
      assert.deepEqual(
        { holds, fault, type, tx, height, index, outcome },
        { holds: true, fault: '', type: 'final', tx: good.tx, height: good.sequence, index: good.index, outcome: 'OK' },
      )
      assert.ok(verdict.signers >= 3 && verdict.faults === 'byzantine')
    }
    assert.equal(verifyReceipt(utf8(JSON.stringify(await of(good.tx, 'final'))), { genesis, tx: good.tx }).holds, true)
  })

  it('P21 that is ordered does not say that anything was done, and the final one tells of the CONFLICT', async () => {
    const ordered = verified(await of(conflicting.tx, 'ordered'))
    assert.deepEqual(
      [ordered.holds, ordered.type, ordered.height, ordered.index, ordered.outcome],
      [true, 'ordered', conflicting.sequence, conflicting.index, ''],
    )
    const final = verified(await of(conflicting.tx, 'final'))
    assert.deepEqual([final.holds, final.outcome], [true, 'CONFLICT'])
  })

  it('P21 is not believed when a liar passes its place, its outcome or its transaction off as another', async () => {
    const ordered = (await of(conflicting.tx, 'ordered')) as { proof: Record<string, JsonValue> }
    const final = (await of(conflicting.tx, 'final')) as { proof: Record<string, JsonValue> }
    const other = (await of(good.tx, 'final')) as { proof: Record<string, JsonValue> }
    const place = Number(final.proof['place'])
    const lies: JsonValue[] = [
      { ...other, tx: conflicting.tx } as never,
      { ...final, proof: { ...final.proof, leaf: other.proof['leaf'] as JsonValue } } as never,
      { ...final, proof: { ...final.proof, place: place + 1 } } as never,
      { ...final, proof: { ...final.proof, path: [] } } as never,
      { ...final, proof: { ...other.proof, leaf: final.proof['leaf'] as JsonValue } } as never,
      { ...ordered, tx: good.tx } as never,
      { ...ordered, proof: { ...ordered.proof, index: Number(ordered.proof['index']) + 1 } } as never,
      { ...ordered, proof: { ...ordered.proof, requests: [] } } as never,
    ]
    for (const [number, lie] of lies.entries()) {
      const { holds, fault } = verified(lie)
      assert.deepEqual([holds, fault !== ''], [false, true], `lie ${number}`)
    }
    assert.equal(verifyReceipt(final as never, { genesis, tx: good.tx }).holds, false)
  })

  it('does not survive a change of any digit of what is signed, proven or counted', async () => {
    for (const type of ['ordered', 'final'] as const) {
      const text = JSON.stringify(await of(good.tx, type))
      const digits = [...text.matchAll(/[0-9a-f]{16}/g)].map(({ index }) => index)
      let refused = 0
      for (const at of digits.filter((_, number) => number % Math.ceil(digits.length / 60) === 0)) {
        const changed = `${text.slice(0, at)}${text[at] === '0' ? '1' : '0'}${text.slice(at + 1)}`
        try {
          assert.equal(verified(JSON.parse(changed)).holds, false, `${type}, character ${at}`)
        } catch (error) {
          if (!(error instanceof LedgerError)) throw error
        }
        refused += 1
      }
      assert.ok(refused > 20)
    }
  })

  it('of fewer signatures than a quorum, of another genesis or of an epoch that nobody signed proves nothing', async () => {
    const receipt = (await of(good.tx, 'final')) as {
      epochs: JsonValue[]
      proof: { certificate: { signatures: JsonValue[]; result: JsonValue } }
    }
    const { certificate } = receipt.proof
    const fewer = { ...certificate, signatures: certificate.signatures.slice(0, 2) }
    assert.match(verified({ ...receipt, proof: { ...receipt.proof, certificate: fewer } } as never).fault, /quorum/i)
    const roster = { epoch: 1, validators: [] as JsonValue[] }
    const taken = { ...receipt, epochs: [{ roster: rosterOfOne(roster), certificate }] }
    assert.equal(verified(taken as never).holds, false)
    const another = await foundFour()
    const bytes = utf8(JSON.stringify(signedGenesisSchema.toJson(another.genesis)))
    assert.equal(verifyReceipt(receipt as never, { genesis: bytes }).holds, false)
    await another.remove()
    assert.throws(
      () => verifyReceipt(utf8('{"kind":"a present"}'), { genesis }),
      (error: unknown) => error instanceof LedgerError && error.code === 'MALFORMED',
    )
  })

  it('is had only of what was executed: RECEIPT_UNKNOWN', async () => {
    await assert.rejects(
      of(txIdOf('00'.repeat(32)), 'final'),
      (error: unknown) => error instanceof LedgerError && error.code === 'RECEIPT_UNKNOWN',
    )
  })
})

/** A validator set that a thief of the ledger would like. */
function rosterOfOne(roster: { readonly epoch: number }): JsonValue {
  return { ...roster, validators: [{ node: '00'.repeat(16), organisation: 'thief', key: '11'.repeat(32) }] } as never
}
