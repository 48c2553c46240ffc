// Anchors of local logs: who may set them, and that a node never gets away with another past than it had anchored.

import assert from 'node:assert/strict'
import { utf8 } from '../../src/base/bytes.ts'
import { digestOf, sequenceOf, timeOf } from '../../src/base/ids.ts'
import { consistencyProof, leafHash, readerOf, rootAt } from '../../src/base/merkle.ts'
import type { SigningKey } from '../../src/base/signature.ts'
import type { AnchorAct } from '../../src/ledger/anchor.ts'
import { buildAct, signerOf } from '../../src/ledger/build.ts'
import { Ledger } from '../../src/ledger/ledger.ts'
import { forEver, genesis, ledgerId, testKey, testNode, World } from './world.ts'

const own = testNode('acme', 'acme-1').id
const tree = (name: string) => readerOf(Array.from({ length: 20 }, (_, place) => leafHash(utf8(`${name} ${place}`))))
const honest = tree('leaf')
const changed = tree('another')

function head(size: number, from = 0, log = 1_000, reader = honest): AnchorAct {
  const root = digestOf(rootAt(size, reader))
  return { type: 'anchor', log: timeOf(log), size, root, consistency: consistencyProof(from, size, reader) }
}

let used = 0
async function anchored(act: AnchorAct, key: SigningKey = testKey('acme-1 consensus')): Promise<Uint8Array> {
  return (await buildAct({ ledger: ledgerId, key: signerOf(key), sequence: ++used, expires: forEver, act })).bytes
}

describe('An anchor of a local log', () => {
  async function outcomes(...acts: readonly AnchorAct[]): Promise<readonly string[]> {
    const world = new World()
    const codes: string[] = []
    for (const act of acts) codes.push(...world.deliver([await anchored(act)]))
    return codes
  }

  it('grows, and is the same once the ledger is read again from its records', async () => {
    const world = new World()
    world.deliver([await anchored(head(3))])
    world.deliver([await anchored(head(17, 3))])
    const { ledger, batches } = world
    const { time } = ledger
    assert.deepEqual(ledger.anchor(own), { log: 1_000, size: 17, root: head(17).root, height: 2, time })
    const { header } = new World().ledger.apply(sequenceOf(1), batches[0] ?? assert.fail('no batch'))
    assert.deepEqual(Ledger.fromRecords(genesis, [...ledger.records()], { header }).anchor(own), ledger.anchor(own))
  })

  it('is refused for a smaller size, and for one that was anchored', async () => {
    assert.deepEqual(await outcomes(head(5), head(4), head(5)), ['OK', 'ANCHOR_OUTDATED', 'ANCHOR_OUTDATED'])
  })

  it('is refused with two roots for one size, and without proof that the log grew', async () => {
    const other = { ...head(5), root: head(5, 0, 1_000, changed).root }
    const unproven = head(9)
    const fromElsewhere = head(9, 4)
    const rewritten = head(9, 5, 1_000, changed)
    const codes = await outcomes(head(5), other, unproven, fromElsewhere, rewritten, head(9, 5))
    const refused = 'ANCHOR_CONTRADICTED'
    assert.deepEqual(codes, ['OK', refused, refused, refused, refused, 'OK'])
  })

  it('begins a later log anew, and never goes back to an earlier one', async () => {
    const codes = await outcomes(head(5), head(2, 0, 2_000, changed), head(9, 5), head(3, 2, 2_000, changed))
    assert.deepEqual(codes, ['OK', 'OK', 'ANCHOR_OUTDATED', 'OK'])
    assert.deepEqual(await outcomes(head(5, 2)), ['ANCHOR_CONTRADICTED'])
  })

  it('is set by a node for itself', async () => {
    const world = new World()
    const codes = world.deliver([
      await anchored(head(3), testKey('organisation acme')),
      await anchored(head(4), testKey('bolt-1 consensus')),
    ])
    assert.deepEqual(codes, ['NOT_PERMITTED', 'OK'])
    assert.equal(world.ledger.anchor(own), undefined)
    assert.equal(world.ledger.anchor(testNode('bolt', 'bolt-1').id)?.size, 4)
  })

  it('of nothing has no form', async () => {
    const world = new World()
    assert.throws(() => world.deliver([new Uint8Array()]))
    const { bytes } = { bytes: await anchored({ ...head(1), size: 0 }) }
    const { staticVerdict } = await import('../../src/ledger/static.ts')
    assert.deepEqual(
      staticVerdict(ledgerId, bytes, () => true),
      { type: 'invalid', code: 'MALFORMED' },
    )
  })
})
