// All plaintext that the keys of a store still open, record by record: the counterpart of raw-scan.ts.

import { LedgerError } from '../base/errors.ts'
import { plainBytes, splitBlocks } from './block-codec.ts'
import type { Database, Entry } from './database.ts'
import { tables } from './layout.ts'
import type { QuadIndex } from './quad-index.ts'
import type { Sealer } from './sealer.ts'
import { tableCount } from './tables.ts'

export interface OpenedParts {
  readonly database: Database
  readonly sealer: Sealer
  readonly index: QuadIndex
}

const entriesAtOnce = 256
/** Their records are compressed blocks. */
const blockTables: readonly number[] = [tables.content, tables.pending]

/** Records whose key is gone are passed over. @throws LedgerError RECORD_TAMPERED */
export async function* openedOf({ database, sealer, index }: OpenedParts): AsyncGenerator<Uint8Array, void, undefined> {
  for (const table of Object.values(tables)) {
    let after: Uint8Array | undefined
    for (;;) {
      const entries = await database.entries(Uint8Array.of(table), after, entriesAtOnce)
      if (entries.length === 0) break
      for (const entry of entries) yield* plainOf(sealer, entry)
      after = entries.at(-1)?.key
    }
  }
  for (const segment of index.segments) {
    for (let table = 0; table < tableCount; table++) {
      for (let number = 0; number < segment.blockCount(table); number++) yield plainBytes(segment.block(table, number))
    }
  }
}

function* plainOf(sealer: Sealer, { key, value }: Entry): Generator<Uint8Array> {
  const plain = openIfPossible(sealer, key, value)
  if (plain === undefined) return
  if (!blockTables.includes(key[0] as number)) yield plain
  else for (const block of splitBlocks(plain)) yield plainBytes(block)
}

function openIfPossible(sealer: Sealer, key: Uint8Array, value: Uint8Array): Uint8Array | undefined {
  try {
    return sealer.open(key, value)
  } catch (error) {
    if (error instanceof LedgerError && error.code === 'KEY_MISSING') return undefined
    throw error
  }
}
