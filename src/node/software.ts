// Which software this is: one hash over its files, for whoever wants to know what attested. Anybody with the same package
// computes the same.

import { readdir, readFile } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { sha256 } from '#crypto'
import { concat, utf8 } from '../base/bytes.ts'

/** SHA-256 over path and SHA-256 of each program file of this package, in ascending order of paths: 32 bytes. */
export async function softwareDigest(folder: string = resolve(import.meta.dirname, '..')): Promise<Uint8Array> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && /(?<!\.d)\.[jt]s$/.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
  const parts: Uint8Array[] = []
  for (const path of paths) parts.push(utf8(`${path}\n`), sha256(new Uint8Array(await readFile(join(folder, path)))))
  return sha256(concat(...parts))
}
