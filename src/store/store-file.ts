// store.json: what says that a folder is a store, in which format, and its random id, which every record is bound to.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from '#crypto'
import { fromHex, toHex } from '../base/bytes.ts'
import { field, readVersioned, writeVersioned } from './versioned.ts'

const kind = 'quadrille store'
const formatVersion = 1

/** The random id of the store in this folder: 16 bytes, made with the store. */
export async function identify(directory: string): Promise<Uint8Array> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'store.json')
  const fields = await readVersioned(path, kind, formatVersion)
  if (fields !== undefined) return fromHex(field(fields, 'id', kind))
  const id = randomBytes(16)
  await writeVersioned(path, kind, formatVersion, { id: toHex(id) })
  return id
}
