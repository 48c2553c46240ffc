// The mesh: authenticated, admitted, framed messages between the nodes of one ledger. It decides who may talk and how much,
// and knows nothing of what is said. Messages may be lost (a full queue, a broken connection); protocols send them again.

import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { randomBytes } from '#crypto'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import type { LedgerId, NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Priority, Transport } from '../consensus/ports.ts'
import { type Member, MemberTable, priorities, protocolOf } from './admission.ts'
import { providePromiseWithResolvers } from './compat.ts'
import { Counters, type MeshCounters } from './counters.ts'
import { Gate } from './gate.ts'
import { Peer, type PeerTiming, type PeerWorld } from './peer.ts'
import { Reception } from './reception.ts'
import { Scores } from './score.ts'

/** For a refusal to reach the peer before its connection ends, ms. */
const farewellMs = 250

export interface MeshTiming extends PeerTiming {
  /** Grace for a frame that was begun, ms; its size adds to it. */
  readonly readTimeoutMs: number
  readonly upgradeTimeoutMs: number
  readonly probeMs: number
  /** How long an unlisted peer may stay connected. */
  readonly guestMs: number
  /** How long a peer that broke the rules stays cut off. */
  readonly coolOffMs: number
  /** Between looks at the member table, late frames and connections. */
  readonly sweepMs: number
}

const defaultTiming: MeshTiming = {
  reconnectMsMin: 200,
  reconnectMsMax: 5_000,
  patienceMs: 1_000,
  linkTimeoutMs: 10_000,
  readTimeoutMs: 10_000,
  upgradeTimeoutMs: 10_000,
  probeMs: 10_000,
  guestMs: 10_000,
  coolOffMs: 10_000,
  sweepMs: 500,
}

export type MeshEvent =
  | { readonly type: 'connected'; readonly node: NodeId }
  | { readonly type: 'disconnected'; readonly node: NodeId }
  /** `by`: who refused whom. `node` is known when the peer is in the member table. */
  | {
      readonly type: 'refused'
      readonly by: 'us' | 'them'
      readonly peer: string
      readonly node: NodeId | undefined
      readonly code: ErrorCode
    }

export interface MeshOptions {
  readonly ledger: LedgerId
  readonly self: NodeId
  /** Ed25519 private key of the node's libp2p identity: 32 bytes. */
  readonly transportSeed: Uint8Array
  /** Multiaddresses to listen on. */
  readonly listen: readonly string[]
  /** The member table as the ledger has it now; asked often. It may name this node too. */
  readonly members: () => readonly Member[]
  readonly onEvent: (event: MeshEvent) => void
  readonly timing?: Partial<MeshTiming>
}

export interface Mesh extends Transport {
  /** Multiaddresses where it listens, with its PeerId. */
  addresses(): readonly string[]
  counters(): MeshCounters
  /** Looks at the member table now rather than soon. */
  refresh(): void
  /** A message of this peer was refused; too many of them within a minute cut it off for the cool-off. */
  score(peer: NodeId, code: ErrorCode): void
}

/** Resolves when it listens. @throws LedgerError ADDRESS_IN_USE, or what libp2p says of an address that is none. */
export async function openMesh(options: MeshOptions): Promise<Mesh> {
  providePromiseWithResolvers()
  const { createHost } = await import('./host.ts')
  const timing = { ...defaultTiming, ...options.timing }
  const table = new MemberTable(options.members)
  const gate = new Gate(table, timing.coolOffMs)
  const host = await createHost({ ...options, ...timing, gater: gate.gater })
  const mesh = new NodeMesh(options, timing, table, gate, host)
  await mesh.open()
  return mesh
}

class NodeMesh implements Mesh {
  readonly #options: MeshOptions
  readonly #timing: MeshTiming
  readonly #table: MemberTable
  readonly #gate: Gate
  readonly #host: Libp2p
  readonly #peers = new Map<NodeId, Peer>()
  readonly #reception: Reception
  readonly #counters = new Counters()
  readonly #scores = new Scores()
  /** Peers that are on their way out; close waits for them. */
  readonly #leaving = new Set<Promise<void>>()
  #sweeper: NodeJS.Timeout | undefined
  #handler: (from: NodeId, priority: Priority, bytes: Uint8Array) => void = () => {}

  constructor(options: MeshOptions, timing: MeshTiming, table: MemberTable, gate: Gate, host: Libp2p) {
    this.#options = options
    this.#timing = timing
    this.#table = table
    this.#gate = gate
    this.#host = host
    this.#reception = new Reception({
      counters: this.#counters,
      readTimeoutMs: timing.readTimeoutMs,
      standing: (peerId) => table.standing(peerId),
      onMessage: (from, priority, bytes) => this.#handler(from, priority, bytes),
      onBreach: (peerId, code) => this.#cutOff(peerId, code),
    })
  }

  async open(): Promise<void> {
    this.#gate.attach({
      connectedPeers: () => this.#host.getConnections().map((connection) => connection.remotePeer.toString()),
      onRefused: (peerId, code) => this.#refused(peerId, code),
    })
    this.#host.addEventListener('connection:open', ({ detail }) => this.#peerOf(detail.remotePeer.toString())?.nudge())
    for (const priority of priorities) {
      await this.#host.handle(
        protocolOf(this.#options.ledger, priority),
        (stream, connection) => this.#reception.accept(priority, stream, connection),
        { maxInboundStreams: limits.streamsPerConnectionMax },
      )
    }
    await this.#listen()
    this.#sweeper = setInterval(() => this.refresh(), this.#timing.sweepMs)
    this.refresh()
  }

  async #listen(): Promise<void> {
    try {
      await this.#host.start()
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error)
      if (!said.includes('EADDRINUSE')) throw error
      throw new LedgerError('ADDRESS_IN_USE', { address: this.#options.listen.join(', ') }, error)
    }
  }

  send(to: NodeId, priority: Priority, bytes: Uint8Array): boolean {
    const isTooLarge = bytes.length > limits.frameBytesMax
    if (isTooLarge) this.#counters.messagesTooLarge += 1
    const taken = !isTooLarge && (this.#peers.get(to)?.link?.send(priority, bytes) ?? false)
    if (!taken) this.#counters.messagesDropped += 1
    return taken
  }

  onMessage(handler: (from: NodeId, priority: Priority, bytes: Uint8Array) => void): void {
    this.#handler = handler
  }

  peers(): readonly NodeId[] {
    return [...this.#peers.values()].filter((peer) => peer.link !== undefined).map((peer) => peer.node)
  }

  addresses(): readonly string[] {
    return this.#host.getMultiaddrs().map((address) => address.toString())
  }

  counters(): MeshCounters {
    const queued = (priority: Priority): number =>
      [...this.#peers.values()].reduce((sum, peer) => sum + (peer.link?.queuedBytes(priority) ?? 0), 0)
    return this.#counters.snapshot(this.peers().length, { consensus: queued('consensus'), sync: queued('sync') })
  }

  refresh(): void {
    this.#followTable()
    const now = Date.now()
    for (const connection of this.#host.getConnections()) this.#inspect(connection, now)
    this.#reception.checkTime(now)
  }

  score(peer: NodeId, code: ErrorCode): void {
    const member = this.#peers.get(peer)?.member
    if (member !== undefined && this.#scores.refuse(peer, code, Date.now())) {
      this.#cutOff(this.#table.peerId(member), code)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper)
    this.#handler = () => {}
    await Promise.all([...this.#peers.values()].map((peer) => peer.close()))
    await Promise.all(this.#leaving)
    this.#peers.clear()
    // libp2p would wait half a second for each connection's other side.
    for (const connection of this.#host.getConnections()) connection.abort(new Error('the mesh closes'))
    await this.#host.stop()
  }

  #followTable(): void {
    const members = this.#table.all().filter((each) => each.node !== this.#options.self && !each.suspended)
    for (const member of members) {
      const known = this.#peers.get(member.node)
      if (known === undefined) this.#peers.set(member.node, new Peer(member, this.#options.self, this.#worldOf(member)))
      else known.member = member
    }
    const listed = new Set(members.map((each) => each.node))
    for (const [node, peer] of this.#peers) if (!listed.has(node)) this.#dismiss(peer)
  }

  #dismiss(peer: Peer): void {
    this.#peers.delete(peer.node)
    this.#scores.forget(peer.node)
    const left = peer.close().finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
  }

  /** Ends what a connection may not be: a stranger's, a suspended member's, or one with a crowd of streams. */
  #inspect(connection: Connection, now: number): void {
    const peerId = connection.remotePeer.toString()
    const standing = this.#table.standing(peerId)
    if (standing.type === 'refused') {
      if (this.#reception.dismiss(peerId, standing.code)) {
        this.#refused(peerId, standing.code)
        setTimeout(() => connection.abort(new Error(standing.code)), farewellMs)
      } else if (now - connection.timeline.open > this.#timing.guestMs) {
        connection.abort(new Error(standing.code))
      }
    } else if (inboundStreams(connection) > limits.streamsPerConnectionMax) {
      this.#cutOff(peerId, 'STREAM_LIMIT')
    } else if (this.#isSpare(connection, peerId, now)) {
      connection.abort(new Error('another connection serves'))
    }
  }

  /** Both sides dialed and settled on another connection. */
  #isSpare(connection: Connection, peerId: string, now: number): boolean {
    if (now - connection.timeline.open < this.#timing.guestMs) return false
    if (connection.streams.some((stream) => stream.protocol.startsWith('/quadrille/'))) return false
    return this.#host.getConnections().some((other) => other !== connection && other.remotePeer.toString() === peerId)
  }

  #worldOf(first: Member): PeerWorld {
    const { node } = first
    const current = (): Member => this.#peers.get(node)?.member ?? first
    return {
      timing: this.#timing,
      connections: () => this.#connectionsWith(this.#table.peerId(current()), node),
      dial: (member, signal) => this.#dial(member, signal),
      protocol: (priority) => protocolOf(this.#options.ledger, priority),
      random,
      onLinked: () => this.#options.onEvent({ type: 'connected', node }),
      onUnlinked: () => this.#options.onEvent({ type: 'disconnected', node }),
      onFailure: (code) =>
        this.#options.onEvent({ type: 'refused', by: 'them', peer: this.#table.peerId(current()), node, code }),
      onFlushed: (flushed) => this.#counters.sent(flushed),
    }
  }

  /** Open ones, those dialed by the node with the smaller id first: both sides then prefer the same. */
  #connectionsWith(peerId: string, node: NodeId): readonly Connection[] {
    const preferred = this.#options.self < node ? 'outbound' : 'inbound'
    return this.#host
      .getConnections()
      .filter((connection) => connection.remotePeer.toString() === peerId && connection.status === 'open')
      .sort((a, b) => Number(b.direction === preferred) - Number(a.direction === preferred))
  }

  async #dial(member: Member, signal: AbortSignal): Promise<Connection> {
    const peerId = this.#table.peerId(member)
    if (this.#gate.isCooling(peerId) || member.addresses.length === 0) throw new LedgerError('PEER_UNREACHABLE')
    const addresses = member.addresses.slice(0, limits.addressesPerNodeMax).map((address) => {
      const bare = address.replace(/\/p2p\/[^/]+$/, '')
      return multiaddr(`${bare}/p2p/${peerId}`)
    })
    return this.#host.dial(addresses, { signal })
  }

  #cutOff(peerId: string, code: ErrorCode): void {
    this.#gate.coolOff(peerId)
    this.#refused(peerId, code)
    for (const connection of this.#host.getConnections()) {
      if (connection.remotePeer.toString() === peerId) connection.abort(new Error(code))
    }
  }

  #refused(peerId: string, code: ErrorCode): void {
    this.#counters.refuse(code)
    const node = this.#peerOf(peerId)?.node
    this.#options.onEvent({ type: 'refused', by: 'us', peer: peerId, node, code })
  }

  #peerOf(peerId: string): Peer | undefined {
    return [...this.#peers.values()].find((peer) => this.#table.peerId(peer.member) === peerId)
  }
}

function inboundStreams(connection: Connection): number {
  return connection.streams.filter((stream) => stream.direction === 'inbound').length
}

/** From 0 to below 1; only spreads reconnections. */
function random(): number {
  const [byte = 0] = randomBytes(1)
  return byte / 256
}
