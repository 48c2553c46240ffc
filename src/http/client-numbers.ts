// The numbers of an application key: each transaction has its own, and is executed at most once under it.

export interface Numbers {
  take(signal: AbortSignal | undefined): Promise<number>
  forget(): void
}

/**
 * A key's numbers, one for each transaction. The node is asked for the first; a number that was given out is never given
 * out again, because another transaction of that number may still be under way.
 */
export function openNumbers(ask: (signal: AbortSignal | undefined) => Promise<number>): Numbers {
  let asked: Promise<number> | undefined
  let next = 0
  return {
    async take(signal) {
      asked ??= ask(signal)
      const mine = asked
      try {
        const first = await mine
        const number = Math.max(first, next)
        next = number + 1
        return number
      } catch (error) {
        if (asked === mine) asked = undefined
        throw error
      }
    },
    forget() {
      asked = undefined
    },
  }
}
