// Whom to ask next when catching up. Peers take turns; one that is slow beside the others, silent or of no use rests for a
// multiple of the time that it cost, so that it can hold up at most a small part of a catch-up and still may recover.

import type { NodeId } from '../base/ids.ts'
import type { Took } from './ahead.ts'

/** A peer that cost so much time without being worth it rests for this many times as long. */
const restFactor = 8

/** Who costs less than this is as fast as anybody, ms. */
const idleMsMin = 10

/** A peer that lied rests at least so long, ms. */
const liarRestMs = 10_000

/** A late peer is given so much more time at its next question. */
const patienceGrowth = 1.5

export interface Patience {
  /** For the first answer of a peer, ms. */
  readonly answerMsMin: number
  /** For the answer of a peer that was late before, ms. */
  readonly answerMsMax: number
}

interface Source {
  /** Number of the question that it was asked last; 0 before the first. */
  asked: number
  /** Bytes of certified blocks in a millisecond that this node waited, the newest answers counting most. */
  rate: number
  restsUntil: number
  patienceMs: number
}

export class Sources {
  readonly #patience: Patience
  readonly #sources: Map<NodeId, Source> = new Map()
  #questions = 0

  constructor(patience: Patience) {
    this.#patience = patience
  }

  /** The one of `connected` that is to be asked at `now` ms: who was not asked for longest, `preferred` ones first. */
  next(connected: readonly NodeId[], preferred: readonly NodeId[], now: number): NodeId | undefined {
    for (const known of this.#sources.keys()) if (!connected.includes(known)) this.#sources.delete(known)
    const rank = (peer: NodeId): readonly number[] => {
      const { asked, restsUntil } = this.#of(peer)
      return [Math.max(0, restsUntil - now), asked, preferred.includes(peer) ? 0 : 1]
    }
    const [first] = connected
      .map((peer) => ({ peer, rank: rank(peer) }))
      .sort((a, b) => a.rank.map((value, place) => value - (b.rank[place] ?? 0)).find((gap) => gap !== 0) ?? 0)
    if (first === undefined) return undefined
    this.#questions += 1
    this.#of(first.peer).asked = this.#questions
    return first.peer
  }

  /** Whether one of them is worth asking at once. */
  isReady(connected: readonly NodeId[], now: number): boolean {
    return connected.some((peer) => this.#of(peer).restsUntil <= now)
  }

  /** How long to wait for an answer of this peer, ms. */
  patienceFor(peer: NodeId): number {
    return this.#of(peer).patienceMs
  }

  /**
   * It brought so many bytes of certified blocks. Only time in which this node had nothing to execute tells who is slow: an answer
   * that comes meanwhile holds up nothing, and is looked at late.
   */
  brought(peer: NodeId, bytes: number, { ms, idleMs }: Took, now: number): void {
    const source = this.#of(peer)
    const rate = bytes / Math.max(idleMsMin, idleMs)
    source.rate = source.rate === 0 ? rate : (source.rate + rate) / 2
    source.patienceMs = Math.min(this.#patience.answerMsMax, Math.max(this.#patience.answerMsMin, 4 * ms))
    const best = Math.max(...[...this.#sources.values()].map((each) => each.rate))
    if (source.rate < best / 2) source.restsUntil = now + restFactor * idleMs
  }

  /** It said after `ms` that it has nothing, or gave so much less than it should that this node waited for `ms`. */
  lacked(peer: NodeId, ms: number, now: number): void {
    this.#of(peer).restsUntil = now + restFactor * Math.max(1, ms)
  }

  /** It said nothing for `ms`. */
  wasSilent(peer: NodeId, ms: number, now: number): void {
    const source = this.#of(peer)
    source.patienceMs = Math.min(this.#patience.answerMsMax, source.patienceMs * patienceGrowth)
    source.restsUntil = now + restFactor * ms
  }

  /** It gave a block that does not verify. */
  lied(peer: NodeId, now: number): void {
    this.#of(peer).restsUntil = now + liarRestMs
  }

  #of(peer: NodeId): Source {
    const known = this.#sources.get(peer)
    if (known !== undefined) return known
    const source: Source = { asked: 0, rate: 0, restsUntil: 0, patienceMs: this.#patience.answerMsMin }
    this.#sources.set(peer, source)
    return source
  }
}
