// A map that forgets what was not used lately, so that its weight stays bounded whatever the data. Two generations: what
// is used moves into the young one; when that is full it becomes the old one, and the old one goes. A hit in the young
// one costs a look-up and nothing else, which is what an exact order of use would spoil.

export class RecentMap<K, V> {
  readonly #weightMax: number
  readonly #weigh: (key: K, value: V) => number
  #young: Map<K, V> = new Map()
  #old: Map<K, V> = new Map()
  #youngWeight = 0
  #oldWeight = 0
  #hits = 0
  #misses = 0

  /** `weightMax` bounds the sum of what `weigh` gives for the entries, but for the one added last. */
  constructor(weightMax: number, weigh: (key: K, value: V) => number) {
    this.#weightMax = weightMax
    this.#weigh = weigh
  }

  get(key: K): V | undefined {
    const value = this.#young.get(key)
    if (value !== undefined) {
      this.#hits += 1
      return value
    }
    const older = this.#old.get(key)
    if (older === undefined) this.#misses += 1
    else {
      this.#hits += 1
      this.set(key, older)
    }
    return older
  }

  /** Of what is here; of the older half, as it was when it was full. */
  get weight(): number {
    return this.#youngWeight + this.#oldWeight
  }

  /** How often `get` found something, and how often not. */
  get uses(): { readonly hits: number; readonly misses: number } {
    return { hits: this.#hits, misses: this.#misses }
  }

  /** Values never change: setting a key that is here keeps the first one. */
  set(key: K, value: V): void {
    if (this.#young.has(key)) return
    const weight = this.#weigh(key, value)
    if (this.#youngWeight > 0 && this.#youngWeight + weight > this.#weightMax / 2) {
      this.#old = this.#young
      this.#oldWeight = this.#youngWeight
      this.#young = new Map()
      this.#youngWeight = 0
    }
    this.#young.set(key, value)
    this.#youngWeight += weight
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#youngWeight = 0
    this.#oldWeight = 0
  }
}
