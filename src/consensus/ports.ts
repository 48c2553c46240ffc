// What a protocol's host needs from the world. The real ones stand in store/, p2p/ and node/, the simulated ones in
// test/sim, and both sit the same contract tests.

import type { NodeId, Sequence, Time } from '../base/ids.ts'
import type { Batch } from './batch.ts'
import type { CommitCertificate } from './certificate.ts'
import type { JournalRecord, Mandate, Outcome } from './contract.ts'

export interface Journal {
  /** All records that were durable, oldest first. A torn last record is dropped, never half read. Call once, before append. */
  read(): Promise<readonly JournalRecord[]>
  /** Resolves when all are durable, in order. After a rejection the journal takes nothing more: the node must stop. */
  append(records: readonly JournalRecord[]): Promise<void>
  /** Records below `before` may go; when they go is the journal's affair. */
  cut(before: Sequence): Promise<void>
  close(): Promise<void>
}

export type Priority = 'consensus' | 'sync'

export interface Transport {
  /** Queues bytes for a peer; false (and dropped) when the peer is away or its bounded queue is full. Protocols send again. */
  send(to: NodeId, priority: Priority, bytes: Uint8Array): boolean
  /** One handler; called with each message of an admitted, authenticated peer, in the order that it sent them. */
  onMessage(handler: (from: NodeId, priority: Priority, bytes: Uint8Array) => void): void
  /** Peers that are connected now. */
  peers(): readonly NodeId[]
  close(): Promise<void>
}

export interface Clock {
  now(): Time
}

export interface Applied {
  readonly outcome: Outcome
  /** After it. */
  readonly mandate: Mandate
}

export interface Machine {
  /** Height of the last batch whose effects are durable, and its outcome. */
  readonly applied: Outcome
  /** Outcome of the last checkpoint at or below it; height 0 is one. */
  readonly checkpoint: Outcome
  /** After `applied`. */
  readonly mandate: Mandate
  /** Executes the batch at applied+1 and makes it durable. A sequence at or below `applied` changes nothing. */
  apply(sequence: Sequence, batch: Batch, certificate: CommitCertificate): Promise<Applied>
}
