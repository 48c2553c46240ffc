// Looks for texts in all that a folder holds, as somebody would who took the disk away: in every file and in every name.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** UTF-8, and UTF-16 in both orders of bytes. */
function encodings(text: string): readonly Buffer[] {
  const little = Buffer.from(text, 'utf16le')
  return [Buffer.from(text, 'utf8'), little, Buffer.from(little).swap16()]
}

/** Those of `texts` that stand in `bytes`. */
export function textsIn(bytes: Uint8Array, texts: readonly string[]): readonly string[] {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return texts.filter((text) => encodings(text).some((encoded) => whole.includes(encoded)))
}

export interface Finding {
  readonly text: string
  /** Relative to the folder. */
  readonly file: string
}

/** Every place in `folder`, however deep, where one of `texts` stands. */
export async function findTexts(folder: string, texts: readonly string[]): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    const file = path.slice(folder.length + 1)
    const bytes = entry.isFile() ? await readFile(path) : new Uint8Array()
    const here = new Set([...textsIn(Buffer.from(file), texts), ...textsIn(bytes, texts)])
    for (const text of here) found.push({ text, file })
  }
  return found
}
