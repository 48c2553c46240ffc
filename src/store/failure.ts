// What the disk and LevelDB throw, told as ours.

import { LedgerError } from '../base/errors.ts'

/** @throws LedgerError STORAGE_FAILED for what the system or LevelDB threw (they give a code); other errors as they are. */
export async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw storageError(error)
  }
}

function storageError(error: unknown): unknown {
  if (error instanceof LedgerError || typeof (error as { code?: unknown }).code !== 'string') return error
  return new LedgerError('STORAGE_FAILED', {}, error)
}

const diskCodes = /^(ENOSPC|EDQUOT|EROFS|EIO|EFBIG|EACCES|EPERM|EMFILE|ENFILE|ENOENT|EBADF|LEVEL_\w+)$/

/** As `stored`, for an error that may as well come from somewhere else than the disk. */
export function diskError(error: unknown): unknown {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && diskCodes.test(code) ? storageError(error) : error
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
