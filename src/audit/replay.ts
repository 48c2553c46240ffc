// What verifying a bundle needs from the ledger's rules, injected so that this folder knows nothing of them: node/
// supplies it, tests supply their own. A replay executes blocks in order and says what each must have led to.

import type { Digest, ItemId, LedgerId, NodeId, OrganisationId, Time } from '../base/ids.ts'
import type { JsonValue } from '../base/schema.ts'
import type { BlockHeader, BlockRecord } from '../consensus/block.ts'
import type { FaultModel } from '../consensus/quorum.ts'
import type { Checkpoint } from '../consensus/statements.ts'
import type { InForce } from '../consensus/succession.ts'
import type { PayloadRecord } from './bundle.ts'
import type { Entry } from './leaf.ts'

/** An item that a block made part of the dataset. */
export interface ItemClaim {
  readonly item: ItemId
  /** Organisations that hold its payload; none listed: all. */
  readonly audience: readonly OrganisationId[]
  /**
   * Whether what a record holds opens the commitments of this item: both, or of a `kept` record the retractions'.
   * @throws LedgerError for what is no payload at all.
   */
  opens(record: PayloadRecord): boolean
}

/** What views say of an admitted transaction beyond its leaf. */
export interface ActView {
  /** IRIs of the graphs that it changes, where they are registered. */
  readonly graphs: readonly string[]
  /** How many items it names. */
  readonly items: number
  /** The act itself, unless it is a change of data. */
  readonly detail: JsonValue | undefined
}

/** One row of the register of processing (GDPR, Article 30): a policy. */
export interface Processing {
  readonly name: string
  readonly controller: OrganisationId
  readonly kind: string
  readonly purpose: string
  readonly legalBasis: string
  /** 0: no period. */
  readonly retentionDays: number
  /** Organisations that hold the data; none listed: all. */
  readonly audience: readonly OrganisationId[]
}

/** A node put the head of its local log into the consortium log. */
export interface AnchorClaim {
  readonly node: NodeId
  /** When the log began, ms: its name. */
  readonly log: number
  readonly size: number
  readonly root: Digest
}

export interface Replayed {
  readonly header: BlockHeader
  readonly hash: Digest
  /** What the log says of this block, in order. */
  readonly entries: readonly Entry[]
  /** Of each entry after the first, which is the block's. */
  readonly acts: readonly ActView[]
  /** In order of transaction and index. */
  readonly items: readonly ItemClaim[]
  /** Items, of this or earlier blocks, whose erasure this block orders. */
  readonly erased: readonly ItemId[]
  /** Heads of local logs that this block anchored. */
  readonly anchors: readonly AnchorClaim[]
}

export interface CheckpointKey {
  readonly node: NodeId
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array
}

export interface Replay {
  /** What the ledger's protocol bears, as its genesis says. */
  readonly faults: FaultModel
  /** Of the genesis: no block is older. */
  readonly created: Time
  /** Of the state before the next block: its roster, and the one that is planned to follow. */
  rosters(): InForce
  /** Of the state after the last block: what a RESULT names at every K-th. */
  checkpoint(): Checkpoint
  /** Of the validators in force after the last block. */
  checkpointKeys(): readonly CheckpointKey[]
  /** The key of every node that is or was part of the ledger, as it was last. */
  nodeKeys(): readonly CheckpointKey[]
  /** The policies after the last block. */
  register(): readonly Processing[]
  /** Executes the next block, whose place, digest and certificate were checked. @throws LedgerError when it cannot be. */
  apply(record: BlockRecord): Replayed
}

/**
 * Begins at a genesis: the bytes of genesis.json, whose form and founders' signatures it checks. The caller compares
 * `ledger` with what it trusts.
 * @throws LedgerError for a genesis that founds no ledger.
 */
export type StartReplay = (genesis: Uint8Array) => { readonly ledger: LedgerId; readonly replay: Replay }
