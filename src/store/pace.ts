// Long work in short slices: whoever waits for the event loop gets its turn every few milliseconds.

/** Called often; returns at once while the slice lasts. */
export type Pace = () => Promise<void> | undefined

export interface PaceOptions {
  readonly sliceMs?: number
  /** What is left to others between two slices, beyond their turn. */
  readonly restMs?: number
}

export function createPace({ sliceMs = 4, restMs = 0 }: PaceOptions = {}): Pace {
  let began = performance.now()
  return () => {
    if (performance.now() - began < sliceMs) return undefined
    return new Promise((resolve) => {
      const goOn = (): void => {
        began = performance.now()
        resolve()
      }
      if (restMs === 0) setImmediate(goOn)
      else setTimeout(goOn, restMs)
    })
  }
}
