// Frozen vectors: bytes that must never change, in test/vectors. UPDATE_VECTORS=1 writes a file that does not exist yet;
// a file that exists is only ever compared, so that a changed format shows as a failure and a deleted file in review.

import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '../vectors')

/** The frozen content of test/vectors/`name`. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder, name), 'utf8')) as T
}

/** Asserts that `computed` is what is frozen. */
export function matchesFrozen(name: string, computed: unknown): void {
  const path = join(folder, name)
  if (!existsSync(path) && process.env['UPDATE_VECTORS'] === '1') {
    writeFileSync(path, `${JSON.stringify(computed, undefined, 1)}\n`)
  }
  assert.deepEqual(computed, readVectors(name))
}
