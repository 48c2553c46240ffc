// What a benchmark is to bench/main.ts, and the few helpers that they share. A benchmark says what it measures; it measures
// nothing while it is imported.

export interface Bench {
  /** One sentence. */
  readonly about: string
  /** One line for each option. */
  readonly options: readonly string[]
  /** Numbers by name, units in the names. `say` prints for people. */
  run(options: ReadonlyMap<string, string>, say: (line: string) => void): Promise<Readonly<Record<string, BenchValue>>>
}

export type BenchValue = number | string | boolean | readonly BenchValue[] | { readonly [name: string]: BenchValue }

/** Seconds that `work` takes. */
export function secondsOf(work: () => void): number {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e9
}

/** The least of several runs: what the work costs when nothing else disturbs it. */
export function bestOf(runs: number, work: () => number): number {
  return Math.min(...Array.from({ length: runs }, work))
}

/** Bytes of live objects and buffers, after a collection (needs --expose-gc). */
export function liveBytes(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
