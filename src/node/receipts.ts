// Makes receipts from what a node keeps: blocks, results and the audit log.

import { readLeaf } from '../audit/leaf.ts'
import type { Log } from '../audit/log.ts'
import { LedgerError } from '../base/errors.ts'
import { epochOf, type Sequence, type TxId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode } from '../base/schema.ts'
import { requestId, transactionsHash } from '../consensus/batch.ts'
import { type BlockRecord, blockRecordSchema } from '../consensus/block.ts'
import { agreedOf, type ResultCertificate, resultCertificateSchema } from '../consensus/certificate.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { EpochStep } from './epoch-chain.ts'
import type { Execution } from './execution.ts'
import type { LedgerMachine } from './machine.ts'
import type { PastEpochs } from './past-epochs.ts'
import { type Proof, type Receipt, receiptSchema } from './receipt.ts'

export interface ReceiptsOptions {
  readonly blocks: BlockArchive
  readonly log: Log
  readonly machine: Pick<LedgerMachine, 'execution'>
  readonly epochs: Pick<PastEpochs, 'stepsTo'>
  /** Height of the newest proof that a block is final. */
  readonly final: number
}

/** As JSON. @throws LedgerError RECEIPT_UNKNOWN for a transaction that was not executed, or (`final`) that is not known to be final. */
export async function receiptOf(tx: TxId, type: Proof['type'], options: ReceiptsOptions): Promise<object> {
  const execution = await options.machine.execution(tx)
  if (execution === undefined) throw new LedgerError('RECEIPT_UNKNOWN', { tx })
  const proof = type === 'ordered' ? await ordered(execution, options) : await final(tx, execution, options)
  const receipt: Receipt = { kind: 'quadrille receipt 1', tx, epochs: await stepsFor(proof, options), proof }
  return receiptSchema.toJson(receipt) as object
}

/** From the genesis to the validators that signed, and to those who signed beside them while a Raft ledger went over to others. */
async function stepsFor(proof: Proof, { epochs }: ReceiptsOptions): Promise<readonly EpochStep[]> {
  const epoch = proof.type === 'final' ? proof.certificate.result.epoch : agreedOf(proof.certificate).epoch
  const mayBeJoint = proof.type === 'ordered' && proof.certificate.type === 'raft'
  const steps = await epochs.stepsTo(epochOf(mayBeJoint ? epoch + 1 : epoch))
  if (steps.length >= epoch) return steps
  throw new LedgerError('RECEIPT_UNKNOWN', { reason: `the proof that epoch ${steps.length} ended is not here yet` })
}

async function ordered({ sequence, index }: Execution, { blocks }: ReceiptsOptions): Promise<Proof> {
  const { batchTime, tokens, transactions, certificate } = await blockAt(blocks, sequence)
  return {
    type: 'ordered',
    transaction: transactions[index] as Uint8Array,
    index,
    requests: transactions.map(requestId),
    batch: { time: batchTime, tokens, transactions: transactionsHash(transactions) },
    certificate,
  }
}

async function final(tx: TxId, { sequence }: Execution, options: ReceiptsOptions): Promise<Proof> {
  const { log } = options
  const certificate = await resultFrom(sequence, options)
  if (certificate === undefined) throw new LedgerError('RECEIPT_UNKNOWN', { tx, reason: 'it is not final yet' })
  const { logSize } = certificate.result
  for (let place = firstLeafOf(sequence, log, logSize); place < logSize; place++) {
    const leaf = log.leaf(place)
    const { entry } = readLeaf(leaf)
    if (Number(entry['height']) > sequence) break
    if (entry['type'] !== 'transaction' || entry['tx'] !== tx) continue
    return { type: 'final', leaf, place, path: log.inclusion(place, logSize), certificate }
  }
  throw new LedgerError('RECEIPT_UNKNOWN', { tx })
}

/** The first kept result of this height or a later one, a window on at most. */
async function resultFrom(
  sequence: Sequence,
  { blocks, final }: ReceiptsOptions,
): Promise<ResultCertificate | undefined> {
  const last = Math.min(final, sequence + limits.resultsSearched)
  for (let height: number = sequence; height <= last; height++) {
    const bytes = await blocks.result(height)
    if (bytes !== undefined) return decode(resultCertificateSchema, bytes)
  }
  return undefined
}

/** Leaves stand in order of height. */
function firstLeafOf(height: number, log: Log, size: number): number {
  let [from, to] = [0, size]
  while (from < to) {
    const middle = Math.floor((from + to) / 2)
    if (Number(readLeaf(log.leaf(middle)).entry['height']) < height) from = middle + 1
    else to = middle
  }
  return from
}

async function blockAt(blocks: BlockArchive, sequence: Sequence): Promise<BlockRecord> {
  return decode(blockRecordSchema, await blocks.read(sequence))
}
