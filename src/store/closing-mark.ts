// What a store leaves behind when it is closed: hashes of LevelDB's files. LevelDB takes a damaged end of its log for one
// that a crash tore off and goes on from an earlier state, and a damaged key of a table for a record that is not there.
// After a clean close there is no torn end, so whatever differs is damage. The mark goes before anything is written again.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory } from '../base/files.ts'
import { limits } from '../base/limits.ts'
import { field, readVersioned, writeVersioned } from './versioned.ts'

const kind = 'quadrille store, closed'
const formatVersion = 1

export interface MarkParts {
  /** Of the store. */
  readonly directory: string
  /** LevelDB's. */
  readonly data: string
}

/** The last thing, when all files are closed. */
export async function leaveMark(parts: MarkParts): Promise<void> {
  await writeVersioned(markFile(parts), kind, formatVersion, { files: await filesHash(parts) })
}

/** Before LevelDB is opened. @throws LedgerError RECORD_TAMPERED when its files are not those of the last close */
export async function checkMark(parts: MarkParts): Promise<void> {
  const fields = await readVersioned(markFile(parts), kind, formatVersion)
  if (fields !== undefined && field(fields, 'files', kind) !== (await filesHash(parts))) {
    throw new LedgerError('RECORD_TAMPERED', { store: 'quads', record: 'files' })
  }
}

/** Before anything is written. */
export async function takeMark(parts: MarkParts): Promise<void> {
  await rm(markFile(parts), { force: true })
  await syncDirectory(parts.directory)
}

/** Of the names, sizes and, of large stores only the newest, contents of the files. */
async function filesHash({ data }: MarkParts): Promise<string> {
  // LOCK is empty, and LOG tells people what LevelDB did.
  const names = (await readdir(data)).filter((name) => !/^LO(?:CK|G|G\.old)$/.test(name)).sort()
  const lines: string[] = []
  let left: number = limits.closingHashBytesMax
  for (const name of names.reverse()) {
    const path = join(data, name)
    const { size } = await stat(path)
    left -= size
    lines.push(`${name} ${size} ${left < 0 ? '' : await contentHash(path)}`)
  }
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

async function contentHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

function markFile({ directory }: MarkParts): string {
  return join(directory, 'closed.json')
}
