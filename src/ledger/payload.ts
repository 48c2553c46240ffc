// The sealed payload of a transaction: per item what it asserts and, apart from that, what it retracts, each with the
// opening of its commitment. Assertions can be erased; retractions hold no content and survive.

import { type ItemId, itemIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, bytesUpTo, id, list, named, record, type Schema, text, uint, variant } from '../base/schema.ts'

/** A term as it stands in an item. A blank node is a number and becomes a Skolem IRI with the item's random bytes. */
export type ItemTerm =
  | { readonly type: 'iri'; readonly value: string }
  | { readonly type: 'blank'; readonly number: number }
  | { readonly type: 'literal'; readonly value: string; readonly datatype: string }
  | { readonly type: 'language'; readonly value: string; readonly language: string }

/** Places of subject, predicate and object in the item's terms. A triple's own place is its row. */
export interface ItemTriple {
  readonly subject: number
  readonly predicate: number
  readonly object: number
}

export interface Assertions {
  /** 16 random bytes, the same in all items of a transaction. */
  readonly skolem: Uint8Array
  /** IRIs of the data subjects whose item this is; none for an item that concerns nobody. */
  readonly subjects: readonly string[]
  readonly terms: readonly ItemTerm[]
  readonly triples: readonly ItemTriple[]
}

/** Rows of an earlier item of the same graph and audience that no longer hold. */
export interface Retraction {
  readonly item: ItemId
  readonly rows: readonly number[]
}

export interface Retractions {
  readonly retractions: readonly Retraction[]
}

/** One part of an item as it travels and is sealed at rest: its padded encoding, and what opens its commitment. */
export interface Part {
  /** 64 random bytes. */
  readonly opening: Uint8Array
  /** Encoded Assertions or Retractions, a byte 0x80, zeros up to a power of two (ISO/IEC 7816-4 padding). */
  readonly padded: Uint8Array
}

export interface ItemPayload {
  readonly assertions: Part
  readonly retractions: Part
}

/** One entry for each item of the transaction, in order. */
export interface Payload {
  readonly items: readonly ItemPayload[]
}

const termSchema: Schema<ItemTerm> = named(
  'term',
  variant<ItemTerm>({
    iri: [1, { value: text(limits.iriBytesMax) }],
    blank: [2, { number: uint(limits.termsPerItemMax) }],
    literal: [3, { value: text(limits.literalBytesMax), datatype: text(limits.iriBytesMax) }],
    language: [4, { value: text(limits.literalBytesMax), language: text(64) }],
  }),
)

const place = uint(limits.termsPerItemMax)

export const assertionsSchema: Schema<Assertions> = named(
  'assertions',
  record<Assertions>({
    skolem: bytes(16),
    subjects: list(text(limits.iriBytesMax), limits.subjectsPerItemMax),
    terms: list(termSchema, limits.termsPerItemMax),
    triples: list(record<ItemTriple>({ subject: place, predicate: place, object: place }), limits.termsPerItemMax),
  }),
)

export const retractionsSchema: Schema<Retractions> = named(
  'retractions',
  record<Retractions>({
    retractions: list(
      named('retraction', record<Retraction>({ item: id(32, itemIdOf), rows: list(place, limits.termsPerItemMax, 1) })),
      limits.termsPerItemMax,
    ),
  }),
)

export const partSchema: Schema<Part> = named(
  'part',
  record<Part>({ opening: bytes(64), padded: bytesUpTo(limits.itemBytesMax) }),
)

export const itemPayloadSchema: Schema<ItemPayload> = named(
  'item-payload',
  record<ItemPayload>({ assertions: partSchema, retractions: partSchema }),
)

export const payloadSchema: Schema<Payload> = named(
  'payload',
  record<Payload>({ items: list(itemPayloadSchema, limits.itemsPerTransactionMax, 1) }),
)
