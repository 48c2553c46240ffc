// A running node turns its keys in the background, tells how far it is, and goes on after a stop; what unlocks it changes
// while it does not run.

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LedgerError } from '../../src/base/errors.ts'
import { organisationIdOf } from '../../src/base/ids.ts'
import { readConfig } from '../../src/node/config.ts'
import { homeAt } from '../../src/node/home.ts'
import { KeyCare, type KeyEvent } from '../../src/node/key-care.ts'
import { initNode } from '../../src/node/membership.ts'
import { changeUnlock } from '../../src/node/unlock-change.ts'
import { loadIdentity } from '../../src/store/identity.ts'
import type { Store } from '../../src/store/store.ts'
import { unlock } from '../../src/store/unlock.ts'
import { block, dump, item, row, text, World } from '../store/world.ts'

describe('The care for keys', function () {
  this.timeout(30_000)
  let world: World
  let store: Store
  let events: KeyEvent[]

  beforeEach(async () => {
    world = await World.create()
    store = await world.store()
    events = []
    for (let n = 1; n <= 200; n++) {
      await store.commit(block(n, { items: [item(`${n}`, [row(`urn:s:${n}`, 'urn:p', text(`${n}`))])] }))
    }
  })

  afterEach(async () => {
    await store.close()
    await world.remove()
  })

  const open = (): KeyCare =>
    new KeyCare({ store, keyRing: world.keyRing, unlock: 'key-file', onEvent: (event) => events.push(event) })

  const oldKeys = (care: KeyCare): number => care.status().keys.filter(({ state }) => state === 'decrypt-only').length

  async function ended(care: KeyCare): Promise<void> {
    while (care.status().rotation !== null) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  it('turns all keys but the one for look-ups, one rotation at a time, with an event for each step', async () => {
    const care = open()
    await ended(care)
    const before = new Map(care.status().keys.map(({ purpose, id }) => [purpose, id]))
    assert.notEqual(care.rotate().rotation, null)
    care.rotate()
    await ended(care)
    for (const { purpose, version, id } of care.status().keys) {
      assert.equal(version, purpose === 'lookup' ? 1 : 2, purpose)
      assert.equal(before.get(purpose) === id, purpose === 'lookup', purpose)
    }
    assert.deepEqual(
      events.map((event) => event.type === 'keys' && event.step),
      ['keys renewed', 'records sealed', 'segments written', 'keys destroyed'],
    )
    assert.ok(!JSON.stringify(care.status()).includes('secret'))
  })

  it('tells how many records are left under old keys, down to none, and how old each key is', async () => {
    const care = open()
    await ended(care)
    care.rotate()
    const left: number[] = []
    while (care.status().rotation !== null) {
      const { step, left: now } = care.status().rotation ?? { step: '', left: 0 }
      if (step !== 'begun') left.push(now)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    assert.ok((left[0] ?? 0) > 400, `${left[0]} records of 200 items`)
    assert.deepEqual(
      left,
      left.toSorted((a, b) => b - a),
    )
    assert.equal(left.at(-1), 0)
    const later = Date.now() + 7_200_000
    const now = Date.now
    Date.now = () => later
    try {
      for (const { purpose, ageSeconds } of care.status().keys)
        assert.ok(ageSeconds >= 7_200 && ageSeconds < 7_300, purpose)
    } finally {
      Date.now = now
    }
  })

  it('S5 goes on with a rotation that a stop interrupted', async () => {
    const first = open()
    await ended(first)
    first.rotate()
    await new Promise((resolve) => setTimeout(resolve, 20))
    await first.stop()
    assert.ok(oldKeys(first) > 0)
    await store.close()
    await world.reopenKeys()
    store = await world.store()
    const second = open()
    await ended(second)
    assert.equal(oldKeys(second), 0)
    assert.equal((await dump(store.quads())).length, 200)
  })
})

describe('The unlock provider of a node', () => {
  it('changes while the node does not run, and only what is new opens the keys then', async () => {
    const root = await mkdtemp(join(tmpdir(), 'quadrille-unlock-'))
    try {
      const home = homeAt(join(root, 'home'))
      const [old, next] = ['old.key', 'next.key'].map((name) => ({
        provider: 'key-file' as const,
        path: join(root, name),
      })) as [{ provider: 'key-file'; path: string }, { provider: 'key-file'; path: string }]
      await initNode(home, {
        organisation: organisationIdOf('acme'),
        name: 'acme-1',
        role: 'validator',
        addresses: ['/ip4/127.0.0.1/tcp/4701'],
        http: { host: '127.0.0.1', port: 4780 },
        unlock: old,
      })
      const key = await unlock(old, home.keys)
      const before = await loadIdentity(home.identity, key)
      await changeUnlock(home, next)
      const config = await readConfig(home)
      assert.deepEqual(config.unlock, next)
      assert.deepEqual(await loadIdentity(home.identity, await unlock(config.unlock, home.keys)), before)
      await assert.rejects(
        unlock(old, home.keys),
        (error: unknown) => error instanceof LedgerError && error.code === 'KEY_CHECK_FAILED',
      )
      assert.ok(!(await readFile(join(home.keys, 'unlock.json'), 'utf8')).includes(Buffer.from(key).toString('hex')))
    } finally {
      await rm(root, { recursive: true })
    }
  })
})
