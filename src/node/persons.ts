// The controller's private directory: which items concern whom. It stands in memory only, made of the payloads of items that
// this node's organisation controls and kept up as blocks come, so there is nothing on a disk to erase. Nobody else has it.

import type { ItemId, OrganisationId, Time } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import { comparePlaces, type ItemPlace } from '../ledger/erasure-acts.ts'
import { readAssertions } from '../ledger/items.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { itemPayloadSchema } from '../ledger/payload.ts'
import type { Policy } from '../ledger/records.ts'
import { decodeTransaction } from '../ledger/static.ts'
import { type ItemHeader, itemIdFor, txIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { StoredRow } from '../store/change.ts'
import { Queue } from '../store/failure.ts'
import type { Store } from '../store/store.ts'
import type { LedgerMachine } from './machine.ts'
import { rowsOf } from './rows.ts'

/** An item that this organisation controls and that is not erased. */
export interface ControlledItem {
  readonly item: ItemId
  readonly place: ItemPlace
  readonly header: ItemHeader
  readonly graph: string
  readonly policy: Policy
  /** Of its block. */
  readonly time: Time
  readonly subjects: readonly string[]
}

/** Which items are meant. */
export type Selection =
  | { readonly type: 'person'; readonly person: string }
  | { readonly type: 'items'; readonly items: readonly ItemId[] }
  | { readonly type: 'graph'; readonly graph: string }
  /** Items whose policy's period has ended. */
  | { readonly type: 'due' }

export interface PersonsOptions {
  readonly organisation: OrganisationId
  readonly machine: Pick<LedgerMachine, 'applied' | 'itemsOf'> & { readonly ledger: Ledger }
  readonly blocks: Pick<BlockArchive, 'read'>
  readonly store: Pick<Store, 'itemPayload'>
}

const dayMs = 86_400_000

export class Persons {
  readonly #options: PersonsOptions
  readonly #queue: Queue = new Queue()
  readonly #items: Map<ItemId, ControlledItem> = new Map()
  readonly #byPerson: Map<string, Set<ItemId>> = new Map()
  #height = 0

  constructor(options: PersonsOptions) {
    this.#options = options
  }

  /** In the order of their places. */
  select(selection: Selection): Promise<readonly ControlledItem[]> {
    return this.#queue.run(async () => {
      await this.#catchUp()
      return this.#chosen(selection).sort((a, b) => comparePlaces(a.place, b.place))
    })
  }

  /** The rows of an item; none when it was erased meanwhile. */
  async rows({ item, header }: ControlledItem): Promise<readonly StoredRow[]> {
    const payload = await this.#options.store.itemPayload(item)
    if (payload === undefined) return []
    const { assertions } = decode(itemPayloadSchema, payload)
    const read = readAssertions(header, assertions.padded)
    return read.type === 'void' ? [] : rowsOf(read.value)
  }

  #chosen(selection: Selection): ControlledItem[] {
    switch (selection.type) {
      case 'person':
        return this.#found(this.#byPerson.get(selection.person) ?? [])
      case 'items':
        return this.#found(selection.items)
      case 'graph':
        return [...this.#items.values()].filter(({ graph }) => graph === selection.graph)
      case 'due': {
        const now = this.#options.machine.ledger.time
        return [...this.#items.values()].filter(
          ({ policy: { retentionDays }, time }) => retentionDays > 0 && time + retentionDays * dayMs <= now,
        )
      }
    }
  }

  #found(ids: Iterable<ItemId>): ControlledItem[] {
    return [...ids].flatMap((id) => this.#items.get(id) ?? [])
  }

  async #catchUp(): Promise<void> {
    const target = this.#options.machine.applied.sequence
    for (; this.#height < target; this.#height++) await this.#take(this.#height + 1)
  }

  async #take(height: number): Promise<void> {
    const { machine, blocks } = this.#options
    const { header, transactions } = decode(blockRecordSchema, await blocks.read(height))
    for (const [transaction, bytes] of transactions.entries()) {
      const decoded = decodeTransaction(bytes)
      const tx = txIdFor(decoded)
      if (decoded.act.type === 'erase') {
        for (const item of await machine.itemsOf(tx)) this.#forget(item)
      }
      if (decoded.act.type !== 'data') continue
      for (const [index, item] of decoded.act.items.entries()) {
        const place = { sequence: header.sequence, transaction, index }
        await this.#keep(itemIdFor(tx, index), item, place, header.time)
      }
    }
  }

  /** Items whose transaction was refused, or that are erased, have no payload. */
  async #keep(item: ItemId, header: ItemHeader, place: ItemPlace, time: Time): Promise<void> {
    const { machine, organisation, store } = this.#options
    const policy = machine.ledger.policy(header.policy)
    const graph = machine.ledger.graph(header.graph)?.iri
    if (policy?.controller !== organisation || graph === undefined) return
    const payload = await store.itemPayload(item)
    if (payload === undefined) return
    const read = readAssertions(header, decode(itemPayloadSchema, payload).assertions.padded)
    const subjects = read.type === 'void' ? [] : read.value.subjects
    this.#items.set(item, { item, place, header, graph, policy, time, subjects })
    for (const person of subjects) {
      const own = this.#byPerson.get(person) ?? new Set()
      this.#byPerson.set(person, own.add(item))
    }
  }

  #forget(item: ItemId): void {
    for (const person of this.#items.get(item)?.subjects ?? []) {
      const own = this.#byPerson.get(person)
      own?.delete(item)
      if (own?.size === 0) this.#byPerson.delete(person)
    }
    this.#items.delete(item)
  }
}
