// The threads of a process: what becomes of one that dies while nobody uses it.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { Threads } from '../../src/sparql/threads.ts'

describe('Threads for queries', function () {
  // Starting a thread takes a while.
  this.timeout(120_000)

  const threads = new Threads({ threads: 1, heapMiB: 128 })
  const take = async (): Promise<Worker> =>
    (await threads.take(AbortSignal.timeout(60_000))) ?? assert.fail('none was free')

  it('are heard by whoever has one next', async () => {
    const thread = await take()
    for (let turn = 0; turn < 2; turn++) {
      const answered = once(thread, 'message')
      thread.postMessage({ type: 'begin', task: { type: 'query', text: 'no query', rowsMax: 1 } })
      assert.equal(((await answered)[0] as { type: string }).type, 'failed')
      thread.removeAllListeners('message')
      threads.give(thread)
      assert.equal(await take(), thread)
    }
    threads.give(thread)
  })

  it('are replaced when one dies idle, which takes neither the process nor its place with it', async () => {
    const first = await take()
    threads.give(first)
    assert.ok(first.listenerCount('error') > 0, 'an error that nobody listens for ends the process')
    const dead = once(first, 'never')
    // What no query is, so that it ends the thread as a fault of the program would.
    first.postMessage({ type: 'begin', task: {} })
    await assert.rejects(dead, TypeError)
    const second = await take()
    assert.notEqual(second, first)
    threads.discard(second)
  })
})
