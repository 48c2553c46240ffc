// A bundle that lies in a folder on disk.

import { lstat, readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { BundleReader } from './bundle-reader.ts'

/** Links are listed but not followed: nothing outside the folder is read. */
export function folderReader(directory: string): BundleReader {
  return {
    async list() {
      const found = await readdir(directory, { recursive: true, withFileTypes: true })
      return found
        .filter((entry) => !entry.isDirectory())
        .map((entry) => relative(directory, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
        .sort()
    },
    async read(path) {
      const about = await lstat(join(directory, path))
      if (!about.isFile()) throw new LedgerError('FILE_UNREADABLE', { path, reason: 'not a plain file' })
      if (about.size > limits.bundleFileBytesMax) throw new LedgerError('TOO_LARGE', { path, bytes: about.size })
      return new Uint8Array(await readFile(join(directory, path)))
    },
  }
}
