// The loop between a core and the world: what must be durable before what, and what happens when a disk or a core fails.

import assert from 'node:assert/strict'
import { type Sequence, type Time, timeOf } from '../../src/base/ids.ts'
import type { Core, CoreStatus, Effect, Input, JournalRecord } from '../../src/consensus/contract.ts'
import type { Journal } from '../../src/consensus/ports.ts'
import { startLoop } from '../../src/node/loop.ts'

type Step = (input: Input<string>) => readonly Effect<string>[]

const coreOf = (step: Step): Core<string> => ({ step, status: () => ({}) as CoreStatus })
const tick = (now: number): Input<string> => ({ type: 'tick', now: timeOf(now) as Time })
const save = (byte: number): Effect<string> => ({
  type: 'save',
  record: { sequence: 1 as Sequence, bytes: Uint8Array.of(byte) },
})
const cut = (before: number): Effect<string> => ({ type: 'cut', before: before as Sequence })

const unexpected = (what: unknown): void => assert.fail(String(what))

/** A journal whose appends end when the test says so. */
class SlowJournal implements Journal {
  readonly appended: (readonly JournalRecord[])[] = []
  #release: (() => void)[] = []
  failure: Error | undefined

  async read(): Promise<readonly JournalRecord[]> {
    return []
  }

  append(records: readonly JournalRecord[]): Promise<void> {
    this.appended.push(records)
    return new Promise((done, fail) => {
      this.#release.push(() => (this.failure === undefined ? done() : fail(this.failure)))
    })
  }

  release(): void {
    for (const release of this.#release.splice(0)) release()
  }

  async cut(): Promise<void> {}
  async close(): Promise<void> {}
}

const aWhile = (): Promise<void> => new Promise((done) => setTimeout(done, 10))

describe('The loop', () => {
  it('lets nothing that follows a save out before that save is durable', async () => {
    const journal = new SlowJournal()
    const done: string[] = []
    const loop = startLoop({
      core: coreOf(() => [cut(1), save(1), cut(2)]),
      journal,
      act: (effect) => done.push(effect.type === 'cut' ? `cut ${effect.before}` : effect.type),
      onFailure: unexpected,
    })
    loop.push(tick(1))
    await aWhile()
    assert.deepEqual(done, ['cut 1'])
    journal.release()
    await aWhile()
    assert.deepEqual(done, ['cut 1', 'cut 2'])
    await loop.stop()
  })

  it('makes all saves of a turn durable with one append', async () => {
    const journal = new SlowJournal()
    const loop = startLoop({ core: coreOf(() => [save(1)]), journal, act: () => undefined, onFailure: unexpected })
    for (let now = 1; now <= 50; now++) loop.push(tick(now))
    await aWhile()
    assert.deepEqual(
      journal.appended.map((records) => records.length),
      [50],
    )
    journal.release()
    await loop.stop()
  })

  it('gathers what comes during an append into the next turn, in order', async () => {
    const journal = new SlowJournal()
    const seen: number[] = []
    const core = coreOf((input) => {
      if (input.type === 'tick') seen.push(input.now)
      return [save(1)]
    })
    const loop = startLoop({ core, journal, act: () => undefined, onFailure: unexpected })
    loop.push(tick(1))
    await aWhile()
    loop.push(tick(2))
    loop.push(tick(3))
    await aWhile()
    assert.deepEqual(seen, [1])
    journal.release()
    await aWhile()
    assert.deepEqual(seen, [1, 2, 3])
    journal.release()
    await loop.stop()
  })

  it('R12 stops for good when the journal fails, and releases nothing', async () => {
    const journal = new SlowJournal()
    journal.failure = new Error('EIO')
    const done: string[] = []
    const failures: unknown[] = []
    const loop = startLoop({
      core: coreOf(() => [save(1), cut(1)]),
      journal,
      act: (effect) => done.push(effect.type),
      onFailure: (error) => failures.push(error),
    })
    loop.push(tick(1))
    await aWhile()
    journal.release()
    await aWhile()
    loop.push(tick(2))
    await aWhile()
    assert.deepEqual(done, [])
    assert.deepEqual(failures, [journal.failure])
    assert.equal(journal.appended.length, 1)
    await loop.stop()
  })

  it('stops for good when the core breaks an invariant', async () => {
    const failures: unknown[] = []
    const broken = new Error('impossible')
    const core = coreOf(() => {
      throw broken
    })
    const loop = startLoop({
      core,
      journal: new SlowJournal(),
      act: unexpected,
      onFailure: (error) => failures.push(error),
    })
    loop.push(tick(1))
    await aWhile()
    assert.deepEqual(failures, [broken])
  })
})
