// Replacing a file so that a power cut leaves the old or the new one, and making names durable.

import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { randomBytes } from '#crypto'
import { toHex } from './bytes.ts'

/**
 * Replaces or creates a file: after any crash it holds all of the old bytes or all of `bytes`.
 * The new bytes are durable when this resolves. `mode` is of the new file; the default keeps others out.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array, mode = 0o600): Promise<void> {
  const draft = `${path}.${toHex(randomBytes(8))}.draft`
  try {
    const file = await open(draft, 'wx', mode)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes the names in a folder durable: files created, renamed or removed in it. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
