// Erasure as rules: who may order it, what stands in its way, and who must attest. Items are named by place, and their
// public headers are read from the blocks that every node keeps; the state holds no table of items, only holds, orders and
// the right edge of the append-only tree of erased ids (RFC 6962), whose root is the erasure root.

import type { ErrorCode } from '../base/errors.ts'
import { keyId } from '../base/hash.ts'
import { type ItemId, idBytes, type NodeId, type OrganisationId, type Sequence, type TxId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { Frontier, leafHash } from '../base/merkle.ts'
import { verify } from '../base/signature.ts'
import type { Moment, Signer } from './delivery.ts'
import { approvalBytes, type ErasureAct, type ItemPlace } from './erasure-acts.ts'
import type { ApplicationKey, State } from './state.ts'
import { type ItemHeader, type Transaction, txIdOfKey } from './transaction.ts'

/** An item of a transaction whose outcome was OK. */
export interface PlacedItem {
  readonly item: ItemId
  readonly header: ItemHeader
  /** Whether an earlier block erased it. */
  readonly erased: boolean
}

/**
 * The public header of the item at (sequence, place of the transaction, index), read from the blocks that every node keeps.
 * Synchronous, and the same on every node: only blocks below the one under way are asked for. Undefined where no item
 * stands, or one whose transaction did not end with OK: whoever reads blocks must keep their outcomes beside them.
 */
export type ItemReader = (place: ItemPlace) => PlacedItem | undefined

/** A tombstone: from the height of the order on, the item answers ITEM_ERASED. */
export interface Tombstone {
  readonly item: ItemId
  readonly order: TxId
}

export type ErasureActOf<Type extends ErasureAct['type']> = Extract<ErasureAct, { readonly type: Type }>

/** Whether this key may speak for its organisation about erasing items of such headers. */
function mayErase(key: ApplicationKey | undefined, { graph }: ItemHeader): boolean {
  return (
    key !== undefined &&
    key.revoked.length === 0 &&
    key.rights.some((each) => each.graph === graph && each.right === 'erase')
  )
}

/** What keeps the items from being ordered about by this signer; undefined when nothing does. */
function placesFault(
  state: State,
  signer: Signer,
  places: readonly ItemPlace[],
  read: ItemReader,
  moment: Moment,
): ErrorCode | undefined {
  for (const place of places) {
    const found = place.sequence < moment.sequence ? read(place) : undefined
    if (found === undefined) return 'ITEM_UNKNOWN'
    if (!mayErase(signer.application, found.header)) return 'NOT_PERMITTED'
    if (state.policies.get(found.header.policy)?.controller !== signer.organisation) return 'NOT_CONTROLLER'
  }
  return undefined
}

export function eraseFault(
  state: State,
  signer: Signer,
  { ledger, sequence }: Transaction,
  act: ErasureActOf<'erase'>,
  read: ItemReader,
  moment: Moment,
): ErrorCode | undefined {
  const { items, reason, reference, approval } = act
  const fault = placesFault(state, signer, items, read, moment)
  if (fault !== undefined) return fault
  const approver = state.applicationKeys.get(keyId(approval.key))
  const headers = items.flatMap((place) => read(place)?.header ?? [])
  if (
    keyId(approval.key) === signer.key ||
    approver?.organisation !== signer.organisation ||
    !headers.every((header) => mayErase(approver, header))
  ) {
    return 'APPROVAL_MISSING'
  }
  const statement = approvalBytes({ ledger, order: txIdOfKey(ledger, signer.key, sequence), items, reason, reference })
  if (!verify('erasure-approval', statement, approval.signature, approval.key)) return 'SIGNATURE_INVALID'
  return items.some((place) => holdsOf(state, read(place)?.item).length > 0) ? 'LEGAL_HOLD' : undefined
}

/** Tombstones of what was not erased before; a repeated order is carried out again and erases nothing. */
export function erase(
  state: State,
  order: TxId,
  signer: Signer,
  places: readonly ItemPlace[],
  read: ItemReader,
  moment: Moment,
): readonly Tombstone[] {
  const { erasures } = state
  const frontier = Frontier.fromBytes(erasures.frontier)
  const tombstones: Tombstone[] = []
  for (const place of places) {
    const found = read(place)
    if (found === undefined || found.erased) continue
    frontier.append(leafHash(idBytes(found.item)))
    tombstones.push({ item: found.item, order })
  }
  if (tombstones.length > 0) state.erasures = { frontier: frontier.toBytes() }
  state.orders.set(order, {
    organisation: signer.organisation as OrganisationId,
    height: moment.sequence,
    erased: tombstones.length,
    obliged: state.nodes.values().map(({ id }) => id),
    attested: [],
  })
  return tombstones
}

export function holdFault(
  state: State,
  signer: Signer,
  act: ErasureActOf<'hold'>,
  read: ItemReader,
  moment: Moment,
): ErrorCode | undefined {
  const fault = placesFault(state, signer, act.items, read, moment)
  if (fault !== undefined) return fault
  const full = act.items.some((place) => holdsOf(state, read(place)?.item).length >= limits.holdsPerItemMax)
  return full ? 'TOO_LARGE' : undefined
}

export function placeHold(
  state: State,
  hold: TxId,
  signer: Signer,
  places: readonly ItemPlace[],
  read: ItemReader,
): void {
  const items = places.flatMap((place) => read(place)?.item ?? [])
  state.holds.set(hold, { organisation: signer.organisation as OrganisationId, items, lifted: [] })
  for (const item of items) {
    state.heldItems.set(item, { holds: [...holdsOf(state, item), hold] })
  }
}

export function liftFault(state: State, { organisation, application }: Signer, hold: TxId): ErrorCode | undefined {
  const placed = state.holds.get(hold)
  if (placed === undefined || placed.lifted.length > 0) return 'HOLD_UNKNOWN'
  if (application === undefined || !application.rights.some(({ right }) => right === 'erase')) return 'NOT_PERMITTED'
  return placed.organisation === organisation ? undefined : 'NOT_CONTROLLER'
}

export function liftHold(state: State, id: TxId, { sequence }: Moment): void {
  const hold = state.holds.get(id)
  if (hold === undefined) return
  state.holds.set(id, { ...hold, lifted: [sequence] })
  for (const item of hold.items) {
    state.heldItems.set(item, { holds: holdsOf(state, item).filter((each) => each !== id) })
  }
}

function holdsOf(state: State, item: ItemId | undefined): readonly TxId[] {
  return item === undefined ? [] : (state.heldItems.get(item)?.holds ?? [])
}

/**
 * A node attests once for each order that obliges it, and only when it found nothing. One that held no copy has noted no
 * probes and says so: it came later, and took the items without what was erased.
 */
export function attestFault(
  state: State,
  node: NodeId | undefined,
  { order, counts }: ErasureActOf<'erasure-attest'>,
): ErrorCode | undefined {
  if (node === undefined) return 'NOT_PERMITTED'
  const ordered = state.orders.get(order)
  if (ordered === undefined) return 'ORDER_UNKNOWN'
  if (!ordered.obliged.includes(node)) return 'NOT_PERMITTED'
  if (ordered.attested.includes(node)) return 'ATTESTED_BEFORE'
  return counts.hits === 0 ? undefined : 'PURGE_INCOMPLETE'
}

export function attest(state: State, node: NodeId, id: TxId): void {
  const order = state.orders.get(id)
  if (order !== undefined) state.orders.set(id, { ...order, attested: [...order.attested, node].sort() })
}

/** Orders that this node, or without one any obliged node, has not attested yet, in ascending order of ids. */
export function owedAttestations(state: State, node: NodeId | undefined): readonly TxId[] {
  return state.orders.entries().flatMap(([id, { obliged, attested }]) => {
    const owing = obliged.filter((each) => !attested.includes(each))
    return (node === undefined ? owing.length > 0 : owing.includes(node)) ? [id] : []
  })
}

/** Where an order stands: complete when every obliged node attested, else partial and naming those that did not. */
export interface ErasureProgress {
  readonly type: 'complete' | 'partial'
  readonly organisation: OrganisationId
  readonly height: Sequence
  /** Items that this order was the first to erase. */
  readonly erased: number
  readonly obliged: readonly NodeId[]
  readonly missing: readonly NodeId[]
}

export function erasureProgress(state: State, order: TxId): ErasureProgress | undefined {
  const found = state.orders.get(order)
  if (found === undefined) return undefined
  const missing = found.obliged.filter((node) => !found.attested.includes(node))
  const { organisation, height, erased, obliged } = found
  return { type: missing.length === 0 ? 'complete' : 'partial', organisation, height, erased, obliged, missing }
}
