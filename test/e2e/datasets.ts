// The real data that may lie beside the clone, how it goes in, and whether it came out again.

import assert from 'node:assert/strict'
import { createReadStream, existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createGunzip } from 'node:zlib'
import { DataFactory, type Quad, type Term } from 'n3'
import { formatOf, parseRdf } from '../../src/node/ingest-parse.ts'
import { coloured } from './isomorphic.ts'

const folder = resolve(import.meta.dirname, '../../../shared/data')

export interface Dataset {
  readonly name: string
  readonly files: readonly string[]
  /** Where its statements go; its own graph where it names one. */
  readonly graph: string
}

const known: readonly { readonly name: string; readonly extension: RegExp; readonly graph: string }[] = [
  { name: 'gleif', extension: /\.(ttl|nt|nq|trig|rdf|jsonld)(\.gz)?$/, graph: 'urn:g:gleif' },
  { name: 'epcis', extension: /\.ttl$/, graph: 'urn:g:epcis' },
  { name: 'schemaorg', extension: /\.nq\.gz$/, graph: 'https://schema.org/30.0' },
  { name: 'bsbm', extension: /\.nt\.gz$/, graph: 'urn:g:bsbm' },
]

/** Those that are there. */
export async function datasets(): Promise<readonly Dataset[]> {
  const all: Dataset[] = []
  for (const { name, extension, graph } of known) {
    const place = join(folder, name)
    if (!existsSync(place)) continue
    const files = (await readdir(place, { recursive: true })).filter((file) => extension.test(file)).sort()
    all.push({ name, graph, files: files.map((file) => join(place, file)) })
  }
  return all
}

function contentOf(file: string): AsyncIterable<Uint8Array> {
  const stream = createReadStream(file)
  return file.endsWith('.gz') ? stream.pipe(createGunzip()) : stream
}

/** All quads of the files, as they must come out: blank nodes of different files are different. */
export async function quadsOf({ files, graph }: Pick<Dataset, 'files' | 'graph'>): Promise<readonly Quad[]> {
  const all: Quad[] = []
  const own = DataFactory.namedNode(graph)
  for (const [number, file] of files.entries()) {
    const apart = <T extends Term>(term: T): T =>
      term.termType === 'BlankNode' ? (DataFactory.blankNode(`f${number}.${term.value}`) as unknown as T) : term
    for await (const quads of parseRdf(contentOf(file), { format: formatOf(file), file })) {
      for (const quad of quads) {
        const target = quad.graph.termType === 'DefaultGraph' ? own : quad.graph
        all.push(DataFactory.quad(apart(quad.subject), quad.predicate, apart(quad.object), target) as Quad)
      }
    }
  }
  return all
}

/** The same quads but for the names of blank nodes: Skolem IRIs of `dumped` are blank nodes again. */
export async function assertIsomorphic(dumped: AsyncIterable<Uint8Array>, input: readonly Quad[]): Promise<void> {
  const out: Quad[] = []
  const back = <T extends Term>(term: T): T => {
    const [, label] = /^urn:quadrille:skolem:(.+)$/.exec(term.value) ?? []
    const isSkolem = term.termType === 'NamedNode' && label !== undefined
    return isSkolem ? (DataFactory.blankNode(label.replace(':', '.')) as unknown as T) : term
  }
  for await (const quads of parseRdf(dumped, { format: 'nquads' })) {
    for (const { subject, predicate, object, graph } of quads) {
      out.push(DataFactory.quad(back(subject), predicate, back(object), graph) as Quad)
    }
  }
  const [left, right] = coloured(out, input)
  assert.ok(right.length > 0)
  assert.equal(left.length, right.length)
  for (const [place, line] of left.entries()) if (line !== right[place]) assert.equal(line, right[place])
}
