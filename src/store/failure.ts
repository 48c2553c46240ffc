// What the disk and LevelDB throw, told as ours.

import { LedgerError } from '../base/errors.ts'

/** @throws LedgerError STORAGE_FAILED for what the system or LevelDB threw (they give a code); other errors as they are. */
export async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const reason = (error as { code?: unknown }).code
    if (error instanceof LedgerError || typeof reason !== 'string') throw error
    throw new LedgerError('STORAGE_FAILED', { reason }, error)
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
