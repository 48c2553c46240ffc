// Quorum arithmetic for n validators (Castro and Liskov, TOCS 2002, section 4.1, for every n and not only 3f+1).

/** How many of n validators may lie: floor((n-1)/3). */
export function faultsMax(n: number): number {
  return Math.floor((n - 1) / 3)
}

/** The smallest q such that any two sets of q validators share a correct one: ceil((n+f+1)/2). q <= n-f always. */
export function byzantineQuorum(n: number): number {
  return Math.ceil((n + faultsMax(n) + 1) / 2)
}

/** More than half of n: Raft's quorum. */
export function majority(n: number): number {
  return Math.floor(n / 2) + 1
}

/** Whom a ledger's members trust: byzantine, nobody's code and machine; crash-fault, everybody's code and nobody's machine. */
export type FaultModel = 'byzantine' | 'crash-fault'

/** Part of the rules: what the protocols that a genesis can name are for. */
export function faultModelOf(protocol: string): FaultModel {
  return protocol.startsWith('raft/') ? 'crash-fault' : 'byzantine'
}

export function quorumOf(faults: FaultModel, n: number): number {
  return faults === 'byzantine' ? byzantineQuorum(n) : majority(n)
}

/** How many of n validators may fail, by lying or merely by being away, and the others go on. */
export function toleratedOf(faults: FaultModel, n: number): number {
  return faults === 'byzantine' ? faultsMax(n) : n - majority(n)
}

/** The fewest validators that survive the failure of one. */
export function validatorsMinOf(faults: FaultModel): number {
  return faults === 'byzantine' ? 4 : 3
}

/** At least one of so many validators does not lie: f+1, or anyone where nobody does. */
export function oneCorrect(faults: FaultModel, n: number): number {
  return faults === 'byzantine' ? faultsMax(n) + 1 : 1
}
