// What a newcomer meets when something is not as it should be: the real command ends with a code, one sentence and what to do
// next, `quadrille explain` says the same, and nothing that it prints is a secret.

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { eventually } from '../../demo/processes.ts'
import { type ErrorCode, type ErrorEntry, errorTable } from '../../src/base/error-table.ts'
import { foundConsortium, memberIds } from './consortium.ts'
import { type Ended, openWorkplace, type Workplace } from './process.ts'

const passphrase = 'correct horse battery staple'
const guesses = [passphrase.toUpperCase(), 'a much longer guess than the other one'] as const

describe('a newcomer', function () {
  this.timeout(180_000)

  let place: Workplace
  let running: ChildProcess
  const secrets: string[] = [passphrase, ...guesses]
  const met = new Set<ErrorCode>()

  before(async () => {
    place = await openWorkplace()
    await foundConsortium(place.folder)
    await mkdir(place.path('other'))
    await foundConsortium(place.path('other'))
    for (const id of memberIds) {
      secrets.push((await readFile(place.path(`${id}.unlock`), 'utf8')).trim())
      secrets.push((JSON.parse(await readFile(place.path(`${id}.org.key`), 'utf8')) as { seed: string }).seed)
    }
    running = place.begin('start', '--home', 'acme', '--genesis', 'genesis.json')
    let output = ''
    running.stderr?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    running.stdout?.resume()
    await eventually('acme runs', async () => output.includes('"msg":"started"') || undefined)
  })

  after(async () => {
    running?.kill('SIGKILL')
    await place.remove()
  })

  /** The last line: CODE: sentence. What to do next. */
  const told = ({ code, out, err }: Ended, expected: ErrorCode): string => {
    const entry: ErrorEntry = errorTable[expected]
    const line = err.trim().split('\n').at(-1) ?? ''
    assert.equal(code, entry.exit, `${err}${out}`)
    assert.ok(line.startsWith(`${expected}: ${entry.sentence.slice(0, -1)}`), line)
    assert.ok(line.endsWith(entry.next), line)
    for (const secret of secrets) assert.ok(!`${out}${err}`.includes(secret), 'a secret is printed')
    met.add(expected)
    return line
  }

  const starts = (home: string, genesis = 'genesis.json'): Promise<Ended> =>
    place.run('start', '--home', home, '--genesis', genesis)

  it('whose node the genesis does not name is told so', async () => {
    const init = ['node', 'init', '--org', 'eve', '--listen', '/ip4/127.0.0.1/tcp/4999', '--home', 'eve']
    assert.equal((await place.run(...init, '--unlock', 'key-file:eve.unlock')).code, 0)
    told(await starts('eve'), 'NODE_UNKNOWN')
  })

  it('with the genesis of another ledger, a changed one, or none, is told so', async () => {
    const genesis = await readFile(place.path('genesis.json'), 'utf8')
    await writeFile(place.path('changed.json'), genesis.replace('Food Trace', 'Feed Trace'))
    const [unnamed, changed, none] = await Promise.all([
      starts('beta', 'other/genesis.json'),
      starts('gamma', 'changed.json'),
      place.run('start', '--home', 'delta'),
    ])
    told(unnamed, 'NODE_UNKNOWN')
    told(changed, 'SIGNATURE_INVALID')
    told(none, 'NO_GENESIS')
    told(await starts('acme', 'other/genesis.json'), 'WRONG_LEDGER')
  })

  it('S9 who starts a second process on one home is told that another has it open', async () => {
    told(await starts('acme'), 'STORE_LOCKED')
  })

  it('whose port another program has is told which', async () => {
    const port = /tcp\/(\d+)/.exec(await readFile(place.path('acme/node.yaml'), 'utf8'))?.[1] ?? assert.fail()
    const yaml = await readFile(place.path('beta/node.yaml'), 'utf8')
    await writeFile(place.path('beta/node.yaml'), yaml.replace(/tcp\/\d+/, `tcp/${port}`))
    assert.match(told(await starts('beta'), 'ADDRESS_IN_USE'), new RegExp(port))
    const doctor = await place.run('doctor', '--home', 'beta')
    assert.equal(doctor.code, 1)
    assert.match(doctor.out, new RegExp(`WRONG {2}ADDRESS_IN_USE: .*${port}[^]*This node does not run`))
    await writeFile(place.path('beta/node.yaml'), yaml)
  })

  it('S4 whose key file is gone, open to others or damaged, or whose key ring is gone, is told so', async () => {
    const key = place.path('gamma.unlock')
    await rename(key, `${key}-kept`)
    told(await starts('gamma'), 'UNLOCK_FAILED')
    assert.match((await place.run('doctor', '--home', 'gamma')).out, /UNLOCK_FAILED/)
    await rename(`${key}-kept`, key)
    await chmod(key, 0o644)
    assert.match(told(await starts('gamma'), 'UNLOCK_FAILED'), /chmod 600/)
    await chmod(key, 0o600)
    const ring = place.path('gamma/keys/ring.json')
    await rename(ring, `${ring}-kept`)
    told(await starts('gamma'), 'KEY_MISSING')
    await rename(`${ring}-kept`, ring)
    const kept = await readFile(key, 'utf8')
    await writeFile(
      key,
      kept.replace(/./, (digit) => (digit === '0' ? '1' : '0')),
    )
    told(await starts('gamma'), 'KEY_CHECK_FAILED')
    await writeFile(key, kept)
  })

  it('S4 who guesses a passphrase hears the same for every guess, and absurd Argon2 parameters are refused', async () => {
    const changed = await place.runWith(
      passphrase,
      'keys',
      'unlock-change',
      '--to',
      'passphrase-fd:0',
      '--home',
      'delta',
    )
    assert.equal(changed.code, 0, changed.err)
    const yaml = await readFile(place.path('delta/node.yaml'), 'utf8')
    assert.match(yaml, /provider: passphrase/)
    const start = ['start', '--home', 'delta', '--genesis', 'genesis.json']
    const lines = []
    for (const guess of guesses) lines.push(told(await place.runWith(guess, ...start), 'KEY_CHECK_FAILED'))
    assert.equal(new Set(lines).size, 1)
    told(await place.runWith('', ...start), 'UNLOCK_FAILED')
    const path = place.path('delta/keys/unlock.json')
    const unlock = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    for (const absurd of [{ memoryKiB: '999999999' }, { passes: '1000000' }, { memoryKiB: '1' }]) {
      await writeFile(path, JSON.stringify({ ...unlock, ...absurd }))
      told(await place.runWith(passphrase, ...start), 'KDF_PARAMETERS_REFUSED')
    }
    await writeFile(path, JSON.stringify(unlock))
  })

  it('S10 whose files are of a newer version is told so, and nothing is touched', async () => {
    const path = place.path('beta/keys/ring.json')
    const before = await readFile(path, 'utf8')
    const newer = JSON.stringify({ ...(JSON.parse(before) as object), version: 99 })
    await writeFile(path, newer)
    told(await starts('beta'), 'FORMAT_UNSUPPORTED')
    assert.equal(await readFile(path, 'utf8'), newer)
    await writeFile(path, before)
  })

  it('whose home is empty, or whose node.yaml has mistakes, is told where', async () => {
    told(await starts('nowhere'), 'NO_HOME')
    const path = place.path('beta/node.yaml')
    const before = await readFile(path, 'utf8')
    await writeFile(path, `${before}limits: { diskFreeMinGiB: lots }\nspeed: fast\n`)
    const line = told(await starts('beta'), 'CONFIG_INVALID')
    assert.match(line, /limits\.diskFreeMinGiB: [^;]+; speed: there is no such key/)
    assert.match((await place.run('doctor', '--home', 'beta')).out, /CONFIG_INVALID: .*speed/)
    await writeFile(path, `${before}limits: { diskFreeMinGiB: 1000000 }\n`)
    assert.match((await place.run('doctor', '--home', 'beta')).out, /WRONG {2}DISK_LOW: /)
    await writeFile(path, before)
  })

  it('can have each of these explained', async () => {
    met.add('STORAGE_FAILED').add('PEER_NOT_ADMITTED').add('DISK_LOW')
    for (const code of met) {
      const { code: exit, out } = await place.run('explain', code.toLowerCase())
      const { sentence, next }: ErrorEntry = errorTable[code]
      assert.equal(exit, 0)
      assert.ok(out.includes(sentence) && out.includes(next), out)
    }
    await rm(place.path('eve'), { recursive: true })
  })
})
