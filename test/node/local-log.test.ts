// The local log by itself: what gets into its leaves and what into the side-car, what a flood makes of it, and how it goes on
// after an end in order, without one, and after a restore.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { readLeaf } from '../../src/audit/leaf.ts'
import { parseCheckpoint, parseNote, verifyNote } from '../../src/audit/note.ts'
import { fromHex, fromUtf8 } from '../../src/base/bytes.ts'
import { itemIdOf, ledgerIdOf, nodeIdOf } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { signingKeyOf } from '../../src/base/signature.ts'
import { isNamed } from '../../src/node/erased-names.ts'
import { LocalDetails } from '../../src/node/local-details.ts'
import type { LocalEvent } from '../../src/node/local-events.ts'
import { type Asker, LocalLog } from '../../src/node/local-log.ts'
import { noteOffline } from '../../src/node/local-offline.ts'
import { piecesOf } from '../../src/store/purge.ts'
import { scanFiles } from '../../src/store/raw-scan.ts'
import type { Store } from '../../src/store/store.ts'
import { World } from '../store/world.ts'

const ledger = ledgerIdOf('11'.repeat(32))
const node = nodeIdOf('22'.repeat(16))
const key = signingKeyOf(new Uint8Array(32).fill(7))
const person = 'https://person.example/id/17'

const asked = (number: number): LocalEvent => ({
  type: 'access',
  method: 'GET',
  route: '/sparql',
  status: 200,
  code: '',
  ...(number === 0 ? {} : { status: 200 + number }),
})
const by = (text: string, identity = '127.0.0.1'): Asker => ({
  identity,
  about: () => ({ time: 5, from: identity, key: '', asked: 'GET /sparql', text }),
})

describe('The local log of a node', function () {
  this.timeout(20_000)
  let world: World
  let store: Store
  let now = 1_800_000_000_000
  let log: LocalLog

  const open = (): Promise<LocalLog> =>
    LocalLog.open({
      directory: join(world.directory, 'local'),
      ledger,
      node,
      seed: key.seed,
      details: new LocalDetails(store.details),
      now: () => now,
      onFailure: (error) => {
        throw error
      },
    })

  beforeEach(async () => {
    now = 1_800_000_000_000
    world = await World.create()
    store = await world.store()
    log = await open()
  })

  afterEach(async () => {
    await log.close()
    await store.close()
    await world.remove()
  })

  function entries(which = log.head().log): readonly Readonly<Record<string, unknown>>[] {
    const files = log.log(which)
    return [...(files?.leaves(0, files.size) ?? [])].map((leaf) => readLeaf(leaf).entry)
  }

  it('begins with what it is of, and signs its own checkpoints', async () => {
    assert.deepEqual(entries(), [{ type: 'began', ledger, node, log: now, reason: 'new', before: [], time: now }])
    const note = parseNote((await log.checkpoint(now)) ?? '')
    const { size, root, origin } = parseCheckpoint(note.text)
    assert.deepEqual({ log: now, size, root }, log.head())
    assert.deepEqual(verifyNote(note, [{ name: origin, publicKey: key.publicKey }]).valid, [origin])
    assert.equal(await log.checkpoint(5), undefined)
  })

  it('E5 says who asked by a random reference, and keeps what was asked sealed beside it', async () => {
    log.note(asked(0), by(`SELECT * { <${person}> ?p ?o }`))
    log.note(asked(1), by('ASK {}'))
    log.note(asked(0), by('ASK {}', '192.0.2.1'))
    await log.flush()
    const [, first, second, third] = entries()
    assert.match(String(first?.['actor']), /^[0-9a-f]{16}$/)
    assert.equal(first?.['actor'], second?.['actor'])
    assert.notEqual(first?.['actor'], third?.['actor'])
    const leaves = [...(log.log(log.head().log)?.leaves() ?? [])].map(fromUtf8).join('\n')
    for (const personal of [person, '127.0.0.1', '192.0.2.1', 'SELECT']) assert.ok(!leaves.includes(personal))
    const details = new LocalDetails(store.details)
    const found = await details.get(fromHex(String(first?.['detail'])))
    assert.deepEqual(found, [by(`SELECT * { <${person}> ?p ?o }`).about()])
    const raw = await scanFiles([world.directory], [Buffer.from(person), Buffer.from('192.0.2.1')])
    assert.equal(raw.hits, 0)
  })

  it('counts equal entries of a while as one, the first of them at once', async () => {
    log.note(asked(0), by('one'))
    await log.flush()
    for (let n = 0; n < 100; n++) log.note(asked(0), by(`more ${n}`))
    now += 40_000
    await log.flush()
    const [, first, rest] = entries()
    assert.equal(first?.['count'], undefined)
    assert.deepEqual([rest?.['count'], rest?.['omitted'], rest?.['until']], [100, 68, now - 40_000])
  })

  it('makes no more of a flood than its pace allows, and says how much it left out', async () => {
    const total = limits.localEntriesBurst + 500
    for (let n = 0; n < total; n++) {
      log.note({ ...asked(n % 300), method: `M${n}` } as LocalEvent)
      if (n % 200 === 199) await log.flush()
    }
    await log.flush()
    const written = entries().slice(1)
    assert.ok(written.length <= limits.localEntriesBurst + 50, `${written.length} entries`)
    const counted = written.reduce((sum, entry) => sum + Number(entry['count'] ?? 1), 0)
    assert.equal(counted, total)
    assert.ok(written.some(({ type }) => type === 'suppressed'))
  })

  it('never has more waiting than its bound', async () => {
    for (let n = 0; n < 2 * limits.localPendingMax; n++) log.note({ ...asked(0), method: `M${n}` } as LocalEvent)
    await log.flush()
    const suppressed = entries().filter(({ type }) => type === 'suppressed')
    assert.deepEqual(
      suppressed.map(({ count }) => count),
      [limits.localPendingMax],
    )
  })

  it('says when it ran last and whether it ended in order', async () => {
    log.note({ type: 'stopped', code: '' })
    await log.close()
    now += 60_000
    log = await open()
    assert.deepEqual(log.before, { seen: now - 60_000, orderly: true })
    log.note(asked(0))
    await log.flush()
    now += 90_000
    const copy = await openCopy()
    assert.deepEqual(copy, { seen: now - 90_000, orderly: false })
  })

  /** What a node that was killed now finds. */
  async function openCopy(): Promise<LocalLog['before']> {
    const { cp } = await import('node:fs/promises')
    const directory = join(world.directory, 'killed')
    await cp(join(world.directory, 'local'), directory, { recursive: true })
    const details = new LocalDetails(store.details)
    const options = { directory, ledger, node, seed: key.seed, details, now: () => now }
    const found = await LocalLog.open({ ...options, onFailure: () => undefined })
    const { before } = found
    await found.close()
    return before
  }

  it('takes what commands did to the home of a node that does not run', async () => {
    await log.close()
    await noteOffline({ local: join(world.directory, 'local') }, { type: 'unlock-changed', unlock: 'fd' }, now)
    log = await open()
    assert.deepEqual(entries().at(-1), { type: 'unlock-changed', unlock: 'fd', time: now })
    await noteOffline({ local: join(world.directory, 'none') }, { type: 'unlock-changed', unlock: 'fd' }, now)
  })

  it('begins anew and names the log before, which stays', async () => {
    const before = log.head()
    await log.beginAnew('rolled-back', [before], now + 5)
    assert.deepEqual(
      log.heads().map(({ log: began }) => began),
      [now, now + 5],
    )
    assert.deepEqual(entries()[0], {
      type: 'began',
      ledger,
      node,
      log: now + 5,
      reason: 'rolled-back',
      before: [before],
      time: now,
    })
    await log.close()
    log = await open()
    assert.equal(log.head().log, now + 5)
  })

  it('forgets details whose time is over, and the rest of them when they name somebody', async () => {
    const details = new LocalDetails(store.details)
    log.note(asked(0), by('old'))
    await log.flush()
    now += 100_000
    log.note(asked(1), by(`DESCRIBE <${person}>`))
    log.note(asked(2), by(`DESCRIBE <${person}0>`))
    await log.flush()
    assert.equal(await details.expire(now - 50_000), 1)
    const [, old, named, other] = entries()
    assert.equal(await details.get(fromHex(String(old?.['detail']))), undefined)
    const found = await details.naming({ ids: new Set([person]), values: new Set() })
    assert.deepEqual(
      found.map(({ reference }) => Buffer.from(reference).toString('hex')),
      [named?.['detail']],
    )
    const pieces = found.flatMap(({ sealed }) => piecesOf(sealed))
    assert.equal((await scanFiles([world.directory], pieces)).hits, 2)
    await details.remove(found.map(({ reference }) => reference))
    assert.equal(await details.get(fromHex(String(named?.['detail']))), undefined)
    assert.ok((await details.get(fromHex(String(other?.['detail'])))) !== undefined)
  })
})

describe('A name in what somebody asked', () => {
  const item = itemIdOf('ab'.repeat(32))
  const cases: readonly (readonly [said: string, isThere: boolean])[] = [
    [`SELECT * { <${person}> ?p ?o }`, true],
    [`SELECT * { <${person}0> ?p ?o }`, false],
    [`SELECT * { <${person}/x> ?p ?o }`, false],
    [`{"type":"person","person":"${person}"}`, true],
    [`PREFIX p: <https://person.example/id/> SELECT * { p:17 ?p ?o }`, true],
    [`PREFIX p: <https://person.example/id/> SELECT * { p:170 ?p ?o }`, false],
    [`prefix : <https://person.example/> SELECT * { :id/17 ?p ?o }`, true],
    [`GET /items/${item}/payload`, true],
    [`GET /items/${item}0/payload`, false],
    ['FILTER(?name = "Ada Byron")', true],
    ['FILTER(?name = "Ada Byron II")', false],
    ['FILTER(?name = Ada Byron)', false],
    [`GET /graphs?graph=${person}`, true],
    [`GET /sparql?default-graph-uri=${person}&query=ASK {}`, true],
    [`GET /graphs?graph=${person}1`, false],
    [`{ ?s ?p <urn:x> . <${person}>. }`, true],
    ['', false],
  ]
  for (const [said, isThere] of cases) {
    it(`${isThere ? 'is' : 'is not'} in: ${said.slice(0, 60)}`, () => {
      assert.equal(isNamed(said, { ids: new Set([person, item]), values: new Set(['Ada Byron']) }), isThere)
    })
  }
})
