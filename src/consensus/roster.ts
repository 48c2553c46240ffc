// The validators of one epoch: who may vote, under which key, for which organisation.

import { hashOf } from '../base/hash.ts'
import { type Digest, type Epoch, type NodeId, nodeIdOf, type OrganisationId, organisationIdOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, id, list, named, record, type Schema, text, uint } from '../base/schema.ts'

export interface Validator {
  readonly node: NodeId
  readonly organisation: OrganisationId
  /** Ed25519 public key that signs this node's votes: 32 bytes. */
  readonly key: Uint8Array
}

/** In ascending order of node id; PBFT's leader of view v is number v mod n. */
export interface Roster {
  readonly epoch: Epoch
  readonly validators: readonly Validator[]
}

export const validatorSchema: Schema<Validator> = named(
  'validator',
  record<Validator>({ node: id(16, nodeIdOf), organisation: text(32, organisationIdOf), key: bytes(32) }),
)

export const rosterSchema: Schema<Roster> = named(
  'roster',
  record<Roster>({ epoch: uint<Epoch>(), validators: list(validatorSchema, limits.validatorsMax, 1) }),
)

export function rosterHash(roster: Roster): Digest {
  return hashOf('roster', rosterSchema, roster)
}

export function validatorOf(roster: Roster, node: NodeId): Validator | undefined {
  return roster.validators.find((validator) => validator.node === node)
}
