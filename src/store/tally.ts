// How many different quads hold: a quad counts once however many rows assert it. Most quads are asserted once ever, and
// then their one row says whether they hold; for the others a tally record counts the rows that hold. So the count of all
// quads follows from each block without a scan, however often a quad comes and goes, and a quad with a new term (most of
// an ingest) costs no look-up.

import type { SealingKey } from '../base/seal.ts'
import type { Database, Write } from './database.ts'
import { heightsOf, type QuadIds, quadKey } from './index-orders.ts'
import { type LocalId, localKey, readId, tables, viewOf } from './layout.ts'
import type { Sealer } from './sealer.ts'

interface Touched {
  readonly quad: QuadIds
  /** Whether it may have rows from before this block. */
  readonly mayBeOld: boolean
  asserted: number
  retracted: number
}

/** What was known of a quad before the block. */
interface Before {
  /** Rows that held. */
  readonly live: number
  /** Whether it has a tally record; without one it has no row or one. */
  readonly tallied: boolean
  readonly hasRows: boolean
}

const unseen: Before = { live: 0, tallied: false, hasRows: false }

/** What one block does to the number of quads that hold. */
export class Tally {
  readonly #database: Database
  readonly #sealer: Sealer
  readonly #terms: LocalId
  readonly #touched: Map<string, Touched> = new Map()

  /** `terms`: the highest term id before the block; a quad with a higher one is new. */
  constructor(database: Database, sealer: Sealer, terms: LocalId) {
    this.#database = database
    this.#sealer = sealer
    this.#terms = terms
  }

  asserted(quad: QuadIds): void {
    this.#touch(quad).asserted += 1
  }

  /** A row of it held until now. */
  retracted(quad: QuadIds): void {
    this.#touch(quad).retracted += 1
  }

  /** Puts tally records into the block's batch. How many more quads hold after it; below 0 for fewer. */
  async settle(write: Write, key: SealingKey): Promise<number> {
    const before = await this.#before()
    let more = 0
    for (const touched of this.#touched.values()) {
      const { live, tallied, hasRows } = before.get(touched) ?? unseen
      const now = live + touched.asserted - touched.retracted
      more += Number(now > 0) - Number(live > 0)
      if (!tallied && Number(hasRows) + touched.asserted < 2) continue
      const at = tallyKey(touched)
      write.put(at, this.#sealer.seal(key, at, localKey(0, now).subarray(1)))
    }
    return more
  }

  async #before(): Promise<ReadonlyMap<Touched, Before>> {
    const before = new Map<Touched, Before>()
    const old = [...this.#touched.values()].filter(({ mayBeOld }) => mayBeOld)
    if (old.length === 0) return before
    const tallies = await this.#database.getMany(old.map(tallyKey))
    const untallied: Touched[] = []
    for (const [place, touched] of old.entries()) {
      const sealed = tallies[place]
      if (sealed !== undefined) {
        const live = readId(viewOf(this.#sealer.open(tallyKey(touched), sealed)), 0)
        before.set(touched, { live, tallied: true, hasRows: true })
      } else if (touched.retracted > touched.asserted) {
        // More went than came: its one row, which held.
        before.set(touched, { live: 1, tallied: false, hasRows: true })
      } else untallied.push(touched)
    }
    const rows = await this.#database.firsts(untallied.map(({ quad }) => quadKey(quad)))
    for (const [place, touched] of untallied.entries()) {
      const row = rows[place]
      if (row === undefined) continue
      const [, retracted] = heightsOf(this.#sealer.open(row.key, row.value))
      before.set(touched, { live: Number(retracted === 0), tallied: false, hasRows: true })
    }
    return before
  }

  #touch(quad: QuadIds): Touched {
    const name = quad.join(' ')
    const known = this.#touched.get(name)
    if (known !== undefined) return known
    const touched = { quad, mayBeOld: quad.every((id) => id <= this.#terms), asserted: 0, retracted: 0 }
    this.#touched.set(name, touched)
    return touched
  }
}

function tallyKey({ quad }: Touched): Uint8Array {
  return localKey(tables.tally, ...quad)
}
