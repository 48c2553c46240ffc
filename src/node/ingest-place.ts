// Where in a text something is wrong, as a person finds it: line, column, and a piece of the line in which literals and
// what may be a key are blanked, because errors go to terminals, logs and tickets.

import { LedgerError } from '../base/errors.ts'

export interface Position {
  /** From 1. */
  readonly line: number
  /** In characters, from 1; undefined where only the line is known. */
  readonly column?: number | undefined
}

/** Of what went by last this much is kept, so that the line of an error can be shown. */
const keptCharacters = 4_096
const excerptCharacters = 60

/** What people say in a text, in contrast to its structure; also when it is cut off at the end of the line. */
export const literalsOf: Readonly<Record<'rdf' | 'json' | 'xml', RegExp>> = {
  rdf: /"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$)/g,
  /** Keys are kept. */
  json: /"(?:[^"\\]|\\.)*(?:"(\s*:)?|$)/g,
  xml: /"[^"]*(?:"|$)|'[^']*(?:'|$)|>[^<]+(?:<|$)/g,
}

/** Follows a text as it is read. */
export class Trail {
  readonly #file: string | undefined
  readonly #literals: RegExp
  #text = ''
  /** Line on which the kept text begins, and its end. */
  #first = 1
  #last = 1

  constructor(file: string | undefined, literals: RegExp = literalsOf.rdf) {
    this.#file = file
    this.#literals = literals
  }

  /** Line at the end of what was read. */
  get line(): number {
    return this.#last
  }

  /** Column behind it. */
  get column(): number {
    return this.#text.length - this.#text.lastIndexOf('\n')
  }

  read(text: string): void {
    const surplus = this.#text.length - keptCharacters
    if (surplus > 0) {
      this.#first += newlines(this.#text.slice(0, surplus))
      this.#text = this.#text.slice(surplus)
    }
    this.#text += text
    this.#last += newlines(text)
  }

  refused(position: Position, reason: string, cause?: unknown): LedgerError {
    const near = this.#excerpt(position)
    const told = {
      ...this.#at(position),
      reason: printable(reason.replace(/".*"|'.*'/su, '"\u2026"')),
      ...(near === '' ? {} : { near }),
    }
    return new LedgerError('PARSE_ERROR', told, cause)
  }

  tooLarge(position: Position, part: string): LedgerError {
    return new LedgerError('INPUT_TOO_LARGE', { ...this.#at(position), part })
  }

  refusedContext(position: Position, context: string): LedgerError {
    return new LedgerError('REMOTE_CONTEXT_REFUSED', { ...this.#at(position), context: printable(context, 200) })
  }

  #at({ line, column }: Position): Record<string, string | number> {
    const place = column === undefined ? { line } : { line, column }
    return this.#file === undefined ? place : { file: this.#file, ...place }
  }

  #excerpt({ line, column = 1 }: Position): string {
    // The first kept line may lack its beginning, so columns would not fit.
    if (line < this.#first || line > this.#last || (line === this.#first && this.#first > 1)) return ''
    const text = this.#text.split('\n', line - this.#first + 1).at(-1) ?? ''
    const from = Math.max(0, column - excerptCharacters / 2)
    const shown = blanked(text, this.#literals).slice(from, from + 2 * excerptCharacters)
    return printable(shown, excerptCharacters)
  }
}

/** Without control characters and long runs that may be keys; at most so many characters. */
export function printable(text: string, charactersMax = 80): string {
  const plain = text
    .replace(/\u2026+/g, '\u2026')
    .replace(/[A-Za-z0-9+/_=-]{24,}/g, (run) => (/[0-9]/.test(run) ? '\u2026' : run))
    .replace(/\p{Cc}/gu, '\uFFFD')
    .trim()
  return plain.length > charactersMax ? `${plain.slice(0, charactersMax - 1)}\u2026` : plain
}

/** The same length, so that columns fit. */
function blanked(text: string, literals: RegExp): string {
  return text.replace(literals, (found, key: unknown) =>
    typeof key === 'string' ? found : `${found[0]}${'\u2026'.repeat(Math.max(0, found.length - 2))}${found.at(-1)}`,
  )
}

export function newlines(text: string): number {
  let count = 0
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) count++
  return count
}
