// The loop between a core and the world: what must be durable before what, and what happens when a disk or a core fails.

import assert from 'node:assert/strict'
import { type NodeId, nodeIdOf, type Sequence, type Time, timeOf } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import type { Core, CoreStatus, Effect, Input, JournalRecord } from '../../src/consensus/contract.ts'
import type { Journal } from '../../src/consensus/ports.ts'
import { handled } from '../../src/node/inputs.ts'
import { startLoop } from '../../src/node/loop.ts'

type Step = (input: Input<string>) => readonly Effect<string>[]

const coreOf = (step: Step): Core<string> => ({ step, status: () => ({}) as CoreStatus, rosters: () => [] })
const failed = (token: number): Input<string> => ({ type: 'fetchFailed', token })
const heard = (from: NodeId, message: string): Input<string> => ({ type: 'receive', from, message })
const tick = (now: number): Input<string> => ({ type: 'tick', now: timeOf(now) as Time })
const save = (byte: number): Effect<string> => ({
  type: 'save',
  record: { sequence: 1 as Sequence, bytes: Uint8Array.of(byte) },
})
const cut = (before: number): Effect<string> => ({ type: 'cut', before: before as Sequence })

const flooder = nodeIdOf('a'.repeat(32))
const honest = nodeIdOf('b'.repeat(32))

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
    for (let token = 1; token <= 50; token++) loop.push(failed(token))
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
      if (input.type === 'fetchFailed') seen.push(input.token)
      return [save(1)]
    })
    const loop = startLoop({ core, journal, act: () => undefined, onFailure: unexpected })
    loop.push(failed(1))
    await aWhile()
    loop.push(failed(2))
    loop.push(failed(3))
    await aWhile()
    assert.deepEqual(seen, [1])
    journal.release()
    await aWhile()
    assert.deepEqual(seen, [1, 2, 3])
    journal.release()
    await loop.stop()
  })

  it('drops and counts what one peer sends beyond its bound while a disk is slow, and nothing of others or of its own', async () => {
    const journal = new SlowJournal()
    const taken = { flood: 0, other: 0, own: 0, ticks: 0 }
    const core = coreOf((input) => {
      if (input.type === 'receive') taken[input.from === flooder ? 'flood' : 'other'] += 1
      else taken[input.type === 'tick' ? 'ticks' : 'own'] += 1
      return [save(1)]
    })
    const loop = startLoop({ core, journal, act: () => undefined, onFailure: unexpected })
    loop.push(tick(0))
    await aWhile()
    for (let n = 0; n < 3 * limits.peerInputsMax; n++) {
      loop.push(heard(flooder, 'vote'), 100)
      loop.push(tick(n))
    }
    for (let n = 0; n < 10; n++) loop.push(heard(honest, 'vote'), 100)
    for (let n = 0; n < 2 * limits.peerInputsMax; n++) loop.push(failed(n))
    assert.equal(loop.dropped(), 2 * limits.peerInputsMax)
    assert.ok(loop.check(honest, 100) !== undefined)
    assert.equal(loop.check(flooder, 100), undefined)
    assert.equal(loop.dropped(), 2 * limits.peerInputsMax + 1)
    journal.release()
    await aWhile()
    assert.equal(taken.other, 10, 'all of the honest peer is in the next turn')
    assert.equal(taken.ticks, 2, 'ticks that waited are one')
    for (let turns = 0; turns < 100 && taken.own < 2 * limits.peerInputsMax; turns++) {
      journal.release()
      await new Promise((done) => setTimeout(done, 1))
    }
    assert.deepEqual(taken, { flood: limits.peerInputsMax, other: 10, own: 2 * limits.peerInputsMax, ticks: 2 })
    journal.release()
    await loop.stop()
  })

  it('bounds the bytes of one peer that wait, and takes a message of any size when none waits', async () => {
    const journal = new SlowJournal()
    const sizes: string[] = []
    const core = coreOf((input) => {
      if (input.type === 'receive') sizes.push(input.message)
      return [save(1)]
    })
    const loop = startLoop({ core, journal, act: () => undefined, onFailure: unexpected })
    loop.push(tick(0))
    await aWhile()
    loop.push(heard(flooder, 'large'), limits.peerInputBytesMax + 1)
    loop.push(heard(flooder, 'small'), 1)
    loop.push(heard(honest, 'small of another'), 1)
    journal.release()
    await aWhile()
    assert.deepEqual(sizes, ['large', 'small of another'])
    loop.push(heard(flooder, 'later'), 1)
    journal.release()
    await aWhile()
    assert.deepEqual(sizes, ['large', 'small of another', 'later'])
    assert.equal(loop.dropped(), 1)
    journal.release()
    await loop.stop()
  })

  it('counts what is being checked like what waits, until it is checked', async () => {
    const loop = startLoop({
      core: coreOf(() => []),
      journal: new SlowJournal(),
      act: unexpected,
      onFailure: unexpected,
    })
    const ends = Array.from({ length: limits.peerInputsMax }, () => loop.check(flooder, 1))
    assert.ok(ends.every((end) => end !== undefined))
    assert.equal(loop.check(flooder, 1), undefined)
    assert.ok(loop.check(honest, limits.peerInputBytesMax) !== undefined)
    assert.equal(loop.check(honest, 1), undefined)
    assert.equal(loop.dropped(), 2)
    for (const end of ends) end?.()
    assert.ok(loop.check(flooder, 2 * limits.peerInputBytesMax) !== undefined, 'a first message may have any size')
    await loop.stop()
  })

  it('hands on no more questions of one peer than may be under way, and those of others', async () => {
    const ends: (() => void)[] = []
    const asked = new Map<NodeId, number>()
    const ask = handled((from) => {
      asked.set(from, (asked.get(from) ?? 0) + 1)
      return new Promise((resolve) => ends.push(resolve))
    })
    for (let times = 0; times < 2 * limits.peerInputsMax; times++) ask(flooder, Uint8Array.of(1))
    ask(honest, Uint8Array.of(1))
    assert.deepEqual([asked.get(flooder), asked.get(honest)], [limits.peerInputsMax, 1])
    for (const end of ends.splice(0)) end()
    await new Promise((resolve) => setImmediate(resolve))
    ask(flooder, Uint8Array.of(1))
    assert.equal(asked.get(flooder), limits.peerInputsMax + 1)
  })

  it('takes of each peer in rotation, each in its order', async () => {
    const seen: string[] = []
    const core = coreOf((input) => {
      if (input.type === 'receive') seen.push(input.message)
      return []
    })
    const loop = startLoop({ core, journal: new SlowJournal(), act: () => undefined, onFailure: unexpected })
    for (const message of ['a1', 'a2', 'a3']) loop.push(heard(flooder, message))
    for (const message of ['b1', 'b2']) loop.push(heard(honest, message))
    await aWhile()
    assert.deepEqual(seen, ['a1', 'b1', 'a2', 'b2', 'a3'])
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
