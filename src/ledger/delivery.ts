// What becomes of a transaction when its turn comes: first a question without effects (why not?), then the effects. The
// question is also what a node asks when it receives a request, as a courtesy. Every answer is a pure function of the state,
// the block's height and time, and the transaction, so every node gives the same.

import type { ErrorCode } from '../base/errors.ts'
import { graphId, keyId, policyId } from '../base/hash.ts'
import type { KeyId, OrganisationId, Sequence, Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { isStrongKey, verify } from '../base/signature.ts'
import { graphFault, mayWrite, policyFault, type Registry } from './rules.ts'
import type { ApplicationKey, State } from './state.ts'
import { type Act, type Base, type ItemHeader, keyProofBytes, type Transaction } from './transaction.ts'
import { freshWindow, windowFault, withExecuted } from './window.ts'

type ActOf<Type extends Act['type']> = Extract<Act, { readonly type: Type }>

/** Who signed, as far as the state knows. */
export interface Signer {
  readonly key: KeyId
  /** Undefined for a key that is not enrolled. */
  readonly organisation: OrganisationId | undefined
  /** The enrolled application key; undefined when the organisation itself signed. */
  readonly application: ApplicationKey | undefined
}

/** Where and when a transaction is executed. */
export interface Moment {
  readonly sequence: Sequence
  readonly time: Time
}

/** Keys that have a use other than an application's, derived from the state. */
export interface GovernanceKeys {
  readonly organisations: ReadonlyMap<KeyId, OrganisationId>
  readonly nodes: ReadonlySet<KeyId>
}

export function governanceKeysOf(state: State): GovernanceKeys {
  return {
    organisations: new Map(state.organisations.values().map(({ id, key }) => [keyId(key), id])),
    nodes: new Set(
      state.nodes.values().flatMap(({ keys }) => [keys.consensus, keys.transport, keys.checkpoint].map(keyId)),
    ),
  }
}

export function signerOf(state: State, governance: GovernanceKeys, publicKey: Uint8Array): Signer {
  const key = keyId(publicKey)
  const application = state.applicationKeys.get(key)
  return { key, application, organisation: application?.organisation ?? governance.organisations.get(key) }
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
  { ledger, act, expires }: Transaction,
  moment: Moment,
): ErrorCode | undefined {
  if (signer.application !== undefined && signer.application.revoked.length > 0) return 'SIGNER_REVOKED'
  if (moment.time > expires) return 'EXPIRED'
  if (act.type === 'data') return dataFault(state, signer, act, moment)
  const { organisation } = signer
  if (signer.application !== undefined || organisation === undefined) return 'NOT_PERMITTED'
  const registry: Registry = {
    hasOrganisation: (id) => state.organisations.get(id) !== undefined,
    hasPolicy: (id) => state.policies.get(id) !== undefined,
  }
  switch (act.type) {
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
      ? governance.organisations.has(id) || governance.nodes.has(id)
      : keyRevokeFault(before, organisation) !== undefined
  ) {
    return 'KEY_TAKEN'
  }
  for (const { graph: graphOf, right } of rights) {
    const graph = state.graphs.get(graphOf)
    if (graph === undefined) return 'GRAPH_UNKNOWN'
    if (right === 'write' && !mayWrite(graph, organisation)) return 'NOT_PERMITTED'
  }
  if (before === undefined && !isStrongKey(key)) return 'KEY_WEAK'
  return verify('proof-of-possession', proven, proof, key) ? undefined : 'SIGNATURE_INVALID'
}

function keyRevokeFault(application: ApplicationKey | undefined, organisation: OrganisationId): ErrorCode | undefined {
  if (application === undefined) return 'KEY_UNKNOWN'
  if (application.organisation !== organisation) return 'NOT_PERMITTED'
  return application.revoked.length > 0 ? 'SIGNER_REVOKED' : undefined
}

/** The effects of a transaction that has no fault. */
export function carryOut(state: State, { organisation }: Signer, act: Act, { sequence }: Moment): void {
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
