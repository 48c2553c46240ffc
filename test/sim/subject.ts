// What the simulator needs to know about a protocol beside the protocol itself.

import type { Parameters, Protocol } from '../../src/consensus/contract.ts'
import type { FaultModel } from '../../src/consensus/quorum.ts'
import type { LiarFactory } from './liars.ts'

export interface Subject<Message> {
  readonly protocol: Protocol<Message>
  /** What a quorum is, and whether anybody may lie. */
  readonly faults: FaultModel
  /** The first validator leads for ever: it is never a liar, and is among those that are healed. */
  readonly fixedLeader: boolean
  /** Whether it answers linearizable reads. */
  readonly reads: boolean
  /** Whether validators change and disks are lost in its runs. */
  readonly epochs: boolean
  /** Liars that know its messages, besides the generic ones. */
  readonly liars: readonly LiarFactory<Message>[]
  /** Virtual milliseconds from healing until everything submitted is final. */
  readonly progressMsMax: number
  readonly parameters?: Partial<Parameters>
}

/** A protocol with one planted bug, and what it takes to see it. */
export interface Mutant {
  readonly name: string
  readonly liars: number
  readonly subject: Subject<unknown>
}
