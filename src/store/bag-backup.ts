// The backup of a key bag: the keys of personal and confidential items in one file, sealed under the root key, with the time
// at which it ends. It is never part of a backup of the data: whoever keeps both keeps what erasures destroy, so this one is
// meant to be short-lived and thrown away. That it ended binds this program, not whoever has the file and the root key.

import { concat, equal, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import type { Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode, id, list, record, type Schema, timestamp } from '../base/schema.ts'
import { open, seal, sealedKeyId } from '../base/seal.ts'
import { type BagNote, sealingKeySchema } from './key-bag.ts'
import { type RootKey, wrappingKey } from './unlock.ts'

interface BagContent {
  readonly ends: Time
  readonly notes: readonly BagNote[]
}

const head = utf8('quadrille key bag backup 1\n')

const contentSchema: Schema<BagContent> = record<BagContent>({
  ends: timestamp,
  notes: list(
    record<BagNote>({
      name: id<string>(32, (value) => (typeof value === 'string' ? value : toHex(value))),
      key: sealingKeySchema,
    }),
    limits.bagBackupKeysMax,
  ),
})

export function sealBag(root: RootKey, content: BagContent): Uint8Array {
  return concat(head, seal(wrappingKey(root, 'bag-backup'), head, encode(contentSchema, content)))
}

/** @throws LedgerError MALFORMED (no such file), KEY_CHECK_FAILED (another root key), RECORD_TAMPERED, BACKUP_EXPIRED */
export function openBag(root: RootKey, file: Uint8Array, now: Time): readonly BagNote[] {
  if (!equal(file.subarray(0, head.length), head)) throw new LedgerError('MALFORMED', { expected: 'a key bag backup' })
  const sealed = file.subarray(head.length)
  const key = wrappingKey(root, 'bag-backup')
  if (!equal(sealedKeyId(sealed), key.id)) throw new LedgerError('KEY_CHECK_FAILED', { file: 'key bag backup' })
  const { ends, notes } = decode(contentSchema, open(key, head, sealed, { store: 'key bag backup' }))
  if (ends < now) throw new LedgerError('BACKUP_EXPIRED', { ended: new Date(ends).toISOString() })
  return notes
}
