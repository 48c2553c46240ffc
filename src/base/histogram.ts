// How long things took: counts in fixed classes, as Prometheus has histograms. Its size does not depend on what it counts.

/** Upper bounds of the classes, seconds: from a fast disk's sync to the slowest transaction that is still waited for. */
export const secondsClasses: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]

export interface HistogramFigures {
  /** How many took at most so many seconds; ascending. */
  readonly atMost: readonly { readonly seconds: number; readonly count: number }[]
  readonly count: number
  readonly sum: number
}

export class Histogram {
  readonly #counts: number[] = secondsClasses.map(() => 0)
  #count = 0
  #sum = 0

  observe(seconds: number): void {
    const place = secondsClasses.findIndex((bound) => seconds <= bound)
    if (place >= 0) this.#counts[place] = (this.#counts[place] as number) + 1
    this.#count += 1
    this.#sum += seconds
  }

  /** Runs `work` and counts its time if it succeeds. */
  async timing<T>(work: () => Promise<T>): Promise<T> {
    const began = performance.now()
    const result = await work()
    this.observe((performance.now() - began) / 1000)
    return result
  }

  figures(): HistogramFigures {
    let total = 0
    const atMost = secondsClasses.map((seconds, place) => {
      total += this.#counts[place] as number
      return { seconds, count: total }
    })
    return { atMost, count: this.#count, sum: this.#sum }
  }
}
