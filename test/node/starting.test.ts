// A start that does not come to its end: what it opened is closed again.

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { hasCode } from '../base/codes.ts'
import { type Founded, foundFour } from './consortium.ts'

describe('A node that starts', function () {
  this.timeout(60_000)
  let founded: Founded

  beforeEach(async () => {
    founded = await foundFour()
  })

  afterEach(() => founded.remove())

  /** Whether anybody listens where the ledger says that the first node does. */
  function listens(): Promise<boolean> {
    const [address] = founded.genesis.genesis.nodes.find(({ name }) => name === 'node-0')?.addresses ?? []
    return new Promise((resolve) => {
      const socket = connect(Number(address?.split('/').at(-1)), '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  }

  it('and is stopped meanwhile leaves nothing open, and can be started again', async () => {
    const node = await founded.open(0)
    const started = node.start()
    await Promise.all([started, node.stop()])
    assert.equal(await listens(), false)
    const again = await founded.open(0)
    await again.start()
    assert.equal(await listens(), true)
    await again.stop()
  })

  for (const file of ['met.json', 'diverged.json']) {
    it(`and finds ${file} damaged leaves no port open`, async () => {
      const node = await founded.open(0)
      await node.start()
      await node.stop()
      await writeFile(join(founded.home(0), 'data', file), '{}')
      await assert.rejects((await founded.open(0)).start(), hasCode('MALFORMED'))
      assert.equal(await listens(), false)
    })
  }
})
