// Gives every item of the chain its state: OPENED (its payload is here and opens its commitments), ERASED (by an order
// that stands in the chain), WITHHELD (this reader is not of its audience) or MISSING, which is a failure. What the
// exporter says of an item counts for nothing: only payloads that open, and orders in blocks.

import { LedgerError } from '../base/errors.ts'
import type { ItemId, OrganisationId } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { type PayloadRecord, payloadRecordSchema } from './bundle.ts'
import type { Located, Source } from './bundle-reader.ts'
import type { Findings } from './findings.ts'
import type { ItemClaim } from './replay.ts'
import { bytesOf } from './verify-results.ts'

export interface ItemCounts {
  opened: number
  erased: number
  withheld: number
  missing: number
}

interface Held {
  readonly place: Located
  readonly record: PayloadRecord
}

export class ItemCheck {
  readonly counts: ItemCounts = { opened: 0, erased: 0, withheld: 0, missing: 0 }
  readonly #reader: OrganisationId | undefined
  readonly #source: Source
  readonly #findings: Findings
  /** Items that should be here and are not, until an erasure order explains it; with their heights. */
  readonly #absent = new Map<ItemId, number>()
  readonly #erased = new Set<ItemId>()
  #next: Held | undefined
  #started = false

  /** `reader`: whose items the bundle must hold; undefined for a bundle without payloads. */
  constructor(reader: OrganisationId | undefined, source: Source, findings: Findings) {
    this.#reader = reader
    this.#source = source
    this.#findings = findings
  }

  /** Call in order of height. */
  async at(height: number, items: readonly ItemClaim[], erased: readonly ItemId[]): Promise<void> {
    if (!this.#started) this.#next = await this.#read(this.#source)
    this.#started = true
    const open = new Set(items.map(({ item }) => item))
    for (const claim of items) {
      await this.#skipStrays(height, open)
      await this.#settle(height, claim)
      open.delete(claim.item)
    }
    await this.#skipStrays(height, open)
    for (const item of erased) {
      this.#erased.add(item)
      if (this.#absent.delete(item)) this.counts.erased += 1
    }
  }

  /** `again`: the payload records from their start, for items that were erased after they were seen. */
  async finish(again: Source): Promise<void> {
    await this.#skipStrays(Number.POSITIVE_INFINITY, new Set())
    for (const [item, height] of this.#absent) {
      this.counts.missing += 1
      this.#findings.add('MISSING', 'payloads', `item ${item}, height ${height}`)
    }
    if (this.#erased.size === 0) return
    for (let held = await this.#read(again); held !== undefined; held = await this.#read(again)) {
      const { place, record } = held
      if (record.type !== 'whole' || !this.#erased.has(record.item)) continue
      this.#findings.add('NOT_ERASED', place.file, `item ${record.item}, ${bytesOf(place)}`)
    }
  }

  /** Passes records that are of no item which is still to come. `open`: items of the block at `height` to come. */
  async #skipStrays(height: number, open: ReadonlySet<ItemId>): Promise<void> {
    while (this.#next !== undefined) {
      const { place, record } = this.#next
      if (record.height > height || (record.height === height && open.has(record.item))) return
      this.#findings.add('PAYLOAD_SURPLUS', place.file, `item ${record.item}, ${bytesOf(place)}`)
      this.#next = await this.#read(this.#source)
    }
  }

  async #settle(height: number, claim: ItemClaim): Promise<void> {
    const next = this.#next?.record
    const held = next?.height === height && next.item === claim.item ? this.#next : undefined
    if (held === undefined) return this.#settleAbsent(height, claim)
    const { place, record } = held
    this.#next = await this.#read(this.#source)
    if (!opens(claim, record)) {
      const at = `item ${claim.item}, height ${height}, ${bytesOf(place)}`
      this.#findings.add('PAYLOAD_MISMATCH', place.file, at)
      this.counts.missing += 1
    } else if (record.type === 'whole') this.counts.opened += 1
    else this.#absent.set(claim.item, height)
  }

  #settleAbsent(height: number, { item, audience }: ItemClaim): void {
    const reader = this.#reader
    if (reader !== undefined && (audience.length === 0 || audience.includes(reader))) this.#absent.set(item, height)
    else this.counts.withheld += 1
  }

  async #read(source: Source): Promise<Held | undefined> {
    for (let place = await source(); place !== undefined; place = await source()) {
      try {
        return { place, record: decode(payloadRecordSchema, place.bytes) }
      } catch (error) {
        if (!(error instanceof LedgerError)) throw error
        this.#findings.add('FILE_MALFORMED', place.file, bytesOf(place), error.message)
      }
    }
    return undefined
  }
}

function opens(claim: ItemClaim, record: PayloadRecord): boolean {
  try {
    return claim.opens(record)
  } catch (error) {
    if (error instanceof LedgerError) return false
    throw error
  }
}
