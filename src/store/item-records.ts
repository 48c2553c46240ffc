// The record by which an item is found: under a keyed hash of its id, its local number, when it came, whether it was erased.

import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { type ItemId, idBytes } from '../base/ids.ts'
import { keyedHash } from '../base/seal.ts'
import type { Database } from './database.ts'
import type { KeyRing } from './key-ring.ts'
import { hashedKey, localKey, readId, tables, viewOf } from './layout.ts'
import type { Sealer } from './sealer.ts'
import type { LocalId } from './tables.ts'

export interface ItemRecord {
  readonly local: LocalId
  /** Of the block that brought it. */
  readonly height: number
  readonly erased: boolean
}

export function itemKey(keys: KeyRing, item: ItemId): Uint8Array {
  return hashedKey(tables.item, keyedHash(keys.active('lookup').secret, utf8('item '), idBytes(item)))
}

export function itemRecord({ local, height, erased }: ItemRecord): Uint8Array {
  return localKey(0, local, height, Number(erased)).subarray(1)
}

/** Undefined when it was never here. */
export function findItem(database: Database, sealer: Sealer, keys: KeyRing, item: ItemId): ItemRecord | undefined {
  const at = itemKey(keys, item)
  const sealed = database.getSync(at)
  if (sealed === undefined) return undefined
  const view = viewOf(sealer.open(at, sealed))
  return { local: readId(view, 0), height: readId(view, 8), erased: readId(view, 16) !== 0 }
}

/** Opens a record that must be there. */
export function required(sealer: Sealer, at: Uint8Array, sealed: Uint8Array | undefined): Uint8Array {
  if (sealed === undefined) throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'absent' })
  return sealer.open(at, sealed)
}
