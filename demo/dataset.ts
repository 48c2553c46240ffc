// What the demo submits: its own supply chain, or files that somebody names. Files decide which graphs the ledger has.

import { createReadStream } from 'node:fs'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { formatOf, parseRdf } from '../src/node/ingest-parse.ts'
import { demoData } from './data.ts'

export interface DataFile {
  readonly path: string
  /** Where its quads go that name no graph. */
  readonly graph: string
}

export interface Dataset {
  readonly graphs: readonly { readonly iri: string; readonly policy: 'open' | 'personal' }[]
  /** Submitted while all nodes run. */
  readonly files: readonly DataFile[]
  /** Submitted while one node is dead. */
  readonly late: DataFile
  readonly question: string
  /** Who will be erased. */
  readonly subject: Subject
}

export interface Subject {
  readonly person: string
  /** What only this person's items say: searched for on the disks. */
  readonly values: readonly string[]
}

const extensions = ['.ttl', '.trig', '.nt', '.nq']
const extensionOf = (path: string): string => extname(path.replace(/\.gz$/, ''))

export const ownEvents = 'urn:g:events'
export const ownPersons = 'urn:g:persons'

export async function ownDataset(directory: string): Promise<Dataset> {
  const { events, persons, late } = demoData({ seed: 4, consignments: 60 })
  const write = async (name: string, text: string, graph: string): Promise<DataFile> => {
    const path = join(directory, name)
    await writeFile(path, text)
    return { path, graph }
  }
  return {
    graphs: [
      { iri: ownEvents, policy: 'open' },
      { iri: ownPersons, policy: 'personal' },
    ],
    files: [await write('events.ttl', events, ownEvents), await write('persons.ttl', persons, ownPersons)],
    late: await write('late.ttl', late, ownEvents),
    subject: {
      person: 'https://olive.example/person-7',
      values: ['https://olive.example/person-7', 'hugo.vidal@olive.example'],
    },
    question: `PREFIX epcis: <https://ref.gs1.org/epcis/>
PREFIX cbv: <https://ref.gs1.org/cbv/>
PREFIX schema: <https://schema.org/>
SELECT ?name (COUNT(?event) AS ?shipped) WHERE {
  ?event epcis:bizStep cbv:BizStep-shipping ; epcis:epcList ?pallet .
  ?person <https://olive.example/signedFor> ?pallet ; schema:givenName ?name .
} GROUP BY ?name ORDER BY DESC(?shipped) ?name LIMIT 3`,
  }
}

/** @throws Error naming a path that holds no RDF. */
export async function datasetFrom(paths: readonly string[], directory: string): Promise<Dataset> {
  const files = (await Promise.all(paths.map(rdfFiles))).flat().sort()
  if (files.length === 0) throw new Error(`no ${extensions.join(', ')} file in ${paths.join(', ')}`)
  const graph = 'urn:g:data'
  const named = new Set<string>([graph])
  for (const path of files) for (const iri of await graphsIn(path)) named.add(iri)
  const late = join(directory, 'late.ttl')
  await writeFile(late, '<urn:demo:late> <urn:demo:says> "written while one node was dead"@en .\n')
  const person = 'urn:demo:person:ada'
  const persons = join(directory, 'persons.ttl')
  await writeFile(
    persons,
    `<${person}> a <https://schema.org/Person> ; <https://schema.org/email> "ada@demo.example" .\n`,
  )
  return {
    graphs: [
      ...[...named].map((iri) => ({ iri, policy: 'open' as const })),
      { iri: 'urn:g:demo:persons', policy: 'personal' },
    ],
    files: [...files.map((path) => ({ path, graph })), { path: persons, graph: 'urn:g:demo:persons' }],
    subject: { person, values: [person, 'ada@demo.example'] },
    late: { path: late, graph },
    question:
      'SELECT ?predicate (COUNT(*) AS ?uses) WHERE { ?s ?predicate ?o } GROUP BY ?predicate ORDER BY DESC(?uses) ?predicate LIMIT 3',
  }
}

async function rdfFiles(path: string): Promise<readonly string[]> {
  if ((await stat(path)).isFile()) return [path]
  const names = await readdir(path, { recursive: true })
  return names.filter((name) => extensions.includes(extensionOf(name))).map((name) => join(path, name))
}

/** IRIs of the graphs that a TriG or N-Quads file names. */
async function graphsIn(path: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  if (!['.trig', '.nq'].includes(extensionOf(path))) return found
  const file = createReadStream(path)
  // A failure of either end ends the other, and the loop below with it.
  const content = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => undefined) : file
  for await (const quads of parseRdf(content, { format: formatOf(path), file: path })) {
    for (const { graph } of quads) if (graph.termType === 'NamedNode') found.add(graph.value)
  }
  return found
}
