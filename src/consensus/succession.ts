// Under which rosters the certificates of a chain verify, block after block. In PBFT it is the roster that the ledger's state has
// for the block. A Raft ledger goes over from one roster to the next a little later than its state says, and through both at
// once (raft/membership.ts): the links of its certificates say where.

import type { CommitCertificate, Link } from './certificate.ts'
import { type Roster, rosterHash } from './roster.ts'

/** One, or the old and the new while a Raft ledger is joint. */
export type InForce = readonly [Roster, ...Roster[]]

/** Before a block: who is in force, and whom the state has, now and as planned for the next epoch. */
export interface Succession {
  readonly inForce: InForce
  readonly known: InForce
}

/** A quorum of each must have signed the certificate of the next block. Undefined when it names a roster that nobody planned. */
export function certifiersOf(certificate: CommitCertificate, { inForce, known }: Succession): InForce | undefined {
  if (certificate.type === 'pbft') return [known[0]]
  return certificate.links.reduce<InForce | undefined>((before, link) => before && after(link, before, known), inForce)
}

/** In force from the next block on. The first of them signs its results. */
export function inForceAfter(certificate: CommitCertificate, { inForce, known }: Succession): InForce | undefined {
  if (certificate.type === 'pbft') return [known[0]]
  return after(certificate.links[0] as Link, inForce, known)
}

function after({ configuration }: Link, before: InForce, known: InForce): InForce | undefined {
  if (configuration.length === 0) return before
  const candidates = [...before, ...known]
  const found = configuration.flatMap((hash) => candidates.find((roster) => rosterHash(roster) === hash) ?? [])
  const [first, ...more] = found
  return first !== undefined && found.length === configuration.length ? [first, ...more] : undefined
}
