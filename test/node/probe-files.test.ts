// The notes of what a purge must not leave.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from '#crypto'
import { LedgerError } from '../../src/base/errors.ts'
import { txIdOf } from '../../src/base/ids.ts'
import { ProbeFiles } from '../../src/node/probe-files.ts'
import { scanFiles } from '../../src/store/raw-scan.ts'

describe('Notes of a purge', () => {
  const order = txIdOf('ab'.repeat(32))
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-probes-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('come back as they were, are not found by the search for them, and go', async () => {
    const files = new ProbeFiles(join(folder, 'purges'))
    const probes = Array.from({ length: 50 }, () => randomBytes(32))
    assert.equal(await files.read(order), undefined)
    await files.write(order, probes)
    assert.deepEqual(await new ProbeFiles(join(folder, 'purges')).read(order), probes)
    assert.equal((await scanFiles([folder], probes)).hits, 0)
    await files.remove(order)
    assert.equal(await files.read(order), undefined)
  })

  it('that are damaged are refused, whichever byte it is', async () => {
    const files = new ProbeFiles(folder)
    await files.write(order, [randomBytes(32)])
    const whole = await readFile(join(folder, order))
    for (let place = 0; place < whole.length; place++) {
      const damaged = whole.map((byte, at) => (at === place ? byte ^ 1 : byte))
      await writeFile(join(folder, order), damaged)
      await assert.rejects(
        files.read(order),
        (error) => error instanceof LedgerError && error.code === 'RECORD_TAMPERED',
      )
    }
  })
})
