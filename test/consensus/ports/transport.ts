// What every Transport must do, the real one and the simulated one.

import assert from 'node:assert/strict'
import type { NodeId } from '../../../src/base/ids.ts'
import { nodeIdOf } from '../../../src/base/ids.ts'
import type { Transport } from '../../../src/consensus/ports.ts'

/** Nodes that are all admitted to one another and connected. */
export interface TransportParty {
  readonly transports: ReadonlyMap<NodeId, Transport>
  /** Lets time pass until `condition` holds. @throws when it never does. */
  until(condition: () => boolean): Promise<void>
  remove(): Promise<void>
}

interface Heard {
  readonly from: NodeId
  readonly priority: string
  readonly bytes: readonly number[]
}

export function transportContract(name: string, make: (count: number) => Promise<TransportParty>): void {
  describe(`The transport contract: ${name}`, () => {
    let party: TransportParty
    let a: readonly [NodeId, Transport]
    let b: readonly [NodeId, Transport]
    let c: readonly [NodeId, Transport]
    let heard: Heard[]

    beforeEach(async () => {
      party = await make(3)
      const [first, second, third] = [...party.transports]
      assert.ok(first !== undefined && second !== undefined && third !== undefined)
      ;[a, b, c] = [first, second, third]
      heard = []
      b[1].onMessage((from, priority, bytes) => heard.push({ from, priority, bytes: [...bytes] }))
      await party.until(() => [...party.transports.values()].every((each) => each.peers().length === 2))
    })
    afterEach(async () => {
      await party.remove()
    })

    it('lists the others as its peers, and never itself', () => {
      assert.deepEqual([...a[1].peers()].sort(), [b[0], c[0]].sort())
    })

    it('brings the same bytes, with the sender and the priority', async () => {
      assert.equal(a[1].send(b[0], 'consensus', new Uint8Array([1, 2, 3])), true)
      assert.equal(c[1].send(b[0], 'sync', new Uint8Array([])), true)
      await party.until(() => heard.length === 2)
      assert.deepEqual(
        heard.find(({ from }) => from === a[0]),
        { from: a[0], priority: 'consensus', bytes: [1, 2, 3] },
      )
      assert.deepEqual(
        heard.find(({ from }) => from === c[0]),
        { from: c[0], priority: 'sync', bytes: [] },
      )
    })

    it('brings messages of one sender and priority in the order that they were sent', async () => {
      for (let i = 0; i < 200; i++) a[1].send(b[0], 'consensus', new Uint8Array([i]))
      await party.until(() => heard.length === 200)
      assert.deepEqual(
        heard.map(({ bytes }) => bytes[0]),
        Array.from({ length: 200 }, (_, i) => i),
      )
    })

    it('says no for itself and for strangers, and sends nothing', () => {
      const stranger = nodeIdOf('f'.repeat(32))
      assert.equal(a[1].send(a[0], 'consensus', new Uint8Array([1])), false)
      assert.equal(a[1].send(stranger, 'consensus', new Uint8Array([1])), false)
    })

    it('says no once the peer is gone, and no longer lists it', async () => {
      await b[1].close()
      await party.until(() => !a[1].peers().includes(b[0]))
      assert.equal(a[1].send(b[0], 'consensus', new Uint8Array([1])), false)
      assert.equal(a[1].send(c[0], 'consensus', new Uint8Array([1])), true)
    })
  })
}
