// What the HTTP server asks of a node: the part of node/node.ts that programs may reach. Structural, so that tests can
// stand in for a node.

import type { Literal, NamedNode, Quad } from '@rdfjs/types'
import type { ErrorCode } from '../base/errors.ts'
import type { Digest, ItemId, KeyId, LedgerId, TxId } from '../base/ids.ts'
import type { SignedGenesis } from '../ledger/genesis.ts'
import type { Part } from '../ledger/payload.ts'
import type { NodeHealth } from '../node/health.ts'
import type { About } from '../node/local-details.ts'
import type { LocalEvent, LocalHead } from '../node/local-events.ts'
import type { Asker } from '../node/local-log.ts'
import type { QuadSource } from '../sparql/engine.ts'

/** A transaction that was executed in a final block. */
export interface HttpSubmission {
  readonly tx: TxId
  /** Height of its block. */
  readonly sequence: number
  /** Place in its block. */
  readonly index: number
  /** OK, or why it changed nothing. */
  readonly code: string
}

/** What metrics and readiness read; a node's status has more. */
export interface HttpStatus {
  readonly height: number
  readonly final: number
  readonly logSize: number
  readonly quads: number
  readonly epoch: number
  readonly round: number
  readonly state: string
  readonly note: string
  readonly validators: number
  readonly quorum: number
  readonly connected: readonly string[]
  readonly quorumConnected: boolean
  readonly waiting: number
  readonly serves: boolean
  readonly evidence: number
  readonly convicted: readonly unknown[]
  readonly diverged: readonly string[]
}

export interface HttpCounters {
  readonly peersConnected: number
  readonly framesSent: number
  readonly framesReceived: number
  readonly messagesSent: number
  readonly messagesReceived: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly messagesDropped: number
  readonly refused: ReadonlyMap<ErrorCode, number>
  readonly queuedBytes: Readonly<Record<string, number>>
}

/** What a node keeps of an item. */
export type HttpItem =
  /** Encoded ItemPayload. */
  | { readonly type: 'whole'; readonly payload: Uint8Array }
  /** By an order, in the block of this height; its retractions stay, where the node ever had them. */
  | { readonly type: 'erased'; readonly order: TxId; readonly height: number; readonly retractions: Part | undefined }

export type HttpSelection =
  | { readonly type: 'person'; readonly person: string }
  | { readonly type: 'items'; readonly items: readonly ItemId[] }
  | { readonly type: 'graph'; readonly graph: string }
  | { readonly type: 'due' }

export interface HttpPersonQuad {
  readonly subject: NamedNode
  readonly predicate: NamedNode
  readonly object: NamedNode | Literal
  readonly graph: string
}

export interface HttpEvidence {
  readonly id: Digest
  /** Name of a node. */
  readonly culprit: string
  readonly sentence: string
}

export type HttpChange =
  /** First of each block. */
  | { readonly type: 'block'; readonly height: number; readonly time: number }
  | { readonly type: 'added' | 'removed'; readonly quad: Quad }
  | { readonly type: 'erased'; readonly item: ItemId }

export interface HttpHeldRows {
  /** IRI. */
  readonly graph: string
  readonly item: ItemId
  readonly rows: readonly number[]
}

/** The node's local log, and the side-car beside it. */
export interface HttpLocal {
  note(event: LocalEvent, asker?: Asker): void
  /** This node's signed note over the manifest of an export. */
  signManifest(manifest: Uint8Array): string
  /** Of all its logs, the oldest first; `log`, when one began, names it. */
  heads(): readonly LocalHead[]
  /** Undefined for a log that is not here. @throws RangeError for more leaves than there are */
  leaves(log: number, from: number, to: number): Iterable<Uint8Array> | undefined
  tile(log: number, path: string): Uint8Array | undefined
  checkpoint(log: number): Promise<string | undefined>
  /** What the side-car has by a reference; undefined when nothing, or nothing any more. */
  detail(reference: string): Promise<readonly About[] | undefined>
}

/** What there is of keys at rest, without the keys. */
export interface HttpKeys {
  readonly keys: readonly { readonly purpose: string; readonly state: string; readonly ageSeconds: number }[]
  readonly rotation: { readonly done: number; readonly left: number } | null
}

export interface HttpNode {
  readonly ledger: LedgerId
  readonly local: HttpLocal
  readonly genesis: SignedGenesis
  /** Of the last executed block. */
  readonly height: number
  /** Time of that block, ms. */
  readonly time: number
  /** A height with everything that was acknowledged before. @throws LedgerError READ_UNCONFIRMED when `signal` ends the wait. */
  confirmed(signal: AbortSignal): Promise<number>
  status(): Promise<HttpStatus>
  counters(): HttpCounters
  /** How it is in detail, for metrics and `quadrille doctor`. */
  health(): Promise<NodeHealth>
  /** Resolves when final. @throws LedgerError what is wrong with it, TOO_BUSY, NOT_FINAL when `signal` ends the wait. */
  submit(transaction: Uint8Array, payload: Uint8Array, signal: AbortSignal): Promise<HttpSubmission>
  /** The quads that hold at a height from 0 to `height`. */
  source(height: number): QuadSource
  /** True once a height is executed; false when `signal` aborts before. @throws LedgerError NODE_STOPPED */
  reached(height: number, signal: AbortSignal): Promise<boolean>
  /** What a block changed. */
  changes(height: number): AsyncIterable<HttpChange>
  /** IRIs of the graphs of the ledger. */
  graphs(): readonly string[]
  /** Rows that make these quads hold at a height. */
  heldRows(quads: readonly Quad[], height: number): Promise<readonly HttpHeldRows[]>
  nextSequence(key: KeyId): number
  /** A MembersView as JSON. */
  members(): object
  /** Encoded BlockRecords from a height on; none where there are none. */
  blocks(from: number, count: number): Promise<readonly Uint8Array[]>
  /** Encoded ResultCertificate. */
  result(height: number): Promise<Uint8Array | undefined>
  /** A receipt as JSON. @throws LedgerError RECEIPT_UNKNOWN */
  receipt(tx: TxId, type: 'ordered' | 'final'): Promise<object>
  /** The newest signed note of the log, C2SP tlog-checkpoint; with a size, this node's own on so many leaves. */
  checkpoint(size?: number): Promise<string | undefined>
  /** C2SP tlog-proof of a leaf under that checkpoint; undefined for a leaf that it does not cover. */
  leafProof(index: number, size?: number): Promise<string | undefined>
  /** A file of the log by its C2SP tlog-tiles path, which begins with `tile/`. */
  tile(path: string): Uint8Array | undefined
  /** Leaves from `from` to `to` - 1. @throws RangeError for more than there are. */
  leaves(from: number, to: number): Iterable<Uint8Array>
  /** What there is of keys at rest, without the keys. */
  keys(): HttpKeys
  /** Begins to turn the keys at rest, unless that is under way; gives what `keys` gives. */
  rotateKeys(): HttpKeys
  /** A backup as frames, and the keys of items in one file with an end, both sealed. @throws LedgerError BACKUPS_UNDECLARED */
  backups(): { data(): AsyncIterable<Uint8Array>; itemKeys(): Promise<Uint8Array> }
  /** What this node keeps against validators that contradicted themselves. */
  evidence(): readonly HttpEvidence[]
  /** As JSON, to be checked by anybody; undefined for an unknown piece. */
  evidenceDocument(id: Digest): Promise<object | undefined>
  /** Documents against the author of a transaction with malformed parts. */
  payloadEvidence(tx: TxId): Promise<readonly object[]>
  /** An ErasureReport; undefined for an unknown order. */
  erasure(order: TxId): Promise<object | undefined>
  /** Items that the node's organisation controls, and what there is to know before they are erased. */
  overview(selection: HttpSelection): Promise<object>
  /** What a person's items say now. */
  personQuads(person: string): AsyncIterable<HttpPersonQuad>
  /** Undefined for an item that is not here. */
  item(item: ItemId): Promise<HttpItem | undefined>
}
