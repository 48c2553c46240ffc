// Carries a random history out in the rules and in the reference model at once, and compares everything that both know.

import assert from 'node:assert/strict'
import { toHex } from '../../src/base/bytes.ts'
import { keyId } from '../../src/base/hash.ts'
import { digestOf, epochOf, type ItemId, sequenceOf, type TxId, timeOf } from '../../src/base/ids.ts'
import type { Batch } from '../../src/consensus/batch.ts'
import type { BlockHeader } from '../../src/consensus/block.ts'
import { ledgerIdFor } from '../../src/ledger/genesis.ts'
import { type Delivered, Ledger, type StateRecord } from '../../src/ledger/ledger.ts'
import type { Transaction } from '../../src/ledger/transaction.ts'
import { Archive } from './archive.ts'
import { applications, Historian, type HistoryBlock, historyGenesis, unsigned } from './histories.ts'
import { Model } from './model.ts'
import { type PartsLeft, type PartsSource, QuadStore } from './quads.ts'
import { organisationKey, organisationNames } from './world.ts'

/** The versions of the rules that histories go up to. */
export const knows = 3

/** Histories begin just below the age at which bases become too old, or at the genesis. */
const lateStart: BlockHeader = {
  ledger: ledgerIdFor(historyGenesis),
  epoch: epochOf(0),
  sequence: sequenceOf(65_532),
  previous: digestOf('11'.repeat(32)),
  batch: digestOf('22'.repeat(32)),
  time: timeOf(1_000),
}

export interface Run {
  readonly ledger: Ledger
  readonly batches: readonly Batch[]
  readonly delivered: readonly Delivered[]
  /** Of the node that was there. */
  readonly quads: QuadStore
  /** Payloads as they were sent, and what of them is left after the last erasure. */
  readonly sent: PartsSource
  readonly left: PartsSource
}

/** Tells transactions apart and is cheap: for runs in which nothing is decoded. */
let made = 0
function standIn(): Uint8Array {
  made += 1
  return new Uint8Array(Float64Array.of(made).buffer)
}

/** `bytes`: 'real' ones can be replayed; with stand-ins every transaction is lent, as after a vote. */
export function carryOut(blocks: readonly HistoryBlock[], late: boolean, bytes: 'real' | 'stand-ins' = 'real'): Run {
  const archive = new Archive()
  const ledger = late
    ? Ledger.fromRecords(historyGenesis, [], { header: lateStart }, archive.read, knows)
    : Ledger.fromGenesis(historyGenesis, archive.read, knows)
  const historian = new Historian()
  const model = new Model(historyGenesis, historian.facts, ledger.height, ledger.time)
  const sent = (item: ItemId): PartsLeft => {
    const content = historian.contents.get(item)
    assert.ok(content !== undefined)
    return content
  }
  const batches: Batch[] = []
  const delivered: Delivered[] = []
  const quads = new QuadStore()
  for (const [place, { time, operations }] of [{ time: 0, operations: [] }, ...blocks].entries()) {
    const opening = place === 0 && blocks.length % 4 !== 0
    const transactions = opening ? historian.opening() : operations.map((each) => historian.transaction(each, model))
    const batch: Batch = {
      time: timeOf(time),
      tokens: [],
      transactions: transactions.map(bytes === 'real' ? unsigned : standIn),
    }
    const lent = new Map<Uint8Array, Transaction>()
    for (const [at, each] of batch.transactions.entries()) {
      if (bytes === 'stand-ins' || place % 2 === 0) lent.set(each, transactions[at] as Transaction)
    }
    const block = ledger.apply(sequenceOf(ledger.height + 1), batch, (each) => lent.get(each))
    compareBlock(block, model, model.apply(time, transactions))
    archive.keep(block)
    quads.follow(block, sent)
    batches.push(batch)
    delivered.push(block)
  }
  compareState(ledger, model)
  assert.deepEqual(quads.dump(), model.quads())
  const erased = new Set(delivered.flatMap((block) => block.erased.map(({ item }) => item)))
  const left = (item: ItemId): PartsLeft => (erased.has(item) ? { ...sent(item), assertions: undefined } : sent(item))
  return { ledger, batches, delivered, quads, sent, left }
}

function compareBlock({ header, outcomes, erased, next }: Delivered, model: Model, expected: readonly string[]): void {
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    expected,
  )
  assert.equal(header.time, model.time)
  assert.equal(header.epoch, next === undefined ? model.epoch : model.epoch - 1)
  assert.equal(next?.epoch, next === undefined ? undefined : model.epoch)
  const now = new Set(outcomes.flatMap(({ tx, code }) => (code === 'OK' ? [tx as string] : [])))
  const expectedGone = model.items.filter((item) => item.erased !== undefined && now.has(item.erased))
  assert.deepEqual(
    erased.map(({ item, order }) => `${item} ${order}`).sort(),
    expectedGone.map((item) => `${item.item} ${item.erased}`).sort(),
  )
}

function compareState(ledger: Ledger, model: Model): void {
  for (const { publicKey } of [...applications, ...organisationNames.map(organisationKey)]) {
    assert.equal(ledger.nextSequence(keyId(publicKey)), model.highest(toHex(publicKey)) + 1)
    const known = ledger.applicationKey(keyId(publicKey))
    const expected = model.keys.find(({ key }) => key === toHex(publicKey))
    assert.deepEqual(
      known && { organisation: known.organisation, rights: known.rights, revoked: known.revoked.length > 0 },
      expected && { organisation: expected.organisation, rights: expected.rights, revoked: expected.revoked },
    )
  }
  assert.deepEqual(
    ordered(ledger.policies(), ({ name }) => name),
    ordered(model.policies, ({ name }) => name),
  )
  const graphs = model.graphs.map(({ graph }) => graph)
  assert.deepEqual(
    ordered(ledger.graphs(), ({ iri }) => iri),
    ordered(graphs, ({ iri }) => iri),
  )
  assert.equal(ledger.erasureRoot().size, model.items.filter(({ erased }) => erased !== undefined).length)
  for (const { item, holds } of model.items) assert.deepEqual(ledger.holdsOn(item as ItemId), holds)
  for (const { tx, obliged, attested } of model.orders) {
    const missing = obliged.filter((id) => !attested.includes(id)).sort()
    assert.deepEqual(ledger.erasure(tx as TxId)?.missing, missing)
  }
  for (const { id, changed } of model.graphs) {
    assert.equal(ledger.graphVersion(id), Math.max(...changed))
  }
  compareGovernance(ledger, model)
}

function ordered<T>(list: readonly T[], by: (each: T) => string): readonly T[] {
  return [...list].sort((a, b) => (by(a) < by(b) ? -1 : 1))
}

const byId = <T extends { readonly id: string }>(list: readonly T[]): readonly T[] => ordered(list, ({ id }) => id)

function compareGovernance(ledger: Ledger, model: Model): void {
  const { ends, activation, now, planned = now } = model
  assert.deepEqual(ledger.governance(), { number: model.proposals + 1, ends, activation })
  assert.deepEqual([ledger.thresholds(), ledger.parameters()], [model.thresholds, model.parameters])
  assert.deepEqual([ledger.rulesVersion(), ledger.roster().epoch], [model.rulesVersion, model.epoch])
  assert.deepEqual([ledger.organisations(), ledger.nodes()], [byId(now.organisations), byId(now.nodes)])
  if (planned !== now) {
    const { organisations, nodes } = ledger.plannedMembers()
    assert.deepEqual(
      [byId([...organisations.values()]), byId([...nodes.values()])],
      [byId(planned.organisations), byId(planned.nodes)],
    )
  }
  for (const { key, from, until } of model.terms) {
    const term = ledger.keyTerm(keyId(Uint8Array.from(Buffer.from(key, 'hex'))))
    assert.deepEqual([term?.from, term?.until[0] ?? Number.POSITIVE_INFINITY], [from, until])
  }
}

/** What a store holds after these blocks: the last value of each record that is there. */
export function storedAfter(delivered: readonly Delivered[]): readonly StateRecord[] {
  const stored = new Map<string, StateRecord>()
  for (const { key, value } of delivered.flatMap(({ changes }) => changes)) {
    if (value === undefined) stored.delete(toHex(key))
    else stored.set(toHex(key), { key, value })
  }
  return [...stored.values()]
}
