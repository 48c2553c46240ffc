// What all hosts of one run share, and what they may ask of the run.

import type { SignatureDomain } from '../../src/base/domains.ts'
import type { LedgerId, NodeId } from '../../src/base/ids.ts'
import type { RequestId } from '../../src/consensus/batch.ts'
import type { Claim, Parameters, Protocol } from '../../src/consensus/contract.ts'
import type { FaultModel } from '../../src/consensus/quorum.ts'
import type { Roster } from '../../src/consensus/roster.ts'
import type { Host } from './host.ts'
import type { Oracle } from './oracle.ts'
import type { VirtualTime } from './time.ts'
import type { Trace } from './trace.ts'
import type { Weather } from './weather.ts'

export interface Examined {
  readonly claims: readonly Claim[]
  readonly holds: boolean
}

export interface Stage<Message> {
  readonly protocol: Protocol<Message>
  readonly ledger: LedgerId
  readonly faults: FaultModel
  readonly roster: Roster
  readonly parameters: Parameters
  readonly time: VirtualTime
  readonly trace: Trace
  readonly oracle: Oracle
  weather(): Weather
  /** At each boundary between two effects: does the power fail now? */
  powerFails(): boolean
  /** The claims of `message`, and whether all hold. */
  examine(message: Message): Examined
  /** Hands a message of a host to the network. */
  carry(from: Host<Message>, to: NodeId, message: Message, payloads: readonly RequestId[]): void
  hosts(): readonly Host<Message>[]
  /** Whether both directions between two nodes are open. */
  connected(a: NodeId, b: NodeId): boolean
  isCorrect(node: NodeId): boolean
  /** Whether this node loses its disk in this run. */
  isForgetful(node: NodeId): boolean
  /** With the key of that epoch. */
  signAs(node: NodeId, domain: SignatureDomain, bytes: Uint8Array, epoch: number): Uint8Array
  /** How a host went down, so that it may be started again. */
  crashed(host: Host<Message>): void
}
