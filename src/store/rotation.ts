// New data keys in the place of old ones while the store works. Rotation renews the active key of every purpose, seals
// everything that an older key sealed anew, bit by bit, and destroys an old key only when a scan of every record finds
// nothing under it. Nothing is noted of how far it came: what is left to do is what still stands under old keys, so a
// start after a kill finds out by looking.

import { toHex } from '../base/bytes.ts'
import type { SealingKey } from '../base/seal.ts'
import { sealedKeyId } from '../base/seal.ts'
import type { Database, Entry } from './database.ts'
import type { Queue } from './failure.ts'
import type { KeyPurpose, KeyRing } from './key-ring.ts'
import { tables } from './layout.ts'
import type { QuadIndex } from './quad-index.ts'
import type { Sealer } from './sealer.ts'
import type { Upkeep } from './upkeep.ts'

export interface RotationParts {
  readonly database: Database
  readonly sealer: Sealer
  readonly keys: KeyRing
  readonly index: QuadIndex
  /** The queue that the store's commits go through. */
  readonly writes: Queue
}

/** Told after each step; a caller may wait in it to go slower. */
export type OnRotation = (progress: RotationProgress) => Promise<void> | void

export interface RotationProgress {
  readonly step: 'keys renewed' | 'records sealed' | 'segments written' | 'keys destroyed'
  /** Records sealed anew, segments written anew or keys destroyed so far. */
  readonly done: number
  /** Records that stood under old keys when it began and are not sealed anew yet. */
  readonly left: number
}

/** Purposes that rotate with the store. `lookup` never does: it hashes, and its hashes are the keys of records. */
const rotated: readonly Exclude<KeyPurpose, 'lookup' | 'journal'>[] = [
  'index',
  'dictionary',
  'payload',
  'state',
  'details',
]
/** Records that one write seals anew: commits wait for it at most, and it waits for no disk. */
const recordsPerWrite = 64
/** Records that are looked at in one read. */
const recordsPerRead = 256
const restMs = 2

/** Renews every key and goes through with it. */
export async function rotate(parts: RotationParts, upkeep: Upkeep, onProgress: OnRotation = () => {}): Promise<void> {
  for (const purpose of rotated) await parts.keys.renew(purpose)
  await finishRotation(parts, upkeep, onProgress, rotated.length)
}

/** `renewed`: keys that were just renewed. Seals what stands under old keys under the active ones, then destroys the old keys under which nothing is left. */
export async function finishRotation(
  parts: RotationParts,
  upkeep: Upkeep,
  onProgress: OnRotation = () => {},
  renewed = 0,
): Promise<void> {
  const old = oldKeys(parts.keys)
  if (old.size === 0) return
  const stale = await countStale(parts, old)
  if (renewed > 0) await onProgress({ step: 'keys renewed', done: renewed, left: stale })
  let records = 0
  for (const table of Object.values(tables)) {
    // Some that were counted are gone meanwhile, and a commit may have sealed some anew.
    records = await sealTable(parts, table, old, records, (done) =>
      onProgress({ step: 'records sealed', done, left: Math.max(0, stale - done) }),
    )
  }
  // Segments that were begun under an old key are among them once the memory is flushed.
  await upkeep.flush()
  const { segments } = await upkeep.rewrite(({ keys }) => keys.some((id) => old.has(toHex(id))))
  await onProgress({ step: 'segments written', done: segments, left: 0 })
  const left = await idsInUse(parts)
  await parts.database.sync()
  const gone = [...old].filter(([id]) => !left.has(id))
  await parts.keys.destroy(gone.map(([, key]) => key.id))
  await onProgress({ step: 'keys destroyed', done: gone.length, left: 0 })
}

/**
 * A new key for the details beside the local log, and none of its old ones: what was removed of them opens no more, not even
 * from an older copy of the disk. For a purge; what is interrupted begins again with it.
 */
export async function turnDetailsKey(parts: Omit<RotationParts, 'index'>): Promise<void> {
  await parts.keys.renew('details')
  const old = oldKeys(parts.keys, ['details'])
  await sealTable(parts, tables.details, old, 0, () => {})
  await parts.database.sync()
  await parts.keys.destroy([...old.values()].map(({ id }) => id))
}

function oldKeys(keys: KeyRing, purposes: readonly KeyPurpose[] = rotated): ReadonlyMap<string, SealingKey> {
  const old = keys.entries().filter(({ purpose, state }) => state === 'decrypt-only' && purposes.includes(purpose))
  return new Map(old.map(({ key }) => [toHex(key.id), key]))
}

/** Seals the table's records that stand under old keys anew, some at a time between the commits. */
async function sealTable(
  parts: Omit<RotationParts, 'index'>,
  table: number,
  old: ReadonlyMap<string, SealingKey>,
  before: number,
  onDone: (done: number) => Promise<void> | void,
): Promise<number> {
  const { database, keys, sealer, writes } = parts
  const purposes = new Map(keys.entries().map(({ key, purpose }) => [toHex(key.id), purpose]))
  let done = before
  let after: Uint8Array | undefined
  for (;;) {
    // Read and written within one turn of the queue: what a commit or a purge did meanwhile is never undone.
    const entries: readonly Entry[] = await writes.run(async () => {
      const page = await database.entries(Uint8Array.of(table), after, recordsPerWrite)
      const stale = page.filter(({ value }) => old.has(toHex(sealedKeyId(value))))
      if (stale.length > 0) {
        await database.write((write) => {
          for (const { key, value } of stale) {
            const purpose = purposes.get(toHex(sealedKeyId(value))) as KeyPurpose
            write.put(key, sealer.seal(keys.active(purpose), key, sealer.open(key, value)))
          }
        }, false)
        done += stale.length
      }
      return page
    })
    if (entries.length === 0) return done
    after = entries.at(-1)?.key
    await new Promise((resolve) => setTimeout(resolve, restMs))
    await onDone(done)
  }
}

/** Records that stand under old keys. */
async function countStale(
  { database }: Pick<RotationParts, 'database'>,
  old: ReadonlyMap<string, SealingKey>,
): Promise<number> {
  let count = 0
  for (const table of Object.values(tables)) {
    let after: Uint8Array | undefined
    for (;;) {
      const entries = await database.entries(Uint8Array.of(table), after, recordsPerRead)
      if (entries.length === 0) break
      count += entries.filter(({ value }) => old.has(toHex(sealedKeyId(value)))).length
      after = entries.at(-1)?.key
    }
  }
  return count
}

/** Ids of every key that some record or segment of the store names. */
async function idsInUse({ database, index, writes }: RotationParts): Promise<ReadonlySet<string>> {
  const ids = new Set<string>()
  for (const table of Object.values(tables)) {
    let after: Uint8Array | undefined
    for (;;) {
      const entries = await database.entries(Uint8Array.of(table), after, recordsPerWrite)
      if (entries.length === 0) break
      for (const { value } of entries) ids.add(toHex(sealedKeyId(value)))
      after = entries.at(-1)?.key
    }
  }
  await writes.run(async () => {
    for (const { entry } of index.segments) for (const id of entry.keys) ids.add(toHex(id))
  })
  return ids
}
