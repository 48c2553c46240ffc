// What peers that follow none of our rules can do to a mesh over real sockets: not much.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { limits } from '../../src/base/limits.ts'
import type { Priority } from '../../src/consensus/ports.ts'
import { protocolOf } from '../../src/p2p/admission.ts'
import { encodeFrame } from '../../src/p2p/frame.ts'
import { type Actor, admissionOn, Consortium, codes, keyNumbered, ledger, until } from './fixture.ts'

const attackerPlace = 9

describe('A mesh under attack', () => {
  let consortium: Consortium
  beforeEach(() => {
    consortium = new Consortium()
  })
  afterEach(() => consortium.close())

  async function assault(target: Actor): Promise<Connection> {
    const attacker = await consortium.attacker(attackerPlace)
    return attacker.dial(multiaddr(target.mesh.addresses()[0]))
  }

  async function seated(
    target: Actor,
    priority: Priority = 'consensus',
  ): Promise<{ connection: Connection; stream: Stream }> {
    const connection = await assault(target)
    const stream = await connection.newStream(protocolOf(ledger, priority))
    assert.deepEqual(await admissionOn(stream), { type: 'welcome' })
    return { connection, stream }
  }

  /** Two honest members still talk. */
  async function serves(a: Actor, b: Actor): Promise<void> {
    const heard = b.received.length
    assert.ok(a.mesh.send(b.node, 'consensus', Uint8Array.of(42)))
    await until(() => b.received.length > heard, 'honest members are served', 1_000)
  }

  async function pair(): Promise<readonly [Actor, Actor]> {
    const [a, b] = [await consortium.open(1), await consortium.open(2)]
    await until(() => a.mesh.peers().length === 1 && b.mesh.peers().length === 1, 'the honest are connected')
    return [a, b]
  }

  it('N1 an unlisted PeerId passes Noise, hears PEER_NOT_ADMITTED, and is put out', async () => {
    const [a] = await pair()
    const connection = await assault(a)
    const stream = await connection.newStream(protocolOf(ledger, 'consensus'))
    stream.send(encodeFrame([Uint8Array.of(66)]))
    assert.deepEqual(await admissionOn(stream), { type: 'refused', code: 'PEER_NOT_ADMITTED' })
    await until(() => connection.status !== 'open', 'it is put out')
    assert.equal(a.mesh.counters().refused.get('PEER_NOT_ADMITTED'), 1)
    assert.ok(codes(a.events).includes('us PEER_NOT_ADMITTED'))
    assert.ok(!a.received.some(({ bytes }) => bytes[0] === 66))
  })

  it('N1 an unlisted node with our own software learns why it is refused', async () => {
    const [a] = await pair()
    const table = consortium.members.slice()
    const stranger = await consortium.open(attackerPlace, { members: () => table })
    consortium.members.pop()
    await until(() => codes(stranger.events).includes('them PEER_NOT_ADMITTED'), 'it is told')
    assert.deepEqual(stranger.mesh.peers(), [])
    assert.equal(a.mesh.peers().length, 1)
  })

  it('N1 a member does not dial a PeerId that its table no longer names, though the address answers', async () => {
    const [a, b] = await pair()
    consortium.members.splice(
      consortium.members.findIndex(({ node }) => node === b.node),
      1,
    )
    await until(() => a.mesh.peers().length === 0 && b.mesh.peers().length === 0, 'they part')
    consortium.members.push({
      node: b.node,
      transportKey: keyNumbered(7).publicKey,
      addresses: b.mesh.addresses(),
      suspended: false,
    })
    await until(() => codes(a.events).includes('them PEER_UNREACHABLE'), 'another key answers: no connection')
    assert.deepEqual(a.mesh.peers(), [])
  })

  it('N1 a crowd of strangers takes few connections and keeps no member out', async () => {
    const a = await consortium.open(1)
    const strangers = await Promise.all(Array.from({ length: 12 }, (_, n) => consortium.attacker(50 + n)))
    const dials = await Promise.allSettled(strangers.map((each) => each.dial(multiaddr(a.mesh.addresses()[0]))))
    const open = () => dials.filter((each) => each.status === 'fulfilled' && each.value.status === 'open').length
    await until(() => open() <= limits.guestConnectionsMax, 'the crowd is cut')
    const b = await consortium.open(2)
    await until(() => a.mesh.peers().length === 1 && b.mesh.peers().length === 1, 'a member still gets in')
    await serves(b, a)
  })

  it('N2 a node that is suspended while connected is closed within five seconds, told NODE_SUSPENDED, and not let in again', async () => {
    const [a, b] = await pair()
    const table = consortium.members.map((each) => ({ ...each }))
    const suspended = await consortium.open(3, { members: () => table })
    await until(() => suspended.mesh.peers().length === 2, 'the third is connected')
    consortium.suspend(3)
    const began = Date.now()
    await until(() => suspended.mesh.peers().length === 0, 'it is closed')
    assert.ok(Date.now() - began < 5_000)
    await until(() => codes(suspended.events).includes('them NODE_SUSPENDED'), 'it is told')
    await sleep(500)
    assert.deepEqual(suspended.mesh.peers(), [])
    assert.deepEqual(a.mesh.peers(), [b.node])
    assert.ok((a.mesh.counters().refused.get('NODE_SUSPENDED') ?? 0) >= 1)
    await serves(a, b)
  })

  it('N3 a claim of 1 GiB and a frame over the limit: FRAME_TOO_LARGE, scored, cut off, memory flat', async () => {
    const [a, b] = await pair()
    consortium.list(attackerPlace)
    const { connection, stream } = await seated(a)
    const before = process.memoryUsage().arrayBuffers
    stream.send(Uint8Array.of(0x40, 0, 0, 0, 1))
    await until(() => codes(a.events).includes('us FRAME_TOO_LARGE'), 'it is refused')
    await until(() => connection.status !== 'open', 'it is cut off')
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1_048_576)
    assert.equal(a.mesh.counters().refused.get('FRAME_TOO_LARGE'), 1)
    await assert.rejects(async () => {
      const again = await assault(a)
      await again.newStream(protocolOf(ledger, 'consensus'))
    })
    await serves(b, a)
  })

  it('N3 an endless stream of length prefixes is refused at the first that is too large, and bytes after it are not read', async () => {
    const [a] = await pair()
    consortium.list(attackerPlace)
    const { stream } = await seated(a, 'sync')
    const flood = new Uint8Array(65_536).fill(0xff)
    let sent = 0
    try {
      for (; sent < 2_000; sent++) {
        if (!stream.send(flood)) await stream.onDrain({ signal: AbortSignal.timeout(500) })
      }
    } catch (error) {
      assert.ok(error instanceof Error)
    }
    await until(() => codes(a.events).includes('us FRAME_TOO_LARGE'), 'it is refused')
    assert.ok(a.mesh.counters().bytesReceived < 4 * 1_048_576)
  })

  it('N4 a frame that stalls in its body, or comes one byte at a time, ends with READ_TIMEOUT', async () => {
    const [a, b] = await pair()
    consortium.list(attackerPlace)
    const { stream } = await seated(a)
    stream.send(Uint8Array.of(0, 0, 1, 0, 1))
    await until(() => codes(a.events).includes('us READ_TIMEOUT'), 'the stalled body ends')
    await sleep(1_100)
    const slow = await seated(a)
    let dripped = 0
    const drip = setInterval(() => {
      if (slow.stream.writeStatus !== 'writable') return
      slow.stream.send(Uint8Array.of(dripped === 2 ? 200 : 0))
      dripped += 1
    }, 100)
    try {
      await until(() => a.mesh.counters().refused.get('READ_TIMEOUT') === 2, 'the slow one ends')
    } finally {
      clearInterval(drip)
    }
    assert.ok(dripped >= 3 && dripped < 40, `${dripped} bytes`)
    await serves(b, a)
  })

  it("N4 an idle stream between frames is nobody's fault", async () => {
    const [a, b] = await pair()
    await serves(a, b)
    await sleep(1_000)
    assert.deepEqual(codes(a.events), [])
    await serves(a, b)
  })

  it('N4 silent TCP connections are closed and keep no member out', async () => {
    const a = await consortium.open(1)
    const port = Number(/tcp\/(\d+)/.exec(a.mesh.addresses()[0] ?? '')?.[1])
    const sockets = Array.from({ length: 10 }, () => connect(port, '127.0.0.1'))
    let closed = 0
    for (const socket of sockets)
      socket
        .resume()
        .on('close', () => (closed += 1))
        .on('error', () => socket.destroy())
    const b = await consortium.open(2)
    await until(() => a.mesh.peers().length === 1 && b.mesh.peers().length === 1, 'a member gets in meanwhile')
    await serves(b, a)
    await until(() => closed === sockets.length, 'the silent ones are closed')
  })

  it('N5 a thousand streams from one peer: STREAM_LIMIT, others served', async () => {
    const [a, b] = await pair()
    consortium.list(attackerPlace)
    const { connection } = await seated(a)
    const opened = await Promise.allSettled(
      Array.from({ length: 1_000 }, () =>
        connection.newStream(protocolOf(ledger, 'consensus'), { maxOutboundStreams: 100_000 }),
      ),
    )
    await serves(b, a)
    await until(() => codes(a.events).includes('us STREAM_LIMIT'), 'it is refused')
    await until(() => connection.status !== 'open', 'it is cut off')
    assert.equal(opened.length, 1_000)
    assert.deepEqual(a.mesh.peers(), [b.node])
    await serves(b, a)
  })

  it('N5 a thousand streams that never say what they are for: STREAM_LIMIT, others served', async () => {
    const [a, b] = await pair()
    consortium.list(attackerPlace)
    const connection = await assault(a)
    const opening = Array.from({ length: 1_000 }, (_, n) =>
      connection.newStream(`/nothing/${n}`, { signal: AbortSignal.timeout(3_000) }),
    )
    await Promise.allSettled(opening)
    await serves(b, a)
    await until(
      () => connection.status !== 'open' || connection.streams.length <= limits.streamsPerConnectionMax,
      'the streams are gone',
    )
    await serves(a, b)
  })

  it('N6 frames of an unknown version, and frames whose messages overrun them, cut their sender off', async () => {
    for (const [bytes, code] of [
      [Uint8Array.of(0, 0, 0, 1, 2), 'UNKNOWN_MESSAGE'],
      [Uint8Array.of(0, 0, 0, 5, 1, 0, 0, 0, 9), 'MALFORMED'],
    ] as const) {
      const one = new Consortium()
      try {
        one.list(attackerPlace)
        const a = await one.open(1)
        const connection = await (await one.attacker(attackerPlace)).dial(multiaddr(a.mesh.addresses()[0]))
        const stream = await connection.newStream(protocolOf(ledger, 'consensus'))
        stream.send(bytes)
        await until(() => codes(a.events).includes(`us ${code}`), code)
        await until(() => connection.status !== 'open', 'it is cut off')
      } finally {
        await one.close()
      }
    }
  })
})
