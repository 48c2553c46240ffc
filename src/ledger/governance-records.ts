// What the state holds about governance: how far it is, what is planned, and from when to when each key of a member or node
// was in force. None of these records exists before the first act of governance.

import { type Epoch, type NodeId, nodeIdOf, type OrganisationId, type Sequence } from '../base/ids.ts'
import { id, list, named, record, type Schema, uint, word } from '../base/schema.ts'
import { type LedgerParameters, parametersSchema, type Thresholds, thresholdsSchema } from './genesis.ts'
import { type Node, nodeSchema, type Organisation, organisationIdSchema, organisationSchema } from './records.ts'

/** A version of the rules that comes into force with the block at `height`. */
export interface Activation {
  readonly version: number
  readonly height: Sequence
}

export interface Governance {
  /** Proposals carried out so far. */
  readonly proposals: number
  readonly epoch: Epoch
  /** The last height of the epoch, once something is planned that ends it. */
  readonly ends: readonly Sequence[]
  /** In force from the next epoch on. */
  readonly thresholds: readonly Thresholds[]
  readonly parameters: readonly LedgerParameters[]
  readonly activation: readonly Activation[]
}

/** For whoever drafts the next proposal. */
export interface GovernanceStatus {
  readonly number: number
  readonly ends: Sequence | undefined
  readonly activation: Activation | undefined
}

/** Before the first act of governance. */
export const ungoverned: Governance = {
  proposals: 0,
  epoch: 0 as Epoch,
  ends: [],
  thresholds: [],
  parameters: [],
  activation: [],
}

export type KeyUse = 'organisation' | 'consensus' | 'transport' | 'checkpoint'

/** When a key is in force. It stays known for ever, so that it can never come back. */
export interface KeyTerm {
  readonly organisation: OrganisationId
  /** The node whose key it is; none for an organisation's. */
  readonly node: readonly NodeId[]
  readonly use: KeyUse
  /** The first height at which it signs; 0: from the genesis on. */
  readonly from: Sequence
  /** The last one, if it ends. */
  readonly until: readonly Sequence[]
}

/** How an organisation or node is to be from the next epoch on; none: it leaves. */
export interface Planned<T> {
  readonly record: readonly T[]
}

/** Up to which version the software of a node knows the rules. */
export interface Announcement {
  readonly version: number
}

/** A validator contradicted itself, the last time in this epoch. */
export interface Conviction {
  readonly epoch: Epoch
  /** The height that took the evidence. */
  readonly height: Sequence
}

export const governanceSchema: Schema<Governance> = named(
  'governance',
  record<Governance>({
    proposals: uint(),
    epoch: uint<Epoch>(),
    ends: list(uint<Sequence>(), 1),
    thresholds: list(thresholdsSchema, 1),
    parameters: list(parametersSchema, 1),
    activation: list(record<Activation>({ version: uint(), height: uint<Sequence>() }), 1),
  }),
)

export const keyTermSchema: Schema<KeyTerm> = named(
  'key-term',
  record<KeyTerm>({
    organisation: organisationIdSchema,
    node: list(id(16, nodeIdOf), 1),
    use: word('organisation', 'consensus', 'transport', 'checkpoint'),
    from: uint<Sequence>(),
    until: list(uint<Sequence>(), 1),
  }),
)

export const plannedOrganisationSchema: Schema<Planned<Organisation>> = named(
  'planned-organisation',
  record<Planned<Organisation>>({ record: list(organisationSchema, 1) }),
)

export const plannedNodeSchema: Schema<Planned<Node>> = named(
  'planned-node',
  record<Planned<Node>>({ record: list(nodeSchema, 1) }),
)

export const announcementSchema: Schema<Announcement> = named('announcement', record<Announcement>({ version: uint() }))

export const convictionSchema: Schema<Conviction> = named(
  'conviction',
  record<Conviction>({ epoch: uint<Epoch>(), height: uint<Sequence>() }),
)
