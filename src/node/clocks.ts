// Whether this machine's clock can be right: how far it is from those of the other nodes, as they tell with their heights,
// and whether it leapt. Nothing decides on it; a person is warned.

import type { NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'

/** Messages on their way make a peer seem to be late, so the latest it seemed of the last few is nearest to the truth. */
const samplesKept = 3

export class Clocks {
  readonly #wall: () => number
  readonly #steady: () => number
  readonly #samples = new Map<NodeId, readonly number[]>()
  #last: { readonly wall: number; readonly steady: number }

  /** `wall`: ms since 1970, which may leap; `steady`: ms since whenever, which does not. */
  constructor(wall: () => number = Date.now, steady: () => number = () => performance.now()) {
    this.#wall = wall
    this.#steady = steady
    this.#last = { wall: wall(), steady: steady() }
  }

  /** A peer says what time it is there, now. */
  heard(from: NodeId, time: number): void {
    this.#samples.set(from, [...(this.#samples.get(from) ?? []), time - this.#wall()].slice(-samplesKept))
  }

  /** How far the clock of a peer is ahead of this one's, ms; undefined before it told. */
  offsetOf(peer: NodeId): number | undefined {
    const samples = this.#samples.get(peer)
    return samples === undefined ? undefined : Math.max(...samples)
  }

  /** How far this clock is ahead of the median of the others, ms: a minority that lies does not move that far. */
  offset(): number | undefined {
    const offsets = [...this.#samples.keys()].flatMap((peer) => this.offsetOf(peer) ?? []).sort((a, b) => a - b)
    if (offsets.length === 0) return undefined
    const middle = Math.floor((offsets.length - 1) / 2)
    const median = ((offsets[middle] as number) + (offsets[offsets.length - 1 - middle] as number)) / 2
    return median === 0 ? 0 : -median
  }

  isSkewed(): boolean {
    return Math.abs(this.offset() ?? 0) > limits.clockSkewWarnMs
  }

  /** Since the last call: by how much the clock leapt, ms, forward or back; 0 when it went on as time does. */
  leap(): number {
    const now = { wall: this.#wall(), steady: this.#steady() }
    const by = now.wall - this.#last.wall - (now.steady - this.#last.steady)
    this.#last = now
    if (Math.abs(by) < limits.clockLeapMs) return 0
    // What was heard before was measured against another clock.
    this.#samples.clear()
    return Math.round(by)
  }
}
