// Every direct dependency has its reason in docs/dependencies.md, is pinned exactly, and is really used.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

interface Package {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly optionalDependencies?: Readonly<Record<string, string>> }>>
}

const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Package
const names = [...Object.keys(dependencies), ...Object.keys(devDependencies)]
const reasons = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')

function sourceText(): string {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(root, 'src', file), 'utf8'))
    .join('\n')
}

describe('The dependencies', () => {
  it('each have their reason on record', () => {
    assert.deepEqual(
      names.filter((name) => !reasons.includes(`\`${name}\``)),
      [],
    )
  })

  it('are the only ones on record', () => {
    const recorded = [...reasons.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name ?? '')
    assert.deepEqual(
      recorded.filter((name) => !names.includes(name)),
      [],
    )
  })

  it('are pinned to one exact version', () => {
    const all = { ...dependencies, ...devDependencies }
    assert.deepEqual(
      Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    )
  })

  it('can be installed on every platform: the lock names each optional part of a package', () => {
    const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock
    const places = Object.keys(packages)
    const missing = Object.values(packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !places.some((place) => place.endsWith(`node_modules/${name}`)))
    assert.deepEqual(missing, [])
  })

  it('are imported where the product runs', () => {
    const text = sourceText()
    const unused = Object.keys(dependencies).filter(
      (name) => !text.includes(`'${name}'`) && !text.includes(`'${name}/`),
    )
    assert.deepEqual(unused, [])
  })
})
