// The state of the ledger: one table for each kind of record, and one hash over all. No RDF, no payload, no node-local
// number ever stands here. What transactions do to it stands in delivery.ts.

import { InvariantError } from '../base/errors.ts'
import {
  type Digest,
  type GraphId,
  type ItemId,
  itemIdOf,
  type KeyId,
  type NodeId,
  type OrganisationId,
  type PolicyId,
  type Sequence,
  type TxId,
  txIdOf,
} from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { Frontier } from '../base/merkle.ts'
import { bytes, bytesUpTo, id, list, named, record, type Schema, text, uint } from '../base/schema.ts'
import { type FaultModel, faultModelOf } from '../consensus/quorum.ts'
import { type Anchor, anchorSchema } from './anchor.ts'
import { Buckets, bucketCount, type StateRecord } from './buckets.ts'
import { nodeListSchema } from './erasure-acts.ts'
import { type LedgerParameters, parametersSchema, type Thresholds, thresholdsSchema } from './genesis.ts'
import {
  type Announcement,
  announcementSchema,
  type Conviction,
  convictionSchema,
  type Governance,
  governanceSchema,
  type KeyTerm,
  keyTermSchema,
  type Planned,
  plannedNodeSchema,
  plannedOrganisationSchema,
  ungoverned,
} from './governance-records.ts'
import {
  type Graph,
  graphSchema,
  type Node,
  nodeSchema,
  type Organisation,
  organisationIdSchema,
  organisationSchema,
  type Policy,
  policySchema,
} from './records.ts'
import { hexIds, type StateChange, Table, textIds } from './table.ts'
import { type GraphRight, graphRightSchema } from './transaction.ts'
import { type SequenceWindow, sequenceWindowSchema } from './window.ts'

/** What acts of governance can change about the ledger as a whole. */
export interface Rules {
  readonly rulesVersion: number
  readonly thresholds: Thresholds
  readonly parameters: LedgerParameters
}

/** An application key, enrolled. It stays when it is revoked, so that it can never come back. */
export interface ApplicationKey {
  readonly key: Uint8Array
  readonly organisation: OrganisationId
  readonly name: string
  readonly rights: readonly GraphRight[]
  readonly enrolled: Sequence
  /** The height that ended it, if one did. */
  readonly revoked: readonly Sequence[]
}

/** The last height that changed a graph. */
export interface GraphVersion {
  readonly version: Sequence
}

export const rulesSchema: Schema<Rules> = named(
  'rules',
  record<Rules>({ rulesVersion: uint(), thresholds: thresholdsSchema, parameters: parametersSchema }),
)

export const applicationKeySchema: Schema<ApplicationKey> = named(
  'application-key',
  record<ApplicationKey>({
    key: bytes(32),
    organisation: organisationIdSchema,
    name: text(limits.nameBytesMax),
    rights: list(graphRightSchema, limits.rightsPerKeyMax),
    enrolled: uint<Sequence>(),
    revoked: list(uint<Sequence>(), 1),
  }),
)

export const graphVersionSchema: Schema<GraphVersion> = named(
  'graph-version',
  record<GraphVersion>({ version: uint<Sequence>() }),
)

/** An order of erasure, and how far it is. */
export interface ErasureOrder {
  readonly organisation: OrganisationId
  readonly height: Sequence
  /** Items that this order was the first to erase. */
  readonly erased: number
  /** In ascending order. */
  readonly obliged: readonly NodeId[]
  readonly attested: readonly NodeId[]
}

export interface Hold {
  readonly organisation: OrganisationId
  readonly items: readonly ItemId[]
  /** The height that lifted it, if one did. */
  readonly lifted: readonly Sequence[]
}

/** The holds that an item is under. */
export interface HeldItem {
  readonly holds: readonly TxId[]
}

/** The right edge of the tree of erased ids, as base/merkle.ts writes it. */
export interface Erasures {
  readonly frontier: Uint8Array
}

export const erasureOrderSchema: Schema<ErasureOrder> = named(
  'erasure-order',
  record<ErasureOrder>({
    organisation: organisationIdSchema,
    height: uint<Sequence>(),
    erased: uint(limits.placesPerActMax),
    obliged: nodeListSchema,
    attested: nodeListSchema,
  }),
)

export const holdSchema: Schema<Hold> = named(
  'hold',
  record<Hold>({
    organisation: organisationIdSchema,
    items: list(id(32, itemIdOf), limits.placesPerActMax),
    lifted: list(uint<Sequence>(), 1),
  }),
)

export const heldItemSchema: Schema<HeldItem> = named(
  'held-item',
  record<HeldItem>({ holds: list(id(32, txIdOf), limits.holdsPerItemMax) }),
)

/** At most 53 hashes of 32 bytes, and the size. */
export const erasuresSchema: Schema<Erasures> = named('erasures', record<Erasures>({ frontier: bytesUpTo(2048) }))

/** First bytes of the keys of records that are told apart. */
const recordKinds = { organisations: 2, nodes: 3 } as const

/** Whether it is of an organisation or a node. */
export function isMemberRecord({ key }: StateRecord): boolean {
  return key[0] === recordKinds.organisations || key[0] === recordKinds.nodes
}

export class State {
  /** What the genesis' protocol bears: no record, it never changes. */
  faults: FaultModel = 'byzantine'
  readonly #buckets = new Buckets()
  /** One record, under the name 'rules'. */
  readonly #rules: Table<'rules', Rules> = new Table(this.#buckets, 1, textIds, rulesSchema)
  readonly organisations: Table<OrganisationId, Organisation> = new Table(
    this.#buckets,
    recordKinds.organisations,
    textIds,
    organisationSchema,
  )
  readonly nodes: Table<NodeId, Node> = new Table(this.#buckets, recordKinds.nodes, hexIds, nodeSchema)
  readonly applicationKeys: Table<KeyId, ApplicationKey> = new Table(this.#buckets, 4, hexIds, applicationKeySchema)
  /** Of application keys and of organisation keys; none for a key that signed nothing yet. */
  readonly windows: Table<KeyId, SequenceWindow> = new Table(this.#buckets, 5, hexIds, sequenceWindowSchema)
  readonly policies: Table<PolicyId, Policy> = new Table(this.#buckets, 6, hexIds, policySchema)
  readonly graphs: Table<GraphId, Graph> = new Table(this.#buckets, 7, hexIds, graphSchema)
  readonly versions: Table<GraphId, GraphVersion> = new Table(this.#buckets, 8, hexIds, graphVersionSchema)
  readonly orders: Table<TxId, ErasureOrder> = new Table(this.#buckets, 9, hexIds, erasureOrderSchema)
  readonly holds: Table<TxId, Hold> = new Table(this.#buckets, 10, hexIds, holdSchema)
  readonly heldItems: Table<ItemId, HeldItem> = new Table(this.#buckets, 11, hexIds, heldItemSchema)
  /** One record, from the first erasure on. */
  readonly #erasures: Table<'erasures', Erasures> = new Table(this.#buckets, 12, textIds, erasuresSchema)
  /** One record, from the first act of governance on. */
  readonly #governance: Table<'governance', Governance> = new Table(this.#buckets, 13, textIds, governanceSchema)
  /** Keys of members and nodes that began or ended by an act. */
  readonly keyTerms: Table<KeyId, KeyTerm> = new Table(this.#buckets, 14, hexIds, keyTermSchema)
  readonly plannedOrganisations: Table<OrganisationId, Planned<Organisation>> = new Table(
    this.#buckets,
    15,
    textIds,
    plannedOrganisationSchema,
  )
  readonly plannedNodes: Table<NodeId, Planned<Node>> = new Table(this.#buckets, 16, hexIds, plannedNodeSchema)
  readonly announcements: Table<NodeId, Announcement> = new Table(this.#buckets, 17, hexIds, announcementSchema)
  /** They stay when the node leaves. */
  readonly convictions: Table<NodeId, Conviction> = new Table(this.#buckets, 18, hexIds, convictionSchema)
  readonly anchors: Table<NodeId, Anchor> = new Table(this.#buckets, 19, hexIds, anchorSchema)

  readonly #tables = [
    this.#rules,
    this.organisations,
    this.nodes,
    this.applicationKeys,
    this.windows,
    this.policies,
    this.graphs,
    this.versions,
    this.orders,
    this.holds,
    this.heldItems,
    this.#erasures,
    this.#governance,
    this.keyTerms,
    this.plannedOrganisations,
    this.plannedNodes,
    this.announcements,
    this.convictions,
    this.anchors,
  ] as const

  /** The protocol that the genesis names. */
  under(protocol: string): this {
    this.faults = faultModelOf(protocol)
    return this
  }

  get rules(): Rules {
    const rules = this.#rules.get('rules')
    if (rules === undefined) throw new InvariantError('a state without rules')
    return rules
  }

  set rules(rules: Rules) {
    this.#rules.set('rules', rules)
  }

  get erasures(): Erasures {
    return this.#erasures.get('erasures') ?? { frontier: new Frontier().toBytes() }
  }

  set erasures(erasures: Erasures) {
    this.#erasures.set('erasures', erasures)
  }

  get governance(): Governance {
    return this.#governance.get('governance') ?? ungoverned
  }

  set governance(governance: Governance) {
    this.#governance.set('governance', governance)
  }

  /** Takes a stored record. @throws InvariantError for a kind that these rules do not know. */
  load({ key, value }: StateRecord): void {
    const table = this.#tables.find(({ kind }) => kind === key[0])
    if (table === undefined) throw new InvariantError(`a state record of kind ${key[0]}`)
    table.load(key, value)
  }

  /** What changed since the last flush, each record once. */
  flush(): readonly StateChange[] {
    const changes: StateChange[] = []
    for (const table of this.#tables) table.flush(changes)
    return changes
  }

  /** Hash of everything that was flushed. */
  hash(): Digest {
    return this.#buckets.hash()
  }

  /** The hashes of all buckets; `hash` is over them. */
  bucketHashes(): Uint8Array {
    return this.#buckets.hashes()
  }

  bucketRecords(bucket: number): readonly StateRecord[] {
    return this.#buckets.records(bucket)
  }

  *records(): IterableIterator<StateRecord> {
    for (let bucket = 0; bucket < bucketCount; bucket++) yield* this.#buckets.records(bucket)
  }
}
