// Random histories through the rules, the reference model, and replay: from scratch, from stored records, from a snapshot.
// HISTORIES says how many (.ci/run asks for 2 000, `npm run verify:long` for 100 000), SEED which.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { sequenceOf } from '../../src/base/ids.ts'
import type { Batch } from '../../src/consensus/batch.ts'
import { bucketCount } from '../../src/ledger/buckets.ts'
import { type Delivered, Ledger, type StateRecord } from '../../src/ledger/ledger.ts'
import { openStateChunk, requireBucketHashes, stateChunk } from '../../src/ledger/snapshot.ts'
import { itemIdFor } from '../../src/ledger/transaction.ts'
import { Archive } from './archive.ts'
import { carryOut, knows, type Run, storedAfter } from './carry-out.ts'
import { Historian, history, historyGenesis, unsigned } from './histories.ts'
import { Model } from './model.ts'
import { QuadStore } from './quads.ts'

const histories = Number(process.env['HISTORIES'] ?? 200)
const seed = Number(process.env['SEED'] ?? 20_261_122)

/** A ledger as it was after the first `height` blocks of a run. */
function ledgerAt({ delivered }: Run, height: number, archive: Archive): Ledger {
  const before = delivered.slice(0, height)
  const header = before.at(-1)?.header
  return header === undefined
    ? Ledger.fromGenesis(historyGenesis, archive.read, knows)
    : Ledger.fromRecords(historyGenesis, storedAfter(before), { header }, archive.read, knows)
}

/** All records, through chunks that were checked. */
function throughChunks(ledger: Ledger): readonly StateRecord[] {
  const hashes = ledger.bucketHashes()
  requireBucketHashes(hashes, ledger.stateHash())
  const records: StateRecord[] = []
  for (let first = 0; first < bucketCount; ) {
    const { buckets } = openStateChunk(stateChunk(ledger, first, 8_192), hashes)
    records.push(...buckets.flat())
    first += buckets.length
  }
  return records
}

/** Goes on from where `ledger` is to the end, and must deliver the same. */
function goOn(ledger: Ledger, { batches, delivered }: Run, archive: Archive): void {
  for (const batch of batches.slice(ledger.height)) {
    const expected = delivered[ledger.height]
    const block = ledger.apply(sequenceOf(ledger.height + 1), batch)
    archive.keep(block)
    assert.deepEqual(block, expected)
  }
}

/** Items of these blocks in another order than theirs, each with its height, header and id. */
function takeShuffled(store: QuadStore, blocks: readonly Delivered[], { left }: Run): void {
  for (const { header: block, outcomes } of blocks.toReversed()) {
    for (const { code, transaction, tx } of outcomes.toReversed()) {
      if (code !== 'OK' || transaction.act.type !== 'data') continue
      for (const [index, header] of transaction.act.items.entries()) {
        store.take(itemIdFor(tx, index), header, block.sequence, left(itemIdFor(tx, index)))
      }
    }
  }
}

describe('The rules on random histories', function () {
  this.timeout(60_000 + 60 * histories)

  const seen = new Set<string>()

  it('give what the reference model gives', () => {
    fc.assert(
      fc.property(history, fc.nat({ max: 3 }), (blocks, start) => {
        for (const { outcomes } of carryOut(blocks, start === 0, 'stand-ins').delivered)
          for (const { code } of outcomes) seen.add(code)
      }),
      { numRuns: histories, seed },
    )
  })

  it('reach every outcome that those histories can have, two thousand of them', function () {
    // Fewer need not come to each; CI plays as many.
    if (histories < 2_000) this.skip()
    const all =
      'OK REPEATED SEQUENCE_EXPIRED SEQUENCE_TOO_FAR KEY_UNKNOWN SIGNER_REVOKED EXPIRED NOT_PERMITTED GRAPH_UNKNOWN POLICY_UNKNOWN ' +
      'ITEM_UNKNOWN APPROVAL_MISSING LEGAL_HOLD HOLD_UNKNOWN ORDER_UNKNOWN ATTESTED_BEFORE PURGE_INCOMPLETE ' +
      'ALGORITHM_MISMATCH CARRIAGE_MISMATCH BASE_TOO_OLD CONFLICT KEY_TAKEN KEY_WEAK SIGNATURE_INVALID NAME_TAKEN NOT_CONTROLLER POLICY_UNSUPPORTED ' +
      'PROPOSAL_OUTDATED PROPOSAL_CLOSED THRESHOLD_NOT_MET ROSTER_INVALID ORGANISATION_TOO_LARGE CARD_INVALID PARAMETERS_INVALID ' +
      'ACTIVATION_INVALID VERSION_NOT_ANNOUNCED ANNOUNCED_BEFORE EVIDENCE_KNOWN EVIDENCE_EMPTY ANCHOR_OUTDATED ANCHOR_CONTRADICTED'
    assert.deepEqual([...seen].sort(), all.split(' ').sort())
  })

  it('replay to the same headers, outcomes and state, from the genesis and from the records of any height', () => {
    fc.assert(
      fc.property(history, fc.nat({ max: 24 }), (blocks, cut) => {
        const run = carryOut(blocks, false)
        const archive = new Archive(run.delivered.slice(0, cut))
        const again = ledgerAt(run, Math.min(cut, run.batches.length), archive)
        goOn(again, run, archive)
        assert.equal(again.stateHash(), run.ledger.stateHash())
        assert.equal(again.lastHash, run.ledger.lastHash)
        assert.equal(again.time, run.ledger.time)
        assert.deepEqual(again.roster(), run.ledger.roster())
      }),
      { numRuns: Math.ceil(histories / 10), seed: seed + 1 },
    )
  })

  it('E8 leave the same quads to a node that was there and to one that replays after the erasures', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const run = carryOut(blocks, false)
        const later = new QuadStore()
        for (const block of run.delivered) later.follow(block, run.left)
        assert.deepEqual(later.dump(), run.quads.dump())
      }),
      { numRuns: Math.ceil(histories / 10), seed: seed + 2 },
    )
  })

  it('E8 leave the same quads and state to a node that starts from a snapshot of any height', () => {
    fc.assert(
      fc.property(history, fc.nat({ max: 24 }), (blocks, cut) => {
        const run = carryOut(blocks, false)
        const height = Math.min(1 + cut, run.batches.length)
        const before = run.delivered.slice(0, height)
        const source = ledgerAt(run, height, new Archive(before))
        const archive = new Archive(before)
        const { header } = before.at(-1) as Delivered
        const started = Ledger.fromRecords(historyGenesis, throughChunks(source), { header }, archive.read, knows)
        assert.equal(started.stateHash(), source.stateHash())
        const store = new QuadStore()
        for (const { erased } of before) for (const { item } of erased) store.erase(item)
        takeShuffled(store, before, run)
        goOn(started, run, archive)
        for (const block of run.delivered.slice(height)) store.follow(block, run.left)
        assert.equal(started.stateHash(), run.ledger.stateHash())
        assert.deepEqual(store.dump(), run.quads.dump())
      }),
      { numRuns: Math.ceil(histories / 40), seed: seed + 3 },
    )
  })

  it('hash the state the same whether its hash was asked for at every block or once', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const { ledger, batches, delivered } = carryOut(blocks, false)
        const archive = new Archive()
        const often = Ledger.fromGenesis(historyGenesis, archive.read, knows)
        for (const batch of batches) {
          const before = often.stateHash()
          const block = often.apply(sequenceOf(often.height + 1), batch)
          archive.keep(block)
          assert.equal(often.stateHash() === before, block.changes.length === 0)
        }
        assert.equal(often.stateHash(), ledger.stateHash())
        assert.deepEqual(
          delivered.map(({ changes }) => changes.length),
          delivered.map(({ changes }) => new Set(changes.map(({ key }) => `${key}`)).size),
        )
      }),
      { numRuns: Math.ceil(histories / 40), seed: seed + 4 },
    )
  })

  it('answer courteously what delivery would answer at once', () => {
    fc.assert(
      fc.property(history, (blocks) => {
        const archive = new Archive()
        const ledger = Ledger.fromGenesis(historyGenesis, archive.read, knows)
        const historian = new Historian()
        const model = new Model(historyGenesis, historian.facts)
        for (const operation of blocks.flatMap(({ operations }) => operations)) {
          const transaction = historian.transaction(operation, model)
          const { activation, ends } = ledger.governance()
          const courtesy = ledger.courtesyFault(transaction) ?? 'OK'
          const batch: Batch = { time: ledger.time, tokens: [], transactions: [unsigned(transaction)] }
          const block = ledger.apply(sequenceOf(ledger.height + 1), batch)
          archive.keep(block)
          const codes = block.outcomes.map(({ code }) => code)
          // Only at a height at which the rules change by themselves may the answer be another.
          if (activation?.height !== block.header.sequence && ends !== block.header.sequence)
            assert.deepEqual(codes, [courtesy])
          assert.deepEqual(model.apply(ledger.time, [transaction]), codes)
        }
      }),
      { numRuns: Math.ceil(histories / 20), seed: seed + 5 },
    )
  })
})
