// The demo is a check of its own: built wrong in either of two ways, it fails. Only in the long run.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Erasure } from '../../demo/erasing.ts'
import { describeLong } from '../long.ts'
import { built, builtHook } from './hooks.ts'

const demo = resolve(import.meta.dirname, '../../demo/main.ts')

interface Ended {
  readonly code: number
  readonly erasure: Erasure
}

describeLong('The demo over a build that was planted', function () {
  this.timeout(300_000)
  let folder: string
  let hook: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-planted-'))
    hook = await builtHook(folder, 'planted-hook')
  })

  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  async function play(fault: string): Promise<Ended> {
    const options = `--import ${pathToFileURL(hook).href}`
    const env = { ...process.env, NODE_OPTIONS: options, QUADRILLE_PLANT: fault, QUADRILLE_BUILT: built }
    const args = ['--conditions=source', '--import', 'tsx', demo, '--json']
    return new Promise((done) => {
      execFile(process.execPath, args, { env, maxBuffer: 1 << 26 }, (error, output) => {
        const ending = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { readonly erasure: Erasure }
        done({ code: typeof error?.code === 'number' ? error.code : 0, erasure: ending.erasure })
      })
    })
  }

  it('fails when the purge is skipped: the bytes are found, and no node can attest', async () => {
    const { code, erasure } = await play('skip-purge')
    assert.equal(code, 1)
    assert.equal(erasure.complete, false)
    assert.ok(erasure.rawHits > 0)
  })

  it('fails when the keys are kept: an image from before opens with them', async () => {
    const { code, erasure } = await play('keep-keys')
    assert.equal(code, 1)
    assert.ok(erasure.openedHits > 0)
  })
})
