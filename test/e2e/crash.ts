// What tests share that kill nodes at named steps.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { transform } from 'esbuild'
import type { NodeProcess } from './four.ts'

/** Folder of the built files. */
export const built: string = new URL('../../dist', import.meta.url).href

/** The hook as JavaScript: a node must not have to load a compiler at each start. */
export async function builtHook(folder: string): Promise<string> {
  const source = await readFile(new URL('crash-hook.ts', import.meta.url), 'utf8')
  const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node20' })
  const path = join(folder, 'crash-hook.mjs')
  await writeFile(path, code)
  return path
}

export async function killed(node: NodeProcess): Promise<void> {
  const tooLate = new Promise<never>((_, fail) => {
    setTimeout(() => fail(new Error(`${node.name} was not killed: ${node.output.slice(-1_000)}`)), 15_000).unref()
  })
  assert.equal(await Promise.race([node.ended, tooLate]), 'SIGKILL', node.output.slice(-1_000))
}
