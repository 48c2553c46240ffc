// The genesis: what all founders sign before anything is ordered. Its hash is the ledger's name; the founders' signatures
// stand beside it, so that collecting them changes nothing that was signed.

import { hashOf } from '../base/hash.ts'
import { type LedgerId, ledgerIdOf, type OrganisationId, organisationIdOf, type Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytes, list, named, record, type Schema, text, timestamp, uint } from '../base/schema.ts'
import {
  type Graph,
  graphSchema,
  type Node,
  nodeSchema,
  type Organisation,
  organisationSchema,
  type Policy,
  policySchema,
} from './records.ts'

/** How many organisations must sign an act of governance. */
export interface Thresholds {
  /** To change members, nodes or validators. */
  readonly roster: number
  /** To change parameters or the rules version. */
  readonly rules: number
}

/** Numbers that every node must agree on; milliseconds where the name says so. */
export interface LedgerParameters {
  readonly checkpointInterval: number
  readonly window: number
  readonly batchTransactionsMax: number
  readonly batchBytesMax: number
  readonly idleBatchMs: number
  readonly suspectMs: number
}

export interface Genesis {
  readonly name: string
  /** With its version: pbft/1. */
  readonly protocol: string
  readonly created: Time
  readonly rulesVersion: number
  readonly organisations: readonly Organisation[]
  readonly nodes: readonly Node[]
  readonly thresholds: Thresholds
  readonly parameters: LedgerParameters
  readonly policies: readonly Policy[]
  readonly graphs: readonly Graph[]
}

export interface FounderSignature {
  readonly organisation: OrganisationId
  readonly signature: Uint8Array
}

/** genesis.json, and what `genesis draft` writes (then without signatures). */
export interface SignedGenesis {
  readonly genesis: Genesis
  readonly signatures: readonly FounderSignature[]
}

export const thresholdsSchema: Schema<Thresholds> = named(
  'thresholds',
  record<Thresholds>({ roster: uint(), rules: uint() }),
)

export const parametersSchema: Schema<LedgerParameters> = named(
  'parameters',
  record<LedgerParameters>({
    checkpointInterval: uint(),
    window: uint(),
    batchTransactionsMax: uint(),
    batchBytesMax: uint(),
    idleBatchMs: uint(),
    suspectMs: uint(),
  }),
)

export const genesisSchema: Schema<Genesis> = named(
  'genesis',
  record<Genesis>({
    name: text(limits.nameBytesMax),
    protocol: text(32),
    created: timestamp,
    rulesVersion: uint(),
    organisations: list(organisationSchema, limits.validatorsMax, 1),
    nodes: list(nodeSchema, limits.validatorsMax, 1),
    thresholds: thresholdsSchema,
    parameters: parametersSchema,
    policies: list(policySchema, 1024),
    graphs: list(graphSchema, 1024),
  }),
)

export const signedGenesisSchema: Schema<SignedGenesis> = named(
  'signed-genesis',
  record<SignedGenesis>({
    genesis: genesisSchema,
    signatures: list(
      named(
        'founder-signature',
        record<FounderSignature>({ organisation: text(32, organisationIdOf), signature: bytes(64) }),
      ),
      limits.validatorsMax,
    ),
  }),
)

const names = new WeakMap<Genesis, LedgerId>()

/** The ledger's name. */
export function ledgerIdFor(genesis: Genesis): LedgerId {
  const known = names.get(genesis) ?? ledgerIdOf(hashOf('genesis', genesisSchema, genesis))
  names.set(genesis, known)
  return known
}
