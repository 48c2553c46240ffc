// Long work in short slices: whoever waits for the event loop gets its turn every few milliseconds.

/** Called often; returns at once while the slice lasts. */
export type Pace = () => Promise<void> | undefined

const sliceMs = 4

export function createPace(): Pace {
  let began = performance.now()
  return () => {
    if (performance.now() - began < sliceMs) return undefined
    return new Promise((resolve) => {
      setImmediate(() => {
        began = performance.now()
        resolve()
      })
    })
  }
}
