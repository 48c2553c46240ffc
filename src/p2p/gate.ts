// Who gets through the door: asked by libp2p when a connection was authenticated, either way. A member passes; anyone else
// passes as one of a few guests for a few seconds, only to be told why not; who broke the rules stays out for a while.

import type { ConnectionGater } from '@libp2p/interface'
import type { ErrorCode } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { MemberTable } from './admission.ts'

export interface GateWorld {
  /** PeerIds of all open connections, each as often as it has some. */
  connectedPeers(): readonly string[]
  onRefused(peerId: string, code: ErrorCode): void
}

export class Gate {
  readonly gater: ConnectionGater
  readonly #table: MemberTable
  readonly #coolOffMs: number
  /** Until when a peer stays out, ms. */
  readonly #cooling = new Map<string, number>()
  #world: GateWorld = { connectedPeers: () => [], onRefused: () => {} }

  constructor(table: MemberTable, coolOffMs: number) {
    this.#table = table
    this.#coolOffMs = coolOffMs
    this.gater = {
      denyDialPeer: (peer) => !this.admits(peer.toString()),
      denyOutboundEncryptedConnection: (peer) => !this.admits(peer.toString()),
      denyInboundEncryptedConnection: (peer) => this.#denyInbound(peer.toString()),
    }
  }

  /** Once, before anything can connect. */
  attach(world: GateWorld): void {
    this.#world = world
  }

  /** Whether it is a member in good standing and not cut off. */
  admits(peerId: string): boolean {
    return !this.isCooling(peerId) && this.#table.standing(peerId).type === 'admitted'
  }

  isCooling(peerId: string): boolean {
    const until = this.#cooling.get(peerId)
    if (until === undefined) return false
    if (Date.now() < until) return true
    this.#cooling.delete(peerId)
    return false
  }

  coolOff(peerId: string): void {
    const now = Date.now()
    for (const [other, until] of this.#cooling) if (until <= now) this.#cooling.delete(other)
    this.#cooling.set(peerId, now + this.#coolOffMs)
  }

  #denyInbound(peerId: string): boolean {
    if (this.isCooling(peerId)) return true
    const standing = this.#table.standing(peerId)
    const connected = this.#world.connectedPeers()
    if (standing.type === 'refused') {
      this.#world.onRefused(peerId, standing.code)
      return connected.filter((other) => !this.admits(other)).length >= limits.guestConnectionsMax
    }
    if (connected.filter((other) => other === peerId).length < limits.connectionsPerPeerMax) return false
    this.#world.onRefused(peerId, 'STREAM_LIMIT')
    return true
  }
}
