// What the report counts while blocks go by, in bounded memory: lists keep their first entries and say how many more there are.

import type { OrganisationId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { EventView } from './filter.ts'
import type { Replayed } from './replay.ts'

/** The first entries of a list that may be long, and how many there were. */
export interface Listed<T> {
  readonly shown: T[]
  total: number
}

export interface Quiet {
  readonly from: number
  readonly to: number
}

export interface Totals {
  readonly transactions: number
  readonly shown: number
  readonly items: number
  readonly withheld: number
  readonly erased: number
  readonly first: number
  readonly last: number
}

const quietMs = 3_600_000

export class ReportTotals {
  /** By `organisation act outcome`. */
  readonly counts: Map<string, number> = new Map()
  /** By month, YYYY-MM. */
  readonly months: Map<string, number> = new Map()
  readonly erasures: Listed<EventView> = { shown: [], total: 0 }
  readonly keys: Listed<EventView> = { shown: [], total: 0 }
  readonly governance: Listed<EventView> = { shown: [], total: 0 }
  readonly refused: Listed<EventView> = { shown: [], total: 0 }
  /** Stretches of an hour or more without a block. */
  readonly quiet: Listed<Quiet> = { shown: [], total: 0 }
  readonly #reader: OrganisationId | undefined
  readonly #totals = { transactions: 0, shown: 0, items: 0, withheld: 0, erased: 0, first: 0, last: 0 }

  constructor(reader: OrganisationId | undefined, created: number) {
    this.#reader = reader
    this.#totals.first = created
    this.#totals.last = created
  }

  get totals(): Totals {
    return this.#totals
  }

  block({ header, items, erased }: Replayed): void {
    const totals = this.#totals
    if (header.time - totals.last >= quietMs) list(this.quiet, { from: totals.last, to: header.time })
    totals.last = header.time
    totals.items += items.length
    totals.erased += erased.length
    const reader = this.#reader
    totals.withheld += items.filter(({ audience }) => {
      return reader === undefined || (audience.length > 0 && !audience.includes(reader))
    }).length
  }

  event(event: EventView, shown: boolean): void {
    this.#totals.transactions += 1
    if (event.detail !== undefined) list(this[kindOf(event.act)], event)
    if (!shown) return
    this.#totals.shown += 1
    count(this.counts, `${event.organisation} ${event.act} ${event.outcome}`)
    count(this.months, new Date(event.time).toISOString().slice(0, 7))
    if (event.outcome !== 'OK') list(this.refused, event)
  }
}

function kindOf(act: string): 'erasures' | 'keys' | 'governance' {
  if (act.startsWith('key-')) return 'keys'
  return act.startsWith('erase') || act.startsWith('erasure') || act.startsWith('hold') ? 'erasures' : 'governance'
}

function list<T>(listed: Listed<T>, entry: T): void {
  listed.total += 1
  if (listed.shown.length < limits.reportRowsMax) listed.shown.push(entry)
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
