// A disk that is full, read-only or dying, under a node that works: it stops rather than acknowledge what is not durable, says
// STORAGE_FAILED, and once there is room again it comes back and has lost nothing that it signed.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { cp, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../demo/processes.ts'
import { describeLong } from '../long.ts'
import { assertNobodyBlamed, assertNothingLost } from './crash.ts'
import { Four, type NodeProcess } from './four.ts'
import { builtHook } from './hooks.ts'

const storageFailed = 5
const stopsWithinMs = 60_000

/** Where file systems may be mounted, a small real disk is filled besides those failures that a hook makes. */
const mayMount = ((): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'quadrille-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'none', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmdirSync(folder)
  }
})()
const failures = ['ENOSPC', 'EROFS', 'EIO'] as const

describeLong('a node whose disk fails', function () {
  this.timeout(300_000)
  let four: Four
  let victim: NodeProcess
  let hook: string

  before(async () => {
    four = await Four.begin('{ suspectMs: 1000, checkpointInterval: 8, window: 32 }')
    hook = await builtHook(four.folder, 'disk-hook')
    victim = four.nodes[3] ?? assert.fail()
  })

  after(() => four?.end())

  const stopped = async (): Promise<void> => {
    victim.signal('SIGTERM')
    assert.equal(await victim.ended, 0)
  }

  const back = async (): Promise<void> => {
    victim.start()
    await four.ready(victim)
    await four.settled()
    await assertNothingLost(four)
    assertNobodyBlamed(four)
  }

  for (const code of failures) {
    it(`S6 (${code}) acknowledges nothing more, says STORAGE_FAILED, and comes back with all that it signed`, async () => {
      await stopped()
      const said = victim.output.length
      victim.start({ path: hook, environment: { QUADRILLE_DISK_FAILS: code } })
      await four.ready(victim)
      const load = four.load(2)
      victim.signal('SIGUSR2')
      assert.equal(await victim.endedWithin(stopsWithinMs), storageFailed)
      const before = four.acknowledged.length
      await eventually('the other three go on', async () => four.acknowledged.length > before + 3 || undefined)
      await load.stop()
      const output = victim.output.slice(said)
      assert.match(output, new RegExp(`"code":"STORAGE_FAILED"[^\\n]*"reason":"${code}"`))
      assert.match(output, /\nSTORAGE_FAILED: .* Check space, rights and health of the disk/)
      await back()
    })
  }

  it('S6 a disk that fails from the start is told the same way', async () => {
    await stopped()
    const said = victim.output.length
    victim.start({ path: hook, environment: { QUADRILLE_DISK_FAILS: 'EROFS', QUADRILLE_DISK_FROM: 'start' } })
    assert.equal(await victim.endedWithin(stopsWithinMs), storageFailed)
    assert.match(victim.output.slice(said), /STORAGE_FAILED: .*EROFS/)
    await back()
  })

  it('S6 a small real disk that fills, and is mounted read-only: the same, by the operating system itself', async function () {
    if (!mayMount) {
      process.stderr.write('    not run here: this user may not mount a file system\n')
      this.skip()
    }
    await stopped()
    const home = join(four.folder, victim.name)
    const kept = `${home}-kept`
    await cp(home, kept, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=700', 'none', home])
    try {
      await cp(kept, home, { recursive: true })
      // Everything below is about a disk that is nearly full already: the minimum must not stop it first.
      const yaml = join(home, 'node.yaml')
      execFileSync('sh', ['-c', `printf 'limits: { diskFreeMinGiB: 0 }\\n' >> "$1"`, 'sh', yaml])
      let said = victim.output.length
      victim.start()
      await four.ready(victim)
      await fillUp(home)
      const load = four.load(2)
      assert.equal(await victim.endedWithin(stopsWithinMs), storageFailed)
      await load.stop()
      assert.match(victim.output.slice(said), /STORAGE_FAILED: .*ENOSPC/)
      await rm(join(home, 'filler'))
      execFileSync('mount', ['-o', 'remount,ro', home])
      said = victim.output.length
      victim.start()
      assert.equal(await victim.endedWithin(stopsWithinMs), storageFailed)
      assert.match(victim.output.slice(said), /STORAGE_FAILED: /)
      execFileSync('mount', ['-o', 'remount,rw', home])
      await back()
    } finally {
      victim.signal('SIGKILL')
      await victim.ended
      execFileSync('umount', ['-l', home])
    }
  })
})

/** Leaves some kilobytes. */
async function fillUp(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  await writeFile(join(folder, 'filler'), new Uint8Array(bavail * bsize - 65_536))
}
