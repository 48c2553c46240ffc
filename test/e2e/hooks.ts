// Modules that tests load into a node before its command line, as JavaScript: a node must not have to load a compiler at each
// start. What they import of src/ is the node's own built files.

import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

/** Folder of the built files. */
export const built: string = new URL('../../dist', import.meta.url).href

const nodesOwn: Plugin = {
  name: "the node's own files",
  setup({ onResolve }) {
    onResolve({ filter: /\/src\/.*\.ts$/ }, ({ path }) => ({
      path: path.replace(/^.*\/src\//, `${built}/`).replace(/\.ts$/, '.js'),
      external: true,
    }))
  },
}

/** Gives where the hook `name`.ts, a path from this folder, lies: built into `folder`. */
export async function builtHook(folder: string, name: string): Promise<string> {
  const outfile = join(folder, `${basename(name)}.mjs`)
  await build({
    entryPoints: [fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [nodesOwn],
    logLevel: 'silent',
  })
  return outfile
}
