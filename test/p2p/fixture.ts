// Meshes and raw libp2p nodes over real sockets on the loopback, for the tests of this folder.

import { setTimeout as sleep } from 'node:timers/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2p } from 'libp2p'
import { type LedgerId, ledgerIdOf, type NodeId, nodeIdOf } from '../../src/base/ids.ts'
import { decode } from '../../src/base/schema.ts'
import { type SigningKey, signingKeyOf } from '../../src/base/signature.ts'
import type { Priority } from '../../src/consensus/ports.ts'
import { type Admission, admissionSchema, type Member } from '../../src/p2p/admission.ts'
import { providePromiseWithResolvers } from '../../src/p2p/compat.ts'
import { FrameReader } from '../../src/p2p/frame.ts'
import { type Mesh, type MeshEvent, type MeshTiming, openMesh } from '../../src/p2p/mesh.ts'

export const ledger: LedgerId = ledgerIdOf('11'.repeat(32))
const listen: readonly string[] = ['/ip4/127.0.0.1/tcp/0']

/** Short, so that tests of what takes long do not. */
const quick: Partial<MeshTiming> = {
  reconnectMsMin: 30,
  reconnectMsMax: 200,
  patienceMs: 60,
  linkTimeoutMs: 3_000,
  readTimeoutMs: 400,
  upgradeTimeoutMs: 1_000,
  guestMs: 500,
  coolOffMs: 1_000,
  sweepMs: 50,
}

interface Received {
  readonly from: NodeId
  readonly priority: Priority
  readonly bytes: Uint8Array
}

export interface Actor {
  readonly node: NodeId
  readonly key: SigningKey
  readonly mesh: Mesh
  readonly events: MeshEvent[]
  readonly received: Received[]
}

export function nodeNumbered(place: number): NodeId {
  return nodeIdOf(place.toString(16).padStart(32, '0'))
}

export function keyNumbered(place: number): SigningKey {
  return signingKeyOf(new Uint8Array(32).fill(place))
}

/** A consortium whose member table tests may change while it runs. */
export class Consortium {
  readonly members: Member[] = []
  readonly actors: Actor[] = []
  readonly #ends: (() => Promise<void>)[] = []

  list(place: number, addresses: readonly string[] = []): void {
    const node = nodeNumbered(place)
    const member = { node, transportKey: keyNumbered(place).publicKey, addresses, suspended: false }
    const known = this.members.findIndex((each) => each.node === node)
    if (known < 0) this.members.push(member)
    else this.members[known] = member
  }

  suspend(place: number): void {
    const at = this.members.findIndex((each) => each.node === nodeNumbered(place))
    const member = this.members[at]
    if (member !== undefined) this.members[at] = { ...member, suspended: true }
  }

  /** Opens a member's mesh; its address joins the table for the others. */
  async open(
    place: number,
    options: {
      timing?: Partial<MeshTiming>
      listen?: readonly string[]
      members?: () => readonly Member[]
      ledger?: LedgerId
    } = {},
  ): Promise<Actor> {
    const events: MeshEvent[] = []
    const received: Received[] = []
    const key = keyNumbered(place)
    const node = nodeNumbered(place)
    const mesh = await openMesh({
      ledger: options.ledger ?? ledger,
      self: node,
      transportSeed: key.seed,
      listen: options.listen ?? listen,
      members: options.members ?? (() => this.members),
      onEvent: (event) => events.push(event),
      timing: { ...quick, ...options.timing },
    })
    mesh.onMessage((from, priority, bytes) => received.push({ from, priority, bytes }))
    this.list(place, mesh.addresses())
    const actor = { node, key, mesh, events, received }
    this.actors.push(actor)
    this.#ends.push(() => mesh.close())
    return actor
  }

  /** A libp2p node that follows none of our rules. */
  async attacker(place: number): Promise<Libp2p> {
    const host = await rawHost(place)
    this.#ends.push(async () => host.stop())
    return host
  }

  async close(): Promise<void> {
    await Promise.all(this.#ends.splice(0).map((end) => end()))
  }
}

async function rawHost(place: number): Promise<Libp2p> {
  providePromiseWithResolvers()
  return createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', keyNumbered(place).seed),
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ maxOutboundStreams: 100_000 })],
    connectionMonitor: { enabled: false },
  })
}

/** The next admission that the other side says on a stream. */
export function admissionOn(stream: Stream): Promise<Admission> {
  return new Promise((resolve, reject) => {
    const reader = new FrameReader((message) => resolve(decode(admissionSchema, message)))
    stream.addEventListener('message', ({ data }) => {
      for (const chunk of data instanceof Uint8Array ? [data] : data) reader.push(chunk)
    })
    stream.addEventListener('close', () => reject(new Error('closed before an admission')))
  })
}

/** Waits until `condition` holds. @throws when it does not within the time. */
export async function until(condition: () => boolean, what: string, timeoutMs = 5_000): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await sleep(10)
  }
}

export function codes(events: readonly MeshEvent[]): readonly string[] {
  return events.flatMap((event) => (event.type === 'refused' ? [`${event.by} ${event.code}`] : []))
}
