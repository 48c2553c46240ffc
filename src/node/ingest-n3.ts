// Turtle, TriG, N-Triples and N-Quads to quads, by n3. n3 is lenient about IRIs that were written with escapes, so each is
// looked at as it is read, where its place is known.

import { Parser, type Quad } from 'n3'
import type { LedgerError } from '../base/errors.ts'
import type { Position, Trail } from './ingest-place.ts'
import { quadFault } from './ingest-terms.ts'

/** Takes text, and undefined at the end; gives the quads that became whole. @throws LedgerError */
export type Feed = (text: string | undefined) => readonly Quad[] | Promise<readonly Quad[]>

/** As n3 gives them; its type definitions are older. Columns from 0. */
interface Token {
  readonly type: string
  readonly value: string
  readonly line: number
  readonly start: number
  readonly end: number
}

interface N3Error extends Error {
  readonly context?: { readonly line?: number; readonly token?: Token; readonly previousToken?: Token }
}

export function openN3(mediaType: string, base: string | undefined, trail: Trail): Feed {
  const parser = new Parser({ format: mediaType, ...(base === undefined ? {} : { baseIRI: base }) })
  let onData: (text: string) => void = () => {}
  let onEnd: () => void = () => {}
  let quads: Quad[] = []
  let failure: LedgerError | undefined
  let last: Position = { line: 1, column: 1 }
  // n3 takes anything that has `on`, and calls back while it is fed.
  const source = {
    on(event: string, callback: (text: string) => void): void {
      if (event === 'data') onData = callback
      if (event === 'end') onEnd = callback as () => void
    },
  }
  const callbacks = {
    onToken: ({ type, value, line, start }: Token): void => {
      last = { line, column: start + 1 }
      if (type !== 'IRI' && type !== 'typeIRI') return
      // Relative ones too: n3 resolves them without looking.
      if (notInIri.test(value)) failure ??= trail.refused(last, 'an IRI with a character that no IRI has')
    },
    onQuad: (error: Error | null, quad: Quad | null): void => {
      if (failure !== undefined) return
      if (error) failure = failureOf(error, last, trail)
      else if (quad) {
        failure = quadFault(quad, last, trail)
        quads.push(quad)
      }
    },
  }
  parser.parse(source as never, callbacks as never)
  return (text) => {
    if (text === undefined) onEnd()
    else if (text !== '') onData(text)
    if (failure !== undefined) throw failure
    const whole = quads
    quads = []
    return whole
  }
}

const notInIri = /[\p{Cc} <>"{}|\\^`]/u

function failureOf(error: N3Error, last: Position, trail: Trail): LedgerError {
  const { line = last.line, token, previousToken } = error.context ?? {}
  const before = previousToken?.line === line ? previousToken.end + 1 : 1
  const position = { line, column: (token?.start ?? before - 1) + 1 }
  return trail.refusedBy(position, error.message.replace(/ on line \d+\.?$/, ''))
}
