// Root key, key ring, bag and identity: who can open them, and what survives.

import assert from 'node:assert/strict'
import { openSync } from 'node:fs'
import { chmod, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { randomBytes } from '#crypto'
import { toHex, utf8 } from '../../src/base/bytes.ts'
import { type ErrorCode, LedgerError } from '../../src/base/errors.ts'
import type { ItemId } from '../../src/base/ids.ts'
import { open, seal } from '../../src/base/seal.ts'
import { createIdentity, loadIdentity } from '../../src/store/identity.ts'
import { createKeyRing, openKeyRing } from '../../src/store/key-ring.ts'
import { createKeyFile, setUnlock, unlock } from '../../src/store/unlock.ts'
import { itemNamed, World } from './world.ts'

const failsWith =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    error instanceof LedgerError && error.code === code

describe('The keys of a node', () => {
  let world: World

  beforeEach(async () => {
    world = await World.create()
  })

  afterEach(() => world.remove())

  const keyFile = (): string => world.path('unlock.key')

  it('begin with a key file that only its owner can read and that is never overwritten', async () => {
    assert.equal((await stat(keyFile())).mode & 0o777, 0o600)
    await assert.rejects(createKeyFile(keyFile()), failsWith('UNLOCK_FAILED'))
    assert.deepEqual(await unlock({ provider: 'key-file', path: keyFile() }, world.path('keys')), world.root)
  })

  it('S4 are not had from a key file that is absent, damaged or open to others', async () => {
    const unlocked = (path: string): Promise<Uint8Array> => unlock({ provider: 'key-file', path }, world.path('keys'))
    await assert.rejects(unlocked(world.path('nothing')), failsWith('UNLOCK_FAILED'))
    await chmod(keyFile(), 0o640)
    await assert.rejects(unlocked(keyFile()), failsWith('UNLOCK_FAILED'))
    await chmod(keyFile(), 0o600)
    for (const content of ['', 'ab', `${'0'.repeat(63)}g\n`, `${'0'.repeat(64)}\n\n`]) {
      await writeFile(keyFile(), content)
      await assert.rejects(unlocked(keyFile()), failsWith('UNLOCK_FAILED'))
    }
  })

  it('S4 open with a passphrase that was set, with no other one, and no longer with the key file', async () => {
    const keys = world.path('keys')
    await setUnlock({ provider: 'passphrase', passphrase: 'correct horse' }, keys, world.root)
    assert.deepEqual(await unlock({ provider: 'passphrase', passphrase: 'correct horse' }, keys), world.root)
    const others = ['wrong horse', 'Correct horse', 'correct horse '].map((passphrase) =>
      unlock({ provider: 'passphrase', passphrase }, keys),
    )
    const told = await Promise.all(others.map((each) => each.then(String, (error: LedgerError) => error.message)))
    assert.equal(new Set(told).size, 1)
    await assert.rejects(unlock({ provider: 'passphrase', passphrase: 'wrong' }, keys), failsWith('KEY_CHECK_FAILED'))
    await assert.rejects(unlock({ provider: 'key-file', path: keyFile() }, keys), failsWith('KEY_CHECK_FAILED'))
  })

  it('S4 are not stretched as much as a changed file asks for', async () => {
    const keys = world.path('keys')
    await setUnlock({ provider: 'passphrase', passphrase: 'correct horse' }, keys, world.root)
    const path = world.path('keys', 'unlock.json')
    const content = JSON.parse(await readFile(path, 'utf8')) as object
    for (const absurd of [{ memoryKiB: '99999999' }, { passes: '1000' }, { passes: '0' }, { salt: '00' }]) {
      await writeFile(path, JSON.stringify({ ...content, ...absurd }))
      const unlocked = unlock({ provider: 'passphrase', passphrase: 'correct horse' }, keys)
      await assert.rejects(unlocked, failsWith('KDF_PARAMETERS_REFUSED'))
    }
  })

  it('open with what a file descriptor gives', async () => {
    const fd = openSync(keyFile(), 'r')
    assert.deepEqual(await unlock({ provider: 'fd', fd }, world.path('keys')), world.root)
    await assert.rejects(unlock({ provider: 'fd', fd: 9_999 }, world.path('keys')), failsWith('UNLOCK_FAILED'))
  })

  it('S4 are not opened by another root key', async () => {
    await createIdentity(world.path('identity.json'), world.root, identity)
    await assert.rejects(openKeyRing(world.path('keys'), randomBytes(32)), failsWith('KEY_CHECK_FAILED'))
    await assert.rejects(loadIdentity(world.path('identity.json'), randomBytes(32)), failsWith('KEY_CHECK_FAILED'))
  })

  it('S1 are not opened once their file was changed', async () => {
    const path = world.path('keys', 'ring.json')
    const content = JSON.parse(await readFile(path, 'utf8')) as { sealed: string }
    const sealed = Buffer.from(content.sealed, 'base64')
    sealed[60] = (sealed[60] as number) ^ 1
    await writeFile(path, JSON.stringify({ ...content, sealed: sealed.toString('base64') }))
    await assert.rejects(openKeyRing(world.path('keys'), world.root), failsWith('RECORD_TAMPERED'))
  })

  it('S10 are left untouched by a version that does not know their format', async () => {
    const path = world.path('keys', 'ring.json')
    const newer = (await readFile(path, 'utf8')).replace('"version": 2', '"version": 3')
    await writeFile(path, newer)
    await assert.rejects(openKeyRing(world.path('keys'), world.root), failsWith('FORMAT_UNSUPPORTED'))
    await assert.rejects(createKeyRing(world.path('keys'), world.root), failsWith('FORMAT_UNSUPPORTED'))
    assert.equal(await readFile(path, 'utf8'), newer)
  })

  it('are made once', async () => {
    await assert.rejects(createKeyRing(world.path('keys'), world.root), failsWith('FILE_EXISTS'))
    await assert.rejects(openKeyRing(world.path('elsewhere'), world.root), failsWith('KEY_MISSING'))
  })

  it('turn: the new one seals, the old one opens until it is destroyed', async () => {
    const old = world.keyRing.active('payload')
    const sealed = seal(old, utf8('aad'), utf8('plain'))
    const fresh = await world.keyRing.renew('payload')
    const ring = await world.reopenKeys()
    assert.deepEqual(ring.active('payload'), fresh)
    assert.deepEqual(open(ring.find(old.id), utf8('aad'), sealed), utf8('plain'))
    await ring.destroy([old.id, fresh.id])
    await world.reopenKeys()
    assert.throws(() => world.keyRing.find(old.id), failsWith('KEY_MISSING'))
    assert.deepEqual(world.keyRing.find(fresh.id), fresh, 'an active key is not destroyed')
  })

  it('stay the same for an item, also when asked for together', async () => {
    const { bag } = world.keyRing
    const [a, b] = [itemNamed('a'), itemNamed('b')] as const
    await Promise.all([bag.add([a, b, a]), bag.add([b]), bag.add([])])
    const keys = [bag.key(a), bag.key(b)]
    await bag.drop([b, itemNamed('c')])
    const again = (await world.reopenKeys()).bag
    assert.deepEqual(again.key(a), keys[0])
    assert.throws(() => again.key(b), failsWith('KEY_MISSING'))
    assert.equal(again.find(toHex((keys[1] as { id: Uint8Array }).id)), undefined)
    assert.equal(again.size, 1)
  })

  it('S7 lose no durable item key when the bag is torn behind it', async () => {
    await world.keyRing.bag.add([itemNamed('a')])
    const key = world.keyRing.bag.key(itemNamed('a'))
    await world.keyRing.bag.add([itemNamed('b')])
    const path = world.path('keys', 'bag-1')
    await truncate(path, (await readFile(path)).length - 7)
    const { bag } = await world.reopenKeys()
    assert.deepEqual(bag.key(itemNamed('a')), key)
    await bag.add([itemNamed('b')])
    assert.equal((await world.reopenKeys()).bag.size, 2)
  })

  it('S1 are not opened, and the bag stays as it is, when a byte of any note but the last was changed', async () => {
    await world.keyRing.bag.add(['a', 'b', 'c'].map(itemNamed))
    await world.keyRing.close()
    const path = world.path('keys', 'bag-1')
    const whole = await readFile(path)
    const noteBytes = (whole.length - 8) / 3
    for (const place of [8, 11, 12, 20, 60, 8 + noteBytes, 8 + noteBytes + 15, 7 + 2 * noteBytes]) {
      const damaged = Uint8Array.from(whole)
      damaged[place] = (damaged[place] as number) ^ 0x80
      await writeFile(path, damaged)
      await assert.rejects(openKeyRing(world.path('keys'), world.root), failsWith('RECORD_TAMPERED'), `byte ${place}`)
      assert.deepEqual(Uint8Array.from(await readFile(path)), damaged)
    }
    await writeFile(path, whole)
    world.keyRing = await openKeyRing(world.path('keys'), world.root)
    assert.equal(world.keyRing.bag.size, 3)
  })

  it('go on in the next generation of the bag without those that were dropped', async () => {
    const { keyRing } = world
    const names = ['a', 'b', 'c'].map(itemNamed) as [ItemId, ItemId, ItemId]
    await keyRing.bag.add(names)
    const [a, b] = [keyRing.bag.key(names[0]), keyRing.bag.key(names[1])]
    await keyRing.bag.drop([names[1]])
    const old = await readFile(world.path('keys', 'bag-1'))
    const turning = keyRing.turnBag()
    await Promise.all([turning, keyRing.bag.add([itemNamed('d')])])
    const d = keyRing.bag.key(itemNamed('d'))
    await world.reopenKeys()
    assert.equal(world.keyRing.bag.generation, 2)
    assert.deepEqual((await readdir(world.path('keys'))).sort(), ['bag-2', 'ring.json'])
    assert.deepEqual(world.keyRing.bag.key(names[0]), a)
    assert.deepEqual(world.keyRing.bag.key(itemNamed('d')), d)
    assert.throws(() => world.keyRing.find(b.id), failsWith('KEY_MISSING'))
    await writeFile(world.path('keys', 'bag-2'), old)
    await assert.rejects(
      openKeyRing(world.path('keys'), world.root),
      failsWith('RECORD_TAMPERED'),
      'the old file is of no use',
    )
  })

  it('S5 are all there when a turn of the bag was interrupted before or after it was decided', async () => {
    await world.keyRing.bag.add([itemNamed('a')])
    const key = world.keyRing.bag.key(itemNamed('a'))
    await world.keyRing.close()
    const half = (await readFile(world.path('keys', 'bag-1'))).subarray(0, 40)
    await writeFile(world.path('keys', 'bag-2'), half)
    world.keyRing = await openKeyRing(world.path('keys'), world.root)
    assert.deepEqual((await readdir(world.path('keys'))).sort(), ['bag-1', 'ring.json'])
    const before = await readFile(world.path('keys', 'bag-1'))
    await world.keyRing.turnBag()
    await writeFile(world.path('keys', 'bag-1'), before)
    await world.reopenKeys()
    assert.deepEqual(world.keyRing.bag.key(itemNamed('a')), key)
    assert.deepEqual((await readdir(world.path('keys'))).sort(), ['bag-2', 'ring.json'])
  })

  it('leave a bag that stays small however many payloads were staged', async () => {
    const { bag } = world.keyRing
    for (let round = 0; round < 4; round++) {
      const names = Array.from({ length: 1_500 }, (_, n) => itemNamed(`${round} ${n}`))
      await bag.add(names)
      await bag.drop(names)
      if (bag.isStale) await world.keyRing.turnBag()
    }
    assert.equal(bag.generation, 2)
    assert.equal(bag.size, 0)
    assert.ok((await stat(world.path('keys', 'bag-2'))).size < 1_000_000)
  })

  it('S8 stand nowhere in clear, neither do the names of items', async () => {
    await createIdentity(world.path('identity.json'), world.root, identity)
    await world.keyRing.bag.add([itemNamed('a')])
    const bytes = await world.bytes('keys')
    const secrets = [
      world.keyRing.bag.key(itemNamed('a')).secret,
      ...world.keyRing.entries().map(({ key }) => key.secret),
    ]
    for (const secret of [...secrets, ...Object.values(identity), Buffer.from(itemNamed('a'), 'hex')]) {
      assert.ok(!bytes.includes(Buffer.from(secret)))
    }
    assert.ok(
      !(await readFile(world.path('identity.json'), 'utf8')).includes(
        Buffer.from(identity.consensus).toString('base64').slice(0, 40),
      ),
    )
  })

  it('give an identity back as it was, and never overwrite one', async () => {
    const path = world.path('identity.json')
    await createIdentity(path, world.root, identity)
    assert.deepEqual(await loadIdentity(path, world.root), identity)
    await assert.rejects(createIdentity(path, world.root, identity), failsWith('FILE_EXISTS'))
    await assert.rejects(loadIdentity(world.path('none.json'), world.root), failsWith('KEY_MISSING'))
  })
})

const identity = {
  consensus: randomBytes(32),
  transport: randomBytes(32),
  payload: randomBytes(32),
  checkpoint: randomBytes(32),
}
