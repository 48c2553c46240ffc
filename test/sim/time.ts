// Virtual time: a queue of things to happen, in order of time and, within one millisecond, of when they were asked for.

import type { Time } from '../../src/base/ids.ts'
import type { Clock } from '../../src/consensus/ports.ts'

interface Happening {
  readonly at: number
  readonly order: number
  readonly action: () => void
}

/** Where virtual clocks begin: 2023-11-14T22:13:20Z, so that times look like times. */
const startOfTime = 1_700_000_000_000

export class VirtualTime implements Clock {
  /** Milliseconds since the run began. */
  elapsed = 0
  readonly #heap: Happening[] = []
  #order = 0

  now(): Time {
    return (startOfTime + this.elapsed) as Time
  }

  /** Does `action` after `ms` milliseconds of virtual time. */
  after(ms: number, action: () => void): void {
    const heap = this.#heap
    heap.push({ at: this.elapsed + Math.max(0, Math.floor(ms)), order: this.#order++, action })
    let place = heap.length - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#swapUnlessOrdered(parent, place)) break
      place = parent
    }
  }

  /** Lets what is due next happen, unless that is later than `until`. False when nothing did. */
  advance(until: number): boolean {
    const first = this.#heap[0]
    if (first === undefined || first.at > until) return false
    const last = this.#heap.pop() as Happening
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#sink()
    }
    this.elapsed = first.at
    first.action()
    return true
  }

  #sink(): void {
    for (let place = 0; ; ) {
      const left = 2 * place + 1
      if (left >= this.#heap.length) return
      const child = left + 1 < this.#heap.length && this.#before(left + 1, left) ? left + 1 : left
      if (!this.#swapUnlessOrdered(place, child)) return
      place = child
    }
  }

  #before(a: number, b: number): boolean {
    const left = this.#heap[a] as Happening
    const right = this.#heap[b] as Happening
    return left.at < right.at || (left.at === right.at && left.order < right.order)
  }

  #swapUnlessOrdered(upper: number, lower: number): boolean {
    if (!this.#before(lower, upper)) return false
    const moved = this.#heap[upper] as Happening
    this.#heap[upper] = this.#heap[lower] as Happening
    this.#heap[lower] = moved
    return true
  }
}
