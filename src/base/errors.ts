// Operating errors: what a person or a program meets and can act on. Each has a stable code, one plain sentence, and what
// to do next; the table is the one source of docs/errors.md and `quadrille explain`. Broken invariants are InvariantError
// and stop the node; a peer's misbehaviour is data, never an exception; wrong arguments are TypeError or RangeError.

import { type ErrorCode, type ErrorEntry, errorTable } from './error-table.ts'

export type { ErrorCode } from './error-table.ts'

const entries: Readonly<Record<ErrorCode, ErrorEntry>> = errorTable

/** Facts that help to act on an error. Never a secret, never personal data, never the name of a hidden graph. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>

export class LedgerError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    const facts = code === 'STORAGE_FAILED' ? withReason(details, cause) : details
    super(sentence(code, facts), cause === undefined ? {} : { cause })
    this.name = 'LedgerError'
    this.code = code
    this.details = facts
  }

  /** What to do next, one sentence. */
  get next(): string {
    return entries[this.code].next
  }

  /** Exit code of a command that ends with this error. */
  get exitCode(): number {
    return entries[this.code].exit
  }
}

/** LevelDB tells what the system said in the system's sentences (strerror, POSIX.1-2017) and under a code of its own. */
const sentences: readonly (readonly [sentence: string, word: string])[] = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Read-only file system', 'EROFS'],
  ['Input/output error', 'EIO'],
  ['Permission denied', 'EACCES'],
  ['Too many open files', 'EMFILE'],
]

/** What the system or LevelDB calls the failure by (ENOSPC, LEVEL_CORRUPTION): who sees to a disk needs this word first. */
function withReason(details: ErrorDetails, cause: unknown): ErrorDetails {
  const { code, message } = cause instanceof LedgerError ? {} : ((cause ?? {}) as { code?: unknown; message?: unknown })
  const isLevel = code === 'LEVEL_IO_ERROR' && typeof message === 'string'
  const reason = (isLevel && sentences.find(([said]) => message.includes(said))?.[1]) || code
  return typeof reason === 'string' && details['reason'] === undefined ? { ...details, reason } : details
}

function sentence(code: ErrorCode, details: ErrorDetails): string {
  const facts = Object.entries(details).map(([name, value]) => `${name} ${value}`)
  const said = entries[code].sentence
  return facts.length === 0 ? said : `${said.replace(/\.$/, '')} (${facts.join(', ')}).`
}

/** Something that the design makes impossible has happened: the process must stop before it signs anything else. */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'InvariantError'
  }
}

/** @throws InvariantError unless `condition` holds. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** For the default branch of an exhaustive switch: does not compile while a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${JSON.stringify(value)}`)
}
