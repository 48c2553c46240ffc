// Parsers that are Node streams, fed line by line so that whatever they find wrong has its line, and drained after each.

import { DataFactory, type Quad, type Term } from 'n3'
import { LedgerError } from '../base/errors.ts'
import type { Feed } from './ingest-n3.ts'
import type { Position, Trail } from './ingest-place.ts'
import { quadFault } from './ingest-terms.ts'

/** As much of a stream's writable and readable sides as is used here. */
interface ParserStream {
  on(event: 'data', listener: (quad: Quad) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end', listener: () => void): unknown
  write(text: string, done: (error?: Error | null) => void): unknown
  end(): unknown
}

/** A line longer than this goes to the parser in pieces. */
const pieceCharacters = 16_384

export interface TransformOptions {
  readonly parser: ParserStream
  readonly trail: Trail
  /** What is wrong at a position of the text, or at one that the parser's error tells. */
  readonly failureOf: (error: Error, near: Position) => LedgerError
  /** Looks at each piece before the parser does; says what is wrong with it. */
  readonly check?: (piece: string, at: Position) => LedgerError | undefined
  /** Called at the end of the text, for what the parser itself does not look at then; it may make the parser fail. */
  readonly finish?: () => void
  /** What is wrong with a quad, beyond what is wrong with it in every format. */
  readonly fault?: (quad: Quad, at: Position) => LedgerError | undefined
}

export function openTransform({ parser, trail, failureOf, check, fault, finish }: TransformOptions): Feed {
  let at = { line: 1, column: 1 }
  let quads: Quad[] = []
  let failure: LedgerError | undefined
  const fail = (error: Error): void => {
    failure ??= error instanceof LedgerError ? error : failureOf(error, at)
  }
  const ended = new Promise<void>((done) => {
    parser.on('end', done)
    parser.on('error', (error) => {
      fail(error)
      done()
    })
  })
  parser.on('data', (quad) => {
    failure ??= fault?.(quad, at) ?? quadFault(quad, at, trail)
    quads.push(quad)
  })
  const take = (): readonly Quad[] => {
    if (failure !== undefined) throw failure
    const whole = quads
    quads = []
    return whole
  }
  return async (text) => {
    if (text === undefined) {
      finish?.()
      if (failure !== undefined) throw failure
      parser.end()
      await ended
      return take()
    }
    for (const piece of piecesOf(text)) {
      failure ??= check?.(piece, at)
      if (failure === undefined) await written(parser, piece, fail)
      if (failure !== undefined) throw failure
      at = piece.endsWith('\n') ? { line: at.line + 1, column: 1 } : { line: at.line, column: at.column + piece.length }
    }
    return take()
  }
}

/** Resolves when the parser has taken it, or failed. */
function written(parser: ParserStream, piece: string, fail: (error: Error) => void): Promise<void> {
  return new Promise((done) => {
    parser.write(piece, (error) => {
      if (error) fail(error)
      done()
    })
  })
}

function* piecesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from)
    const next = Math.min(end === -1 ? text.length : end + 1, from + pieceCharacters)
    yield text.slice(from, next)
    from = next
  }
}

/** Labels that a text gives and labels that a parser makes up never meet, and are the same in every run. */
export function openFactory(): typeof DataFactory {
  let made = 0
  const blankNode = (label?: string): Term => DataFactory.blankNode(label === undefined ? `m${made++}` : `g${label}`)
  // n3 does not take null for what is not there.
  const literal: typeof DataFactory.literal = (value, kind) => DataFactory.literal(value, kind ?? undefined)
  return { ...DataFactory, blankNode, literal } as typeof DataFactory
}
