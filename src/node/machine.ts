// Executes delivered blocks in the durable order: block archive and log (append-only, fsynced), then one synced batch in
// the erasable root (rows, payloads, state, executed height), then the answer. A kill between any two leaves files that
// reach above the executed height; opening cuts them back to it, and the protocol delivers the rest again.

import type { Log } from '../audit/log.ts'
import { concat } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { idBytes, type Sequence, type TxId } from '../base/ids.ts'
import { decode, encode } from '../base/schema.ts'
import { requestId, summarize } from '../consensus/batch.ts'
import { type BlockRecord, blockRecordSchema } from '../consensus/block.ts'
import type { CommitCertificate } from '../consensus/certificate.ts'
import { genesisOutcome, type Outcome } from '../consensus/contract.ts'
import type { Applied, Machine } from '../consensus/ports.ts'
import { rosterHash } from '../consensus/roster.ts'
import { type Result, resultSchema } from '../consensus/statements.ts'
import type { Genesis } from '../ledger/genesis.ts'
import { type Delivered, type KeptBatch, Ledger, type TransactionOutcome } from '../ledger/ledger.ts'
import { hasPayload, itemIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { StoredItem, StoredRetraction } from '../store/change.ts'
import type { Store } from '../store/store.ts'
import { entriesOf } from './entries.ts'
import { type Execution, executionSchema } from './execution.ts'
import type { PayloadPool } from './payloads.ts'
import { rowsOf } from './rows.ts'

export interface LedgerMachine extends Machine {
  readonly ledger: Ledger
  /** Like `apply`, for a block that was fetched: of its read tokens only the hash is left. */
  execute(block: AgreedBlock): Promise<Applied>
  /** Where a transaction was executed and with what outcome; undefined when it was not. */
  execution(tx: TxId): Promise<Execution | undefined>
}

/** A batch as it was agreed, from the protocol or from another node's archive. */
export interface AgreedBlock {
  readonly sequence: Sequence
  readonly batch: KeptBatch
  readonly certificate: CommitCertificate
}

export interface MachineOptions {
  readonly genesis: Genesis
  readonly blocks: BlockArchive
  readonly log: Log
  readonly store: Store
  readonly payloads: PayloadPool
  /** Told after a block is durable. */
  readonly onExecuted: (delivered: Delivered) => void
}

// The store keeps the ledger's state records and this module's own side by side, told apart by a first byte.
const stateKey = (key: Uint8Array): Uint8Array => concat(Uint8Array.of(0), key)
const executionKey = (tx: TxId): Uint8Array => concat(Uint8Array.of(1), idBytes(tx))

export async function openMachine(options: MachineOptions): Promise<LedgerMachine> {
  const { blocks, log, store, payloads, onExecuted } = options
  const { ledger, outcome } = await restore(options)
  let applied = outcome

  async function itemsOf(
    executed: readonly TransactionOutcome[],
    transactions: readonly Uint8Array[],
  ): Promise<{ items: StoredItem[]; retractions: StoredRetraction[] }> {
    const items: StoredItem[] = []
    const retractions: StoredRetraction[] = []
    for (const { transaction, tx, index } of executed) {
      if (!hasPayload(transaction) || transaction.act.type !== 'data') continue
      const opened = await payloads.opened(transactions[index] as Uint8Array)
      transaction.act.items.forEach((header, place) => {
        const item = opened.items[place]
        const graph = ledger.graph(header.graph)
        const policy = ledger.policy(header.policy)
        if (item === undefined || graph === undefined || policy === undefined) return
        items.push({
          item: itemIdFor(tx, place),
          graph: graph.iri,
          class: policy.class,
          payload: item.bytes,
          rows: item.assertions.type === 'void' ? [] : rowsOf(item.assertions.value),
        })
        if (item.retractions.type !== 'void') retractions.push(...item.retractions.value.retractions)
      })
    }
    return { items, retractions }
  }

  async function execute({ sequence, batch, certificate }: AgreedBlock): Promise<Applied> {
    if (sequence <= applied.sequence) return { outcome: applied, next: undefined }
    const { transactions } = batch
    const delivered = ledger.apply(sequence, batch)
    const done = delivered.outcomes.filter(({ code, repeated }) => code === 'OK' && !repeated)
    const record: BlockRecord = {
      header: delivered.header,
      tokens: batch.tokens,
      batchTime: batch.time,
      transactions,
      certificate,
    }
    const { items, retractions } = await itemsOf(done, transactions)
    await blocks.append([{ sequence, bytes: encode(blockRecordSchema, record) }])
    const { size, root } = log.append(entriesOf(delivered))
    await Promise.all([blocks.sync(), log.sync()])
    const result = resultOf(ledger, delivered, size, root)
    const requests = transactions.map(requestId)
    await store.commit({
      sequence,
      meta: encode(resultSchema, result),
      records: [
        ...delivered.changes.map(({ key, value }) => ({ key: stateKey(key), value })),
        ...delivered.outcomes
          .filter(({ repeated }) => !repeated)
          .map(({ tx, index, code }) => ({
            key: executionKey(tx),
            value: encode(executionSchema, { sequence, index, code }),
          })),
      ],
      items,
      retractions,
      unstage: requests,
    })
    payloads.release(requests)
    applied = result
    onExecuted(delivered)
    return { outcome: result, next: delivered.next }
  }

  return {
    ledger,
    get applied() {
      return applied
    },
    execute,
    apply: (sequence, batch, certificate) =>
      execute({ sequence, batch: { ...summarize(batch), transactions: batch.transactions }, certificate }),
    async execution(tx) {
      const value = await store.record(executionKey(tx))
      return value === undefined ? undefined : decode(executionSchema, value)
    },
  }
}

function resultOf(ledger: Ledger, { header, hash }: Delivered, logSize: number, logRoot: Result['logRoot']): Result {
  const isCheckpoint = header.sequence % ledger.parameters().checkpointInterval === 0
  return {
    ledger: header.ledger,
    epoch: header.epoch,
    sequence: header.sequence,
    block: hash,
    logSize,
    logRoot,
    checkpoint: isCheckpoint ? [{ state: ledger.stateHash(), roster: rosterHash(ledger.roster()) }] : [],
  }
}

/** The ledger at the executed height, with archive and log cut back to it. @throws LedgerError STATE_BEHIND_CHECKPOINT */
async function restore({ genesis, blocks, log, store }: MachineOptions): Promise<{ ledger: Ledger; outcome: Outcome }> {
  const meta = store.meta()
  if (meta === undefined) {
    await blocks.truncateAfter(0 as Sequence)
    await log.truncate(0)
    const ledger = Ledger.fromGenesis(genesis)
    const checkpoint = { state: ledger.stateHash(), roster: rosterHash(ledger.roster()) }
    return { ledger, outcome: genesisOutcome(ledger.id, log.root(), checkpoint) }
  }
  const { ledger: _ledger, epoch: _epoch, ...outcome } = decode(resultSchema, meta)
  if (blocks.height < outcome.sequence || log.size < outcome.logSize) {
    throw new LedgerError('STORAGE_INCOMPLETE', { executed: outcome.sequence, blocks: blocks.height, leaves: log.size })
  }
  await blocks.truncateAfter(outcome.sequence)
  await log.truncate(outcome.logSize)
  const records: { key: Uint8Array; value: Uint8Array }[] = []
  for await (const { key, value } of store.records()) if (key[0] === 0) records.push({ key: key.subarray(1), value })
  const { header } = decode(blockRecordSchema, await blocks.read(outcome.sequence))
  return { ledger: Ledger.fromRecords(genesis, records, { header }), outcome }
}
