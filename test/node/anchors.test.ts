// Anchors of a local log over a ledger that stands still or grows: what is sent when, and what becomes of a log from an older disk.

import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, LedgerError } from '../../src/base/errors.ts'
import { timeOf } from '../../src/base/ids.ts'
import { type ActInput, buildAct, signerOf } from '../../src/ledger/build.ts'
import { type AnchorEvent, Anchors } from '../../src/node/anchors.ts'
import { LocalDetails } from '../../src/node/local-details.ts'
import { LocalLog } from '../../src/node/local-log.ts'
import type { Store } from '../../src/store/store.ts'
import { forEver, World as LedgerWorld, ledgerId, organisationNames, testKey, testNode } from '../ledger/world.ts'
import { World } from '../store/world.ts'

const self = testNode('acme', 'acme-1').id

describe('The anchors of a local log', function () {
  this.timeout(20_000)
  let ledger: LedgerWorld
  let world: World
  let store: Store
  let log: LocalLog
  let peers: number
  let refuse: ErrorCode | undefined
  const events: AnchorEvent[] = []
  const failures: unknown[] = []
  const made: Anchors[] = []
  const directory = (): string => join(world.directory, 'local')

  beforeEach(async () => {
    ledger = new LedgerWorld()
    world = await World.create()
    store = await world.store()
    log = await open()
    peers = 3
    refuse = undefined
    events.length = 0
    failures.length = 0
  })

  afterEach(async () => {
    for (const own of made.splice(0)) await own.stop(false)
    await log.close()
    await store.close()
    await world.remove()
    assert.deepEqual(failures, [])
  })

  function open(): Promise<LocalLog> {
    return LocalLog.open({
      directory: directory(),
      ledger: ledgerId,
      node: self,
      seed: testKey('acme-1 checkpoint').seed,
      details: new LocalDetails(store.details),
      now: () => Date.now(),
      onFailure: (error) => void failures.push(error),
    })
  }

  let used = 0
  function anchors(everyMs = 3_600_000): Anchors {
    const others = organisationNames.slice(1).map((name) => testNode(name, `${name}-1`).id)
    const runtime = {
      machine: { ledger: ledger.ledger },
      mesh: { peers: () => others.slice(0, peers) },
      heights: { serve: () => true },
      acts: {
        async send(act: ActInput['act']) {
          if (refuse !== undefined) throw new LedgerError(refuse)
          const key = signerOf(testKey('acme-1 consensus'))
          const { bytes } = await buildAct({ ledger: ledgerId, key, sequence: ++used, expires: forEver, act })
          return { code: ledger.deliver([bytes], timeOf(Date.now()))[0] }
        },
      },
    }
    const own = new Anchors({
      self,
      local: log,
      runtime: runtime as never,
      everyMs,
      clockOffsetMs: () => 4,
      onEvent: (event) => void events.push(event),
      onFailure: (error) => void failures.push(error),
    })
    made.push(own)
    return own
  }

  const note = (): void => log.note({ type: 'rotation-failed', code: 'STORAGE_FAILED' })

  it('follow the log, and are skipped while nothing is new', async () => {
    const own = anchors()
    assert.deepEqual(own.status(), { leaves: 1, anchored: 0, ageSeconds: null, everySeconds: 3_600, failure: null })
    for (let round = 0; round < 3; round++) {
      note()
      await own.anchor()
      const { log: began, size, root } = log.head()
      assert.deepEqual(
        { ...ledger.ledger.anchor(self), height: 0, time: 0 },
        { log: began, size, root, height: 0, time: 0 },
      )
      await own.anchor()
      assert.equal(ledger.ledger.height, round + 1)
    }
    const { leaves, anchored, ageSeconds } = own.status()
    assert.deepEqual([leaves, anchored], [7, 7])
    assert.ok(ageSeconds !== null && ageSeconds < 5)
    await own.stop(true)
    assert.equal(ledger.ledger.height, 3)
  })

  it('come again and again by themselves, and go on after a refusal', async () => {
    refuse = 'NOT_FINAL'
    const own = anchors(20)
    await new Promise((done) => setTimeout(done, 100))
    assert.deepEqual(events, [{ type: 'anchor-failed', code: 'NOT_FINAL' }])
    assert.equal(own.status().failure, 'NOT_FINAL')
    refuse = undefined
    await new Promise((done) => setTimeout(done, 100))
    assert.equal(own.status().anchored, own.status().leaves)
    assert.equal(own.status().failure, null)
    await own.stop(false)
  })

  it('are tried once more at an end in order, and keep nobody waiting without a quorum', async () => {
    note()
    const own = anchors()
    await own.stop(true)
    assert.equal(ledger.ledger.anchor(self)?.size, log.head().size)
    peers = 1
    note()
    const began = Date.now()
    await anchors().stop(true)
    assert.ok(Date.now() - began < 1_000)
    assert.equal(ledger.ledger.height, 1)
  })

  for (const [grown, what] of [
    [0, 'ends before what is anchored'],
    [9, 'went on in another way since'],
  ] as const) {
    it(`S2 of a log that ${what} begin anew with a log that names it`, async () => {
      const own = anchors()
      await log.flush()
      const older = join(world.directory, 'older')
      await log.close()
      await cp(directory(), older, { recursive: true })
      log = await open()
      note()
      note()
      await anchors().anchor()
      const before = ledger.ledger.anchor(self)
      await log.close()
      await rm(directory(), { recursive: true })
      await cp(older, directory(), { recursive: true })
      log = await open()
      for (let n = 0; n < grown; n++) note()
      await anchors().anchor()
      const { log: began, size } = log.head()
      assert.ok(before !== undefined && began > before.log)
      const [leaf] = log.log(began)?.leaves(0, 1) ?? []
      const first = JSON.parse(Buffer.from(leaf ?? []).toString())
      assert.deepEqual(first.before, [{ log: before.log, size: before.size, root: before.root }])
      assert.equal(first.reason, 'rolled-back')
      assert.deepEqual([ledger.ledger.anchor(self)?.log, ledger.ledger.anchor(self)?.size], [began, size])
      assert.equal(events.filter(({ type }) => type === 'local-log-behind').length, 1)
      await own.stop(false)
    })
  }
})
