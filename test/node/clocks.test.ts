// How a node notices that its clock is wrong, without ever asking anybody what time it is.

import assert from 'node:assert/strict'
import { nodeIdOf } from '../../src/base/ids.ts'
import { Clocks } from '../../src/node/clocks.ts'
import { DiskWatch } from '../../src/node/disk-watch.ts'

const hour = 3_600_000
const peers = ['aa', 'bb', 'cc'].map((byte) => nodeIdOf(byte.repeat(16)))

class Times {
  wall = 1_800_000_000_000
  steady = 5_000
  readonly clocks = new Clocks(
    () => this.wall,
    () => this.steady,
  )

  pass(ms: number): void {
    this.wall += ms
    this.steady += ms
  }

  /** All tell the true time, which this machine's clock may not have, a little late. */
  hear(truth: number, offsets: readonly number[] = [0, 0, 0]): void {
    for (const [place, peer] of peers.entries()) this.clocks.heard(peer, truth + (offsets[place] ?? 0) - 20)
  }
}

describe('the clock of a node', () => {
  it('N15 an hour off, either way, is noticed, and a few milliseconds are not', () => {
    for (const off of [hour, -hour]) {
      const times = new Times()
      times.hear(times.wall - off)
      assert.equal(Math.sign(times.clocks.offset() ?? 0), Math.sign(off))
      assert.ok(Math.abs((times.clocks.offset() ?? 0) - off) < 100)
      assert.ok(times.clocks.isSkewed())
    }
    const right = new Times()
    assert.equal(right.clocks.offset(), undefined)
    right.hear(right.wall)
    assert.ok(!right.clocks.isSkewed())
  })

  it('N15 leaping back or forward is told once, and what was heard before does not count any more', () => {
    const times = new Times()
    times.hear(times.wall)
    times.pass(1_000)
    assert.equal(times.clocks.leap(), 0)
    times.pass(1_000)
    times.wall -= 2 * hour
    assert.equal(times.clocks.leap(), -2 * hour)
    assert.equal(times.clocks.offset(), undefined)
    times.pass(1_000)
    assert.equal(times.clocks.leap(), 0)
    times.hear(times.wall + 2 * hour)
    assert.ok(times.clocks.isSkewed())
    times.wall += 2 * hour
    assert.equal(times.clocks.leap(), 2 * hour)
    times.hear(times.wall)
    assert.ok(!times.clocks.isSkewed())
  })

  it('N15 one liar of three others, and a slow network, do not make it look wrong', () => {
    const times = new Times()
    times.hear(times.wall, [0, 0, 50 * hour])
    assert.ok((times.clocks.offsetOf(peers[2] as (typeof peers)[number]) ?? 0) > 40 * hour)
    assert.ok(!times.clocks.isSkewed())
    times.hear(times.wall, [-50 * hour, 0, 0])
    assert.ok(!times.clocks.isSkewed())
    times.hear(times.wall - 4_000)
    times.hear(times.wall)
    assert.ok(Math.abs(times.clocks.offset() ?? hour) < 100)
  })
})

describe('the disk of a node', () => {
  it('S6 has too little room below what its operator demands, until there is room again', async () => {
    const told: boolean[] = []
    let free = 4_000
    const watch = await DiskWatch.begin({
      folder: '/',
      freeBytesMin: 3_000,
      onEvent: ({ low }) => told.push(low),
      free: async () => free,
    })
    try {
      assert.ok(!watch.room.low)
      free = 2_999
      await watch.look()
      await watch.look()
      assert.ok(watch.room.low)
      assert.ok(Number.isFinite(watch.room.secondsLeft) && watch.room.secondsLeft > 0)
      free = 4_000
      await watch.look()
      assert.ok(!watch.room.low)
      assert.equal(watch.room.secondsLeft, Number.POSITIVE_INFINITY)
      assert.deepEqual(told, [true, false])
    } finally {
      watch.stop()
    }
  })
})
