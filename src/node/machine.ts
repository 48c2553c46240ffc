// Executes delivered blocks in the durable order: block archive and log (append-only, fsynced), then one synced batch in
// the erasable root (rows, payloads, state, executed height), then the answer. A kill between any two leaves files that
// reach above the executed height; opening cuts them back to it, and the protocol delivers the rest again.

import type { Log, TreeHead } from '../audit/log.ts'
import { concat } from '../base/bytes.ts'
import { type ErrorCode, invariant, LedgerError } from '../base/errors.ts'
import { type ItemId, idBytes, type LedgerId, type Sequence, type TxId } from '../base/ids.ts'
import { decode, encode } from '../base/schema.ts'
import { type Batch, type RequestId, requestId, summarize } from '../consensus/batch.ts'
import { type BlockRecord, blockRecordSchema } from '../consensus/block.ts'
import type { CommitCertificate } from '../consensus/certificate.ts'
import type { Mandate, Outcome } from '../consensus/contract.ts'
import type { Applied, Machine } from '../consensus/ports.ts'
import { inForceAfter, type Succession } from '../consensus/succession.ts'
import type { ErasureActOf } from '../ledger/erasure.ts'
import type { Genesis } from '../ledger/genesis.ts'
import { type Delivered, type ItemReader, type KeptBatch, Ledger } from '../ledger/ledger.ts'
import type { Part } from '../ledger/payload.ts'
import { decodeTransaction } from '../ledger/static.ts'
import type { Transaction } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { StateRecord } from '../store/change.ts'
import type { Store } from '../store/store.ts'
import { itemsOf } from './block-items.ts'
import { entriesOf } from './entries.ts'
import {
  erasureRecordsOf,
  keptRetractions,
  type OrderRecord,
  orderRecord,
  type TombstoneRecord,
  tombstoneOf,
} from './erasure-records.ts'
import { type ErasureReport, reportOf } from './erasure-report.ts'
import { type Execution, executionSchema } from './execution.ts'
import { foundedHeight, heightBytes, outcomeOf, type Reached, readHeight } from './height.ts'
import { ItemHeaders, type NamedItems, noNamedItems, placesIn } from './item-headers.ts'
import { mandateAfter, mandateOf } from './mandate.ts'
import { epochRecords } from './past-epochs.ts'
import type { PayloadPool } from './payloads.ts'

/** A batch as it was agreed, from the protocol or from another node's archive. */
export interface AgreedBlock {
  readonly sequence: Sequence
  readonly batch: KeptBatch
  readonly certificate: CommitCertificate
}

export interface MachineOptions {
  readonly genesis: Genesis
  readonly blocks: Pick<BlockArchive, 'height' | 'append' | 'sync' | 'read' | 'truncateAfter'>
  readonly log: Log
  readonly store: Store
  readonly payloads: PayloadPool
  /** The last tree of the log that this node signed. */
  readonly signed: TreeHead | undefined
  /** Told after a block is durable. */
  readonly onExecuted: (delivered: Delivered, requests: readonly RequestId[]) => void
}

// The store keeps the ledger's state records and this module's own side by side, told apart by a first byte.
const stateKey = (key: Uint8Array): Uint8Array => concat(Uint8Array.of(0), key)
const executionKey = (tx: TxId): Uint8Array => concat(Uint8Array.of(1), idBytes(tx))

/** What is kept of an item. */
export type KeptItem =
  /** Encoded ItemPayload. */
  | { readonly type: 'whole'; readonly payload: Uint8Array }
  /** Its retractions, where this node ever had them. */
  | ({ readonly type: 'erased'; readonly retractions: Part | undefined } & TombstoneRecord)

export class LedgerMachine implements Machine {
  readonly ledger: Ledger
  readonly #options: MachineOptions
  readonly #headers: ItemHeaders
  /** What the rules may read of earlier blocks, while they run. */
  readonly #lent: Lent
  #reached: Reached
  #mandate: Mandate

  private constructor(options: MachineOptions, { ledger, reached, mandate }: Restored, lent: Lent) {
    const { blocks, store } = options
    this.#options = options
    this.ledger = ledger
    this.#reached = reached
    this.#mandate = mandate
    this.#lent = lent
    this.#headers = new ItemHeaders({ blocks, store, execution: (tx) => this.execution(tx) })
  }

  /** @throws LedgerError STATE_BEHIND_CHECKPOINT, STORAGE_INCOMPLETE, RECORD_TAMPERED: what the folders hold does not agree. */
  static async open(options: MachineOptions): Promise<LedgerMachine> {
    const lent: Lent = { items: noNamedItems }
    return new LedgerMachine(options, await restore(options, (place) => lent.items.read(place)), lent)
  }

  get applied(): Outcome {
    return this.#reached.applied
  }

  get checkpoint(): Outcome {
    return this.#reached.checkpoint
  }

  get mandate(): Mandate {
    return this.#mandate
  }

  /** Who certifies the next block. */
  get succession(): Succession {
    return { inForce: this.#reached.inForce, known: this.ledger.knownRosters() }
  }

  apply(sequence: Sequence, batch: Batch, certificate: CommitCertificate): Promise<Applied> {
    return this.execute({ sequence, batch: { ...summarize(batch), transactions: batch.transactions }, certificate })
  }

  /** Like `apply`, for a block that was fetched: of its read tokens only the hash is left. */
  async execute({ sequence, batch, certificate }: AgreedBlock): Promise<Applied> {
    if (sequence <= this.applied.sequence) return { outcome: this.applied, mandate: this.mandate }
    const { blocks, log, store, payloads, onExecuted } = this.#options
    const { time: batchTime, tokens, transactions } = batch
    const requests = transactions.map(requestId)
    const inForce = inForceAfter(certificate, this.succession)
    invariant(inForce !== undefined, 'a certificate names validators that nobody planned')
    const { delivered, items } = await this.#deliver(sequence, batch)
    const erased = delivered.erased.map(({ item }) => item)
    const change = await itemsOf(this.ledger, delivered, (index) => payloads.opened(transactions[index] as Uint8Array))
    const erasureRecords = await erasureRecordsOf(delivered, store, (item) => store.itemPayload(item))
    const record: BlockRecord = { header: delivered.header, tokens, batchTime, transactions, certificate }
    await blocks.append([{ sequence, bytes: encode(blockRecordSchema, record) }])
    const { size, root } = log.append(entriesOf(delivered))
    await Promise.all([blocks.sync(), log.sync()])
    const outcome = outcomeOf(this.ledger, delivered, size, root)
    const begun = epochRecords(this.mandate.roster, this.ledger.roster(), sequence)
    const reached = { applied: outcome, checkpoint: outcome.checkpoint.length > 0 ? outcome : this.checkpoint, inForce }
    await store.commit({
      sequence,
      meta: heightBytes(delivered, reached),
      records: [...recordsOf(delivered, requests), ...erasureRecords, ...change.kept, ...begun],
      items: change.items,
      retractions: change.retractions,
      erasures: erased,
      unstage: requests,
    })
    await payloads.executed(requests)
    payloads.erased(erased.flatMap((item) => items.requestOf(item) ?? []))
    this.#reached = reached
    this.#mandate = mandateAfter(this.ledger, this.#mandate)
    onExecuted(delivered, requests)
    return { outcome, mandate: this.mandate }
  }

  async #deliver(sequence: Sequence, batch: KeptBatch): Promise<{ delivered: Delivered; items: NamedItems }> {
    const known = new Map(batch.transactions.flatMap((bytes) => decoded(bytes, this.ledger.id)))
    const items = await this.#headers.named(placesIn([...known.values()]))
    this.#lent.items = items
    return { delivered: this.ledger.apply(sequence, batch, (bytes) => known.get(bytes)), items }
  }

  /** Whether every item is of class open, as far as the present state tells. A policy never changes. */
  concernsNobody({ act }: Transaction): boolean {
    return act.type === 'data' && act.items.every(({ policy }) => this.ledger.policy(policy)?.class === 'open')
  }

  /** What the present state already shows to be hopeless: a courtesy. */
  async courtesyFault(transaction: Transaction): Promise<ErrorCode | undefined> {
    const items = await this.#headers.named(placesIn([transaction]))
    this.#lent.items = items
    return this.ledger.courtesyFault(transaction)
  }

  /** What the ledger knows of an order; undefined for an unknown one. */
  async report(order: TxId): Promise<ErasureReport | undefined> {
    const { ledger } = this
    const asOf = ledger.height
    const progress = ledger.erasure(order)
    const kept = await orderRecord(this.#options.store, order)
    if (progress === undefined || kept === undefined) return undefined
    const { act, items } = await this.#ordered(kept)
    const { organisation, height, erased } = progress
    const obliged = progress.obliged.map((node) => ({ node, name: ledger.node(node)?.name ?? node }))
    const facts = { ledger: ledger.id, order, organisation, height, time: kept.time, act, items, erased, obliged }
    return reportOf(facts, kept.attestations, asOf)
  }

  /** Items that an executed order names. */
  async itemsOf(order: TxId): Promise<readonly ItemId[]> {
    const kept = await orderRecord(this.#options.store, order)
    return kept === undefined ? [] : (await this.#ordered(kept)).items
  }

  async #ordered({ placed }: OrderRecord): Promise<{ act: ErasureActOf<'erase'>; items: readonly ItemId[] }> {
    const { transactions } = decode(blockRecordSchema, await this.#options.blocks.read(placed.sequence))
    const { act } = decodeTransaction(transactions[placed.index] as Uint8Array)
    invariant(act.type === 'erase', 'an order is kept where there is none')
    const { read } = await this.#headers.named(act.items)
    return { act, items: act.items.flatMap((place) => read(place)?.item ?? []) }
  }

  /** Undefined for an item that is not here. */
  async item(item: ItemId): Promise<KeptItem | undefined> {
    const { store } = this.#options
    const tombstone = await tombstoneOf(store, item)
    if (tombstone !== undefined) {
      return { type: 'erased', retractions: await keptRetractions(store, item), ...tombstone }
    }
    const payload = await store.itemPayload(item)
    return payload === undefined ? undefined : { type: 'whole', payload }
  }

  /** Where a transaction was executed and with what outcome; undefined when it was not. */
  async execution(tx: TxId): Promise<Execution | undefined> {
    const value = await this.#options.store.record(executionKey(tx))
    return value === undefined ? undefined : decode(executionSchema, value)
  }
}

interface Lent {
  items: NamedItems
}

interface Restored {
  readonly ledger: Ledger
  readonly reached: Reached
  readonly mandate: Mandate
}

/** Nothing for bytes that the ledger will refuse to execute. */
function decoded(bytes: Uint8Array, ledger: LedgerId): readonly (readonly [Uint8Array, Transaction])[] {
  try {
    const transaction = decodeTransaction(bytes)
    return transaction.ledger === ledger ? [[bytes, transaction]] : []
  } catch (error) {
    if (error instanceof LedgerError) return []
    throw error
  }
}

function recordsOf({ header, outcomes, changes }: Delivered, requests: readonly RequestId[]): readonly StateRecord[] {
  const executions = outcomes
    .filter(({ admitted }) => admitted)
    .map(({ tx, index, code }) => {
      const request = requests[index] as RequestId
      const value = encode(executionSchema, { request, sequence: header.sequence, index, code })
      return { key: executionKey(tx), value }
    })
  return [...changes.map(({ key, value }) => ({ key: stateKey(key), value })), ...executions]
}

/**
 * The ledger at the executed height, with archive and log cut back to it. A crash leaves them one block ahead at most;
 * more means that the store was lost or is an older copy, and nothing is cut.
 * @throws LedgerError STATE_BEHIND_CHECKPOINT, STORAGE_INCOMPLETE, RECORD_TAMPERED
 */
async function restore(options: MachineOptions, items: ItemReader): Promise<Restored> {
  const { genesis, blocks, log, store } = options
  const meta = store.meta()
  const founded = Ledger.fromGenesis(genesis, items)
  const reached = meta === undefined ? foundedHeight(founded) : readHeight(meta)
  const outcome = reached.applied
  requireWhole(options, outcome)
  await blocks.truncateAfter(outcome.sequence)
  await log.truncate(outcome.logSize)
  if (meta === undefined) return { ledger: founded, reached, mandate: await mandateOf(founded, blocks) }
  const records: { key: Uint8Array; value: Uint8Array }[] = []
  for await (const { key, value } of store.records()) if (key[0] === 0) records.push({ key: key.subarray(1), value })
  const { header } = decode(blockRecordSchema, await blocks.read(outcome.sequence))
  const ledger = Ledger.fromRecords(genesis, records, { header }, items)
  return { ledger, reached, mandate: await mandateOf(ledger, blocks) }
}

function requireWhole({ blocks, log, signed }: MachineOptions, { sequence, logSize }: Outcome): void {
  const facts = { executed: sequence, blocks: blocks.height, leaves: log.size }
  if (blocks.height > sequence + 1 || (signed?.size ?? 0) > logSize) {
    throw new LedgerError('STATE_BEHIND_CHECKPOINT', { ...facts, signedLeaves: signed?.size ?? 0 })
  }
  if (blocks.height < sequence || log.size < logSize) throw new LedgerError('STORAGE_INCOMPLETE', facts)
  if (signed !== undefined && log.rootAt(signed.size) !== signed.root) {
    throw new LedgerError('RECORD_TAMPERED', { folder: 'log', signedLeaves: signed.size })
  }
}
