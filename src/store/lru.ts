// A map that forgets what was not used for longest, so that its weight stays bounded whatever the data.

export class LruMap<K, V> {
  readonly #weightMax: number
  readonly #weigh: (key: K, value: V) => number
  // A Map iterates in order of insertion: the first entry is the one not used for longest.
  readonly #entries: Map<K, V> = new Map()
  #weight = 0

  constructor(weightMax: number, weigh: (key: K, value: V) => number) {
    this.#weightMax = weightMax
    this.#weigh = weigh
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: K, value: V): void {
    this.delete(key)
    this.#entries.set(key, value)
    this.#weight += this.#weigh(key, value)
    for (const oldest of this.#entries.keys()) {
      if (this.#weight <= this.#weightMax) return
      this.delete(oldest)
    }
  }

  delete(key: K): void {
    const value = this.#entries.get(key)
    if (value === undefined) return
    this.#weight -= this.#weigh(key, value)
    this.#entries.delete(key)
  }

  clear(): void {
    this.#entries.clear()
    this.#weight = 0
  }
}
