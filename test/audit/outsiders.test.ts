// A bundle before judges that are not ours: Go's checksum-database packages, sha256sum and openssl (the commands of VERIFY.md
// are tried in verify.test.ts). Where Go or its package is not installed a line says so.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportBundle } from '../../src/audit/export.ts'
import { digestOf } from '../../src/base/ids.ts'
import { type Fixture, makeFixture, makeResult, members, noteOf } from './bundle-fixture.ts'

const gopath = '/usr/share/gocode'
const program = join(import.meta.dirname, 'go', 'main.go')

describe('A bundle before others', function () {
  this.timeout(180_000)
  let folder: string
  let fixture: Fixture

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'quadrille-outsiders-'))
    fixture = makeFixture()
    const { result } = fixture.results[3] ?? assert.fail()
    const previous = noteOf({ size: result.logSize, root: result.logRoot }, members(1).slice(0, 3))
    await exportBundle(join(folder, 'bundle'), fixture.source, { previous })
  })

  after(() => rmSync(folder, { recursive: true }))

  it('N10 N11 D6 is judged by Go’s note and tlog: quorum, root, inclusion and consistency, and not once anything is changed', function () {
    if (
      !existsSync(join(gopath, 'src/golang.org/x/mod/sumdb/tlog')) ||
      spawnSync('go', ['version']).error !== undefined
    ) {
      process.stdout.write('golang-go and golang-golang-x-mod-dev are not installed: their verdict was not asked\n')
      this.skip()
    }
    const binary = join(folder, 'judge')
    const env = { ...process.env, GOPATH: gopath, GO111MODULE: 'off', GOCACHE: join(folder, 'cache'), GOFLAGS: '' }
    const built = spawnSync('go', ['build', '-o', binary, program], { env, encoding: 'utf8' })
    assert.equal(built.status, 0, built.stderr)
    const judge = (bundle: string, quorum = 3): string =>
      spawnSync(binary, [bundle, `${quorum}`], { encoding: 'utf8' }).stdout
    const bundle = join(folder, 'bundle')
    assert.equal(judge(bundle), 'holds\n')

    const changed = (path: string, change: (bytes: Buffer) => Uint8Array | string): string => {
      const copy = join(folder, 'changed')
      rmSync(copy, { recursive: true, force: true })
      cpSync(bundle, copy, { recursive: true })
      writeFileSync(join(copy, path), change(readFileSync(join(bundle, path))))
      return judge(copy)
    }
    const flip = (place: number) => (bytes: Buffer) => {
      const at = place < 0 ? bytes.length + place : place
      bytes[at] = (bytes[at] as number) ^ 1
      return bytes
    }
    assert.match(changed('tile/entries/000', flip(40)), /another root/)
    assert.match(changed('tile/entries/001.p/76', flip(-3)), /another root/)
    assert.match(changed('tile/0/000', flip(99)), /does not hold/)
    assert.match(
      changed('checkpoint', (bytes) => bytes.toString().replace('\n332\n', '\n331\n')),
      /does not hold/,
    )
    const oneLine = (bytes: Buffer): string => bytes.toString().split('\n').slice(0, 5).join('\n').concat('\n')
    assert.match(changed('checkpoint', oneLine), /1 validators signed, a quorum is 3/)
    assert.match(judge(bundle, 4), /3 validators signed, a quorum is 4/)
    assert.match(changed('checkpoint', flip(-20)), /does not hold/)
    assert.match(changed('previous-checkpoint', flip(-20)), /does not hold/)
    assert.match(changed('consistency', flip(10)), /does not hold/)
  })

  it('is refused when it claims to continue a log that it does not begin with', async () => {
    const { result } = fixture.results[3] ?? assert.fail()
    const other = makeResult({ ...result, logRoot: digestOf('11'.repeat(32)) }).result
    const previous = noteOf({ size: other.logSize, root: other.logRoot }, members(1).slice(0, 3))
    const bundle = join(folder, 'other')
    await exportBundle(bundle, fixture.source, { previous })
    const { verifyBundle } = await import('../../src/audit/verify.ts')
    const { folderReader } = await import('../../src/audit/folder.ts')
    const { ledger, startReplay } = await import('./bundle-fixture.ts')
    const { findings } = await verifyBundle(folderReader(bundle), { ledger }, startReplay)
    assert.deepEqual(
      findings.map(({ code, file }) => `${code} ${file}`),
      ['FORK_DETECTED previous-checkpoint'],
    )
  })
})
