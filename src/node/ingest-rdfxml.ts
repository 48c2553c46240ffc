// RDF/XML to quads. Entities may stand for namespaces and no more, so that a short text cannot unfold into a long one;
// external ones do not exist for the parser.

import { RdfXmlParser } from 'rdfxml-streaming-parser'
import type { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { Feed } from './ingest-n3.ts'
import type { Position, Trail } from './ingest-place.ts'
import { openFactory, openTransform } from './ingest-transform.ts'

export function openRdfXml(base: string | undefined, trail: Trail): Feed {
  const parser = new RdfXmlParser({
    dataFactory: openFactory() as never,
    trackPosition: true,
    // The line is told by the text that is fed; IRIs are looked at where all formats' are.
    validateUri: false,
    ...(base === undefined ? {} : { baseIRI: base }),
  })
  return openTransform({
    parser: parser as never,
    trail,
    check: openEntityCheck(trail),
    // The RDF parser never closes its XML parser, and a text that was cut off would pass for a whole one.
    finish: () => (parser as unknown as { readonly saxParser: { close(): void } }).saxParser.close(),
    failureOf: (error, near) => {
      // "Line 3 column 5: ..." is the RDF parser's, "3:5: ..." the XML parser's below it.
      const [, line, column] = /^(?:Line (\d+) column |\d+:)(\d+): /.exec(error.message) ?? []
      const position =
        column === undefined ? near : { line: line === undefined ? near.line : Number(line), column: Number(column) }
      return trail.refusedBy(position, error.message.replace(/^(Line \d+ column |\d+:)\d+: /, ''))
    },
  })
}

/** Follows the text up to its first element, before which alone entities are declared. */
function openEntityCheck(trail: Trail): (piece: string, at: Position) => LedgerError | undefined {
  let prolog: string | undefined = ''
  return (piece, at) => {
    if (prolog === undefined) return undefined
    prolog += piece
    if (prolog.length > limits.xmlPrologCharactersMax) return trail.tooLarge(at, 'what stands before the first element')
    for (const [, value = ''] of prolog.matchAll(/<!ENTITY\s+[^"'>]*["']([^"']*)/g)) {
      if (value.length > limits.xmlEntityCharactersMax) return trail.tooLarge(at, 'an entity')
    }
    // Comments and what is quoted may look like elements.
    const bare = prolog.replace(/<!--[\s\S]*?(-->|$)|"[^"]*("|$)|'[^']*('|$)/g, '')
    if (/<[\p{L}_]/u.test(bare)) prolog = undefined
    return undefined
  }
}
