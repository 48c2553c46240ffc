// Founding: from node cards to a draft, from a draft to a genesis that all founders signed, and everything that must hold
// before a node starts on it.

import { equal, toHex } from '../base/bytes.ts'
import { type ErrorCode, type ErrorDetails, LedgerError } from '../base/errors.ts'
import { policyId } from '../base/hash.ts'
import { idBytes, type OrganisationId, type Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { type SigningKey, sign, verify } from '../base/signature.ts'
import { faultModelOf, toleratedOf, validatorsMinOf } from '../consensus/quorum.ts'
import { cardFault, type NodeCard } from './card.ts'
import {
  type FounderSignature,
  type Genesis,
  type LedgerParameters,
  ledgerIdFor,
  type SignedGenesis,
  type Thresholds,
} from './genesis.ts'
import { areStrongNodeKeys, mayEnrol } from './keys.ts'
import { organisationsAbove } from './members.ts'
import { type NumberFault, parameterFaults, thresholdFaults } from './parameters.ts'
import type { Graph, Organisation, Policy } from './records.ts'
import { graphFault, policyFault, type Registry, rulesVersion } from './rules.ts'
import { ascending } from './static.ts'
import { isAbsoluteIri, isName } from './terms.ts'

/** Something that keeps a genesis from founding a ledger; `details` name the place. */
export interface GenesisFault {
  readonly code: ErrorCode
  readonly details: ErrorDetails
}

export const defaultParameters: LedgerParameters = {
  checkpointInterval: 64,
  window: 256,
  batchTransactionsMax: 512,
  batchBytesMax: limits.batchBytesMax,
  idleBatchMs: 120_000,
  suspectMs: 4_000,
}

/** A Raft leader is missed sooner: an election among those who trust one another costs little. */
export function defaultParametersOf(consensus: string): LedgerParameters {
  return consensus === 'raft' ? { ...defaultParameters, suspectMs: 800 } : defaultParameters
}

/** More than two thirds of the organisations for members and validators, more than half for rules. */
export function defaultThresholds(organisations: number): Thresholds {
  return { roster: Math.floor((2 * organisations) / 3) + 1, rules: Math.floor(organisations / 2) + 1 }
}

/** Two policies that most ledgers begin with: `open` for what concerns nobody, `personal` for what does. */
export function defaultPolicies(controller: OrganisationId): readonly Policy[] {
  const common = { controller, retentionDays: 0, audience: [], carriage: 'proposal' } as const
  return [
    { ...common, name: 'open', purpose: 'shared facts', legalBasis: 'none needed', class: 'open', algorithm: 'sha256' },
    {
      ...common,
      name: 'personal',
      purpose: 'shared facts',
      legalBasis: 'contract',
      class: 'personal',
      algorithm: 'pedersen',
    },
  ]
}

export interface DraftInput {
  readonly name: string
  readonly protocol: string
  readonly created: Time
  readonly cards: readonly NodeCard[]
  readonly policies: readonly Policy[]
  readonly graphs: readonly Graph[]
  readonly parameters: LedgerParameters
  readonly thresholds: Thresholds
}

/** The genesis of these cards, in one order whatever order they came in. @throws LedgerError what is wrong with a card. */
export function draftGenesis({ cards, ...rest }: DraftInput): Genesis {
  const organisations = new Map<OrganisationId, Organisation>()
  for (const card of cards) {
    const { node, organisation } = card
    const fault = cardFault(card)
    if (fault !== undefined) throw new LedgerError(fault, { node: node.name, organisation: organisation.id })
    const known = organisations.get(organisation.id) ?? organisation
    if (!equal(known.key, organisation.key) || known.name !== organisation.name) {
      throw new LedgerError('CARD_INVALID', {
        organisation: organisation.id,
        reason: 'two cards describe it differently',
      })
    }
    organisations.set(organisation.id, organisation)
  }
  return {
    name: rest.name,
    protocol: rest.protocol,
    created: rest.created,
    rulesVersion,
    organisations: [...organisations.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    nodes: cards.map(({ node }) => node).sort((a, b) => (a.id < b.id ? -1 : 1)),
    thresholds: rest.thresholds,
    parameters: rest.parameters,
    policies: [...rest.policies].sort((a, b) => (a.name < b.name ? -1 : 1)),
    graphs: [...rest.graphs].sort((a, b) => (a.iri < b.iri ? -1 : 1)),
  }
}

/** @throws LedgerError NOT_PERMITTED unless the key is that organisation's. */
export function signGenesis(genesis: Genesis, organisation: OrganisationId, key: SigningKey): FounderSignature {
  const founder = genesis.organisations.find(({ id }) => id === organisation)
  if (founder === undefined || !equal(founder.key, key.publicKey))
    throw new LedgerError('NOT_PERMITTED', { organisation })
  return { organisation, signature: sign('genesis', idBytes(ledgerIdFor(genesis)), key.seed) }
}

/** Everything that is wrong with the content, signatures aside; empty when nothing is. */
export function genesisFaults(genesis: Genesis): readonly GenesisFault[] {
  return [...headFaults(genesis), ...memberFaults(genesis), ...capFaults(genesis), ...registerFaults(genesis)]
}

/** Everything that keeps a node from starting on this genesis; empty when nothing does. */
export function checkGenesis({ genesis, signatures }: SignedGenesis): readonly GenesisFault[] {
  const signed = idBytes(ledgerIdFor(genesis))
  const founders = genesis.organisations.flatMap(({ id, key }): readonly GenesisFault[] => {
    const own = signatures.filter(({ organisation }) => organisation === id)
    if (own.length === 0) return [{ code: 'SIGNATURE_MISSING', details: { organisation: id } }]
    const valid = own.length === 1 && own.every(({ signature }) => verify('genesis', signed, signature, key))
    return valid ? [] : [{ code: 'SIGNATURE_INVALID', details: { organisation: id } }]
  })
  const strangers = signatures
    .filter(({ organisation }) => !genesis.organisations.some(({ id }) => id === organisation))
    .map(({ organisation }): GenesisFault => ({ code: 'SIGNATURE_INVALID', details: { organisation } }))
  return [...genesisFaults(genesis), ...founders, ...strangers]
}

function invalid(at: string, expected: string): GenesisFault {
  return { code: 'GENESIS_INVALID', details: { at, expected } }
}

function unless(holds: boolean, at: string, expected: string): readonly GenesisFault[] {
  return holds ? [] : [invalid(at, expected)]
}

function headFaults(genesis: Genesis): readonly GenesisFault[] {
  const { name, protocol, rulesVersion: version, organisations, thresholds, parameters } = genesis
  const numbers = (place: string, faults: readonly NumberFault[]): readonly GenesisFault[] =>
    faults.map(({ at, expected }) => invalid(`${place}.${at}`, expected))
  return [
    ...unless(isName(name), 'name', 'a name'),
    ...unless(protocol === 'pbft/1' || protocol === 'raft/1', 'protocol', 'pbft/1 or raft/1'),
    ...unless(version === rulesVersion, 'rulesVersion', `${rulesVersion}`),
    ...numbers('thresholds', thresholdFaults(thresholds, organisations.length)),
    ...numbers('parameters', parameterFaults(parameters)),
  ]
}

function memberFaults({ organisations, nodes }: Genesis): readonly GenesisFault[] {
  const keys = [
    ...organisations.map(({ key }) => toHex(key)),
    ...nodes.flatMap(({ keys }) => [keys.consensus, keys.transport, keys.checkpoint, keys.payload].map(toHex)),
  ]
  const weak = [
    ...organisations.filter(({ key }) => !mayEnrol(key)).map(({ id }) => ({ organisation: id })),
    ...nodes.filter(({ keys }) => !areStrongNodeKeys(keys)).map(({ name }) => ({ node: name })),
  ]
  const homeless = nodes.filter(({ organisation }) => !organisations.some(({ id }) => id === organisation))
  const names = (entries: readonly { readonly name: string }[]): boolean => entries.every(({ name }) => isName(name))
  return [
    ...unless(ascending(organisations.map(({ id }) => id)), 'organisations', 'each once, in order of ids'),
    ...unless(ascending(nodes.map(({ id }) => id)), 'nodes', 'each once, in order of ids'),
    ...unless(names(organisations) && names(nodes), 'organisations, nodes', 'names'),
    ...unless(new Set(keys).size === keys.length, 'organisations, nodes', 'every key with one use only'),
    ...homeless.map(({ name }) => invalid(`nodes: ${name}`, 'an organisation of this genesis')),
    ...weak.map((details): GenesisFault => ({ code: 'KEY_WEAK', details })),
  ]
}

/** Trust is per organisation: none may run more validators than may lie, or may be away where nobody lies. */
function capFaults({ protocol, organisations, nodes }: Genesis): readonly GenesisFault[] {
  const validators = nodes.filter(({ role }) => role === 'validator')
  const faults = faultModelOf(protocol)
  const least = validatorsMinOf(faults)
  if (validators.length < least) return [invalid('nodes', `at least ${least} validators`)]
  const most = toleratedOf(faults, validators.length)
  return organisationsAbove(validators, most).map((organisation) => ({
    code: 'ORGANISATION_TOO_LARGE',
    details: { organisation, most, members: organisations.length },
  }))
}

function registerFaults({ organisations, policies, graphs }: Genesis): readonly GenesisFault[] {
  const known = new Set(policies.map(({ name }) => policyId(name)))
  const registry: Registry = {
    hasOrganisation: (id) => organisations.some((organisation) => organisation.id === id),
    hasPolicy: (id) => known.has(id),
  }
  const faultOf = (code: ErrorCode | undefined, details: ErrorDetails): readonly GenesisFault[] =>
    code === undefined ? [] : [{ code, details }]
  const formed =
    policies.every(({ name, audience }) => isName(name) && ascending(audience)) &&
    graphs.every(({ iri, writers }) => isAbsoluteIri(iri) && ascending(writers))
  return [
    ...unless(ascending(policies.map(({ name }) => name)), 'policies', 'each once, in order of names'),
    ...unless(ascending(graphs.map(({ iri }) => iri)), 'graphs', 'each once, in order of IRIs'),
    ...unless(formed, 'policies, graphs', 'names, absolute IRIs, organisations in order'),
    ...policies.flatMap((policy) => faultOf(policyFault(policy, registry), { policy: policy.name })),
    ...graphs.flatMap((graph) => faultOf(graphFault(graph, registry), { graph: graph.iri })),
  ]
}
