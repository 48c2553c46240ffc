// What the ledger's state is made of: organisations, nodes, application keys, policies and graphs, as they stand in a
// genesis, in acts and in the state itself.

import { type NodeId, nodeIdOf, type OrganisationId, organisationIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, id, list, named, record, type Schema, text, uint, word } from '../base/schema.ts'

export interface Organisation {
  readonly id: OrganisationId
  /** As people know it. */
  readonly name: string
  /** Ed25519 public key that signs governance; its private half stays offline. */
  readonly key: Uint8Array
}

/** Public keys of a node: 32 bytes each. */
export interface NodeKeys {
  /** Ed25519, signs votes and results. */
  readonly consensus: Uint8Array
  /** Ed25519, its libp2p identity. */
  readonly transport: Uint8Array
  /** X25519, for payloads addressed to this node. */
  readonly payload: Uint8Array
  /** Ed25519, signs log checkpoints and nothing else. */
  readonly checkpoint: Uint8Array
}

export interface Node {
  readonly id: NodeId
  readonly organisation: OrganisationId
  /** As people know it, for example acme-1. */
  readonly name: string
  readonly role: 'validator' | 'learner'
  readonly keys: NodeKeys
  /** Multiaddresses where others reach it. */
  readonly addresses: readonly string[]
}

export type PolicyClass = 'open' | 'personal' | 'confidential'

export interface Policy {
  /** Its id is a hash of this. */
  readonly name: string
  readonly controller: OrganisationId
  readonly purpose: string
  readonly legalBasis: string
  /** Days after which an item is due for erasure; 0: no period. */
  readonly retentionDays: number
  readonly class: PolicyClass
  /** Organisations that hold the payload; none listed: all. */
  readonly audience: readonly OrganisationId[]
  readonly algorithm: 'sha256' | 'pedersen'
  readonly carriage: 'proposal' | 'receipts'
}

export interface Graph {
  /** Its id is a hash of this. */
  readonly iri: string
  readonly owner: OrganisationId
  /** Name of the policy that its items have unless they say otherwise. */
  readonly policy: string
  /** Organisations whose applications may write; none listed: all. */
  readonly writers: readonly OrganisationId[]
}

export const organisationIdSchema: Schema<OrganisationId> = text(32, organisationIdOf)

export const organisationSchema: Schema<Organisation> = named(
  'organisation',
  record<Organisation>({ id: organisationIdSchema, name: text(limits.nameBytesMax), key: bytes(32) }),
)

export const nodeKeysSchema: Schema<NodeKeys> = named(
  'node-keys',
  record<NodeKeys>({ consensus: bytes(32), transport: bytes(32), payload: bytes(32), checkpoint: bytes(32) }),
)

export const nodeSchema: Schema<Node> = named(
  'node',
  record<Node>({
    id: id(16, nodeIdOf),
    organisation: organisationIdSchema,
    name: text(limits.nameBytesMax),
    role: word('validator', 'learner'),
    keys: nodeKeysSchema,
    addresses: list(text(limits.iriBytesMax), limits.addressesPerNodeMax),
  }),
)

export const policySchema: Schema<Policy> = named(
  'policy',
  record<Policy>({
    name: text(limits.nameBytesMax),
    controller: organisationIdSchema,
    purpose: text(limits.iriBytesMax),
    legalBasis: text(limits.nameBytesMax),
    retentionDays: uint(36_500),
    class: word('open', 'personal', 'confidential'),
    audience: list(organisationIdSchema, limits.validatorsMax),
    algorithm: word('sha256', 'pedersen'),
    carriage: word('proposal', 'receipts'),
  }),
)

export const graphSchema: Schema<Graph> = named(
  'graph',
  record<Graph>({
    iri: text(limits.iriBytesMax),
    owner: organisationIdSchema,
    policy: text(limits.nameBytesMax),
    writers: list(organisationIdSchema, limits.validatorsMax),
  }),
)
