// What a node keeps of erasures beside the ledger's state, written with the block that causes it: a tombstone for each
// erased item, its retractions (they hold no content and stay), and where an order and its attestations stand.

import { concat } from '../base/bytes.ts'
import { invariant } from '../base/errors.ts'
import { type ItemId, idBytes, type Sequence, type Time, type TxId, txIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode, id, list, record, type Schema, timestamp, uint } from '../base/schema.ts'
import type { Delivered } from '../ledger/ledger.ts'
import { itemPayloadSchema, type Part, partSchema } from '../ledger/payload.ts'
import type { StateRecord } from '../store/change.ts'
import { type Attestation, attestationOf, attestationSchema } from './erasure-report.ts'

/** Erased by this order, whose block has this height. */
export interface TombstoneRecord {
  readonly order: TxId
  readonly height: Sequence
}

/** Height of a block and place of a transaction in it. */
export interface TransactionPlace {
  readonly sequence: Sequence
  readonly index: number
}

/** What the blocks said of an order. */
export interface OrderRecord {
  readonly placed: TransactionPlace
  readonly time: Time
  readonly attestations: readonly Attestation[]
}

/** What of a store this reads: opaque records by key. */
export interface RecordReader {
  record(key: Uint8Array): Promise<Uint8Array | undefined>
}

// Beside the first bytes that machine.ts uses.
const tombstoneKey = (item: ItemId): Uint8Array => concat(Uint8Array.of(2), idBytes(item))
const keptKey = (item: ItemId): Uint8Array => concat(Uint8Array.of(3), idBytes(item))
const orderKey = (order: TxId): Uint8Array => concat(Uint8Array.of(4), idBytes(order))

const tombstoneSchema: Schema<TombstoneRecord> = record<TombstoneRecord>({
  order: id(32, txIdOf),
  height: uint<Sequence>(),
})

const placeSchema: Schema<TransactionPlace> = record<TransactionPlace>({ sequence: uint<Sequence>(), index: uint() })
const orderSchema: Schema<OrderRecord> = record<OrderRecord>({
  placed: placeSchema,
  time: timestamp,
  attestations: list(attestationSchema, limits.validatorsMax),
})

async function read<T>(store: RecordReader, key: Uint8Array, schema: Schema<T>): Promise<T | undefined> {
  const value = await store.record(key)
  return value === undefined ? undefined : decode(schema, value)
}

/** Undefined for an item that is not erased. */
export function tombstoneOf(store: RecordReader, item: ItemId): Promise<TombstoneRecord | undefined> {
  return read(store, tombstoneKey(item), tombstoneSchema)
}

/** The retractions of an item that is erased, or that came without its assertions because it will be. */
export function keptRetractions(store: RecordReader, item: ItemId): Promise<Part | undefined> {
  return read(store, keptKey(item), partSchema)
}

export function orderRecord(store: RecordReader, order: TxId): Promise<OrderRecord | undefined> {
  return read(store, orderKey(order), orderSchema)
}

/** Of an item that came without its assertions. */
export function keptRecord(item: ItemId, retractions: Part): StateRecord {
  return { key: keptKey(item), value: encode(partSchema, retractions) }
}

/** What a block adds. `payloadOf`: an item's payload as it is kept before this block; undefined when it is not here. */
export async function erasureRecordsOf(
  { header: { sequence, time }, outcomes, erased }: Delivered,
  store: RecordReader,
  payloadOf: (item: ItemId) => Promise<Uint8Array | undefined>,
): Promise<readonly StateRecord[]> {
  const records: StateRecord[] = []
  for (const { item, order } of erased) {
    records.push({ key: tombstoneKey(item), value: encode(tombstoneSchema, { order, height: sequence }) })
    const payload = await payloadOf(item)
    if (payload !== undefined) records.push(keptRecord(item, decode(itemPayloadSchema, payload).retractions))
  }
  const orders = new Map<TxId, OrderRecord>()
  for (const { tx, index, code, transaction, signer } of outcomes) {
    const { act } = transaction
    if (code !== 'OK') continue
    if (act.type === 'erase') orders.set(tx, { placed: { sequence, index }, time, attestations: [] })
    if (act.type !== 'erasure-attest' || signer.node === undefined) continue
    const before = orders.get(act.order) ?? (await orderRecord(store, act.order))
    invariant(before !== undefined, 'an attestation of an order that is not known was accepted')
    const attestation = attestationOf(signer.node, sequence, tx, act)
    orders.set(act.order, { ...before, attestations: [...before.attestations, attestation] })
  }
  for (const [order, value] of orders) records.push({ key: orderKey(order), value: encode(orderSchema, value) })
  return records
}
