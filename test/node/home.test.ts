import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { LedgerError } from '../../src/base/errors.ts'
import { organisationSchema } from '../../src/ledger/records.ts'
import { createFolders, homeAt, readJson, readText } from '../../src/node/home.ts'
import { fingerprint } from '../../src/node/words.ts'

describe('home', () => {
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'quadrille-home-'))
  })

  after(() => rm(folder, { recursive: true }))

  const refused = async (attempt: Promise<unknown>): Promise<LedgerError> => {
    const error = await attempt.then(
      () => assert.fail('it was taken'),
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof LedgerError)
    return error
  }

  it('an argument wins over the environment, and the environment over the user folder', () => {
    assert.equal(homeAt('/a', { QUADRILLE_HOME: '/b' }).root, '/a')
    assert.equal(homeAt(undefined, { QUADRILLE_HOME: '/b' }).root, '/b')
    assert.equal(homeAt(undefined, {}).root, join(homedir(), '.quadrille'))
  })

  it('its folders are for its owner only, and creating them twice changes nothing', async () => {
    const home = homeAt(join(folder, 'node'))
    await createFolders(home)
    await createFolders(home)
    for (const path of [home.root, home.keys, home.blocks, home.log, home.journal, home.store]) {
      assert.equal((await stat(path)).mode & 0o777, 0o700, path)
    }
  })

  it('a file that is absent, not UTF-8, not JSON or of another form is named with what is wrong', async () => {
    const path = join(folder, 'file')
    assert.match((await refused(readText(path))).message, /there is no such file/)
    await writeFile(path, Uint8Array.of(0xff, 0xfe))
    assert.equal((await refused(readText(path))).code, 'FILE_UNREADABLE')
    await writeFile(path, '{')
    const notJson = await refused(readJson(path, organisationSchema))
    assert.deepEqual([notJson.code, notJson.details['file']], ['MALFORMED', path])
    await writeFile(path, JSON.stringify({ id: 'acme', name: 'Acme', key: 'short' }))
    const wrong = await refused(readJson(path, organisationSchema))
    assert.deepEqual([wrong.details['file'], wrong.details['at']], [path, 'key'])
  })
})

describe('fingerprints', () => {
  it('are eight words that stay the same for the same bytes', () => {
    const words = fingerprint(new Uint8Array(32))
    assert.equal(words.split(' ').length, 8)
    assert.equal(fingerprint(new Uint8Array(32)), words)
    assert.equal(words, 'maple canyon ginger canoe blanket alarm ladder desert')
  })

  it('differ when one bit differs', () => {
    const other = new Uint8Array(32)
    other[31] = 1
    assert.notEqual(fingerprint(other), fingerprint(new Uint8Array(32)))
  })
})
