// The import law of docs/architecture.md, read from the sources themselves: which folder may import which, and which may
// use packages, node: modules or async code.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const source = resolve(import.meta.dirname, '../src')

const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  consensus: ['base'],
  raft: ['base', 'consensus'],
  pbft: ['base', 'consensus'],
  ledger: ['base', 'consensus'],
  store: ['base', 'consensus'],
  audit: ['base', 'consensus'],
  p2p: ['base', 'consensus'],
  sparql: ['base'],
  node: ['base', 'consensus', 'raft', 'pbft', 'ledger', 'store', 'audit', 'p2p', 'sparql'],
  http: ['base', 'consensus', 'ledger', 'sparql', 'node'],
  library: ['base', 'ledger', 'http', 'node'],
  cli: ['base', 'audit', 'ledger', 'http', 'node', 'library'],
}

/** Folders that run anywhere: no package, no node: module, nothing asynchronous. */
const pure = ['consensus', 'raft', 'pbft', 'ledger']
/** Only an application's key may sign asynchronously (WebCrypto). */
const asyncByDesign = ['ledger/build.ts']

interface Import {
  readonly file: string
  readonly specifier: string
}

function sources(): readonly string[] {
  return readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
}

function importsOf(file: string, text: string): readonly Import[] {
  const pattern = /(?:from|import)\s*\(?\s*'([^']+)'/g
  return [...text.matchAll(pattern)].map(([, specifier]) => ({ file, specifier: specifier ?? '' }))
}

function folderOf(file: string): string {
  return file.split('/')[0] ?? ''
}

/** What breaks the law in one file, in words. */
function breaches(file: string, text: string): readonly string[] {
  const folder = folderOf(file)
  return importsOf(file, text).flatMap(({ specifier }) => {
    if (specifier.startsWith('.')) {
      const target = folderOf(relative(source, join(source, dirname(file), specifier)))
      const allowed = target === folder || (mayImport[folder] ?? []).includes(target)
      return allowed ? [] : [`${file} imports ${specifier}`]
    }
    return pure.includes(folder) ? [`${file} imports the package ${specifier}`] : []
  })
}

describe('The layers', () => {
  it('know every folder of src', () => {
    const folders = readdirSync(source, { withFileTypes: true }).map((entry) => entry.name)
    assert.deepEqual(
      folders.filter((folder) => !(folder in mayImport)),
      [],
    )
  })

  it('import only what stands below them', () => {
    const found = sources().flatMap((file) => breaches(file, readFileSync(join(source, file), 'utf8')))
    assert.deepEqual(found, [])
  })

  it('keep the protocols and the ledger synchronous', () => {
    const found = sources()
      .filter((file) => pure.includes(folderOf(file)) && file !== 'consensus/ports.ts' && !asyncByDesign.includes(file))
      .filter((file) =>
        /\basync\b|\bawait\b|\bPromise\b|\bDate\b|Math\.random|\bsetTimeout\b/.test(
          withoutComments(readFileSync(join(source, file), 'utf8')),
        ),
      )
    assert.deepEqual(found, [])
  })

  it('use crypto and CBOR packages only in base', () => {
    const found = sources()
      .filter((file) => folderOf(file) !== 'base')
      .flatMap((file) => importsOf(file, readFileSync(join(source, file), 'utf8')))
      .filter(({ specifier }) => /^(@noble|sodium-native|cborg)/.test(specifier))
    assert.deepEqual(found, [])
  })

  it('are a law that a wrong import breaks', () => {
    assert.deepEqual(breaches('pbft/core.ts', "import { x } from '../raft/core.ts'"), [
      'pbft/core.ts imports ../raft/core.ts',
    ])
    assert.deepEqual(breaches('ledger/ledger.ts', "import { y } from 'node:fs'"), [
      'ledger/ledger.ts imports the package node:fs',
    ])
    assert.deepEqual(breaches('store/a.ts', "import { z } from '../audit/log.ts'"), [
      'store/a.ts imports ../audit/log.ts',
    ])
  })

  it('have no side effect on import: no process.exit and no signal handler outside cli', () => {
    const found = sources()
      .filter((file) => folderOf(file) !== 'cli')
      .filter((file) => /process\.exit|process\.on\(/.test(withoutComments(readFileSync(join(source, file), 'utf8'))))
    assert.deepEqual(found, [])
  })
})

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/[^\n]*/g, '')
}
