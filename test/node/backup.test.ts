// Backups of running nodes and what comes back from them: nodes that hold all of it, answer nothing before they have caught
// up, and never believe that they know what they signed.

import assert from 'node:assert/strict'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../../demo/processes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { timeOf } from '../../src/base/ids.ts'
import { type BackupProgress, readManifest, writeBackup } from '../../src/node/backup-folder.ts'
import { framesIn } from '../../src/node/backup-form.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { createNode, type QuadrilleNode } from '../../src/node/node.ts'
import { type Restored, restore } from '../../src/node/restore.ts'
import { noteRestore, restoreProgress } from '../../src/node/unfinished.ts'
import { scanFiles } from '../../src/store/raw-scan.ts'
import { long } from '../long.ts'
import { dump } from '../store/world.ts'
import { enrol, type Founded, foundFour, personalGraph, settled, statement } from './consortium.ts'
import { enrolErasers, erase, stated } from './erasing.ts'

const failsWith =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof LedgerError && error.code === code

describe('A backup of a running node', function () {
  this.timeout(120_000)
  let founded: Founded
  let nodes: QuadrilleNode[]
  let said = 0
  const folder = (): string => join(founded.directory, 'backup')
  const first = (): QuadrilleNode => nodes[0] as QuadrilleNode

  before(async () => {
    founded = await foundFour({ checkpointInterval: 8, window: 32 })
    nodes = await Promise.all([0, 1, 2, 3].map((number) => open(number, number === 1 ? 0 : 30)))
    await Promise.all(nodes.map((node) => node.start()))
    await enrol(founded, nodes)
    for (let n = 0; n < 6; n++) await say(n % 2 === 0)
    await settled(nodes)
  })

  after(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await founded.remove()
  })

  async function open(number: number, keptDays = 30, root = founded.home(number)): Promise<QuadrilleNode> {
    const home = homeAt(root)
    const { listen, unlock } = await readConfig(home)
    const self = founded.genesis.genesis.nodes.find(({ name }) => name === `node-${number}`)?.id
    assert.ok(self !== undefined)
    return createNode({ home, genesis: founded.genesis, self, listen, unlock, backupsKeptDays: keptDays })
  }

  async function say(personal: boolean): Promise<void> {
    const number = said
    said += 1
    const { bytes, payload } = await statement(founded, number, personal ? { graph: personalGraph } : {})
    assert.equal((await first().submit(bytes, payload, AbortSignal.timeout(20_000))).code, 'OK')
  }

  const take = (node: QuadrilleNode, onProgress: (progress: BackupProgress) => void = () => undefined) =>
    writeBackup(folder(), framesIn(node.backups().data()), onProgress)

  const back = (name: string, bag?: Uint8Array, days = 0): Promise<Restored> =>
    restore({
      home: homeAt(join(founded.directory, name)),
      from: folder(),
      bag,
      unlock: undefined,
      now: timeOf(Date.now() + days * 86_400_000),
      onProgress: () => undefined,
    })

  it('is refused while the node says in every erasure report that there is none', () => {
    assert.throws(() => nodes[1]?.backups(), failsWith('BACKUPS_UNDECLARED'))
  })

  it('shows one height, whatever is executed meanwhile, and holds no key of an item', async () => {
    const [last] = nodes.slice(-1) as [QuadrilleNode]
    const begun = last.height
    const [{ manifest }] = await Promise.all([take(last), say(true), say(false)])
    assert.ok(manifest.height >= begun)
    const names = manifest.parts.map(({ path }) => path)
    for (const path of ['home/node.yaml', 'home/keys/identity.json', 'home/keys/ring.json', 'store/store.json']) {
      assert.ok(names.includes(path), path)
    }
    assert.ok(!names.some((path) => /bag|journal/.test(path)))
    const keys = homeAt(founded.home(3)).keys
    const bag = (await readdir(keys)).find((name) => name.startsWith('bag-')) ?? assert.fail('there is a bag')
    const notes = await readFile(join(keys, bag))
    const probes = [40, 200, 400].map((at) => new Uint8Array(notes.subarray(at, at + 32)))
    assert.equal((await scanFiles([keys], probes)).hits, 3)
    assert.equal((await scanFiles([folder()], probes)).hits, 0)
  })

  it('goes on where it was cut off, and the next one writes only what is new', async () => {
    const [last] = nodes.slice(-1) as [QuadrilleNode]
    await rm(folder(), { recursive: true })
    async function* cut(): AsyncGenerator<Uint8Array> {
      let frames = 0
      for await (const frame of last.backups().data()) {
        if (++frames > 12) return
        yield frame
      }
    }
    await assert.rejects(
      writeBackup(folder(), framesIn(cut()), () => undefined),
      failsWith('BACKUP_INTERRUPTED'),
    )
    await assert.rejects(readManifest(folder()), failsWith('BACKUP_DAMAGED'))
    await settled(nodes)
    const whole = await take(last)
    assert.ok(whole.progress.written < whole.progress.bytes, 'what the first one wrote is not written again')
    const again = await take(last)
    assert.ok(again.progress.written < again.progress.bytes / 2, `${again.progress.written}`)
  })

  it('comes back whole with the backup of its bag, caught up only once the others say how far they are', async () => {
    const [last] = nodes.slice(-1) as [QuadrilleNode]
    const bag = await last.backups().itemKeys()
    await take(last)
    await say(true)
    await say(false)
    await settled(nodes)
    await last.stop()
    const { manifest, lacksKeys, itemKeys } = await back('restored', bag)
    assert.equal(lacksKeys, false)
    assert.ok(itemKeys > 0)
    await Promise.all(nodes.slice(0, 3).map((node) => node.stop()))
    const alone = await open(3, 30, join(founded.directory, 'restored'))
    await alone.start()
    assert.equal(alone.height, manifest.height)
    assert.throws(() => alone.source(), failsWith('CATCHING_UP'))
    nodes = [...(await Promise.all([0, 1, 2].map((number) => open(number)))), alone]
    await Promise.all(nodes.slice(0, 3).map((node) => node.start()))
    await say(true)
    await settled(nodes)
    const dumps = await eventually('all four answer', async () => {
      const all = await Promise.all(nodes.map(async (node) => dump(node.source().quads()).catch(() => [])))
      return all.every(({ length }) => length > 0) ? all : undefined
    })
    for (const each of dumps) assert.deepEqual(each, dumps[0])
  })

  it('says what is missing without the bag, and what came back may not start until that is repaired', async () => {
    const [last] = nodes.slice(-1) as [QuadrilleNode]
    await take(last)
    const { lacksKeys, itemKeys } = await back('without')
    assert.deepEqual([lacksKeys, itemKeys], [true, 0])
    const node = await open(3, 30, join(founded.directory, 'without'))
    await assert.rejects(node.start(), failsWith('REPAIR_UNFINISHED'))
  })

  it('takes no bag whose time is over, and no other one', async () => {
    const [last] = nodes.slice(-1) as [QuadrilleNode]
    await take(last)
    const bag = await last.backups().itemKeys()
    await assert.rejects(back('late', bag, 31), failsWith('BACKUP_EXPIRED'))
    const other = await first().backups().itemKeys()
    await assert.rejects(back('late', other), failsWith('KEY_CHECK_FAILED'))
    assert.equal((await back('late', bag)).lacksKeys, false)
  })

  it('S1 that was changed, or lost a part, is not restored; a home that holds something is left alone', async () => {
    const { manifest } = await readManifest(folder()).then(({ content }) => ({ manifest: content }))
    for (const { path, hash } of manifest.parts) {
      if (!(long ? /ring|records|blocks|results|leaves|segments/ : /ring|records\/2|blocks/).test(path)) continue
      const file = join(folder(), 'parts', hash)
      const bytes = await readFile(file)
      const changed = Uint8Array.from(bytes)
      changed[changed.length >> 1] = (changed[changed.length >> 1] as number) ^ 1
      await writeFile(file, changed)
      await assert.rejects(back(`changed-${hash.slice(0, 8)}`), failsWith('BACKUP_DAMAGED'), path)
      await writeFile(file, bytes)
    }
    const sealed = await readFile(join(folder(), 'manifest'))
    sealed[sealed.length - 1] = (sealed[sealed.length - 1] as number) ^ 1
    await writeFile(join(folder(), 'manifest'), sealed)
    await assert.rejects(back('changed-mac'), failsWith('BACKUP_DAMAGED'))
    sealed[sealed.length - 1] = (sealed[sealed.length - 1] as number) ^ 1
    await writeFile(join(folder(), 'manifest'), sealed)
    await assert.rejects(back('node-0'), failsWith('RESTORE_REFUSED'))
  })

  it('S5 goes on with a restore that was killed after any part, and may not start before', async () => {
    const { content, mac } = await readManifest(folder())
    const parts = content.parts.filter(({ path }) => !path.startsWith('home/')).length
    for (const killedAfter of long ? [0, 1, Math.floor(parts / 2), parts] : [Math.floor(parts / 2)]) {
      const name = `killed-${killedAfter}`
      const home = homeAt(join(founded.directory, name))
      const killed = restore({
        home,
        from: folder(),
        bag: undefined,
        unlock: undefined,
        now: timeOf(Date.now()),
        onProgress: (done) => {
          if (done > killedAfter) throw new Error('killed')
        },
      })
      if (killedAfter < parts) await assert.rejects(killed, /killed/)
      else await killed
      if (killedAfter < parts) {
        assert.notEqual(await restoreProgress(home), undefined)
        await assert.rejects((await open(3, 30, home.root)).start(), failsWith('RESTORE_UNFINISHED'))
        await noteRestore(home, { backup: Buffer.from(mac).toString('hex'), done: killedAfter })
        assert.equal((await back(name)).lacksKeys, true)
      }
      assert.equal(await restoreProgress(home), undefined)
    }
  })

  it('E1 is interrupted by an erasure, and the next one lacks what is gone', async () => {
    const [last] = nodes.slice(-1) as [QuadrilleNode]
    const erasers = await enrolErasers(founded, nodes)
    const { place, item } = await stated(founded, first(), said)
    said += 1
    await settled(nodes)
    await take(last)
    const probes = await last.probes([item])
    assert.ok((await scanFiles([folder()], probes)).hits > 0)
    let reached: () => void = () => undefined
    const inside = new Promise<void>((resolve) => {
      reached = resolve
    })
    let goOn: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    async function* slow(): AsyncGenerator<Uint8Array> {
      let frames = 0
      for await (const frame of last.backups().data()) {
        yield frame
        if (++frames < 6) continue
        reached()
        await held
      }
    }
    const backup = writeBackup(folder(), framesIn(slow()), () => undefined)
    await inside
    await erase(founded, first(), erasers, [place])
    await eventually('it is purged', async () =>
      (await scanFiles([homeAt(join(founded.directory, 'restored')).store], probes)).hits === 0 ? true : undefined,
    )
    goOn()
    await assert.rejects(backup, failsWith('BACKUP_INTERRUPTED'))
    await take(last)
    assert.equal((await scanFiles([folder()], probes)).hits, 0)
  })
})
