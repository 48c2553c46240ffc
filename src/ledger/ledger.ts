// The ledger: a state machine over delivered batches. Deterministic and synchronous; the same batches give the same headers,
// outcomes and state on every node, live or in replay. Payloads and quads are the node's affair: the state holds none.

import { toHex } from '../base/bytes.ts'
import { type ErrorCode, InvariantError, LedgerError } from '../base/errors.ts'
import { graphId, policyId } from '../base/hash.ts'
import {
  type Digest,
  digestOf,
  type GraphId,
  type ItemId,
  type KeyId,
  type LedgerId,
  type NodeId,
  type OrganisationId,
  type PolicyId,
  type Sequence,
  type Time,
  type TxId,
} from '../base/ids.ts'
import { Frontier } from '../base/merkle.ts'
import type { Batch } from '../consensus/batch.ts'
import { type BlockHeader, blockHash } from '../consensus/block.ts'
import type { Roster } from '../consensus/roster.ts'
import type { Anchor } from './anchor.ts'
import type { StateRecord } from './buckets.ts'
import type { Delivered, TransactionOutcome } from './delivered.ts'
import {
  admissionFault,
  carryOut,
  type GovernanceKeys,
  governanceKeysOf,
  type Moment,
  outcomeFault,
  signerOf,
  takeNumber,
} from './delivery.ts'
import { type ErasureProgress, erasureProgress, type ItemReader, owedAttestations, type Tombstone } from './erasure.ts'
import { type Genesis, type LedgerParameters, ledgerIdFor, type Thresholds } from './genesis.ts'
import { activate, turnEpoch } from './governance.ts'
import type { Conviction, GovernanceStatus, KeyTerm } from './governance-records.ts'
import { agreedDigest, type KeptBatch } from './kept-batch.ts'
import { type Members, plannedMembers } from './members.ts'
import type { Graph, Node, Organisation, Policy } from './records.ts'
import { knownRosters, rosterOf } from './rosters.ts'
import { rulesVersion } from './rules.ts'
import { type ApplicationKey, isMemberRecord, State } from './state.ts'
import { decodeTransaction } from './static.ts'
import { type Transaction, txIdOfKey } from './transaction.ts'
import { freshWindow } from './window.ts'

export type { StateRecord } from './buckets.ts'
export type { Delivered, OutcomeCode, TransactionOutcome } from './delivered.ts'
export type { ErasureProgress, ItemReader, PlacedItem, Tombstone } from './erasure.ts'
export type { KeptBatch } from './kept-batch.ts'
export type { StateChange } from './table.ts'

/** How far the records of a state go: the header of the block that they include last. */
export interface Position {
  readonly header: BlockHeader
}

/** The transaction of these bytes, if it was decoded before and belongs to this ledger. */
export type KnownTransactions = (bytes: Uint8Array) => Transaction | undefined

export class Ledger {
  readonly id: LedgerId
  readonly genesis: Genesis
  readonly #state: State
  readonly #items: ItemReader
  /** What the block under way has erased. */
  readonly #erased = new Map<ItemId, Tombstone>()
  #height: Sequence
  #time: Time
  #lastHash: Digest
  /** Derived from the state. */
  #governance: GovernanceKeys
  /** The last version of the rules that this software knows. */
  readonly #knows: number

  private constructor(
    genesis: Genesis,
    state: State,
    header: BlockHeader | undefined,
    items: ItemReader,
    knows: number,
  ) {
    if (state.rules.rulesVersion > knows) throw tooOld(state.rules.rulesVersion, header?.sequence ?? 0)
    this.#knows = knows
    this.id = ledgerIdFor(genesis)
    this.genesis = genesis
    this.#state = state.under(genesis.protocol)
    this.#height = header?.sequence ?? (0 as Sequence)
    this.#time = header?.time ?? genesis.created
    this.#lastHash = header === undefined ? (this.id as unknown as Digest) : blockHash(header)
    this.#items = (place) => {
      const found = items(place)
      return found !== undefined && this.#erased.has(found.item) ? { ...found, erased: true } : found
    }
    this.#governance = governanceKeysOf(state)
  }

  /**
   * Height 0. `genesis` must have passed founding.ts. Its records are `records()`, not changes of any block. `items` reads
   * the blocks that this node keeps; without it no item can be erased or held. `knows`: the last version of the rules that
   * this software knows. @throws LedgerError SOFTWARE_TOO_OLD
   */
  static fromGenesis(genesis: Genesis, items: ItemReader = noItems, knows: number = rulesVersion): Ledger {
    const state = new State()
    const { thresholds, parameters } = genesis
    state.rules = { rulesVersion: genesis.rulesVersion, thresholds, parameters }
    for (const organisation of genesis.organisations) state.organisations.set(organisation.id, organisation)
    for (const node of genesis.nodes) state.nodes.set(node.id, node)
    for (const policy of genesis.policies) state.policies.set(policyId(policy.name), policy)
    for (const graph of genesis.graphs) {
      state.graphs.set(graphId(graph.iri), graph)
      state.versions.set(graphId(graph.iri), { version: 0 as Sequence })
    }
    state.flush()
    return new Ledger(genesis, state, undefined, items, knows)
  }

  /**
   * The ledger as all changes up to `position` left it. `records` may leave out what still stands as the genesis put it:
   * they are laid over it. From the second epoch on they hold all members (governance.ts), and those of the genesis are not
   * laid under. @throws InvariantError for records that are not of a state. LedgerError SOFTWARE_TOO_OLD
   */
  static fromRecords(
    genesis: Genesis,
    records: Iterable<StateRecord>,
    position: Position,
    items: ItemReader = noItems,
    knows: number = rulesVersion,
  ): Ledger {
    const state = new State()
    const unchanged = new Map<string, StateRecord>()
    for (const record of Ledger.fromGenesis(genesis, noItems, genesis.rulesVersion).records()) {
      unchanged.set(toHex(record.key), record)
    }
    for (const record of records) {
      unchanged.delete(toHex(record.key))
      state.load(record)
    }
    const epoch = state.governance.epoch
    for (const record of unchanged.values()) if (epoch === 0 || !isMemberRecord(record)) state.load(record)
    return new Ledger(genesis, state, position.header, items, knows)
  }

  /**
   * Executes the batch at height + 1. `known` may lend transactions that were decoded before, by static verdict.
   * @throws InvariantError for another height, or for a transaction that no correct validator votes for. LedgerError
   * SOFTWARE_TOO_OLD before the height of an activation that this software does not know: nothing has changed then.
   */
  apply(sequence: Sequence, batch: Batch | KeptBatch, known: KnownTransactions = () => undefined): Delivered {
    if (sequence !== this.#height + 1) throw new InvariantError(`block ${sequence} after ${this.#height}`)
    const [activation] = this.#state.governance.activation
    if (activation !== undefined && sequence >= activation.height && activation.version > this.#knows) {
      throw tooOld(activation.version, activation.height)
    }
    const header: BlockHeader = {
      ledger: this.id,
      epoch: this.#state.governance.epoch,
      sequence,
      previous: this.#lastHash,
      batch: agreedDigest(batch),
      time: Math.max(batch.time, this.#time) as Time,
    }
    const moment: Moment = header
    activate(this.#state, moment)
    const outcomes = batch.transactions.map((bytes, index) =>
      this.#execute(known(bytes) ?? this.#decode(bytes), index, moment),
    )
    const endsEpoch = this.#state.governance.ends[0] === sequence
    if (endsEpoch) turnEpoch(this.#state)
    const changes = this.#state.flush()
    if (endsEpoch) this.#governance = governanceKeysOf(this.#state)
    const erased = [...this.#erased.values()]
    this.#erased.clear()
    this.#height = sequence
    this.#time = header.time
    this.#lastHash = blockHash(header)
    const next = endsEpoch ? this.roster() : undefined
    return { header, hash: this.#lastHash, outcomes, changes, erased, next }
  }

  #execute(transaction: Transaction, index: number, moment: Moment): TransactionOutcome {
    const signer = signerOf(this.#state, this.#governance, transaction.key)
    const { key, organisation, node } = signer
    const outcome = {
      index,
      tx: txIdOfKey(this.id, key, transaction.sequence),
      signer: { key, organisation, node },
      transaction,
    }
    const refused = admissionFault(this.#state, signer, transaction)
    if (refused !== undefined) return { ...outcome, code: refused, admitted: false }
    takeNumber(this.#state, signer, transaction)
    const fault = outcomeFault(this.#state, this.#governance, signer, transaction, moment, this.#items)
    if (fault === undefined) {
      const tombstones = carryOut(this.#state, signer, transaction, moment, this.#items)
      for (const tombstone of tombstones) this.#erased.set(tombstone.item, tombstone)
    }
    return { ...outcome, code: fault ?? 'OK', admitted: true }
  }

  #decode(bytes: Uint8Array): Transaction {
    try {
      const transaction = decodeTransaction(bytes)
      if (transaction.ledger === this.id) return transaction
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
    }
    throw new InvariantError('a transaction was delivered that no correct validator votes for')
  }

  /** What the present state already shows to be hopeless; undefined otherwise. A courtesy, never a vote condition. */
  courtesyFault(transaction: Transaction): ErrorCode | undefined {
    const signer = signerOf(this.#state, this.#governance, transaction.key)
    const moment: Moment = { sequence: (this.#height + 1) as Sequence, time: this.#time }
    return (
      admissionFault(this.#state, signer, transaction) ??
      outcomeFault(this.#state, this.#governance, signer, transaction, moment, this.#items)
    )
  }

  /** Height of the last executed block; 0 before the first. */
  get height(): Sequence {
    return this.#height
  }

  /** Time of the last executed block; the genesis's own before the first. */
  get time(): Time {
    return this.#time
  }

  /** Hash of the last block's header; the ledger's name before the first. */
  get lastHash(): Digest {
    return this.#lastHash
  }

  stateHash(): Digest {
    return this.#state.hash()
  }

  /** The hashes of all buckets; the state hash is over them. A copy. */
  bucketHashes(): Uint8Array {
    return this.#state.bucketHashes().slice()
  }

  bucketRecords(bucket: number): readonly StateRecord[] {
    return this.#state.bucketRecords(bucket)
  }

  *records(): IterableIterator<StateRecord> {
    yield* this.#state.records()
  }

  /** Validators of the next block's epoch. */
  roster(): Roster {
    return rosterOf(this.#state)
  }

  /** See rosters.ts. */
  knownRosters(): readonly [Roster, ...Roster[]] {
    return knownRosters(this.#state)
  }

  /** Organisations and nodes as they will be from the next epoch on: whom a node that prepares for it may already admit. */
  plannedMembers(): Members {
    return plannedMembers(this.#state)
  }

  /** Number of the next proposal, the height that ends this epoch if one is set, and a coming version of the rules. */
  governance(): GovernanceStatus {
    const { proposals, ends, activation } = this.#state.governance
    return { number: proposals + 1, ends: ends[0], activation: activation[0] }
  }

  /** When a key of a member or node was in force; undefined for one that was in the genesis and has not ended, or is none. */
  keyTerm(id: KeyId): KeyTerm | undefined {
    return this.#state.keyTerms.get(id)
  }

  parameters(): LedgerParameters {
    return this.#state.rules.parameters
  }

  thresholds(): Thresholds {
    return this.#state.rules.thresholds
  }

  rulesVersion(): number {
    return this.#state.rules.rulesVersion
  }

  organisation(id: OrganisationId): Organisation | undefined {
    return this.#state.organisations.get(id)
  }

  /** In ascending order of ids, as the other lists. */
  organisations(): readonly Organisation[] {
    return this.#state.organisations.values()
  }

  node(id: NodeId): Node | undefined {
    return this.#state.nodes.get(id)
  }

  nodes(): readonly Node[] {
    return this.#state.nodes.values()
  }

  applicationKey(id: KeyId): ApplicationKey | undefined {
    return this.#state.applicationKeys.get(id)
  }

  policy(id: PolicyId): Policy | undefined {
    return this.#state.policies.get(id)
  }

  policies(): readonly Policy[] {
    return this.#state.policies.values()
  }

  graph(id: GraphId): Graph | undefined {
    return this.#state.graphs.get(id)
  }

  graphs(): readonly Graph[] {
    return this.#state.graphs.values()
  }

  /** Validators, present and former, that contradicted themselves, as the log shows. */
  convictions(): readonly (readonly [NodeId, Conviction])[] {
    return this.#state.convictions.entries()
  }

  /** What a node anchored last of its local log. */
  anchor(node: NodeId): Anchor | undefined {
    return this.#state.anchors.get(node)
  }

  /** Whether every obliged node attested an order; undefined for an unknown order. */
  erasure(order: TxId): ErasureProgress | undefined {
    return erasureProgress(this.#state, order)
  }

  /** Orders that this node, or without one any node, still has to attest. */
  owedAttestations(node?: NodeId): readonly TxId[] {
    return owedAttestations(this.#state, node)
  }

  /** Size and RFC 6962 root of the append-only tree of erased item ids. */
  erasureRoot(): { readonly size: number; readonly root: Digest } {
    const frontier = Frontier.fromBytes(this.#state.erasures.frontier)
    return { size: frontier.size, root: digestOf(frontier.root()) }
  }

  /** Holds that keep an item from being erased: the transactions that placed them. */
  holdsOn(item: ItemId): readonly TxId[] {
    return this.#state.heldItems.get(item)?.holds ?? []
  }

  /** The last height that changed a graph; what a change computed now names as its base. */
  graphVersion(id: GraphId): Sequence | undefined {
    return this.#state.versions.get(id)?.version
  }

  /** The number above the highest that this key has used. */
  nextSequence(id: KeyId): number {
    return (this.#state.windows.get(id) ?? freshWindow).highest + 1
  }
}

const noItems: ItemReader = () => undefined

const tooOld = (rules: number, height: number): LedgerError => new LedgerError('SOFTWARE_TOO_OLD', { rules, height })
