// RDF text to quads, as a stream: Turtle, TriG, N-Triples and N-Quads by n3, JSON-LD and RDF/XML by parsers that are loaded
// when they are first wanted. What terms are taken is decided in ingest-terms.ts, what the quads become in ingest.ts.

import { extname } from 'node:path'
import type { Quad } from 'n3'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { type Feed, openN3 } from './ingest-n3.ts'
import { type Syntax, Trail } from './ingest-place.ts'
import { openDecoder } from './ingest-text.ts'

export type RdfFormat = 'turtle' | 'trig' | 'ntriples' | 'nquads' | 'jsonld' | 'rdfxml'

const formats: Readonly<Record<RdfFormat, { readonly extensions: readonly string[]; readonly mediaType: string }>> = {
  turtle: { extensions: ['.ttl'], mediaType: 'text/turtle' },
  trig: { extensions: ['.trig'], mediaType: 'application/trig' },
  ntriples: { extensions: ['.nt'], mediaType: 'application/n-triples' },
  nquads: { extensions: ['.nq'], mediaType: 'application/n-quads' },
  jsonld: { extensions: ['.jsonld', '.json'], mediaType: 'application/ld+json' },
  rdfxml: { extensions: ['.rdf', '.owl', '.xml'], mediaType: 'application/rdf+xml' },
}

export const rdfFormats: readonly RdfFormat[] = Object.keys(formats) as RdfFormat[]

/** The format that a file's extension tells; .gz is looked through. @throws LedgerError FORMAT_UNKNOWN */
export function formatOf(path: string): RdfFormat {
  const extension = extname(path.replace(/\.gz$/i, '')).toLowerCase()
  const found = rdfFormats.find((format) => formats[format].extensions.includes(extension))
  if (found === undefined) throw new LedgerError('FORMAT_UNKNOWN', { file: path, known: rdfFormats.join(', ') })
  return found
}

export interface ParseOptions {
  readonly format: RdfFormat
  /** Against which relative IRIs are resolved; without it they are refused. */
  readonly base?: string
  /** Told in errors. */
  readonly file?: string
  /** Contexts of JSON-LD beside the bundled ones, by their IRIs: JSON texts. Others are refused. */
  readonly contexts?: ReadonlyMap<string, string>
}

/**
 * The quads of `source`, gathered as they come out of each of its chunks; blank nodes keep one label each for the whole run.
 * @throws LedgerError PARSE_ERROR (file, line, column), INPUT_TOO_LARGE, REMOTE_CONTEXT_REFUSED
 */
export async function* parseRdf(
  source: AsyncIterable<Uint8Array>,
  options: ParseOptions,
): AsyncGenerator<readonly Quad[]> {
  const trail = new Trail(options.file, syntaxes[options.format])
  const feed = await openFeed(options, trail)
  const decode = openDecoder(trail)
  // What gives no quads is held in memory whole: a statement, or a document of JSON-LD, which may name its context last.
  const silentMax = options.format === 'jsonld' ? limits.ingestDocumentBytesMax : 2 * limits.literalBytesMax
  let silent = 0
  for await (const chunk of source) {
    const quads = await feed(decode(chunk))
    silent = quads.length > 0 ? 0 : silent + chunk.length
    if (silent > silentMax) {
      throw trail.tooLarge({ line: trail.line }, options.format === 'jsonld' ? 'one document' : 'one statement')
    }
    yield quads
  }
  yield [...(await feed(decode(undefined))), ...(await feed(undefined))]
}

const syntaxes: Readonly<Record<RdfFormat, Syntax>> = {
  turtle: 'rdf',
  trig: 'rdf',
  ntriples: 'rdf',
  nquads: 'rdf',
  jsonld: 'json',
  rdfxml: 'xml',
}

async function openFeed({ format, base, contexts = new Map() }: ParseOptions, trail: Trail): Promise<Feed> {
  switch (format) {
    case 'jsonld':
      return (await import('./ingest-jsonld.ts')).openJsonLd(base, contexts, trail)
    case 'rdfxml':
      return (await import('./ingest-rdfxml.ts')).openRdfXml(base, trail)
    default:
      return openN3(formats[format].mediaType, base, trail)
  }
}
