// RDF text to quads, as a stream: Turtle, TriG, N-Triples and N-Quads by n3, in strict UTF-8. n3 is lenient about IRIs
// and language tags; what would not survive a round trip, or would break out of a line of N-Quads, is refused here.
// What the quads become is decided in ingest.ts.

import { extname } from 'node:path'
import { Parser, type Quad, type Term } from 'n3'
import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { isAbsoluteIri } from '../ledger/terms.ts'

export type RdfFormat = 'turtle' | 'trig' | 'ntriples' | 'nquads'

const formats: Readonly<Record<RdfFormat, { readonly extension: string; readonly parser: string }>> = {
  turtle: { extension: '.ttl', parser: 'text/turtle' },
  trig: { extension: '.trig', parser: 'application/trig' },
  ntriples: { extension: '.nt', parser: 'application/n-triples' },
  nquads: { extension: '.nq', parser: 'application/n-quads' },
}

export const rdfFormats: readonly RdfFormat[] = Object.keys(formats) as RdfFormat[]

/** The format that a file's extension tells; .gz is looked through. @throws LedgerError FORMAT_UNKNOWN */
export function formatOf(path: string): RdfFormat {
  const extension = extname(path.replace(/\.gz$/, ''))
  const found = rdfFormats.find((format) => formats[format].extension === extension)
  if (found === undefined) throw new LedgerError('FORMAT_UNKNOWN', { file: path, known: rdfFormats.join(', ') })
  return found
}

export interface ParseOptions {
  readonly format: RdfFormat
  /** Against which relative IRIs of Turtle and TriG are resolved; without it they are refused. */
  readonly base?: string
  /** Told in errors. */
  readonly file?: string
}

/**
 * The quads of `source`, gathered as they come out of each of its chunks; blank nodes keep one label each for the whole run.
 * @throws LedgerError PARSE_ERROR (file, line), INPUT_TOO_LARGE
 */
export async function* parseRdf(
  source: AsyncIterable<Uint8Array>,
  { format, base, file }: ParseOptions,
): AsyncGenerator<readonly Quad[]> {
  const place: Place = { file, line: 1 }
  const feed = openParser(format, base, place)
  const decode = openDecoder(file)
  let silent = 0
  for await (const chunk of source) {
    const quads = feed(decode(chunk))
    // A statement that never ends would be held in memory whole.
    silent = quads.length > 0 ? 0 : silent + chunk.length
    if (silent > 2 * limits.literalBytesMax) throw tooLarge(place, 'one statement')
    yield quads
  }
  yield [...feed(decode(undefined)), ...feed(undefined)]
}

interface Place {
  readonly file: string | undefined
  /** Line, from 1, of the token that was read last. */
  line: number
}

/** Takes text, and undefined at the end; gives the quads that became whole. */
function openParser(
  format: RdfFormat,
  base: string | undefined,
  place: Place,
): (text: string | undefined) => readonly Quad[] {
  const parser = new Parser({ format: formats[format].parser, ...(base === undefined ? {} : { baseIRI: base }) })
  let onData: (text: string) => void = () => {}
  let onEnd: () => void = () => {}
  let quads: Quad[] = []
  let failure: Error | undefined
  // n3 takes anything that has `on`, and calls back while it is fed. Its type definitions are older than `onToken`.
  const source = {
    on(event: string, callback: (text: string) => void): void {
      if (event === 'data') onData = callback
      if (event === 'end') onEnd = callback as () => void
    },
  }
  const callbacks = {
    onToken: ({ line }: { readonly line: number }): void => {
      place.line = line
    },
    onQuad: (error: Error | null, quad: Quad | null): void => {
      if (failure !== undefined) return
      if (error) failure = parseError(error, place)
      else if (quad) {
        failure = quadFault(quad, place)
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

function parseError(failure: Error & { context?: { line?: number } }, place: Place): LedgerError {
  const line = failure.context?.line ?? place.line
  const reason = printable(failure.message.replace(/ on line \d+\.?$/, ''))
  return new LedgerError('PARSE_ERROR', { ...at({ ...place, line }), reason }, failure)
}

/** Strict UTF-8 over chunks; undefined at the end. */
function openDecoder(file: string | undefined): (chunk: Uint8Array | undefined) => string {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 1
  return (chunk) => {
    try {
      const text = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
      if (chunk !== undefined) line += newlines(chunk)
      return text
    } catch (cause) {
      if (chunk !== undefined) line += newlines(chunk.subarray(0, invalidFrom(chunk)))
      throw new LedgerError('PARSE_ERROR', { ...at({ file, line }), reason: 'not UTF-8' }, cause)
    }
  }
}

/** About where `chunk` stops being UTF-8: the length of the longest part, cut at line ends, that still is. */
function invalidFrom(chunk: Uint8Array): number {
  let from = 0
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, end + 1)) {
    try {
      // The first line may begin inside a character of the chunk before.
      new TextDecoder('utf-8', { fatal: from > 0 }).decode(chunk.subarray(from, end))
    } catch {
      return from
    }
    from = end + 1
  }
  return from
}

function newlines(chunk: Uint8Array): number {
  let count = 0
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, end + 1)) count++
  return count
}

function quadFault(quad: Quad, place: Place): LedgerError | undefined {
  return (
    termFault(quad.subject, place) ??
    termFault(quad.predicate, place) ??
    termFault(quad.object, place) ??
    termFault(quad.graph, place)
  )
}

function termFault(term: Term, place: Place): LedgerError | undefined {
  switch (term.termType) {
    case 'NamedNode':
      return iriFault(term.value, place)
    case 'Literal':
      if (utf8(term.value).length > limits.ingestLiteralBytesMax) return tooLarge(place, 'a literal')
      if (/\p{Surrogate}/u.test(term.value)) return refused(place, 'a lone surrogate in a literal')
      if (term.language !== '' && !/^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$/.test(term.language)) {
        return refused(place, 'a language tag that is none')
      }
      return iriFault(term.datatype.value, place)
    case 'BlankNode':
    case 'DefaultGraph':
      return undefined
    default:
      return refused(place, `a ${term.termType.toLowerCase()}, which RDF 1.1 does not have`)
  }
}

function iriFault(value: string, place: Place): LedgerError | undefined {
  if (value.length > limits.iriBytesMax || utf8(value).length > limits.iriBytesMax) return tooLarge(place, 'an IRI')
  if (isAbsoluteIri(value)) return undefined
  return refused(place, `an IRI that is not absolute, or has a character that no IRI has: ${printable(value)}`)
}

function refused(place: Place, reason: string): LedgerError {
  return new LedgerError('PARSE_ERROR', { ...at(place), reason })
}

function tooLarge(place: Place, part: string): LedgerError {
  return new LedgerError('INPUT_TOO_LARGE', { ...at(place), part })
}

function at({ file, line }: Place): Record<string, string | number> {
  return file === undefined ? { line } : { file, line }
}

/** At most 80 characters, without control characters: errors go to terminals and logs. */
function printable(text: string): string {
  const plain = text.replace(/\p{Cc}/gu, '\uFFFD')
  return plain.length > 80 ? `${plain.slice(0, 79)}\u2026` : plain
}
