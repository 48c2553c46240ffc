// Reads everything that a closed or quiet store holds and compares what must agree: every record and every block opens,
// each row stands in all four orders with the same heights, each row is one that its item says, each term's text has the
// hash that it is found by, and the count of quads is right. What is wrong is told, not thrown: a verification goes on.

import { toHex } from '../base/bytes.ts'
import { type ErrorDetails, LedgerError } from '../base/errors.ts'
import { keyedHash } from '../base/seal.ts'
import { contentOf } from './content.ts'
import { type Cursor, compareRows } from './cursor.ts'
import type { Database } from './database.ts'
import type { Dictionary } from './dictionary.ts'
import type { KeyRing } from './key-ring.ts'
import { readId, tables, viewOf } from './layout.ts'
import { createPace, type Pace } from './pace.ts'
import { pendingOf } from './pending.ts'
import type { QuadIndex } from './quad-index.ts'
import { Reader } from './reader.ts'
import { RecentMap } from './recent-map.ts'
import type { Sealer } from './sealer.ts'
import { type LocalId, lookupTable, orders, quadColumns, quadWidth, shapes, termTable } from './tables.ts'

export interface VerificationParts {
  readonly database: Database
  readonly sealer: Sealer
  readonly index: QuadIndex
  readonly dictionary: Dictionary
  readonly keys: KeyRing
}

export interface Verification {
  readonly holds: boolean
  readonly records: number
  readonly items: number
  /** Rows of the first order, retracted ones included. */
  readonly rows: number
  readonly terms: number
  /** The first hundred. */
  readonly findings: readonly Finding[]
}

export interface Finding {
  readonly code: string
  readonly details: ErrorDetails
}

/** What the root record says. */
export interface Stated {
  readonly sequence: number
  /** Different quads that hold. */
  readonly quads: number
}

const findingsMax = 100
const entriesAtOnce = 256

/** Not while commits go on. */
export async function verifyStore(parts: VerificationParts, stated: Stated): Promise<Verification> {
  const run = new Run(parts)
  const records = await run.records()
  const rows = await run.orders()
  const items = await run.items(rows)
  const terms = await run.terms()
  await run.count(stated)
  const { findings } = run
  return { holds: findings.length === 0, records, items, rows: rows.count, terms, findings }
}

/** A sum over rows that does not depend on their order, of 32-byte hashes. */
interface RowSum {
  count: number
  sum: bigint
}

class Run {
  readonly findings: Finding[] = []
  readonly #parts: VerificationParts
  readonly #pace: Pace = createPace()
  #keysMissing = 0
  /** For hashes that only this run compares. */
  readonly #secret: Uint8Array

  constructor(parts: VerificationParts) {
    this.#parts = parts
    this.#secret = parts.keys.active('lookup').secret
  }

  /** Opens every record. */
  async records(): Promise<number> {
    let records = 0
    for (const table of Object.values(tables)) {
      await this.#each(table, (key, plain) => {
        records += 1
        if (table === tables.pending) pendingOf(plain)
        if (table === tables.content) contentOf(plain)
        if (key.length === 0) throw new LedgerError('RECORD_TAMPERED', { table })
      })
    }
    return records
  }

  /** All orders hold the same rows. Gives the sum of their names without heights of retraction. */
  async orders(): Promise<RowSum> {
    const sums: RowSum[] = []
    const named: RowSum = { count: 0, sum: 0n }
    for (let order = 0; order < orders.length; order++) {
      const sum: RowSum = { count: 0, sum: 0n }
      await this.#walk(order, (cursor) => {
        const row = inFirstOrder(cursor, order)
        if (this.#parts.index.erased.has(row[quadColumns.item] as LocalId)) return
        this.#count(sum, row)
        if (order === 0) this.#count(named, row.subarray(0, quadColumns.asserted))
      })
      sums.push(sum)
    }
    const [first] = sums
    for (const [order, { count, sum }] of sums.entries()) {
      if (sum !== first?.sum) this.#find('CONTENT_DIVERGED', { order, rows: count, expected: first?.count ?? 0 })
    }
    return named
  }

  /** The rows that the items say are those that the index holds; not to be told when keys of items are missing. */
  async items(indexed: RowSum): Promise<number> {
    const said: RowSum = { count: 0, sum: 0n }
    const before = this.#keysMissing
    let items = 0
    await this.#each(tables.content, (key, plain) => {
      const local = readId(viewOf(key), 1)
      if (this.#parts.index.erased.has(local)) return
      items += 1
      for (const [row, quad] of contentOf(plain).rows.entries()) {
        this.#count(said, Float64Array.of(...quad, local, row))
      }
    })
    if (said.sum !== indexed.sum && this.#keysMissing === before) {
      this.#find('CONTENT_DIVERGED', { rows: indexed.count, expected: said.count })
    }
    return items
  }

  /** Every shared term is found by its hash, and only by it. */
  async terms(): Promise<number> {
    const { dictionary } = this.#parts
    let terms = 0
    await this.#walk(termTable, (cursor) => {
      terms += 1
      const id = cursor.values?.[cursor.at]
      if (dictionary.find(cursor.text())?.id !== id) this.#find('RECORD_TAMPERED', { store: 'quads', record: 'term' })
    })
    await this.#walk(lookupTable, () => undefined)
    return terms
  }

  async count({ sequence, quads }: Stated): Promise<void> {
    try {
      const counts = new RecentMap<string, number>(1, () => 1)
      const count = await new Reader({ ...this.#parts, counts }, sequence).countQuads()
      if (count !== quads) this.#find('CONTENT_DIVERGED', { quads: count, expected: quads })
    } catch (error) {
      this.#take(error)
    }
  }

  #count(sum: RowSum, row: Float64Array): void {
    const hash = keyedHash(this.#secret, new Uint8Array(row.buffer, row.byteOffset, row.byteLength))
    sum.count += 1
    sum.sum = (sum.sum + BigInt(`0x${toHex(hash)}`)) % 2n ** 256n
  }

  /** Goes over a table, which must be sorted. */
  async #walk(table: number, visit: (cursor: Cursor) => void): Promise<void> {
    const { width, keys } = shapes[table] as (typeof shapes)[number]
    let last: Float64Array | undefined
    try {
      for (const cursor = this.#parts.index.cursor(table); cursor.values !== undefined; cursor.next()) {
        const row = cursor.values.slice(cursor.at, cursor.at + width)
        if (last !== undefined && compareRows(last, 0, row, 0, keys) >= 0) this.#find('CONTENT_DIVERGED', { table })
        last = row
        visit(cursor)
        await this.#pace()
      }
    } catch (error) {
      this.#take(error)
    }
  }

  async #each(table: number, visit: (key: Uint8Array, plain: Uint8Array) => void): Promise<void> {
    const { database, sealer } = this.#parts
    for (let after: Uint8Array | undefined; ; ) {
      const entries = await database.entries(Uint8Array.of(table), after, entriesAtOnce)
      if (entries.length === 0) return
      for (const { key, value } of entries) {
        try {
          visit(key, sealer.open(key, value))
        } catch (error) {
          this.#take(error)
        }
        await this.#pace()
      }
      after = entries.at(-1)?.key
    }
  }

  #take(error: unknown): void {
    if (!(error instanceof LedgerError)) throw error
    if (error.code === 'KEY_MISSING') this.#keysMissing += 1
    this.#find(error.code, error.details)
  }

  #find(code: string, details: ErrorDetails): void {
    if (this.findings.length < findingsMax) this.findings.push({ code, details })
  }
}

function inFirstOrder({ values, at }: Cursor, order: number): Float64Array {
  const row = (values as Float64Array).slice(at, at + quadWidth)
  const columns = orders[order] as readonly number[]
  const first = row.slice()
  for (const [place, column] of columns.entries()) first[column] = row[place] as number
  return first
}
