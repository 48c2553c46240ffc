// What a block added to the tables, as LevelDB keeps it until a segment has it. The rows of open items stand in their content
// records already, so here is only which items they are.

import { joinBlocks, splitBlocks } from './block-codec.ts'
import { contentOf } from './content.ts'
import type { Database } from './database.ts'
import { required } from './item-records.ts'
import { localKey, tables } from './layout.ts'
import type { Addition } from './memory-tables.ts'
import type { QuadIndex } from './quad-index.ts'
import type { Sealer } from './sealer.ts'
import { type LocalId, lookupWidth, type QuadIds, quadWidth } from './tables.ts'

export interface Pending {
  readonly openItems: readonly LocalId[]
  /** Rows of its other items, and those that it ended, eight numbers each. */
  readonly quads: readonly number[]
  readonly addition: Pick<Addition, 'lookups' | 'terms'>
}

/** Nothing is compressed: it goes with the next segment. */
export function pendingRecord({ openItems, quads, addition }: Pending): Uint8Array {
  const { lookups, terms } = addition
  const texts = { width: 1, values: Float64Array.from(terms, ({ id }) => id), texts: terms.map(({ text }) => text) }
  const blocks = [
    { width: 1, values: Float64Array.from(openItems), texts: [] },
    { width: quadWidth, values: Float64Array.from(quads), texts: [] },
    { width: lookupWidth, values: Float64Array.from(lookups), texts: [] },
    texts,
  ]
  return joinBlocks(blocks, false)
}

/** @throws LedgerError RECORD_TAMPERED */
export function pendingOf(record: Uint8Array): Pending {
  const [openItems, quads, lookups, terms] = splitBlocks(record)
  return {
    openItems: [...(openItems?.values ?? [])],
    quads: [...(quads?.values ?? [])],
    addition: {
      lookups: [...(lookups?.values ?? [])],
      terms: Array.from(terms?.values ?? [], (id, place) => ({ id, text: terms?.texts.at(place) as string })),
    },
  }
}

export interface PendingParts {
  readonly database: Database
  readonly sealer: Sealer
  readonly index: QuadIndex
}

/** What the block of `sequence` added, with the rows of its open items. */
export function additionAgain(parts: PendingParts, pending: Pending, sequence: number): Addition {
  const quads: number[] = []
  for (const item of pending.openItems) {
    for (const [row, quad] of rowsOf(parts, item).entries()) quads.push(...quad, item, row, sequence, 0)
  }
  return { quads: [...quads, ...pending.quads], ...pending.addition }
}

/** Nobody is given rows of erased items, and a purge may have taken them already. */
function rowsOf({ database, sealer, index }: PendingParts, item: LocalId): readonly QuadIds[] {
  const at = localKey(tables.content, item)
  return index.erased.has(item) ? [] : contentOf(required(sealer, at, database.getSync(at))).rows
}
