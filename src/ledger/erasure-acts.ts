// The acts of erasure: formats only; erasure.ts has the rules. They name items by where they stand, never by whom they
// concern: an order may gather the items of several cases, so that a list does not group one person.

import {
  type LedgerId,
  ledgerIdOf,
  type NodeId,
  nodeIdOf,
  type Sequence,
  type Time,
  type TxId,
  txIdOf,
} from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, encode, id, list, named, record, type Schema, text, timestamp, uint, word } from '../base/schema.ts'

/** Where an item stands: height, place of its transaction in the block, place of the item in the transaction. */
export interface ItemPlace {
  readonly sequence: Sequence
  readonly transaction: number
  readonly index: number
}

/** Letters of GDPR, article 17(1); the end of a policy's period; a value that was replaced; or what the case file says. */
export type ErasureReason =
  | 'art17-1-a'
  | 'art17-1-b'
  | 'art17-1-c'
  | 'art17-1-d'
  | 'art17-1-e'
  | 'art17-1-f'
  | 'retention'
  | 'rectification'
  | 'other'

/** The second pair of eyes: another key of the controller, over approvalBytes. */
export interface Approval {
  readonly key: Uint8Array
  readonly signature: Uint8Array
}

/** What a node found when it searched its files for what had to be gone. */
export interface PurgeCounts {
  readonly files: number
  readonly bytes: number
  /** Byte strings noted before the purge, and how many of them were still found. */
  readonly probes: number
  readonly hits: number
}

export type ErasureAct =
  /** Orders the erasure of items that the signing organisation controls. */
  | {
      readonly type: 'erase'
      /** In ascending order. */
      readonly items: readonly ItemPlace[]
      readonly reason: ErasureReason
      /** 16 random bytes that the controller's case file knows. */
      readonly reference: Uint8Array
      readonly approval: Approval
    }
  /** A node says that it carried an order out. Signed with its consensus key. */
  | {
      readonly type: 'erasure-attest'
      readonly order: TxId
      readonly counts: PurgeCounts
      /** SHA-256 of the software that did it. */
      readonly software: Uint8Array
      /** Unlock provider, which decides what an old disk image could still open. */
      readonly unlock: string
      /** When the last backup that may hold the items ends. */
      readonly backupsEnd: Time
    }
  /** Keeps items from being erased until the hold is lifted. */
  | { readonly type: 'hold'; readonly items: readonly ItemPlace[]; readonly reference: Uint8Array }
  /** Lifts a hold: the transaction that placed it. */
  | { readonly type: 'hold-lift'; readonly hold: TxId }

export const placeSchema: Schema<ItemPlace> = named(
  'item-place',
  record<ItemPlace>({
    sequence: uint<Sequence>(),
    transaction: uint(limits.batchTransactionsMax),
    index: uint(limits.itemsPerTransactionMax),
  }),
)

const placesSchema: Schema<readonly ItemPlace[]> = list(placeSchema, limits.placesPerActMax, 1)

export const reasonSchema: Schema<ErasureReason> = word(
  'art17-1-a',
  'art17-1-b',
  'art17-1-c',
  'art17-1-d',
  'art17-1-e',
  'art17-1-f',
  'retention',
  'rectification',
  'other',
)

export const approvalSchema: Schema<Approval> = named(
  'approval',
  record<Approval>({ key: bytes(32), signature: bytes(64) }),
)

export const countsSchema: Schema<PurgeCounts> = named(
  'purge-counts',
  record<PurgeCounts>({ files: uint(), bytes: uint(), probes: uint(), hits: uint() }),
)

type FieldsOf<Type extends ErasureAct['type']> = {
  readonly [Name in Exclude<keyof Extract<ErasureAct, { type: Type }>, 'type'>]: Schema<
    Extract<ErasureAct, { type: Type }>[Name]
  >
}

/** For actSchema: number and fields of each. */
export const erasureActs: { readonly [Type in ErasureAct['type']]: readonly [number, FieldsOf<Type>] } = {
  erase: [10, { items: placesSchema, reason: reasonSchema, reference: bytes(16), approval: approvalSchema }],
  'erasure-attest': [
    11,
    {
      order: id(32, txIdOf),
      counts: countsSchema,
      software: bytes(32),
      unlock: text(32),
      backupsEnd: timestamp,
    },
  ],
  hold: [12, { items: placesSchema, reference: bytes(16) }],
  'hold-lift': [13, { hold: id(32, txIdOf) }],
}

/** What the approving key signs, in domain erasure-approval: this order of this signer and no other. */
export interface ApprovalStatement {
  readonly ledger: LedgerId
  readonly order: TxId
  readonly items: readonly ItemPlace[]
  readonly reason: ErasureReason
  readonly reference: Uint8Array
}

export const approvalStatementSchema: Schema<ApprovalStatement> = named(
  'approval-statement',
  record<ApprovalStatement>({
    ledger: id(32, ledgerIdOf),
    order: id(32, txIdOf),
    items: placesSchema,
    reason: reasonSchema,
    reference: bytes(16),
  }),
)

export function approvalBytes(statement: ApprovalStatement): Uint8Array {
  return encode(approvalStatementSchema, statement)
}

/** Whether places stand in ascending order, each once: the one form of a set of them. */
export function areOrderedPlaces(places: readonly ItemPlace[]): boolean {
  return places.every((place, index) => {
    const before = places[index - 1]
    return before === undefined || comparePlaces(before, place) < 0
  })
}

export function comparePlaces(a: ItemPlace, b: ItemPlace): number {
  return a.sequence - b.sequence || a.transaction - b.transaction || a.index - b.index
}

/** Nodes that an order obliges. */
export const nodeListSchema: Schema<readonly NodeId[]> = list(id(16, nodeIdOf), limits.validatorsMax)
