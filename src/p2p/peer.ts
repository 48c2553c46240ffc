// Keeps one link to one member alive for as long as the mesh is open: over a connection that stands, else by dialing, with
// a jittered back-off that never gives up. Both sides may dial. The one with the smaller node id does so at once; the
// other waits for it a while first. Should two connections come to be, each side stays on the one where its link works.

import type { Connection } from '@libp2p/interface'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import type { NodeId } from '../base/ids.ts'
import type { Priority } from '../consensus/ports.ts'
import type { Member } from './admission.ts'
import { withResolvers } from './compat.ts'
import { type Link, openLink } from './link.ts'
import type { Flushed } from './outbox.ts'

export interface PeerTiming {
  /** First and longest pause between attempts; each doubles the last, and varies by half. */
  readonly reconnectMsMin: number
  readonly reconnectMsMax: number
  /** How long the side with the larger node id waits to be dialed. */
  readonly patienceMs: number
  /** For one attempt, from the dial to the last welcome. */
  readonly linkTimeoutMs: number
}

export interface PeerWorld {
  readonly timing: PeerTiming
  /** Connections with this member that are open, the ones to prefer first. */
  connections(): readonly Connection[]
  dial(member: Member, signal: AbortSignal): Promise<Connection>
  protocol(priority: Priority): string
  random(): number
  onLinked(): void
  onUnlinked(): void
  /** The attempt failed. By us: we could not reach it; by them: they would not have us. */
  onFailure(code: ErrorCode): void
  onFlushed(flushed: Flushed): void
}

export class Peer {
  readonly node: NodeId
  member: Member
  readonly #world: PeerWorld
  readonly #dialsFirst: boolean
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #link: Link | undefined
  #wake: () => void = () => {}

  constructor(member: Member, self: NodeId, world: PeerWorld) {
    this.node = member.node
    this.member = member
    this.#world = world
    this.#dialsFirst = self < member.node
    this.#running = this.#keep()
  }

  get link(): Link | undefined {
    return this.#link
  }

  /** A connection with this member opened, or something else changed that makes waiting pointless. */
  nudge(): void {
    this.#wake()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#link?.close('the mesh closes')
    this.#wake()
    await this.#running
  }

  async #keep(): Promise<void> {
    const { timing } = this.#world
    let failures = 0
    if (!this.#dialsFirst && this.#world.connections().length === 0) await this.#pause(timing.patienceMs)
    while (!this.#closing.signal.aborted) {
      const link = await this.#attempt()
      failures = link === undefined ? failures + 1 : 0
      if (link !== undefined) await this.#hold(link)
      const pause = Math.min(timing.reconnectMsMax, timing.reconnectMsMin * 2 ** Math.min(failures, 20))
      const patience = this.#dialsFirst ? 0 : timing.patienceMs
      await this.#pause(patience + pause * (0.5 + this.#world.random() / 2))
    }
  }

  async #attempt(): Promise<Link | undefined> {
    const { timing } = this.#world
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(timing.linkTimeoutMs)])
    try {
      const connection = this.#world.connections()[0] ?? (await this.#world.dial(this.member, signal))
      return await openLink(
        connection,
        (priority) => this.#world.protocol(priority),
        signal,
        (flushed) => this.#world.onFlushed(flushed),
      )
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#world.onFailure(codeOf(error))
      return undefined
    }
  }

  async #hold(link: Link): Promise<void> {
    this.#link = link
    if (this.#closing.signal.aborted) link.close('the mesh closes')
    this.#world.onLinked()
    const refusal = await link.closed
    this.#link = undefined
    this.#world.onUnlinked()
    if (refusal !== undefined) this.#world.onFailure(refusal)
  }

  async #pause(ms: number): Promise<void> {
    if (this.#closing.signal.aborted) return
    const { promise, resolve } = withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#wake = resolve
    await promise
    clearTimeout(timer)
    this.#wake = () => {}
  }
}

/** A protocol that the peer does not know names another ledger: the protocol ids carry it. */
function codeOf(error: unknown): ErrorCode {
  if (error instanceof LedgerError) return error.code
  if (error instanceof Error && error.name === 'UnsupportedProtocolError') return 'WRONG_LEDGER'
  return 'PEER_UNREACHABLE'
}
