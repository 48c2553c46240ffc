// Identifiers: branded so that no two kinds can be mixed up, one constructor each. In memory an identifier of bytes is
// lower-case hexadecimal (it compares with === and is a Map key); on the wire and on disk it is the bytes themselves.

import { fromHex, toHex } from './bytes.ts'

declare const brand: unique symbol
/** Brands add up: a View is also a Round, and never a Term. */
export type Branded<T, Name extends string> = T & { readonly [brand]: { readonly [Each in Name]: true } }

/** SHA-256 of something under a domain tag: 32 bytes. */
export type Digest = Branded<string, 'Digest'>
/** Hash of the genesis content: the ledger's name, 32 bytes. */
export type LedgerId = Branded<string, 'LedgerId'>
/** Random name of a node, stable over key changes: 16 bytes. */
export type NodeId = Branded<string, 'NodeId'>
/** H('key', Ed25519 public key): 32 bytes. */
export type KeyId = Branded<string, 'KeyId'>
/** H(ledger, key id, client sequence): 32 bytes. */
export type TxId = Branded<string, 'TxId'>
/** H('item', txId, index): 32 bytes. */
export type ItemId = Branded<string, 'ItemId'>
/** First 16 bytes of H('graph', graph IRI). */
export type GraphId = Branded<string, 'GraphId'>
/** First 16 bytes of H('policy', policy name). */
export type PolicyId = Branded<string, 'PolicyId'>
/** Short name of an organisation, as in its genesis: 1 to 32 of a-z, 0-9 and '-', a letter first. */
export type OrganisationId = Branded<string, 'OrganisationId'>
/** Position in the agreed order and, after delivery, height in the chain. The genesis is 0, the first block 1. */
export type Sequence = Branded<number, 'Sequence'>
/** Period with one validator set, from 0. */
export type Epoch = Branded<number, 'Epoch'>
/** The contract's word for PBFT's view (and Raft's term). */
export type Round = Branded<number, 'Round'>
/** PBFT's view. */
export type View = Branded<Round, 'View'>
/** Raft's term. */
export type Term = Branded<Round, 'Term'>
/** Milliseconds since 1970-01-01T00:00:00Z, whole. */
export type Time = Branded<number, 'Time'>

function hexId<Id extends string>(name: string, byteLength: number): (value: string | Uint8Array) => Id {
  const pattern = new RegExp(`^[0-9a-f]{${2 * byteLength}}$`)
  return (value) => {
    const fits = typeof value === 'string' ? pattern.test(value) : value.length === byteLength
    if (!fits) throw new RangeError(`${name}: expected ${byteLength} bytes in lower-case hexadecimal`)
    return (typeof value === 'string' ? value : toHex(value)) as Id
  }
}

function counter<Id extends number>(name: string): (value: number) => Id {
  return (value) => {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name}: expected a safe integer from 0`)
    return value as Id
  }
}

export const digestOf: (value: string | Uint8Array) => Digest = hexId('Digest', 32)
export const ledgerIdOf: (value: string | Uint8Array) => LedgerId = hexId('LedgerId', 32)
export const nodeIdOf: (value: string | Uint8Array) => NodeId = hexId('NodeId', 16)
export const keyIdOf: (value: string | Uint8Array) => KeyId = hexId('KeyId', 32)
export const txIdOf: (value: string | Uint8Array) => TxId = hexId('TxId', 32)
export const itemIdOf: (value: string | Uint8Array) => ItemId = hexId('ItemId', 32)
export const graphIdOf: (value: string | Uint8Array) => GraphId = hexId('GraphId', 16)
export const policyIdOf: (value: string | Uint8Array) => PolicyId = hexId('PolicyId', 16)
export const sequenceOf: (value: number) => Sequence = counter('Sequence')
export const epochOf: (value: number) => Epoch = counter('Epoch')
export const viewOf: (value: number) => View = counter('View')
export const timeOf: (value: number) => Time = counter('Time')

export function organisationIdOf(value: string): OrganisationId {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(value)) {
    throw new RangeError('OrganisationId: expected 1 to 32 of a-z, 0-9 and "-", a letter first')
  }
  return value as OrganisationId
}

/** The bytes of an identifier that is hexadecimal in memory. */
export function idBytes(id: Digest | LedgerId | NodeId | KeyId | TxId | ItemId | GraphId | PolicyId): Uint8Array {
  return fromHex(id)
}
