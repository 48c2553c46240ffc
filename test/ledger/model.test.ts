// Random histories through the rules, the reference model, and replay from scratch and from stored records.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { toHex } from '../../src/base/bytes.ts'
import { graphId, keyId } from '../../src/base/hash.ts'
import { digestOf, epochOf, type ItemId, sequenceOf, type TxId, timeOf } from '../../src/base/ids.ts'
import type { Batch } from '../../src/consensus/batch.ts'
import type { BlockHeader } from '../../src/consensus/block.ts'
import { type Delivered, Ledger, type StateRecord } from '../../src/ledger/ledger.ts'
import { Archive } from './archive.ts'
import { applications, Historian, type HistoryBlock, history, unsigned } from './histories.ts'
import { Model } from './model.ts'
import { genesis, ledgerId, organisationKey, organisationNames } from './world.ts'

/** Histories begin just below the age at which bases become too old, or at the genesis. */
const lateStart: BlockHeader = {
  ledger: ledgerId,
  epoch: epochOf(0),
  sequence: sequenceOf(65_532),
  previous: digestOf('11'.repeat(32)),
  batch: digestOf('22'.repeat(32)),
  time: timeOf(1_000),
}

const start = (late: boolean, { read }: Archive): Ledger =>
  late ? Ledger.fromRecords(genesis, [], { header: lateStart }, read) : Ledger.fromGenesis(genesis, read)

interface Run {
  readonly ledger: Ledger
  readonly batches: readonly Batch[]
  readonly delivered: readonly Delivered[]
}

/** Carries a history out in both and compares every outcome. */
function run(blocks: readonly HistoryBlock[], late: boolean): Run {
  const archive = new Archive()
  const ledger = start(late, archive)
  const historian = new Historian()
  const model = new Model(genesis, historian.facts, ledger.height, ledger.time)
  const batches: Batch[] = []
  const delivered: Delivered[] = []
  for (const [place, { time, operations }] of [{ time: 0, operations: [] }, ...blocks].entries()) {
    const opening = place === 0 && blocks.length % 4 !== 0
    const transactions = opening
      ? historian.opening()
      : operations.map((operation) => historian.transaction(operation, model))
    const batch: Batch = { time: timeOf(time), tokens: [], transactions: transactions.map(unsigned) }
    const block = ledger.apply(sequenceOf(ledger.height + 1), batch)
    const expected = model.apply(time, transactions)
    assert.deepEqual(
      block.outcomes.map(({ code }) => code),
      expected,
    )
    assert.equal(block.header.time, model.time)
    const gone = block.erased.map(({ item, order }) => `${item} ${order}`)
    const now = new Set(block.outcomes.flatMap(({ tx, code }) => (code === 'OK' ? [tx as string] : [])))
    const expectedGone = model.items.filter(({ erased }) => erased !== undefined && now.has(erased))
    assert.deepEqual(gone.sort(), expectedGone.map(({ item, erased }) => `${item} ${erased}`).sort())
    archive.keep(block)
    batches.push(batch)
    delivered.push(block)
  }
  compare(ledger, model)
  return { ledger, batches, delivered }
}

function compare(ledger: Ledger, model: Model): void {
  for (const { publicKey } of [...applications, ...organisationNames.map(organisationKey)]) {
    assert.equal(ledger.nextSequence(keyId(publicKey)), model.highest(toHex(publicKey)) + 1)
    const known = ledger.applicationKey(keyId(publicKey))
    const expected = model.keys.find(({ key }) => key === toHex(publicKey))
    assert.deepEqual(
      known && { organisation: known.organisation, rights: known.rights, revoked: known.revoked.length > 0 },
      expected && { organisation: expected.organisation, rights: expected.rights, revoked: expected.revoked },
    )
  }
  assert.deepEqual(new Set(ledger.policies()), new Set(model.policies))
  assert.deepEqual(new Set(ledger.graphs()), new Set(model.graphs.map(({ graph }) => graph)))
  assert.equal(ledger.erasureRoot().size, model.items.filter(({ erased }) => erased !== undefined).length)
  for (const { item, holds } of model.items) assert.deepEqual(ledger.holdsOn(item as ItemId), holds)
  for (const { tx, attested } of model.orders) {
    const missing = genesis.nodes.map(({ id }) => id).filter((id) => !attested.includes(id))
    assert.deepEqual(ledger.erasure(tx as TxId)?.missing, missing)
  }
  for (const { graph, changed } of model.graphs) {
    assert.equal(ledger.graphVersion(graphId(graph.iri)), Math.max(...changed))
  }
}

/** What a store holds after these blocks: the last value of each record. */
function storedAfter(delivered: readonly Delivered[]): readonly StateRecord[] {
  const stored = new Map<string, StateRecord>()
  for (const { key, value } of delivered.flatMap(({ changes }) => changes)) {
    assert.ok(value !== undefined)
    stored.set(toHex(key), { key, value })
  }
  return [...stored.values()]
}

describe('The rules on random histories', function () {
  // Each enrolment checks a key's subgroup, which is slow on purpose.
  this.timeout(60_000)

  const seen = new Set<string>()

  it('give what the reference model gives', () => {
    fc.assert(
      fc.property(history, fc.boolean(), (blocks, late) => {
        for (const { outcomes } of run(blocks, late).delivered) for (const { code } of outcomes) seen.add(code)
      }),
      { numRuns: 200, seed: 20261122 },
    )
  })

  it('reach every outcome that those histories can have', () => {
    const all =
      'OK REPEATED SEQUENCE_EXPIRED SEQUENCE_TOO_FAR KEY_UNKNOWN SIGNER_REVOKED EXPIRED NOT_PERMITTED GRAPH_UNKNOWN POLICY_UNKNOWN ' +
      'ITEM_UNKNOWN APPROVAL_MISSING LEGAL_HOLD HOLD_UNKNOWN ORDER_UNKNOWN ATTESTED_BEFORE PURGE_INCOMPLETE ' +
      'ALGORITHM_MISMATCH CARRIAGE_MISMATCH BASE_TOO_OLD CONFLICT KEY_TAKEN KEY_WEAK SIGNATURE_INVALID NAME_TAKEN NOT_CONTROLLER POLICY_UNSUPPORTED'
    assert.deepEqual([...seen].sort(), all.split(' ').sort())
  })

  it('replay to the same headers, outcomes and state, from the genesis and from the records of any height', () => {
    fc.assert(
      fc.property(history, fc.nat({ max: 13 }), (blocks, cut) => {
        const { ledger, batches, delivered } = run(blocks, false)
        const height = Math.min(cut, batches.length)
        const header = delivered[height - 1]?.header
        const before = delivered.slice(0, height)
        const archive = new Archive(before)
        const again =
          header === undefined
            ? Ledger.fromGenesis(genesis, archive.read)
            : Ledger.fromRecords(genesis, storedAfter(before), { header }, archive.read)
        for (const batch of batches.slice(height)) {
          const expected = delivered[again.height]
          const block = again.apply(sequenceOf(again.height + 1), batch)
          archive.keep(block)
          assert.deepEqual(block, expected)
        }
        assert.equal(again.stateHash(), ledger.stateHash())
        assert.equal(again.lastHash, ledger.lastHash)
        assert.equal(again.time, ledger.time)
      }),
      { numRuns: 60, seed: 3 },
    )
  })

  it('hash the state the same whether its hash was asked for at every block or once', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const { ledger, batches, delivered } = run(blocks, false)
        const archive = new Archive()
        const often = Ledger.fromGenesis(genesis, archive.read)
        for (const batch of batches) {
          const before = often.stateHash()
          const block = often.apply(sequenceOf(often.height + 1), batch)
          archive.keep(block)
          const { changes } = block
          assert.equal(often.stateHash() === before, changes.length === 0)
        }
        assert.equal(often.stateHash(), ledger.stateHash())
        assert.deepEqual(
          storedAfter(delivered).length,
          new Set(delivered.flatMap(({ changes }) => changes.map(({ key }) => toHex(key)))).size,
        )
      }),
      { numRuns: 30, seed: 4 },
    )
  })

  it('answer courteously what delivery would answer at once', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const archive = new Archive()
        const ledger = Ledger.fromGenesis(genesis, archive.read)
        const historian = new Historian()
        const model = new Model(genesis, historian.facts)
        for (const operation of blocks.flatMap(({ operations }) => operations)) {
          const transaction = historian.transaction(operation, model)
          const courtesy = ledger.courtesyFault(transaction) ?? 'OK'
          const batch: Batch = { time: ledger.time, tokens: [], transactions: [unsigned(transaction)] }
          const block = ledger.apply(sequenceOf(ledger.height + 1), batch)
          archive.keep(block)
          assert.deepEqual(
            block.outcomes.map(({ code }) => code),
            [courtesy],
          )
          model.apply(ledger.time, [transaction])
        }
      }),
      { numRuns: 30, seed: 5 },
    )
  })
})
