// What must run in a browser does: its bundle needs no node: module and no native module, whatever it imports in turn.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type BuildFailure, build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')

/** Files of base that only a node can run. */
const nodeOnly = [
  'append-file.ts',
  'atomic-file.ts',
  'crypto/native.ts',
  'directory-lock.ts',
  'files.ts',
  'seal.ts',
  'stretch.ts',
]
/** Package subpaths that promise to run in a browser. */
const promised = ['./client', './verify']

const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, { readonly default: string }>>
}

/** Sources of the promised subpaths that the package has. */
const entries = promised.flatMap((name) => {
  const built = exports[name]?.default
  return built === undefined ? [] : [built.replace('./dist/', 'src/').replace(/\.js$/, '.ts')]
})

/** What keeps these files out of a browser, in words. */
async function obstacles(files: readonly string[]): Promise<readonly string[]> {
  try {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [...files],
      bundle: true,
      write: false,
      metafile: true,
      outdir: 'out',
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      conditions: ['source', 'browser'],
      logLevel: 'silent',
    })
    const native = Object.keys(metafile.inputs).filter((input) =>
      /\.node$|sodium-native|crypto\/native\.ts/.test(input),
    )
    const left = Object.values(metafile.outputs).flatMap((output) => output.imports.filter(({ external }) => external))
    return [...native, ...left.map(({ path }) => path)]
  } catch (error) {
    return (error as BuildFailure).errors.map(({ text }) => text)
  }
}

function sources(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => `${folder}/${file}`)
}

describe('A browser', () => {
  const clean = sources('src/base').filter((file) => !nodeOnly.includes(file.slice('src/base/'.length)))

  it('runs base but for the files that only a node can run', async () => {
    assert.deepEqual(await obstacles(clean), [])
  })

  for (const folder of ['src/consensus', 'src/ledger', 'src/pbft']) {
    it(`runs all of ${folder}`, async () => assert.deepEqual(await obstacles(sources(folder)), []))
  }

  for (const entry of entries) {
    it(`runs ${entry} with all that it imports`, async () => {
      assert.ok(existsSync(join(root, entry)), 'the package names an entry whose source does not exist')
      assert.deepEqual(await obstacles([entry]), [])
    })
  }

  it('does not run any of the files that only a node can run', async () => {
    for (const file of nodeOnly) {
      const found = await obstacles([`src/base/${file}`])
      assert.ok(
        found.some((each) => /node:|native\.ts|resolve "assert"/.test(each)),
        file,
      )
    }
  })

  it('gets its own crypto, not the native one', async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ['src/base/signature.ts'],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'browser',
      format: 'esm',
      conditions: ['source', 'browser'],
    })
    const inputs = Object.keys(metafile.inputs)
    assert.ok(inputs.includes('src/base/crypto/browser.ts'))
    assert.ok(!inputs.includes('src/base/crypto/native.ts'))
  })
})

describe('quadrille/store', () => {
  it('loads neither libp2p nor a query engine nor an HTTP server', async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ['src/store/index.ts'],
      bundle: true,
      write: false,
      metafile: true,
      outdir: 'out',
      format: 'esm',
      platform: 'node',
      packages: 'external',
      conditions: ['source'],
      logLevel: 'silent',
    })
    const packages = Object.values(metafile.outputs)
      .flatMap((output) => output.imports.map(({ path }) => path))
      .filter((path) => !path.startsWith('node:'))
    assert.deepEqual([...new Set(packages)].sort(), ['cborg', 'level', 'sodium-native'])
  })
})
