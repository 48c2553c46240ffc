import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { LedgerError } from '../../src/base/errors.ts'
import { ledgerIdOf } from '../../src/base/ids.ts'
import { limits } from '../../src/base/limits.ts'
import { type Actor, Consortium, codes, nodeNumbered, until } from './fixture.ts'

async function connected(actors: readonly Actor[]): Promise<void> {
  await until(() => actors.every(({ mesh }) => mesh.peers().length === actors.length - 1), 'all are connected')
}

function numbered(number: number, size = 200): Uint8Array {
  const bytes = new Uint8Array(size)
  new DataView(bytes.buffer).setUint32(0, number)
  return bytes
}

function numberIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}

describe('A mesh', () => {
  let consortium: Consortium
  beforeEach(() => {
    consortium = new Consortium()
  })
  afterEach(() => consortium.close())

  it('connects four nodes, each with each other', async () => {
    for (const place of [1, 2, 3, 4]) consortium.list(place)
    const actors = await Promise.all([1, 2, 3, 4].map((place) => consortium.open(place)))
    await connected(actors)
    for (const from of actors) {
      for (const to of actors) if (to !== from) assert.ok(from.mesh.send(to.node, 'consensus', Uint8Array.of(1)))
    }
    await until(() => actors.every(({ received }) => received.length === 3), 'everybody heard everybody')
    for (const actor of actors) {
      const others = actors.filter((each) => each !== actor).map(({ node }) => node)
      assert.deepEqual(actor.received.map(({ from }) => from).sort(), others.sort())
    }
  })

  it('delivers the messages of one peer and priority in order, many to a frame', async () => {
    const [a, b] = [await consortium.open(1), await consortium.open(2)]
    await connected([a, b])
    for (let n = 0; n < 20_000; n++) assert.ok(a.mesh.send(b.node, n % 2 === 0 ? 'consensus' : 'sync', numbered(n)))
    await until(() => b.received.length === 20_000, 'all arrived')
    for (const priority of ['consensus', 'sync'] as const) {
      const numbers = b.received.filter((each) => each.priority === priority).map(({ bytes }) => numberIn(bytes))
      assert.deepEqual(
        numbers,
        [...numbers].sort((x, y) => x - y),
      )
    }
    const { framesSent, messagesSent } = a.mesh.counters()
    assert.equal(messagesSent, 20_000)
    assert.ok(framesSent < 100, `${framesSent} frames`)
  })

  it('carries messages of 8 MiB whole, and drops and counts larger ones', async () => {
    const [a, b] = [await consortium.open(1), await consortium.open(2)]
    await connected([a, b])
    const large = new Uint8Array(limits.frameBytesMax).map((_, place) => (place * 7919) >> 3)
    assert.ok(a.mesh.send(b.node, 'sync', large))
    assert.ok(a.mesh.send(b.node, 'consensus', Uint8Array.of(1)))
    await until(() => b.received.length === 2, 'both arrived', 8_000)
    const sha = (bytes: Uint8Array | undefined): string =>
      createHash('sha256')
        .update(bytes ?? new Uint8Array(0))
        .digest('hex')
    assert.equal(sha(b.received.find(({ priority }) => priority === 'sync')?.bytes), sha(large))
    assert.equal(a.mesh.send(b.node, 'sync', new Uint8Array(limits.frameBytesMax + 1)), false)
    assert.equal(a.mesh.counters().messagesTooLarge, 1)
    assert.equal(a.mesh.counters().messagesDropped, 1)
    assert.ok(a.mesh.send(b.node, 'sync', Uint8Array.of(2)))
    await until(() => b.received.length === 3, 'the link stands')
  })

  it('drops messages for a peer that is away, and says so', async () => {
    const a = await consortium.open(1)
    assert.equal(a.mesh.send(nodeNumbered(2), 'consensus', Uint8Array.of(1)), false)
    assert.equal(a.mesh.counters().messagesDropped, 1)
    assert.deepEqual(a.mesh.peers(), [])
  })

  it('finds a peer again that restarted, on its old address or a new one', async () => {
    const a = await consortium.open(1)
    let b = await consortium.open(2)
    await connected([a, b])
    for (let turn = 0; turn < 2; turn++) {
      const [address = ''] = b.mesh.addresses()
      await b.mesh.close()
      await until(() => a.mesh.peers().length === 0, 'the loss is noticed')
      b = await consortium.open(2, turn === 0 ? { listen: [address.replace(/\/p2p\/.*/, '')] } : {})
      await connected([a, b])
      assert.ok(a.mesh.send(b.node, 'consensus', Uint8Array.of(turn)))
      await until(() => b.received.length === 1, 'it hears again')
    }
    const connections = a.events.filter(({ type }) => type === 'connected').length
    assert.equal(connections, 3)
  })

  it('connects when only one of the two knows an address, whichever it is', async () => {
    for (const [listener, dialer] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const one = new Consortium()
      try {
        one.list(dialer)
        const hidden = () =>
          one.members.map((each) => ({ ...each, addresses: each.node === nodeNumbered(dialer) ? [] : each.addresses }))
        const a = await one.open(listener, { members: hidden })
        const b = await one.open(dialer, { listen: [], members: hidden })
        await connected([a, b])
      } finally {
        await one.close()
      }
    }
  })

  it('settles when both dial at once, and stays settled', async () => {
    for (let turn = 0; turn < 2; turn++) {
      const pair = new Consortium()
      try {
        const [a, b] = await Promise.all([
          pair.open(1, { timing: { patienceMs: 0 } }),
          pair.open(2, { timing: { patienceMs: 0 } }),
        ])
        await connected([a, b])
        await sleep(700)
        for (const { events } of [a, b])
          assert.deepEqual(
            events.map(({ type }) => type).filter((type) => type !== 'refused'),
            ['connected'],
          )
        assert.ok(
          a.mesh.send(b.node, 'consensus', Uint8Array.of(1)) && b.mesh.send(a.node, 'consensus', Uint8Array.of(2)),
        )
        await until(() => a.received.length === 1 && b.received.length === 1, 'both hear')
      } finally {
        await pair.close()
      }
    }
  })

  it('says when its address is taken: ADDRESS_IN_USE', async () => {
    const a = await consortium.open(1)
    const taken = (a.mesh.addresses()[0] ?? '').replace(/\/p2p\/.*/, '')
    await assert.rejects(
      consortium.open(2, { listen: [taken] }),
      (error: unknown) => error instanceof LedgerError && error.code === 'ADDRESS_IN_USE',
    )
  })

  it('is not joined with the mesh of another ledger, and says why', async () => {
    const a = await consortium.open(1)
    const b = await consortium.open(2, { ledger: ledgerIdOf('22'.repeat(32)) })
    await until(
      () => codes(a.events).includes('them WRONG_LEDGER') && codes(b.events).includes('them WRONG_LEDGER'),
      'both say so',
    )
    assert.deepEqual([...a.mesh.peers(), ...b.mesh.peers()], [])
  })
})

describe('A mesh with a peer behind a slow network', () => {
  let consortium: Consortium
  let relay: Relay
  beforeEach(() => {
    consortium = new Consortium()
  })
  afterEach(async () => {
    await consortium.close()
    await relay.close()
  })

  it('holds a bounded queue, refuses more, and goes on when the peer reads again', async () => {
    const b = await consortium.open(2)
    const port = Number(/tcp\/(\d+)/.exec(b.mesh.addresses()[0] ?? '')?.[1])
    relay = await openRelay(port)
    const viaRelay = () =>
      consortium.members.map((each) =>
        each.node === b.node
          ? { ...each, addresses: [`/ip4/127.0.0.1/tcp/${relay.port}`] }
          : { ...each, addresses: [] },
      )
    const a = await consortium.open(1, { members: viaRelay })
    await until(() => a.mesh.peers().length === 1, 'connected')
    relay.pause()
    const message = new Uint8Array(65_536)
    let taken = 0
    for (let tries = 0; tries < 2_000; tries++) {
      if (a.mesh.send(b.node, 'consensus', message)) taken += 1
      if (tries % 50 === 0) await sleep(1)
    }
    assert.ok(taken < 1_500 && taken >= 500, `${taken} taken`)
    assert.ok(a.mesh.counters().queuedBytes.consensus <= limits.peerQueueBytesMax)
    assert.ok(a.mesh.counters().messagesDropped >= 500)
    relay.resume()
    await until(() => b.received.length === taken, 'what was taken arrives', 9_000)
    assert.ok(a.mesh.send(b.node, 'consensus', message))
  })
})

interface Relay {
  readonly port: number
  pause(): void
  resume(): void
  close(): Promise<void>
}

/** A TCP relay whose forward direction can be stopped. */
async function openRelay(target: number): Promise<Relay> {
  const { connect } = await import('node:net')
  const fronts = new Set<Socket>()
  const server: Server = createServer((front) => {
    const back = connect(target, '127.0.0.1')
    fronts.add(front)
    front.pipe(back).pipe(front)
    front.on('error', () => back.destroy())
    back.on('error', () => front.destroy())
    back.on('close', () => front.destroy())
    front.on('close', () => back.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    pause: () => {
      for (const front of fronts) front.pause()
    },
    resume: () => {
      for (const front of fronts) front.resume()
    },
    close: async () => {
      for (const front of fronts) front.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
