// Where in a text something is wrong, as a person finds it: line, column, and how that line is built. Errors go to terminals,
// logs and tickets, so nothing that a text says is in them: literals, names and IRIs are blanked, and of what a parser says only
// its own words are kept. For the same reason its error is not told as a cause.

import { LedgerError } from '../base/errors.ts'
import { plainWords } from '../base/plain-words.ts'

export interface Position {
  /** From 1. */
  readonly line: number
  /** In characters, from 1; undefined where only the line is known. */
  readonly column?: number | undefined
}

/** Of what went by last this much is kept, so that the line of an error can be shown. */
const keptCharacters = 4_096
const excerptCharacters = 60

export type Syntax = 'rdf' | 'json' | 'xml'

/** What people say in a text, in contrast to its structure; also when it is cut off at the end of the line. */
const said: Readonly<Record<Syntax, RegExp>> = {
  rdf: /"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$)|<[^<>\s]*(?:>|$)/g,
  json: /"(?:[^"\\]|\\.)*(?:"|$)/g,
  xml: /"[^"]*(?:"|$)|'[^']*(?:'|$)|>[^<]+(?:<|$)/g,
}

/** Of the rest, words that belong to the syntax. */
const syntaxWords: Readonly<Record<Syntax, RegExp>> = {
  rdf: /^(a|true|false|prefix|base|graph)$/i,
  json: /^(@?(context|id|type|value|language|graph|list|set|index|reverse)|true|false|null)$/,
  xml: /^(rdf:(RDF|Description|about|ID|nodeID|resource|datatype|parseType)|xml|xml:(lang|base)|xmlns)$/,
}

/** Follows a text as it is read. */
export class Trail {
  readonly #file: string | undefined
  readonly #syntax: Syntax
  #text = ''
  /** Line on which the kept text begins, and its end. */
  #first = 1
  #last = 1

  constructor(file: string | undefined, syntax: Syntax = 'rdf') {
    this.#file = file
    this.#syntax = syntax
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

  /** `reason`: words of ours. */
  refused(position: Position, reason: string): LedgerError {
    const near = this.#excerpt(position)
    return new LedgerError('PARSE_ERROR', { ...this.#at(position), reason, ...(near === '' ? {} : { near }) })
  }

  /** `message`: of a parser, which may quote anything. */
  refusedBy(position: Position, message: string): LedgerError {
    return this.refused(position, plainWords(message))
  }

  tooLarge(position: Position, part: string): LedgerError {
    return new LedgerError('INPUT_TOO_LARGE', { ...this.#at(position), part })
  }

  refusedContext(position: Position): LedgerError {
    return new LedgerError('REMOTE_CONTEXT_REFUSED', this.#at(position))
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
    const shown = blanked(text, this.#syntax).slice(from, from + 2 * excerptCharacters)
    const plain = shown.replace(/\u2026+/g, '\u2026').trim()
    return plain.length > excerptCharacters ? `${plain.slice(0, excerptCharacters - 1)}\u2026` : plain
  }
}

/** The same length, so that columns fit. */
function blanked(text: string, syntax: Syntax): string {
  const structure = text.replace(said[syntax], (found) => {
    if (syntax === 'json' && syntaxWords.json.test(found.slice(1, -1))) return found
    return `${found[0]}${'\u2026'.repeat(Math.max(0, found.length - 2))}${found.length > 1 ? lastOf(found) : ''}`
  })
  return structure.replace(/[^\s\u2026<>{}[\]()"'=,;^|/?!@]+/g, (run) => {
    const [, name = '', end = ''] = /^(.*?)([.:]?)$/s.exec(run) ?? []
    return syntaxWords[syntax].test(name) ? run : `${'\u2026'.repeat(name.length)}${end}`
  })
}

/** What ends a literal; what is cut off ends in nothing. */
function lastOf(found: string): string {
  return /["'><]$/.test(found) ? (found.at(-1) as string) : '\u2026'
}

export function newlines(text: string): number {
  let count = 0
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) count++
  return count
}
