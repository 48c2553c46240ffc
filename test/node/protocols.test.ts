// That a protocol can be taken out: in a copy of the sources without its folder, only the file that lists the protocols and
// the protocol's own tests fail to build.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Files that do not build without the folder `protocol` of src/, relative to the root, each once. */
function brokenWithout(protocol: string): readonly string[] {
  const copy = mkdtempSync(join(tmpdir(), 'quadrille-without-'))
  try {
    for (const name of ['src', 'test', 'demo', 'bench', 'package.json', 'tsconfig.json']) {
      cpSync(join(root, name), join(copy, name), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    rmSync(join(copy, 'src', protocol), { recursive: true })
    const compiler = join(root, 'node_modules', '.bin', 'tsc')
    const { stdout } = spawnSync(compiler, ['-p', 'tsconfig.json', '--pretty', 'false'], {
      cwd: copy,
      encoding: 'utf8',
    })
    const files = stdout.split('\n').flatMap((line) => /^([^(\s]+)\(\d+,\d+\): error/.exec(line)?.[1] ?? [])
    return [...new Set(files)].sort()
  } finally {
    rmSync(copy, { recursive: true })
  }
}

function isOwn(protocol: string, file: string): boolean {
  return file.startsWith(`test/${protocol}/`) || new RegExp(`^test/sim/(mutants/)?${protocol}\\b`).test(file)
}

describe('The protocols', function () {
  this.timeout(120_000)

  for (const protocol of ['raft', 'pbft']) {
    it(`without src/${protocol} nothing but the list of protocols and the tests of ${protocol} fails to build`, () => {
      const broken = brokenWithout(protocol)
      const sources = broken.filter((file) => file.startsWith('src/'))
      assert.deepEqual(sources, ['src/node/protocols.ts'])
      const others = broken.filter((file) => !file.startsWith('src/') && !isOwn(protocol, file))
      // What lists the schemas of everything that has any.
      assert.deepEqual(
        others.filter((file) => !file.startsWith('test/wire/')),
        [],
      )
      assert.ok(broken.some((file) => isOwn(protocol, file)))
    })
  }
})
