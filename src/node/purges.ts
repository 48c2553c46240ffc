// Carries erasure orders out on this node's disk: notes what must be gone, lets the store destroy keys and bytes, searches
// all files for what was noted, and attests on the ledger. The ledger says what is owed, so a start takes up every purge
// that lacks its attestation, wherever it was interrupted.

import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { type ItemId, type NodeId, type TxId, timeOf } from '../base/ids.ts'
import type { Clock } from '../consensus/ports.ts'
import type { PurgeCounts } from '../ledger/erasure-acts.ts'
import { piecesOf } from '../store/purge.ts'
import { type ScanResult, scanFiles } from '../store/raw-scan.ts'
import type { Store } from '../store/store.ts'
import { type Names, namesOf } from './erased-names.ts'
import { Insistent } from './insistent.ts'
import type { LedgerMachine } from './machine.ts'
import type { NodeActs } from './node-acts.ts'
import type { ProbeFiles } from './probe-files.ts'

export type PurgeEvent =
  | { readonly type: 'purged'; readonly order: TxId; readonly counts: PurgeCounts }
  /** It is tried again. */
  | { readonly type: 'purge-failed'; readonly code: ErrorCode }

export interface PurgesOptions {
  readonly self: NodeId
  readonly machine: LedgerMachine
  readonly store: Store
  readonly probes: ProbeFiles
  /** The details beside the local log. */
  readonly local: LocalPurge
  readonly acts: NodeActs
  readonly clock: Clock
  /** Folders whose every file is searched. */
  readonly searched: readonly string[]
  readonly software: Uint8Array
  /** Name of the unlock provider. */
  readonly unlock: string
  /** For how long this node's backups are kept, ms; 0: there are none. */
  readonly backupsKeptMs: number
  readonly onEvent: (event: PurgeEvent) => void
  readonly onFailure: (error: unknown) => void
}

export interface NamedDetail {
  readonly reference: Uint8Array
  /** As it stands on the disk. */
  readonly sealed: Uint8Array
}

/** What this needs of the local log. */
export interface LocalPurge {
  /** Details that name one of these, those included that wait to be written. */
  naming(names: Names): Promise<readonly NamedDetail[]>
  erase(order: TxId, details: readonly NamedDetail[]): Promise<void>
}

interface Noted {
  readonly order: TxId
  readonly probes: readonly Uint8Array[]
}

export class Purges {
  readonly #options: PurgesOptions
  readonly #insistent: Insistent

  constructor(options: PurgesOptions) {
    this.#options = options
    const { onEvent, onFailure } = options
    const onDelay = (code: ErrorCode): void => onEvent({ type: 'purge-failed', code })
    this.#insistent = new Insistent({ work: () => this.#purgeAll(), onDelay, onFailure })
  }

  /** There may be something to purge or to attest. */
  wake(): void {
    this.#insistent.wake()
  }

  stop(): Promise<void> {
    return this.#insistent.stop()
  }

  /** @throws LedgerError PURGE_INCOMPLETE, or why an attestation was refused. */
  async #purgeAll(): Promise<void> {
    const { self, machine, store } = this.#options
    const owed: Noted[] = []
    // Before the orders: of each item that is marked by now the order is among them. What is marked meanwhile waits for the next
    // time, because it tells by what names the details are to be searched only as long as it is not purged.
    const marked = store.erased()
    let left = marked.length
    for (const order of machine.ledger.owedAttestations(self)) {
      const items = await machine.itemsOf(order)
      const details = await this.#options.local.naming(await namesOf(store, items))
      owed.push({ order, probes: await this.#note(order, items, details) })
      // Before what tells the names is gone, so that a purge that is interrupted finds them again.
      await this.#options.local.erase(order, details)
      left += details.length
    }
    // Details alone, too: somebody asked for such an item between a purge and its attestation, which a crash delayed.
    if (left > 0) await store.purge(marked)
    if (owed.length === 0 || this.#insistent.stopped) return
    const result = await this.#search(owed.flatMap(({ probes }) => probes))
    for (const { order, probes } of owed) {
      if (this.#insistent.stopped) return
      await this.#attest(order, { files: result.files, bytes: result.bytes, probes: probes.length, hits: 0 })
    }
  }

  /** The bytes that must be gone; durable before anything goes. */
  async #note(order: TxId, items: readonly ItemId[], details: readonly NamedDetail[]): Promise<readonly Uint8Array[]> {
    const { store, probes } = this.#options
    const before = await probes.read(order)
    if (before !== undefined && details.length === 0) return before
    const found = [...(before ?? (await store.probes(items))), ...details.flatMap(({ sealed }) => piecesOf(sealed))]
    await probes.write(order, found)
    return found
  }

  async #search(probes: readonly Uint8Array[]): Promise<ScanResult> {
    const result = await scanFiles(this.#options.searched, probes)
    if (result.hits > 0) throw new LedgerError('PURGE_INCOMPLETE', { ...result })
    return result
  }

  async #attest(order: TxId, counts: PurgeCounts): Promise<void> {
    const { self, machine, acts, probes, software, unlock, clock, backupsKeptMs, onEvent } = this.#options
    const backupsEnd = timeOf(clock.now() + backupsKeptMs)
    const { code } = await acts.send({ type: 'erasure-attest', order, counts, software, unlock, backupsEnd })
    if (machine.ledger.owedAttestations(self).includes(order)) throw new LedgerError(code as ErrorCode, { order })
    await probes.remove(order)
    onEvent({ type: 'purged', order, counts })
  }
}
