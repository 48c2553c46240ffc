// The report of an erasure: what it says, to people too, and that it is held against the chain.

import assert from 'node:assert/strict'
import { fromUtf8 } from '../../src/base/bytes.ts'
import { itemIdOf, ledgerIdOf, nodeIdOf, organisationIdOf, sequenceOf, timeOf, txIdOf } from '../../src/base/ids.ts'
import { erasurePage } from '../../src/node/erasure-page.ts'
import {
  type Attestation,
  attestationOf,
  erasureReportSchema,
  missingOf,
  type OrderFacts,
  reportOf,
  sameReport,
} from '../../src/node/erasure-report.ts'

const hash = (digit: string): string => digit.repeat(64)
const node = (digit: string): ReturnType<typeof nodeIdOf> => nodeIdOf(digit.repeat(32))
const facts: OrderFacts = {
  ledger: ledgerIdOf(hash('1')),
  order: txIdOf(hash('2')),
  organisation: organisationIdOf('acme'),
  height: sequenceOf(10),
  time: timeOf(1_790_000_000_000),
  act: {
    type: 'erase',
    items: [{ sequence: sequenceOf(3), transaction: 0, index: 0 }],
    reason: 'art17-1-b',
    reference: new Uint8Array(16).fill(7),
    approval: { key: new Uint8Array(32), signature: new Uint8Array(64) },
  },
  items: [itemIdOf(hash('3'))],
  erased: 1,
  obliged: [
    { node: node('a'), name: 'acme-1' },
    { node: node('b'), name: '<b>blue</b>' },
  ],
}

const attested = (digit: string, height: number, unlock = 'key-file'): Attestation =>
  attestationOf(node(digit), sequenceOf(height), txIdOf(hash(digit)), {
    type: 'erasure-attest',
    order: facts.order,
    counts: { files: 4, bytes: 1_000, probes: 8, hits: 0 },
    software: new Uint8Array(32).fill(9),
    unlock,
    backupsEnd: timeOf(1_790_000_000_000),
  })

describe('The report of an erasure', () => {
  const partial = reportOf(facts, [attested('a', 12)], sequenceOf(15))
  const complete = reportOf(facts, [attested('a', 12), attested('b', 14, 'passphrase')], sequenceOf(15))

  it('E6 is partial and names the node that has not attested, until it has', () => {
    assert.deepEqual([partial.complete, missingOf(partial)], [false, ['<b>blue</b>']])
    assert.deepEqual([complete.complete, missingOf(complete)], [true, []])
  })

  it('counts only attestations up to its height, so that an older report stays true', () => {
    const older = reportOf(facts, [attested('a', 12), attested('b', 14)], sequenceOf(13))
    assert.equal(older.complete, false)
    assert.ok(sameReport(older, reportOf(facts, [attested('a', 12)], sequenceOf(13))))
  })

  it('is told from one that says anything else, but for names', () => {
    const renamed = reportOf(
      { ...facts, obliged: facts.obliged.map((each) => ({ ...each, name: 'x' })) },
      [attested('a', 12)],
      sequenceOf(15),
    )
    assert.ok(sameReport(partial, renamed))
    assert.ok(!sameReport(partial, complete))
    assert.ok(!sameReport(partial, { ...partial, complete: true }))
    assert.ok(!sameReport(partial, { ...partial, reason: 'other' }))
    assert.ok(!sameReport(complete, reportOf(facts, [attested('a', 12), attested('b', 14, 'hsm')], sequenceOf(15))))
  })

  it('reads as it is written', () => {
    const json = JSON.parse(JSON.stringify(erasureReportSchema.toJson(complete)))
    assert.deepEqual(erasureReportSchema.fromJson(json, ''), complete)
  })

  it('E10 as a page names the unlock provider of each node, and says what an old disk image with it still opens', () => {
    const page = fromUtf8(erasurePage(complete))
    assert.match(page, /Complete: every obliged node attested/)
    assert.match(page, /<td>key-file/)
    assert.match(page, /<td>passphrase/)
    assert.match(page, /image of its disk from before the\s+erasure and that key can still open/)
  })

  it('as a page escapes what stands in it, and names who is missing', () => {
    const page = fromUtf8(erasurePage(partial))
    assert.ok(!page.includes('<b>blue'))
    assert.match(page, /have not attested: &lt;b&gt;blue&lt;\/b&gt;/)
  })
})
