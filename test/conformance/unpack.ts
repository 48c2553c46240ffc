// The archive of the W3C's suites that may lie beside the clone, unpacked for the time of a run.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const archive = resolve(import.meta.dirname, '../../../shared/w3c/rdf-tests.tar.xz')

/** Undefined where there is no archive. */
export async function unpackSuites(): Promise<{ readonly folder: string; remove(): Promise<void> } | undefined> {
  if (!existsSync(archive)) return undefined
  const directory = await mkdtemp(join(tmpdir(), 'quadrille-w3c-'))
  const { status, stderr } = spawnSync('tar', ['-xf', archive, '-C', directory], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`tar: ${stderr}`)
  return {
    folder: join(directory, 'rdf-tests'),
    remove: () => rm(directory, { recursive: true, force: true }),
  }
}
