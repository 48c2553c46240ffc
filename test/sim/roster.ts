// The validators and the ledger of every simulated run.

import { type Epoch, type LedgerId, ledgerIdOf, nodeIdOf, organisationIdOf } from '../../src/base/ids.ts'
import type { Roster } from '../../src/consensus/roster.ts'

export const simLedger: LedgerId = ledgerIdOf('1e'.repeat(32))

/** `nodes` validators of as many organisations; validator i has 16 times the byte i for an id and the byte i + 1 for a key. */
export function simRoster(nodes: number): Roster {
  const validators = Array.from({ length: nodes }, (_, i) => ({
    node: nodeIdOf(i.toString(16).padStart(2, '0').repeat(16)),
    organisation: organisationIdOf(`org-${i}`),
    key: new Uint8Array(32).fill(i + 1),
  }))
  return { epoch: 0 as Epoch, validators }
}
