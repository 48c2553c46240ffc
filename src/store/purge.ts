// Makes erased items leave the disk. The keys go first: the bag's next generation is written without them and the old one
// is removed, and so is the key of the details beside the local log, so from then on nothing here opens what they said. Then their records and their rows go, and LevelDB and the
// segments are rewritten so that the bytes themselves are gone. The marks of the erased items go last: a start that finds
// one does it all again.

import type { ItemId } from '../base/ids.ts'
import { contentOf } from './content.ts'
import type { Database } from './database.ts'
import type { Queue } from './failure.ts'
import { findItem } from './item-records.ts'
import type { KeyRing } from './key-ring.ts'
import { localKey, tables } from './layout.ts'
import type { QuadIndex } from './quad-index.ts'
import { turnDetailsKey } from './rotation.ts'
import type { Sealer } from './sealer.ts'
import { type LocalId, orders, reorder } from './tables.ts'
import type { Upkeep } from './upkeep.ts'

export interface PurgeParts {
  readonly database: Database
  readonly sealer: Sealer
  readonly keys: KeyRing
  readonly index: QuadIndex
}

export interface Purged {
  readonly items: number
  /** LevelDB records deleted. */
  readonly records: number
  /** Segments written anew, and their bytes. */
  readonly segments: number
  readonly bytesRewritten: number
  /** Of the key bag, from now on. */
  readonly generation: number
}

/** Pieces of a sealed record that are searched for: its nonce with some ciphertext, and its tag. Nothing else is like them. */
const headerBytes = 9
const probeBytes = 32

/** Purges the items that are marked as erased, all of them or these; and, though it be none, what was removed of the details. */
export async function purge(
  { database, sealer, keys, index, writes }: PurgeParts & { readonly writes: Queue },
  upkeep: Upkeep,
  items: readonly ItemId[] = [...index.erased.values()],
): Promise<Purged> {
  const chosen = new Set(items)
  const erased = new Map([...index.erased].filter(([, item]) => chosen.has(item)))
  await keys.bag.drop([...erased.values()])
  await keys.turnBag()
  await turnDetailsKey({ database, sealer, keys, writes })
  await upkeep.flush()
  const locals = [...erased.keys()]
  const { segments, bytes } = await upkeep.rewrite(({ itemsFrom, itemsTo }) =>
    locals.some((local) => itemsFrom <= local && local <= itemsTo),
  )
  const gone = locals.flatMap((local) => [localKey(tables.payload, local), localKey(tables.content, local)])
  await deleteAll(database, gone)
  await database.compact()
  await deleteAll(
    database,
    locals.map((local) => localKey(tables.erased, local)),
  )
  for (const local of locals) index.erased.delete(local)
  const { generation } = keys.bag
  return { items: erased.size, records: gone.length, segments, bytesRewritten: bytes, generation }
}

function deleteAll(database: Database, keys: readonly Uint8Array[]): Promise<void> {
  return database.write((write) => {
    for (const key of keys) write.del(key)
  })
}

/**
 * Bytes that stand on the disk now and must not after the items were erased and purged: of their records, of their keys in
 * the bag, of the index blocks that hold their rows. Items that are not here, or purged already, have none.
 */
export async function probesOf(parts: PurgeParts, items: readonly ItemId[]): Promise<readonly Uint8Array[]> {
  const { database, sealer, keys } = parts
  const sealed: Uint8Array[] = []
  for (const item of items) {
    const found = findItem(database, sealer, keys, item)
    if (found === undefined) continue
    const content = await database.get(localKey(tables.content, found.local))
    const payload = await database.get(localKey(tables.payload, found.local))
    const pending = await database.get(localKey(tables.pending, found.height))
    const note = await keys.bag.sealedNote(item)
    for (const each of [content, payload, pending, note]) if (each !== undefined) sealed.push(each)
    if (content !== undefined) sealed.push(...blocksOf(parts, found.local, content))
  }
  return [...new Set(sealed)].flatMap(piecesOf)
}

/** The sealed blocks, in every segment and order, that hold a row of the item. */
function* blocksOf({ sealer, index }: PurgeParts, local: LocalId, sealed: Uint8Array): Generator<Uint8Array> {
  const { rows } = contentOf(sealer.open(localKey(tables.content, local), sealed))
  const seen = new Set<string>()
  for (const [row, quad] of rows.entries()) {
    for (let order = 0; order < orders.length; order++) {
      const key = [...reorder(Float64Array.of(...quad, local, row, 0, 0), order).subarray(0, 6)]
      for (const [place, segment] of index.segments.entries()) {
        if (segment.isOutside(order, key, key)) continue
        const { values, at } = segment.cursor(order, key)
        if (values === undefined || key.some((id, column) => values[at + column] !== id)) continue
        // The block that begins the search may end right before the row.
        for (const number of [segment.blockBefore(order, key), segment.blockBefore(order, key) + 1]) {
          const name = `${place} ${order} ${number}`
          if (seen.has(name) || number >= segment.blockCount(order)) continue
          if (segment.block(order, number).values !== values) continue
          seen.add(name)
          yield segment.sealedBlock(order, number)
        }
      }
    }
  }
}

/** What a search for a sealed record looks for. */
export function piecesOf(sealed: Uint8Array): readonly Uint8Array[] {
  const head = sealed.slice(headerBytes, headerBytes + probeBytes)
  return [head, sealed.slice(-probeBytes)].filter((piece) => piece.length === probeBytes)
}
