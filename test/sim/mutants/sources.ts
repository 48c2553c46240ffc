// Bugs planted in a protocol's source: one text replaced in one file, the rest of the folder as it is. The changed folder
// is written beside links to what it imports, loaded, and removed.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export interface SourceBug {
  readonly name: string
  /** Of the protocol's folder. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** How many liars it takes to see it. */
  readonly liars: number
}

const source = fileURLToPath(new URL('../../../src', import.meta.url))

/** The module `entry` of the folder `protocol` of src/ with one bug. @throws RangeError when there is nothing to replace. */
export async function loadWithBug(protocol: string, entry: string, bug: SourceBug): Promise<Record<string, unknown>> {
  const home = mkdtempSync(join(tmpdir(), 'quadrille-mutant-'))
  try {
    mkdirSync(join(home, 'src'))
    writeFileSync(join(home, 'package.json'), '{"type":"module"}')
    for (const folder of ['base', 'consensus']) symlinkSync(join(source, folder), join(home, 'src', folder))
    cpSync(join(source, protocol), join(home, 'src', protocol), { recursive: true })
    const path = join(home, 'src', protocol, bug.file)
    const parts = readFileSync(path, 'utf8').split(bug.find)
    if (parts.length !== 2) throw new RangeError(`${bug.name}: ${parts.length - 1} places in ${bug.file} fit`)
    writeFileSync(path, parts.join(bug.replace))
    return await import(pathToFileURL(join(home, 'src', protocol, entry)).href)
  } finally {
    rmSync(home, { recursive: true })
  }
}
