// Watching several nodes from outside: what each shows must fit to what every other showed.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publicKeyOf } from '#crypto'
import { judgeFork } from '../../src/audit/fork.ts'
import { type Log, openLog } from '../../src/audit/log.ts'
import { checkpointText, formatNote, type NoteKey, signNote } from '../../src/audit/note.ts'
import { Watch, type Watched } from '../../src/audit/watch.ts'

const origin = 'quadrille/watched'
const seeds = [1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte))
const nameOf = (place: number): string => `${origin}/${place}`
const keys: readonly NoteKey[] = seeds.map((seed, place) => ({ name: nameOf(place), publicKey: publicKeyOf(seed) }))

describe('Watching a log', function () {
  this.timeout(60_000)
  let folder: string
  const logs: Log[] = []

  /** A log of so many entries, of which those from `forked` on are its own. */
  async function logOf(count: number, forked = count): Promise<Log> {
    const log = await openLog(join(folder, `log-${logs.length}`))
    log.append(
      Array.from({ length: count }, (_, at) => ({ type: 'test', number: at, branch: at < forked ? 0 : logs.length })),
    )
    logs.push(log)
    return log
  }

  /** As a validator shows it. */
  function node(place: number, log: Log, size: number = log.size, signing: number = place): Watched {
    const noteOn = (leaves: number): string => {
      const text = checkpointText({ origin, size: leaves, root: log.rootAt(leaves) })
      return formatNote({ text, signatures: [signNote(text, nameOf(signing), seeds[signing] as Uint8Array)] })
    }
    return {
      name: `node ${place}`,
      note: async (leaves) => ((leaves ?? size) > log.size ? undefined : noteOn(leaves ?? size)),
      tile: async (path) => log.tile(path) ?? assert.fail(path),
    }
  }

  const watching = (): Watch => new Watch(origin, async () => keys)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'quadrille-watch-'))
  })

  afterEach(async () => {
    await Promise.all(logs.splice(0).map((log) => log.close()))
    rmSync(folder, { recursive: true })
  })

  it('finds that logs fit which are of different lengths, in whatever order they are seen', async () => {
    const [log, watch] = [await logOf(700), watching()]
    for (const size of [300, 700, 1, 256, 699, 700]) {
      const seen = await watch.look(node(size % 4, log, size))
      assert.deepEqual([seen.type, seen.type === 'holds' && seen.size], ['holds', size])
    }
  })

  it('N11 FORK_DETECTED: two roots for one size, with a proof that anybody checks', async () => {
    const [one, other, watch] = [await logOf(300), await logOf(300, 200), watching()]
    assert.equal((await watch.look(node(0, one))).type, 'holds')
    const seen = await watch.look(node(1, other))
    assert.ok(seen.type === 'fork')
    assert.deepEqual(judgeFork(seen.proof, keys), {
      origin,
      size: 300,
      first: [nameOf(0)],
      second: [nameOf(1)],
      both: [],
    })
  })

  it('N11 a longer log that does not begin with a shorter one: its own note of the shorter length is the proof', async () => {
    const [one, other] = [await logOf(300), await logOf(700, 299)]
    for (const order of [
      [node(0, one), node(1, other)],
      [node(1, other), node(0, one)],
    ]) {
      const watch = watching()
      assert.equal((await watch.look(order[0] as Watched)).type, 'holds')
      const seen = await watch.look(order[1] as Watched)
      assert.ok(seen.type === 'fork')
      assert.equal(seen.verdict.size, 300)
      assert.notEqual(judgeFork(seen.proof, keys), undefined)
    }
  })

  it('N11 names a validator that signed both', async () => {
    const [one, other, watch] = [await logOf(20), await logOf(20, 10), watching()]
    await watch.look(node(0, one))
    const seen = await watch.look(node(1, other, 20, 0))
    assert.deepEqual(seen.type === 'fork' && seen.verdict.both, [nameOf(0)])
  })

  it('N11 without such a note, or with tiles that are none, it is unproven, and nothing that fits', async () => {
    const [one, other, watch] = [await logOf(300), await logOf(700, 299), watching()]
    await watch.look(node(0, one))
    const hiding: Watched = {
      ...node(1, other),
      note: async (size) => (size === undefined ? node(1, other).note() : undefined),
    }
    assert.deepEqual(await watch.look(hiding), { type: 'unproven', name: 'node 1', from: 300, size: 700 })
    const cut: Watched = { ...node(1, one), note: node(1, await logOf(700)).note, tile: async () => new Uint8Array(5) }
    assert.equal((await watch.look(cut)).type, 'unproven')
  })

  it('counts no stranger’s note, no false signature and no other log', async () => {
    const [log, watch] = [await logOf(20), watching()]
    const note = (await node(0, log).note()) as string
    for (const shown of [
      note.replaceAll(nameOf(0), nameOf(9)),
      note.replace(origin, 'quadrille/another'),
      note.replace('20', '21'),
    ]) {
      assert.deepEqual(await watch.look({ ...node(0, log), note: async () => shown }), {
        type: 'unsigned',
        name: 'node 0',
      })
    }
    assert.equal((await watch.look({ ...node(0, log), note: async () => undefined })).type, 'empty')
    assert.equal((await watch.remember(note)).type, 'holds')
  })
})
