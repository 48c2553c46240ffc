// The small plain files that say what a folder or file of the store is: its kind, its format version, and a few fields
// that are needed before any key is at hand. Nothing secret and nothing personal stands in them.

import { readFile } from 'node:fs/promises'
import { fromUtf8, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { writeFileAtomic } from '../base/files.ts'

export type Fields = Readonly<Record<string, string>>

/** Replaces the file at once and durably. */
export async function writeVersioned(path: string, kind: string, version: number, fields: Fields): Promise<void> {
  await writeFileAtomic(path, versionedBytes(kind, version, fields))
}

export function versionedBytes(kind: string, version: number, fields: Fields): Uint8Array {
  return utf8(`${JSON.stringify({ kind, version, ...fields }, undefined, 2)}\n`)
}

/**
 * The fields of the file; undefined when there is none.
 * @throws LedgerError FORMAT_UNSUPPORTED when it was written by a newer version, MALFORMED when it is something else.
 */
export async function readVersioned(path: string, kind: string, versionMax: number): Promise<Fields | undefined> {
  return (await readAnyVersion(path, kind, versionMax))?.fields
}

/** As `readVersioned`, with the version that it was written in. */
export async function readAnyVersion(
  path: string,
  kind: string,
  versionMax: number,
): Promise<{ readonly version: number; readonly fields: Fields } | undefined> {
  let content: Uint8Array
  try {
    content = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new LedgerError('STORAGE_FAILED', { file: kind }, error)
  }
  const { kind: found, version, ...fields } = parsed(content, kind)
  if (found !== kind || typeof version !== 'number') throw new LedgerError('MALFORMED', { expected: kind })
  if (version > versionMax) throw new LedgerError('FORMAT_UNSUPPORTED', { file: kind, version, versionMax })
  const texts = Object.entries(fields).map(([name, value]) => {
    if (typeof value !== 'string') throw new LedgerError('MALFORMED', { expected: kind, at: name })
    return [name, value]
  })
  return { version, fields: Object.fromEntries(texts) }
}

/** A field that must be there. @throws LedgerError MALFORMED */
export function field(fields: Fields, name: string, kind: string): string {
  const value = fields[name]
  if (value === undefined) throw new LedgerError('MALFORMED', { expected: kind, at: name })
  return value
}

function parsed(content: Uint8Array, kind: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(fromUtf8(content))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    throw new LedgerError('MALFORMED', { expected: kind }, cause)
  }
  throw new LedgerError('MALFORMED', { expected: kind })
}
