// Quads as N-Quads lines (RDF 1.1 N-Quads, canonical form), gathered into chunks.

import { Writer } from 'n3'
import { utf8 } from '../base/bytes.ts'
import { limits } from '../base/limits.ts'
import type { PatternTerm, QuadSource } from './source.ts'

/** All quads of a source, or of one graph of it, in the source's order. */
export async function* nquads(source: QuadSource, graph?: PatternTerm): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new Writer({ format: 'N-Quads' })
  let text = ''
  for await (const quad of source.match(null, null, null, graph)) {
    text += writer.quadToString(quad.subject, quad.predicate, quad.object, quad.graph)
    if (text.length >= limits.answerAheadBytesMax) {
      yield utf8(text)
      text = ''
    }
  }
  if (text !== '') yield utf8(text)
}
