// A running node as others in the same process see it (http/, an application, a test): start, stop, and the questions that
// the ledger answers. A node that cannot go on stops by itself and says why.

import type { Quad } from '@rdfjs/types'
import { leafProof } from '../audit/sample.ts'
import { endAll } from '../base/ending.ts'
import { LedgerError } from '../base/errors.ts'
import { keyId } from '../base/hash.ts'
import { type Digest, type ItemId, type KeyId, type LedgerId, sequenceOf, type TxId } from '../base/ids.ts'
import { encode } from '../base/schema.ts'
import { selfTest } from '../base/self-test.ts'
import { resultCertificateSchema } from '../consensus/certificate.ts'
import { checkGenesis } from '../ledger/founding.ts'
import { ledgerIdFor, type SignedGenesis } from '../ledger/genesis.ts'
import type { Node } from '../ledger/records.ts'
import type { MeshCounters } from '../p2p/counters.ts'
import { diskError } from '../store/failure.ts'
import type { Reader } from '../store/reader.ts'
import { type Backups, backupsOf } from './backup.ts'
import { type Change, changesAt } from './changes.ts'
import type { ErasureReport } from './erasure-report.ts'
import { EvidenceFiles } from './evidence-files.ts'
import { evidenceJson, evidenceView, keptDocument, type NodeEvidence } from './evidence-view.ts'
import { type NodeHealth, nodeHealth } from './health.ts'
import { type HeldRows, heldRows } from './held-rows.ts'
import { KeyCare, type KeyStatus } from './key-care.ts'
import { LocalAudit } from './local-audit.ts'
import type { KeptItem } from './machine.ts'
import { membersView, membersViewSchema } from './members-view.ts'
import type { NodeEvent } from './node-event.ts'
import type { NodeOptions } from './node-options.ts'
import { type NodeStatus, nodeStatus } from './node-status.ts'
import { openParts, type Parts } from './parts.ts'
import { payloadEvidence } from './payload-evidence.ts'
import { type Overview, type Overviews, overview, overviewsOf, personQuads } from './person-overview.ts'
import type { Selection } from './persons.ts'
import type { Proof } from './receipt.ts'
import { receiptOf } from './receipts.ts'
import { Runtime } from './runtime.ts'
import { softwareDigest } from './software.ts'
import type { Submission } from './submissions.ts'
import { clock, random } from './system.ts'
import { Vitals } from './vitals.ts'

export type { NodeEvent } from './node-event.ts'
export type { NodeOptions } from './node-options.ts'
export type { NodeStatus } from './node-status.ts'
export type { Submission } from './submissions.ts'

export class QuadrilleNode {
  readonly ledger: LedgerId
  readonly genesis: SignedGenesis
  readonly #options: NodeOptions
  #parts: Parts | undefined
  #runtime: Runtime | undefined
  #keyCare: KeyCare | undefined
  #vitals: Vitals | undefined
  #local: LocalAudit | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #persons: Overviews | undefined
  #evidence: EvidenceFiles | undefined

  /** @throws LedgerError what founding.ts finds; NODE_UNKNOWN when the genesis does not name this node. */
  constructor(options: NodeOptions) {
    const [fault] = checkGenesis(options.genesis)
    if (fault !== undefined) throw new LedgerError(fault.code, fault.details)
    this.ledger = ledgerIdFor(options.genesis.genesis)
    this.#options = options
    this.genesis = options.genesis
    if (this.#member === undefined) throw new LedgerError('NODE_UNKNOWN', { node: options.self })
  }

  /** As the ledger has it now, else as it was founded or introduces itself. */
  get #member(): Pick<Node, 'id' | 'name' | 'organisation'> | undefined {
    const { genesis, self, joining } = this.#options
    return this.#runtime?.machine.ledger.node(self) ?? genesis.genesis.nodes.find(({ id }) => id === self) ?? joining
  }

  /** Once. @throws LedgerError what opening its folders, its keys or its address meets. */
  start(): Promise<void> {
    this.#starting = this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    const { home, self, listen, unlock, seal = true, backupsKeptDays = 0, bootstrap = [] } = this.#options
    const { ledger, genesis } = this
    const { detailsKeptDays = 365, anchorMs = 0, memory, diskFreeMinBytes: freeBytesMin = 0 } = this.#options
    const onFailure = (error: unknown): void => this.#fail(error)
    const onEvent = (event: NodeEvent): void => this.#hear(event)
    selfTest()
    const parts = await openParts({ home, ledger, self, unlock, seal, ...memory })
    this.#parts = parts
    try {
      this.#vitals = await Vitals.begin({ folder: home.root, freeBytesMin }, onEvent)
      this.#local = await LocalAudit.begin({ home, ledger, self, parts, detailsKeptDays, anchorMs, onEvent, onFailure })
      const software = await softwareDigest()
      this.#local.started(software, unlock.provider)
      this.#evidence = await EvidenceFiles.open(home.evidence)
      this.#runtime = await Runtime.start({
        parts: { ...parts, journal: this.#vitals.timed(parts.journal) },
        genesis: genesis.genesis,
        self,
        listen,
        clock,
        random,
        bootstrap,
        ...memory,
        evidence: this.#evidence,
        notes: home,
        forkProof: home.forkedResults,
        erasing: {
          notes: home.purges,
          searched: [home.root],
          local: this.#local,
          software,
          unlock: unlock.provider,
          backupsKeptMs: backupsKeptDays * 86_400_000,
        },
        onEvent,
        onFailure,
      })
    } catch (error) {
      this.#vitals?.stop()
      // What failed first says what is wrong; that something would not close after it says nothing more.
      await this.#local?.close().catch(() => undefined)
      await parts.close().catch(() => undefined)
      throw diskError(error)
    }
    this.#local.attach(this.#runtime, this.#watched.clocks)
    this.#keyCare = new KeyCare({ ...parts, unlock: unlock.provider, onEvent })
  }

  #hear(event: NodeEvent): void {
    this.#vitals?.note(event)
    this.#local?.hear(event)
    this.#options.onEvent?.(event)
  }

  /** Ends what is under way, a start included, and closes every file and connection. */
  stop(): Promise<void> {
    return this.#stop()
  }

  #stop(failure?: unknown): Promise<void> {
    this.#stopping ??= endAll(
      () => this.#starting?.catch(() => undefined),
      () => this.#vitals?.stop(),
      () => this.#local?.stopped(failure),
      () => this.#runtime?.stop(),
      () => this.#keyCare?.stop(),
      () => this.#local?.close(),
      () => this.#parts?.close(),
    )
    return this.#stopping
  }

  #fail(error: unknown): void {
    if (this.#stopping !== undefined) return
    this.#options.onFailure?.(diskError(error))
    // What closing meets after a failure is a consequence of it.
    this.#stop(error).catch(() => undefined)
  }

  get #running(): Runtime {
    if (this.#runtime === undefined || this.#stopping !== undefined) throw new LedgerError('NODE_STOPPED')
    return this.#runtime
  }

  /** Resolves when the transaction is final. @throws LedgerError as submissions.ts says, DISK_LOW. */
  async submit(transaction: Uint8Array, payload: Uint8Array, signal: AbortSignal): Promise<Submission> {
    const { submissions } = this.#running
    const { disk, commits } = this.#watched
    if (disk.room.low) throw new LedgerError('DISK_LOW', { freeMiB: Math.floor(disk.room.freeBytes / 1_048_576) })
    return commits.timing(() => submissions.submit(transaction, payload, signal))
  }

  get #watched(): Vitals {
    if (this.#vitals === undefined) throw new LedgerError('NODE_STOPPED')
    return this.#vitals
  }

  /** What there is of keys at rest, without the keys. @throws LedgerError NODE_STOPPED */
  keys(): KeyStatus {
    return this.#keys.status()
  }

  /** Begins to turn the keys at rest in the background, unless that is under way. @throws LedgerError NODE_STOPPED */
  rotateKeys(): KeyStatus {
    return this.#keys.rotate()
  }

  /** What can be backed up of this node while it goes on. @throws LedgerError BACKUPS_UNDECLARED, NODE_STOPPED */
  backups(): Backups {
    const node = { ...this.#options, onEvent: (event: NodeEvent): void => this.#hear(event) }
    return backupsOf(node, { ledger: this.ledger, parts: this.#open, local: this.local, clock })
  }

  get #keys(): KeyCare {
    if (this.#keyCare === undefined || this.#stopping !== undefined) throw new LedgerError('NODE_STOPPED')
    return this.#keyCare
  }

  /** What happened to it and who asked it. @throws LedgerError NODE_STOPPED */
  get local(): LocalAudit {
    if (this.#local === undefined) throw new LedgerError('NODE_STOPPED')
    return this.#local
  }

  get height(): number {
    return this.#running.machine.applied.sequence
  }

  /** Time of the last executed block, ms. */
  get time(): number {
    return this.#running.machine.ledger.time
  }

  /** A height at which everything is here that was acknowledged before this call. @throws LedgerError as reads.ts says, CATCHING_UP */
  async confirmed(signal: AbortSignal): Promise<number> {
    // A node that is behind catches up with what it asks for.
    const height = await this.#running.reads.confirmed(signal)
    this.#requireServing()
    return height
  }

  /** True once a height is executed; false when `signal` aborts before. @throws LedgerError NODE_STOPPED */
  async reached(height: number, signal: AbortSignal): Promise<boolean> {
    return this.#running.arrivals.reached(height, signal)
  }

  /** What a block changed. @throws LedgerError CATCHING_UP, QUERY_ABORTED_BY_ERASURE */
  changes(height: number): AsyncGenerator<Change, void, undefined> {
    this.#requireServing()
    return changesAt(height, { ...this.#open, machine: this.#running.machine })
  }

  /** IRIs. */
  graphs(): readonly string[] {
    return this.#running.machine.ledger.graphs().map(({ iri }) => iri)
  }

  /** Rows that make these quads hold at a height. @throws LedgerError CATCHING_UP, TOO_LARGE */
  async heldRows(quads: readonly Quad[], height: number): Promise<readonly HeldRows[]> {
    this.#requireServing()
    return heldRows(quads, height, this.#open)
  }

  /** Quads as of a height, now by default. @throws LedgerError CATCHING_UP; RangeError for a height that is not here. */
  source(height: number = this.height): Reader {
    this.#requireServing()
    return this.#open.store.at(height).refusing(this.#running.comparison.diverged)
  }

  status(): Promise<NodeStatus> {
    const [{ store }, { self }, { local }] = [this.#open, this.#options, this]
    return nodeStatus({ runtime: this.#running, store, evidence: this.#kept, local, member: this.#member, self })
  }

  /** How it is, in more detail than `status`. */
  health(): Promise<NodeHealth> {
    const [{ store }, { home, self }, { local }] = [this.#open, this.#options, this]
    return nodeHealth({ runtime: this.#running, store, vitals: this.#watched, local, home, self })
  }

  /** The number above the highest that this key has used. */
  nextSequence(key: Uint8Array | KeyId): number {
    return this.#running.machine.ledger.nextSequence(typeof key === 'string' ? key : keyId(key))
  }

  /** Encoded BlockRecords from a height on, as many as there are and no more than `count`. */
  async blocks(from: number, count: number): Promise<readonly Uint8Array[]> {
    const last = Math.min(this.height, from + count - 1)
    if (from < 1 || last < from) return []
    return (await this.#open.blocks.range(sequenceOf(from), last - from + 1)).map(({ bytes }) => bytes)
  }

  /** Encoded ResultCertificate of a height, where this node kept one. */
  async result(height: number): Promise<Uint8Array | undefined> {
    return this.#open.blocks.result(sequenceOf(height))
  }

  /** Proof for others of where a transaction stands or what became of it, as JSON. @throws LedgerError RECEIPT_UNKNOWN */
  async receipt(tx: TxId, type: Proof['type']): Promise<object> {
    const { machine, epochs } = this.#running
    return receiptOf(tx, type, { ...this.#open, machine, epochs, final: this.final()?.height ?? 0 })
  }

  /** The newest proof that a block is final. */
  final(): { readonly height: number; readonly certificate: Uint8Array } | undefined {
    const found = this.#running.final()
    return found && { height: found.result.sequence, certificate: encode(resultCertificateSchema, found) }
  }

  /** The newest checkpoint, signed by a quorum if it can be reached; with a `size`, this node's own. Undefined when nothing is final. */
  async checkpoint(size?: number): Promise<string | undefined> {
    return size === undefined ? this.#running.cosigning.note() : this.#running.cosigning.own(size)
  }

  async leafProof(index: number, size?: number): Promise<string | undefined> {
    return leafProof(this.#open.log, index, await this.checkpoint(size))
  }

  tile(path: string): Uint8Array | undefined {
    return this.#open.log.tile(path)
  }

  /** Leaves from `from` to `to` - 1. @throws RangeError for more than there are. */
  leaves(from: number, to: number): Iterable<Uint8Array> {
    return this.#open.log.leaves(from, to)
  }

  /** Who takes part, as it is planned, and how far they are. */
  members(): object {
    const { machine, heights } = this.#running
    return membersViewSchema.toJson(membersView(machine.ledger, (node) => heights.of(node))) as object
  }

  /** What is kept of an item; undefined when it is not here. @throws LedgerError CATCHING_UP */
  async item(item: ItemId): Promise<KeptItem | undefined> {
    this.#requireServing()
    return this.#running.machine.item(item)
  }

  /** Pieces of bytes on this node's disk that must be gone once these items are erased and purged. */
  probes(items: readonly ItemId[]): Promise<readonly Uint8Array[]> {
    return this.#open.store.probes(items)
  }

  /** What the ledger knows of an erasure order; undefined for an unknown one. */
  erasure(order: TxId): Promise<ErasureReport | undefined> {
    return this.#running.machine.report(order)
  }

  /** Items that this node's organisation controls, with what there is to know before they are erased. */
  overview(selection: Selection): Promise<Overview> {
    return overview(this.#overviews, selection)
  }

  /** What the items of a person say now, of those that this node's organisation controls. */
  personQuads(person: string): ReturnType<typeof personQuads> {
    return personQuads(this.#overviews, person)
  }

  /** What this node keeps against validators that contradicted themselves, oldest first by id. */
  evidence(): readonly NodeEvidence[] {
    return evidenceView(this.#kept.list(), this.#running.machine.ledger)
  }

  /** One piece of it, for anybody who has the genesis; undefined for an unknown one. */
  async evidenceDocument(id: Digest): Promise<object | undefined> {
    return keptDocument(this.#kept.list(), id, this.#running.epochs)
  }

  /** Against the author of a transaction: a document for each malformed part, as far as this node keeps it. */
  async payloadEvidence(tx: TxId): Promise<readonly object[]> {
    this.#requireServing()
    return (await payloadEvidence(this.#running.machine, this.#open.blocks, tx)).map(evidenceJson)
  }

  get #kept(): EvidenceFiles {
    if (this.#evidence === undefined || this.#stopping !== undefined) throw new LedgerError('NODE_STOPPED')
    return this.#evidence
  }

  #requireServing(): void {
    if (!this.#running.heights.serve()) throw new LedgerError('CATCHING_UP')
  }

  get #overviews(): Overviews {
    this.#requireServing()
    const { machine } = this.#running
    this.#persons ??= overviewsOf({ ...this.#open, machine, local: this.local, member: this.#member })
    return this.#persons
  }

  /** Multiaddresses where it listens for other nodes. */
  addresses(): readonly string[] {
    return this.#running.mesh.addresses()
  }

  counters(): MeshCounters {
    return this.#running.mesh.counters()
  }

  get #open(): Parts {
    if (this.#parts === undefined || this.#stopping !== undefined) throw new LedgerError('NODE_STOPPED')
    return this.#parts
  }
}

/** @throws LedgerError what founding.ts finds, NODE_UNKNOWN. Nothing is opened before `start`. */
export function createNode(options: NodeOptions): QuadrilleNode {
  return new QuadrilleNode(options)
}
