// Seals the records of one store, in LevelDB and in segments, under data keys of the ring. The store's random id and the record's own key are bound
// into each (AAD), so a value moved to another key, or to another store, does not open.

import { concat, equal } from '../base/bytes.ts'
import { open, type SealingKey, seal, sealedKeyId } from '../base/seal.ts'
import type { KeyRing } from './key-ring.ts'

export interface Sealer {
  /** Whether what it seals is compressed first. */
  readonly compress: boolean
  seal(key: SealingKey, recordKey: Uint8Array, plain: Uint8Array): Uint8Array
  /** @throws LedgerError RECORD_TAMPERED, KEY_MISSING */
  open(recordKey: Uint8Array, sealed: Uint8Array): Uint8Array
}

/** `store`: 16 random bytes that name it. */
export function createSealer(keys: KeyRing, store: Uint8Array): Sealer {
  const where = { store: 'quads' }
  let last: SealingKey | undefined
  return {
    compress: true,
    seal: (key, recordKey, plain) => seal(key, concat(store, recordKey), plain),
    open: (recordKey, sealed) => {
      const id = sealedKeyId(sealed)
      // Records that are read together were mostly sealed under one key.
      if (last === undefined || !equal(last.id, id)) last = keys.find(id)
      return open(last, concat(store, recordKey), sealed, where)
    },
  }
}

/** Leaves everything readable: only for the test that shows what sealing hides. No configuration reaches it. */
export const openSealer: Sealer = {
  compress: false,
  seal: (_key, _recordKey, plain) => plain,
  open: (_recordKey, plain) => plain,
}
