// Seeded randomness for the simulator: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, the same on every machine.
// Forks keep the parts of a run apart, so that a change in one of them does not shuffle all the others.

export class Random {
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(seed: number, stream = '') {
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 2 ** 32) >>> 0
    this.#c = 0x9e3779b9
    this.#counter = 1
    for (let i = 0; i < stream.length; i++) {
      this.#c = Math.imul(this.#c ^ stream.charCodeAt(i), 0x01000193)
    }
    for (let i = 0; i < 12; i++) this.#word()
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.#word() / 2 ** 32
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** A whole number from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1)
  }

  chance(probability: number): boolean {
    return probability > 0 && this.next() < probability
  }

  /** @throws RangeError when there is nothing to pick from. */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('nothing to pick from')
    return from[this.below(from.length)] as T
  }

  shuffle<T>(of: readonly T[]): T[] {
    const shuffled = [...of]
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const kept = shuffled[i] as T
      shuffled[i] = shuffled[j] as T
      shuffled[j] = kept
    }
    return shuffled
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }

  /** An independent source that depends on this one's state and on `stream`. */
  fork(stream: string): Random {
    return new Random(this.#word() * 2 ** 20 + (this.#word() >>> 12), stream)
  }

  #word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }
}
