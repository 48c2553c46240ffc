// Rules about policies and graphs that hold in a genesis and in acts alike.

import type { ErrorCode } from '../base/errors.ts'
import { policyId } from '../base/hash.ts'
import type { OrganisationId, PolicyId } from '../base/ids.ts'
import type { Graph, Policy } from './records.ts'

/** The rules version that this code carries out. */
export const rulesVersion = 1

/** What the rules ask about the state. */
export interface Registry {
  hasOrganisation(id: OrganisationId): boolean
  hasPolicy(id: PolicyId): boolean
}

/**
 * Why this policy cannot be registered; undefined when it can. In rules version 1 every member holds every payload, which
 * travels with its proposal; and Pedersen commitments are for personal items and for nothing else.
 */
export function policyFault(policy: Policy, registry: Registry): ErrorCode | undefined {
  if (!registry.hasOrganisation(policy.controller)) return 'NOT_CONTROLLER'
  if (policy.class === 'confidential' || policy.carriage !== 'proposal' || policy.audience.length > 0) {
    return 'POLICY_UNSUPPORTED'
  }
  return (policy.class === 'personal') === (policy.algorithm === 'pedersen') ? undefined : 'POLICY_UNSUPPORTED'
}

/** Why this graph cannot be registered; undefined when it can. */
export function graphFault(graph: Graph, registry: Registry): ErrorCode | undefined {
  if (!registry.hasOrganisation(graph.owner)) return 'NOT_CONTROLLER'
  if (!registry.hasPolicy(policyId(graph.policy))) return 'POLICY_UNKNOWN'
  return undefined
}

/** Whether applications of this organisation may be given the right to write. */
export function mayWrite(graph: Graph, organisation: OrganisationId): boolean {
  return graph.writers.length === 0 || graph.writers.includes(organisation)
}
