// Long work in short slices: whoever waits for the event loop gets its turn every few milliseconds.

/** Called often; returns at once while the slice lasts. */
export type Pace = () => Promise<void> | undefined

export interface PaceOptions {
  readonly sliceMs?: number
  /** What is left to others between two slices, beyond their turn. */
  readonly restMs?: number
}

/** No slice is longer, however long the rest before it. */
const sliceMsMax = 4

/**
 * With a rest, a slice is to the rest before it as `sliceMs` is to `restMs`: where a rest takes longer than it was meant to,
 * because others have the processor, the work still gets its share.
 */
export function createPace({ sliceMs = sliceMsMax, restMs = 0 }: PaceOptions = {}): Pace {
  let began = performance.now()
  let slice = sliceMs
  return () => {
    const ended = performance.now()
    if (ended - began < slice) return undefined
    return new Promise((resolve) => {
      const goOn = (): void => {
        began = performance.now()
        if (restMs > 0) slice = Math.max(sliceMs, Math.min(sliceMsMax, ((began - ended) * sliceMs) / restMs))
        resolve()
      }
      if (restMs === 0) setImmediate(goOn)
      else setTimeout(goOn, restMs)
    })
  }
}
