// Turtle, TriG, N-Triples and N-Quads of RDF 1.1 through the ingest of this program, beside n3 alone.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Parser, type Quad } from 'n3'
import { parseRdf, type RdfFormat } from '../../src/node/ingest-parse.ts'
import { coloured } from '../e2e/isomorphic.ts'
import { pathOf, type SuiteResult, testsOf, type Verdict, type W3cTest } from './manifest.ts'

const suites: readonly { readonly suite: string; readonly format: RdfFormat; readonly mediaType: string }[] = [
  { suite: 'rdf-turtle', format: 'turtle', mediaType: 'text/turtle' },
  { suite: 'rdf-trig', format: 'trig', mediaType: 'application/trig' },
  { suite: 'rdf-n-triples', format: 'ntriples', mediaType: 'application/n-triples' },
  { suite: 'rdf-n-quads', format: 'nquads', mediaType: 'application/n-quads' },
]

type Parse = (bytes: Uint8Array, base: string) => Promise<readonly Quad[]> | readonly Quad[]

export async function rdfSuites(folder: string): Promise<readonly SuiteResult[]> {
  const all: SuiteResult[] = []
  for (const { suite, format, mediaType } of suites) {
    const ours: Parse = async (bytes, base) => {
      const quads: Quad[] = []
      for await (const some of parseRdf(inPieces(bytes), { format, base })) quads.push(...some)
      return quads
    }
    const plain: Parse = (bytes, base) =>
      new Parser({ format: mediaType, baseIRI: base }).parse(new TextDecoder().decode(bytes))
    const verdicts: Verdict[] = []
    for (const test of testsOf(folder, `rdf/rdf11/${suite}/manifest.ttl`)) {
      verdicts.push({
        name: test.name,
        ours: await passes(folder, test, ours),
        plain: await passes(folder, test, plain),
      })
    }
    all.push({ suite, verdicts })
  }
  return all
}

/** Pieces that cut through lines and characters. */
async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += 61) yield bytes.subarray(from, from + 61)
}

async function passes(folder: string, { type, action, result }: W3cTest, parse: Parse): Promise<boolean> {
  const bytes = readFileSync(join(folder, pathOf(action)))
  let quads: readonly Quad[]
  try {
    quads = await parse(bytes, action)
  } catch {
    return type.includes('Negative')
  }
  if (type.includes('Negative')) return false
  if (result === undefined) return true
  const expected = new Parser({ format: 'application/n-quads' }).parse(
    readFileSync(join(folder, pathOf(result)), 'utf8'),
  )
  const [left, right] = coloured(quads, expected, 'cycles too')
  return JSON.stringify(left) === JSON.stringify(right)
}
