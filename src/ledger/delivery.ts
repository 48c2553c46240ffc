// What becomes of a transaction when its turn comes: first a question without effects (why not?), then the effects. The
// question is also what a node asks when it receives a request, as a courtesy. Every answer is a pure function of the state,
// the block's height and time, and the transaction, so every node gives the same.

import type { ErrorCode } from '../base/errors.ts'
import { graphId, keyId, policyId } from '../base/hash.ts'
import type { KeyId, NodeId, OrganisationId, Sequence, Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { verify } from '../base/signature.ts'
import { type AnchorAct, anchor, anchorFault } from './anchor.ts'
import { convict, evidenceFault } from './conviction.ts'
import {
  attest,
  attestFault,
  erase,
  eraseFault,
  holdFault,
  type ItemReader,
  liftFault,
  liftHold,
  placeHold,
  type Tombstone,
} from './erasure.ts'
import type { ErasureAct } from './erasure-acts.ts'
import { announce, announceFault, carryOutProposal, governFault } from './governance.ts'
import type { GovernanceAct } from './governance-acts.ts'
import { mayEnrol } from './keys.ts'
import type { Node } from './records.ts'
import { graphFault, mayWrite, policyFault, type Registry } from './rules.ts'
import type { ApplicationKey, State } from './state.ts'
import { type Act, type Base, type ItemHeader, keyProofBytes, type Transaction, txIdOfKey } from './transaction.ts'
import { freshWindow, windowFault, withExecuted } from './window.ts'

type ActOf<Type extends Act['type']> = Extract<Act, { readonly type: Type }>

/** Who signed, as far as the state knows. */
export interface Signer {
  readonly key: KeyId
  /** Undefined for a key that is not enrolled. */
  readonly organisation: OrganisationId | undefined
  /** Whether the key is in force at this height, and its organisation a member. */
  readonly standing: 'member' | 'left' | 'ended'
  /** The enrolled application key; undefined when it is not one. */
  readonly application: ApplicationKey | undefined
  /** The node whose consensus key it is; undefined when it is not one. */
  readonly node: NodeId | undefined
}

/** Where and when a transaction is executed. */
export interface Moment {
  readonly sequence: Sequence
  readonly time: Time
}

/** Keys that have a use other than an application's, derived from the state. */
export interface GovernanceKeys {
  readonly organisations: ReadonlyMap<KeyId, OrganisationId>
  /** By their consensus keys, which sign attestations. */
  readonly nodes: ReadonlyMap<KeyId, Node>
  readonly taken: ReadonlySet<KeyId>
}

export function governanceKeysOf(state: State): GovernanceKeys {
  const organisations = state.organisations.values()
  const nodes = state.nodes.values()
  const ofNodes = nodes.flatMap(({ keys }) => [keys.consensus, keys.transport, keys.checkpoint])
  return {
    organisations: new Map(organisations.map(({ id, key }) => [keyId(key), id])),
    nodes: new Map(nodes.map((node) => [keyId(node.keys.consensus), node])),
    taken: new Set([...organisations.map(({ key }) => key), ...ofNodes].map(keyId)),
  }
}

export function signerOf(state: State, governance: GovernanceKeys, publicKey: Uint8Array): Signer {
  const key = keyId(publicKey)
  const application = state.applicationKeys.get(key)
  if (application !== undefined) {
    const { organisation, revoked } = application
    const isMember = state.organisations.get(organisation) !== undefined
    return {
      key,
      application,
      organisation,
      node: undefined,
      standing: revoked.length > 0 ? 'ended' : isMember ? 'member' : 'left',
    }
  }
  const node = governance.nodes.get(key)
  const present = governance.organisations.get(key) ?? node?.organisation
  const organisation = present ?? state.keyTerms.get(key)?.organisation
  return { key, application, organisation, node: node?.id, standing: present === undefined ? 'ended' : 'member' }
}

/** Why the transaction may not even take its number: nothing is remembered of it. */
export function admissionFault(state: State, signer: Signer, transaction: Transaction): ErrorCode | undefined {
  if (signer.organisation === undefined) return 'KEY_UNKNOWN'
  return windowFault(state.windows.get(signer.key) ?? freshWindow, transaction.sequence)
}

/** From here on its number is used, whatever becomes of it. */
export function takeNumber(state: State, signer: Signer, transaction: Transaction): void {
  state.windows.set(signer.key, withExecuted(state.windows.get(signer.key) ?? freshWindow, transaction.sequence))
}

/** Why an admitted transaction changes nothing; undefined when `carryOut` may follow. */
export function outcomeFault(
  state: State,
  governance: GovernanceKeys,
  signer: Signer,
  transaction: Transaction,
  moment: Moment,
  read: ItemReader,
): ErrorCode | undefined {
  const { ledger, act, expires } = transaction
  if (signer.standing === 'ended' || (signer.standing === 'left' && !outlivesMembership(act))) return 'SIGNER_REVOKED'
  if (moment.time > expires) return 'EXPIRED'
  switch (act.type) {
    case 'data':
      return dataFault(state, signer, act, moment)
    case 'erase':
      return eraseFault(state, signer, transaction, act, read, moment)
    case 'hold':
      return holdFault(state, signer, act, read, moment)
    case 'hold-lift':
      return liftFault(state, signer, act.hold)
    case 'erasure-attest':
      return attestFault(state, signer.node, act)
    case 'announce':
      return announceFault(state, signer.node, act)
    case 'anchor':
      return anchorFault(state, signer.node, act)
    case 'evidence':
      return evidenceFault(state, ledger, signer.node, act, moment)
  }
  const organisation = governance.organisations.get(signer.key)
  if (organisation === undefined) return 'NOT_PERMITTED'
  const registry: Registry = {
    hasOrganisation: (id) => state.organisations.get(id) !== undefined,
    hasPolicy: (id) => state.policies.get(id) !== undefined,
  }
  switch (act.type) {
    case 'govern':
      return governFault(state, ledger, act, moment)
    case 'key-add':
      return keyAddFault(state, governance, organisation, act, keyProofBytes({ ledger, organisation, key: act.key }))
    case 'key-revoke':
      return keyRevokeFault(state.applicationKeys.get(act.key), organisation)
    case 'policy-add':
      if (act.policy.controller !== organisation) return 'NOT_CONTROLLER'
      if (state.policies.get(policyId(act.policy.name)) !== undefined) return 'NAME_TAKEN'
      return policyFault(act.policy, registry)
    case 'graph-add':
      if (act.graph.owner !== organisation) return 'NOT_CONTROLLER'
      if (state.graphs.get(graphId(act.graph.iri)) !== undefined) return 'NAME_TAKEN'
      return graphFault(act.graph, registry)
  }
}

/** An organisation that left still owes the erasure of what it controls. */
function outlivesMembership({ type }: Act): boolean {
  return type === 'erase' || type === 'hold' || type === 'hold-lift'
}

function dataFault(
  state: State,
  signer: Signer,
  { items, base }: ActOf<'data'>,
  moment: Moment,
): ErrorCode | undefined {
  const { application } = signer
  if (application === undefined) return 'NOT_PERMITTED'
  for (const item of items) {
    const fault = itemFault(state, application, item)
    if (fault !== undefined) return fault
  }
  for (const each of base) {
    const fault = baseFault(state, each, moment)
    if (fault !== undefined) return fault
  }
  return undefined
}

function itemFault(state: State, application: ApplicationKey, item: ItemHeader): ErrorCode | undefined {
  const graph = state.graphs.get(item.graph)
  if (graph === undefined) return 'GRAPH_UNKNOWN'
  const granted = application.rights.some(({ graph: id, right }) => id === item.graph && right === 'write')
  if (!granted || !mayWrite(graph, application.organisation)) return 'NOT_PERMITTED'
  const policy = state.policies.get(item.policy)
  if (policy === undefined) return 'POLICY_UNKNOWN'
  if (policy.algorithm !== item.algorithm) return 'ALGORITHM_MISMATCH'
  return policy.carriage === item.carriage.type ? undefined : 'CARRIAGE_MISMATCH'
}

/** A version that this ledger had not reached is no base either: the change was not computed from it. */
function baseFault(state: State, { graph, version }: Base, { sequence }: Moment): ErrorCode | undefined {
  const present = state.versions.get(graph)
  if (present === undefined) return 'GRAPH_UNKNOWN'
  if (version + limits.baseAgeMax < sequence) return 'BASE_TOO_OLD'
  return version >= sequence || present.version > version ? 'CONFLICT' : undefined
}

function keyAddFault(
  state: State,
  governance: GovernanceKeys,
  organisation: OrganisationId,
  { key, rights, proof }: ActOf<'key-add'>,
  proven: Uint8Array,
): ErrorCode | undefined {
  const id = keyId(key)
  const before = state.applicationKeys.get(id)
  if (
    before === undefined
      ? governance.taken.has(id) || state.keyTerms.get(id) !== undefined
      : keyRevokeFault(before, organisation) !== undefined
  ) {
    return 'KEY_TAKEN'
  }
  for (const { graph: graphOf, right } of rights) {
    const graph = state.graphs.get(graphOf)
    if (graph === undefined) return 'GRAPH_UNKNOWN'
    if (right === 'write' && !mayWrite(graph, organisation)) return 'NOT_PERMITTED'
  }
  if (before === undefined && !mayEnrol(key)) return 'KEY_WEAK'
  return verify('proof-of-possession', proven, proof, key) ? undefined : 'SIGNATURE_INVALID'
}

function keyRevokeFault(application: ApplicationKey | undefined, organisation: OrganisationId): ErrorCode | undefined {
  if (application === undefined) return 'KEY_UNKNOWN'
  if (application.organisation !== organisation) return 'NOT_PERMITTED'
  return application.revoked.length > 0 ? 'SIGNER_REVOKED' : undefined
}

/** The effects of a transaction that has no fault; items that it erased. */
export function carryOut(
  state: State,
  signer: Signer,
  transaction: Transaction,
  moment: Moment,
  read: ItemReader,
): readonly Tombstone[] {
  const { act } = transaction
  const tx = txIdOfKey(transaction.ledger, signer.key, transaction.sequence)
  switch (act.type) {
    case 'erase':
      return erase(state, tx, signer, act.items, read, moment)
    case 'hold':
      placeHold(state, tx, signer, act.items, read)
      break
    case 'hold-lift':
      liftHold(state, act.hold, moment)
      break
    case 'erasure-attest':
      attest(state, signer.node as NodeId, act.order)
      break
    case 'announce':
      announce(state, signer.node as NodeId, act)
      break
    case 'anchor':
      anchor(state, signer.node as NodeId, act, moment)
      break
    case 'evidence':
      convict(state, act, moment)
      break
    case 'govern':
      carryOutProposal(state, act.proposal, moment)
      break
    default:
      register(state, signer, act, moment)
  }
  return []
}

function register(
  state: State,
  { organisation }: Signer,
  act: Exclude<Act, { readonly type: (ErasureAct | GovernanceAct | AnchorAct)['type'] }>,
  { sequence }: Moment,
): void {
  switch (act.type) {
    case 'data':
      for (const { graph } of act.items) state.versions.set(graph, { version: sequence })
      return
    case 'key-add': {
      const before = state.applicationKeys.get(keyId(act.key))
      state.applicationKeys.set(keyId(act.key), {
        key: act.key,
        organisation: organisation as OrganisationId,
        name: act.name,
        rights: act.rights,
        enrolled: before?.enrolled ?? sequence,
        revoked: [],
      })
      return
    }
    case 'key-revoke': {
      const before = state.applicationKeys.get(act.key)
      if (before !== undefined) state.applicationKeys.set(act.key, { ...before, revoked: [sequence] })
      return
    }
    case 'policy-add':
      state.policies.set(policyId(act.policy.name), act.policy)
      return
    case 'graph-add':
      state.graphs.set(graphId(act.graph.iri), act.graph)
      state.versions.set(graphId(act.graph.iri), { version: sequence })
  }
}
