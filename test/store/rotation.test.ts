// Keys turn while the store works: everything is sealed anew, nothing is lost, and old keys open nothing afterwards.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { toHex, utf8 } from '../../src/base/bytes.ts'
import type { Store } from '../../src/store/store.ts'
import { long } from '../long.ts'
import { block, dump, item, itemNamed, retraction, row, text, World } from './world.ts'

const rotatedPurposes = ['index', 'dictionary', 'payload', 'state', 'details']

describe('A rotation of keys', function () {
  this.timeout(60_000)
  let world: World
  let store: Store

  beforeEach(async () => {
    world = await World.create()
    store = await world.store()
  })

  afterEach(async () => {
    await store.close()
    await world.remove()
  })

  async function reopen(): Promise<void> {
    await store.close()
    await world.reopenKeys()
    store = await world.store()
  }

  async function fill(from: number, to: number): Promise<void> {
    for (let n = from; n <= to; n++) {
      const rows = Array.from({ length: 20 }, (_, i) => row(`urn:s:${n}`, `urn:p:${i % 3}`, text(`${n} ${i}`)))
      await store.commit(
        block(n, {
          items: [item(`${n}`, rows, { class: n % 3 === 0 ? 'personal' : 'open' })],
          retractions: n > 1 ? [retraction(`${n - 1}`, [0])] : [],
          records: [{ key: utf8(`key ${n % 7}`), value: utf8(`value ${n}`) }],
        }),
      )
    }
  }

  /** Ids, in hexadecimal, of the keys that no purpose seals with any more. */
  const oldKeys = (): readonly string[] =>
    world.keyRing
      .entries()
      .filter(({ purpose, state }) => rotatedPurposes.includes(purpose) && state === 'decrypt-only')
      .map(({ key }) => toHex(key.id))

  it('seals everything anew, keeps every answer, and leaves no old key', async () => {
    await fill(1, 30)
    const before = world.keyRing.entries().map(({ purpose, key }) => ({ purpose, id: key.id }))
    const quads = await dump(store.quads())
    const steps: string[] = []
    await store.rotate(({ step }) => void (steps.at(-1) === step || steps.push(step)))
    assert.deepEqual(steps, ['keys renewed', 'records sealed', 'segments written', 'keys destroyed'])
    assert.deepEqual(oldKeys(), [])
    assert.deepEqual(await dump(store.quads()), quads)
    await reopen()
    assert.deepEqual(await dump(store.quads()), quads)
    assert.deepEqual(await store.itemPayload(itemNamed('7')), utf8('payload 7'))
    assert.deepEqual(await store.record(utf8('key 3')), utf8('value 24'))
    const now = new Set(world.keyRing.entries().map(({ key }) => toHex(key.id)))
    for (const { purpose, id } of before) assert.equal(now.has(toHex(id)), purpose === 'lookup', purpose)
  })

  it('goes on beside commits, retractions and reads', async () => {
    await fill(1, 20)
    const rotating = store.rotate()
    await fill(21, 60)
    assert.equal(await store.countQuads(), 60 * 20 - 59)
    await rotating
    assert.deepEqual(oldKeys(), [])
    await reopen()
    assert.equal((await dump(store.quads())).length, 60 * 20 - 59)
    assert.equal((await dump(store.at(20).quads())).length, 20 * 20 - 19)
  })

  it('S5 comes to its end when it was interrupted after any step, and nothing is left under two keys', async () => {
    await fill(1, 10)
    const quads = await dump(store.quads())
    let steps = 0
    for (let stopAt = 1; ; stopAt++) {
      steps = 0
      const stop = new Error('stopped here')
      const rotated = store.rotate(() => {
        steps += 1
        if (steps === stopAt) throw stop
      })
      const ended = await rotated.then(
        () => true,
        (error: unknown) => {
          assert.equal(error, stop)
          return false
        },
      )
      await reopen()
      assert.deepEqual(await dump(store.quads()), quads)
      await store.finishRotation()
      assert.deepEqual(oldKeys(), [])
      if (ended) break
    }
    assert.ok(steps > 5)
    assert.deepEqual(await dump(store.quads()), quads)
  })

  it('S14 never brings back what was erased meanwhile', async () => {
    await fill(1, 12)
    const erase = async (): Promise<void> => {
      await store.commit(block(13, { erasures: [itemNamed('3'), itemNamed('6')] }))
    }
    let erased: Promise<void> | undefined
    await store.rotate(({ step }) => {
      if (step === 'records sealed') erased ??= erase()
    })
    await erased
    await Promise.all([store.purge(), store.rotate()])
    await reopen()
    for (const name of ['3', '6']) {
      assert.equal(await store.itemPayload(itemNamed(name)), undefined)
      assert.throws(() => world.keyRing.bag.key(itemNamed(name)))
    }
    assert.equal((await dump(store.quads())).filter((line) => /urn:s:[36] /.test(line)).length, 0)
    assert.equal(await store.countQuads(), 10 * 20 - 9)
    for await (const plain of store.opened()) assert.ok(!Buffer.from(plain).includes('3 19'))
  })
})

describe('A rotation in another process', function () {
  this.timeout(120_000)

  /** Commits and rotates until it is killed; says each height once it is durable. */
  function rotator(directory: string): ChildProcess {
    const flags = ['--conditions=source', '--import', 'tsx', join(import.meta.dirname, 'committer.ts')]
    return spawn(process.execPath, [...flags, directory, 'rotate'], { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  it('S5 loses nothing to a kill -9 at whatever moment, and comes to its end afterwards', async () => {
    const world = await World.create()
    try {
      let acknowledged = 0
      for (const more of long ? [5, 11, 8, 23, 17, 29, 14, 40] : [7, 19]) {
        const child = rotator(world.directory)
        const ended = new Promise((resolve) => child.once('exit', resolve))
        let said = 0
        for await (const chunk of child.stdout ?? []) {
          for (const part of String(chunk).split('\n')) if (part !== '') said = Number(part)
          if (said >= acknowledged + more) break
        }
        child.kill('SIGKILL')
        await ended
        assert.ok(said >= acknowledged + more, `the process ended at ${said}`)
        await world.reopenKeys()
        const store = await world.store()
        assert.ok(store.sequence >= said)
        assert.equal((await dump(store.quads())).length, 20 * store.sequence)
        await store.finishRotation()
        assert.equal((await dump(store.quads())).length, 20 * store.sequence)
        const left = world.keyRing.entries().filter(({ state }) => state === 'decrypt-only')
        assert.deepEqual(left, [])
        acknowledged = store.sequence
        await store.close()
      }
    } finally {
      await world.remove()
    }
  })
})
