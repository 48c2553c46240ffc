// Which event of a node is told at which level, and in which words.

import type { ErrorCode } from '../base/errors.ts'
import type { NodeId } from '../base/ids.ts'
import type { AnchorEvent } from './anchors.ts'
import type { ContentEvent } from './comparison.ts'
import { type Loggable, type NodeLog, peerIdText } from './log.ts'
import type { NodeEvent } from './node-event.ts'

/** Peers whose last failure is remembered. */
const refusalsMax = 1_024

/** The name of a node of the ledger, or its id. */
export type NameOf = (node: NodeId) => Loggable | NodeId

/** Writes a node's events. A peer that cannot be reached is dialed for ever: only the first of equal failures in a row is news. */
export class EventLog {
  readonly #log: NodeLog
  readonly #nameOf: NameOf
  /** By PeerId. */
  readonly #refusals: Map<string, ErrorCode> = new Map()

  constructor(log: NodeLog, nameOf: NameOf) {
    this.#log = log
    this.#nameOf = nameOf
  }

  write(event: NodeEvent): void {
    const log = this.#log
    const nameOf = this.#nameOf
    switch (event.type) {
      case 'executed': {
        const { header, outcomes } = event.delivered
        log.write('debug', 'executed', { height: header.sequence, transactions: outcomes.length })
        break
      }
      case 'final':
        log.write('debug', 'final', { height: event.sequence })
        break
      case 'connected':
        this.#refusals.clear()
        log.write('info', 'connected', { peer: nameOf(event.node) })
        break
      case 'disconnected':
        log.write('warn', 'disconnected', { peer: nameOf(event.node) })
        break
      case 'refused':
        this.#refused(event)
        break
      case 'lead':
        log.write('info', 'leader', { round: event.round, leader: nameOf(event.leader), reason: event.reason })
        break
      case 'refuse':
        log.write('warn', 'message refused', { peer: nameOf(event.from), code: event.code })
        break
      case 'drop':
        log.write('debug', 'message dropped', { peer: nameOf(event.from), code: event.code })
        break
      case 'purged':
      case 'purge-failed':
        this.#purge(event)
        break
      case 'keys':
      case 'rotation-failed':
        this.#keys(event)
        break
      case 'backup':
        log.write('info', 'a backup is taken', { of: event.of })
        break
      case 'anchor-failed':
      case 'local-log-behind':
        this.#anchoring(event)
        break
      case 'disk':
        this.#disk(event)
        break
      case 'clock':
        this.#clock(event)
        break
      case 'clock-leapt':
        log.write('warn', 'the clock leapt', { code: event.code, byMs: event.byMs })
        break
      case 'content':
      case 'content-differs':
      case 'content-unread':
        this.#content(event)
        break
      case 'heard':
        break
      case 'accuse':
        log.write('error', 'misbehaviour', { peer: nameOf(event.culprit) })
        break
      case 'fence':
        log.write('fatal', 'fenced: this node votes on nothing', { code: event.code })
        break
    }
  }

  #clock({ skewed, code, offsetMs }: Extract<NodeEvent, { readonly type: 'clock' }>): void {
    if (skewed) this.#log.write('warn', 'the clock differs from those of the others', { code, offsetMs })
    else this.#log.write('info', 'the clock agrees with the others again', { offsetMs })
  }

  #content(event: ContentEvent): void {
    if (event.type === 'content') {
      const { code, height } = event
      this.#log.write('fatal', 'the others hold other quads of a graph: it answers nothing here', { code, height })
    } else if (event.type === 'content-differs') {
      this.#log.write('error', 'a peer holds other quads than this node', { peer: this.#nameOf(event.node) })
    } else this.#log.write('error', 'what this node holds could not be summed up', { code: event.code })
  }

  #purge(event: Extract<NodeEvent, { readonly type: 'purged' | 'purge-failed' }>): void {
    if (event.type === 'purged') {
      this.#log.write('info', 'purged and attested', { order: event.order, ...event.counts })
    } else this.#log.write('warn', 'an erasure is not attested yet; it is tried again', { code: event.code })
  }

  #disk({ low, freeMiB }: Extract<NodeEvent, { readonly type: 'disk' }>): void {
    if (low) this.#log.write('error', 'the disk is nearly full: no new transactions', { freeMiB })
    else this.#log.write('info', 'the disk has room again', { freeMiB })
  }

  #keys(event: Extract<NodeEvent, { readonly type: 'keys' | 'rotation-failed' }>): void {
    if (event.type === 'keys') this.#log.write('info', 'rotation of keys', { step: event.step, done: event.done })
    else this.#log.write('error', 'a rotation of keys stopped', { code: event.code })
  }

  #anchoring(event: AnchorEvent): void {
    if (event.type === 'anchor-failed') {
      this.#log.write('warn', 'the local log is not anchored yet; it is tried again', { code: event.code })
      return
    }
    const { leaves, anchored } = event
    this.#log.write('error', 'the local log is older than what was anchored of it; a new one begins', {
      leaves,
      anchored,
    })
  }

  #refused({ node, peer, by, code }: Extract<NodeEvent, { readonly type: 'refused' }>): void {
    const isNews = by === 'us' || this.#refusals.get(peer) !== code
    if (by === 'them' && this.#refusals.size < refusalsMax) this.#refusals.set(peer, code)
    const facts = { peer: node === undefined ? peerIdText(peer) : this.#nameOf(node), by, code }
    this.#log.write(isNews ? 'warn' : 'debug', 'connection refused', facts)
  }
}
