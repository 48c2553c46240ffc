// RDF text as quads, read as a node's users have it read.

import type { Quad } from 'n3'
import { utf8 } from '../../src/base/bytes.ts'
import { parseRdf, type RdfFormat } from '../../src/node/ingest-parse.ts'

export async function quadsOf(text: string, format: RdfFormat = 'turtle'): Promise<readonly Quad[]> {
  const all: Quad[] = []
  for await (const quads of parseRdf(oneChunk(text), { format })) all.push(...quads)
  return all
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield utf8(text)
}
