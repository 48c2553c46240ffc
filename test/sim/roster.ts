// The validators and the ledger of every simulated run.

import { type Epoch, type LedgerId, ledgerIdOf, nodeIdOf, organisationIdOf } from '../../src/base/ids.ts'
import type { Mandate, Parameters } from '../../src/consensus/contract.ts'
import type { Roster, Validator } from '../../src/consensus/roster.ts'

export const simLedger: LedgerId = ledgerIdOf('1e'.repeat(32))

/** Number `place` has 16 times that byte for an id, and 32 times the byte `key` for a key, which is place + 1 at first. */
export function simValidator(place: number, key: number = place + 1): Validator {
  return {
    node: nodeIdOf(place.toString(16).padStart(2, '0').repeat(16)),
    organisation: organisationIdOf(`org-${place}`),
    key: new Uint8Array(32).fill(key),
  }
}

/** `nodes` validators of as many organisations. */
export function simRoster(nodes: number): Roster {
  return { epoch: 0 as Epoch, validators: Array.from({ length: nodes }, (_, place) => simValidator(place)) }
}

/** Of the first epoch. */
export function simMandate(roster: Roster, parameters: Parameters): Mandate {
  return { roster, parameters, since: 0 as Mandate['since'], until: undefined }
}
