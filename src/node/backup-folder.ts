// A backup in a folder: `manifest`, and `parts/` with a file for each part, named by its hash. A backup that was interrupted,
// or one of an earlier height, leaves parts that the next one need not write; those that it does not need are removed when
// it is whole. Nothing here needs a key.

import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory, writeFileAtomic } from '../base/files.ts'
import type { Digest } from '../base/ids.ts'
import { decode, encode } from '../base/schema.ts'
import { stored } from '../store/failure.ts'
import {
  type BackupFrame,
  hashOf,
  type Manifest,
  manifestSchema,
  type PartEntry,
  type SealedManifest,
  sealedManifestSchema,
} from './backup-form.ts'

export interface BackupProgress {
  readonly parts: number
  readonly bytes: number
  /** Bytes that were not here already. */
  readonly written: number
  /** About how many bytes will come at least. */
  readonly about: number
}

const manifestOf = (folder: string): string => join(folder, 'manifest')
const partsOf = (folder: string): string => join(folder, 'parts')

/**
 * Takes what a node sends. The folder holds a whole backup when this resolves, and until then the one before.
 * @throws LedgerError BACKUP_INTERRUPTED, BACKUP_DAMAGED when what was written does not read back, STORAGE_FAILED
 */
export async function writeBackup(
  folder: string,
  frames: AsyncIterable<BackupFrame>,
  onProgress: (progress: BackupProgress) => void,
): Promise<{ readonly manifest: Manifest; readonly progress: BackupProgress }> {
  await stored(mkdir(partsOf(folder), { recursive: true, mode: 0o700 }))
  const known = new Set(await stored(readdir(partsOf(folder))))
  let progress: BackupProgress = { parts: 0, bytes: 0, written: 0, about: 0 }
  for await (const frame of frames) {
    if (frame.type === 'begin') progress = { ...progress, about: frame.about }
    else if (frame.type === 'part') {
      const hash = hashOf(frame.bytes)
      const isNew = !known.has(hash) || (await stored(stat(join(partsOf(folder), hash)))).size !== frame.bytes.length
      if (isNew) await stored(writePart(folder, hash, frame.bytes))
      known.add(hash)
      const { parts, bytes, written } = progress
      const { length } = frame.bytes
      progress = { ...progress, parts: parts + 1, bytes: bytes + length, written: written + (isNew ? length : 0) }
      onProgress(progress)
    } else if (frame.type === 'end') {
      const manifest = decode(manifestSchema, frame.manifest)
      await stored(syncDirectory(partsOf(folder)))
      for (const entry of manifest.parts) await readBack(folder, entry)
      const { mac } = frame
      const sealed = encode(sealedManifestSchema, { manifest: frame.manifest, mac } satisfies SealedManifest)
      await stored(writeFileAtomic(manifestOf(folder), sealed))
      await stored(removeOthers(folder, new Set(manifest.parts.map(({ hash }) => hash))))
      return { manifest, progress }
    }
  }
  throw new LedgerError('BACKUP_INTERRUPTED')
}

/** @throws LedgerError BACKUP_DAMAGED when there is no whole backup */
export async function readManifest(folder: string): Promise<SealedManifest & { readonly content: Manifest }> {
  try {
    const sealed = decode(sealedManifestSchema, new Uint8Array(await readFile(manifestOf(folder))))
    return { ...sealed, content: decode(manifestSchema, sealed.manifest) }
  } catch (error) {
    throw new LedgerError('BACKUP_DAMAGED', { part: 'manifest' }, error)
  }
}

/** The bytes of a part. @throws LedgerError BACKUP_DAMAGED */
export async function requirePart(folder: string, { path, hash, bytes }: PartEntry): Promise<Uint8Array> {
  const file = join(partsOf(folder), hash)
  let found: Uint8Array
  try {
    found = new Uint8Array(await readFile(file))
  } catch (error) {
    throw new LedgerError('BACKUP_DAMAGED', { part: path }, error)
  }
  if (found.length === bytes && hashOf(found) === hash) return found
  throw new LedgerError('BACKUP_DAMAGED', { part: path })
}

/** A file that is not its part goes, so that the next backup writes it again. */
async function readBack(folder: string, entry: PartEntry): Promise<void> {
  try {
    await requirePart(folder, entry)
  } catch (error) {
    await rm(join(partsOf(folder), entry.hash), { force: true })
    throw error
  }
}

async function writePart(folder: string, hash: Digest, bytes: Uint8Array): Promise<void> {
  const path = join(partsOf(folder), hash)
  const file = await open(`${path}.draft`, 'w', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.draft`, path)
}

async function removeOthers(folder: string, wanted: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(partsOf(folder))) {
    if (!wanted.has(name)) await rm(join(partsOf(folder), name), { force: true })
  }
  await syncDirectory(partsOf(folder))
}
