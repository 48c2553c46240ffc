// What the disk and LevelDB throw, told as ours.

import { LedgerError } from '../base/errors.ts'

/** @throws LedgerError STORAGE_FAILED for whatever is not a LedgerError already. */
export async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof LedgerError) throw error
    const reason = (error as { code?: unknown }).code
    throw new LedgerError('STORAGE_FAILED', { reason: typeof reason === 'string' ? reason : 'unknown' }, error)
  }
}

/** Runs one piece of work after another, whatever became of those before. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work)
    // The caller of `run` hears of a failure; here it only must not stop what comes next.
    this.#last = done.catch(() => undefined)
    return done
  }
}
