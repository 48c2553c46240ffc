// The W3C's manifests of tests, as lists of what to do and what must come out.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Parser, Store, type Term } from 'n3'

/** Where the suites live on the web: the base of every relative IRI in them. */
export const home = 'https://w3c.github.io/rdf-tests/'

const mf = 'http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#'
const qt = 'http://www.w3.org/2001/sw/DataAccess/tests/test-query#'
const rdf = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'

export interface W3cTest {
  readonly name: string
  /** Local name of its class. */
  readonly type: string
  /** IRIs of files. */
  readonly action: string
  readonly result: string | undefined
  readonly data: readonly string[]
  readonly graphData: readonly string[]
}

/** The tests of a manifest and of those that it includes. `path`: below the folder of the suites. */
export function testsOf(folder: string, path: string): readonly W3cTest[] {
  const store = new Store(new Parser({ baseIRI: `${home}${path}` }).parse(readFileSync(join(folder, path), 'utf8')))
  const objects = (subject: Term, predicate: string): readonly Term[] =>
    store.getObjects(subject as never, predicate, null)
  const one = (subject: Term | undefined, predicate: string): Term | undefined =>
    subject === undefined ? undefined : objects(subject, predicate)[0]
  const listOf = (head: Term | undefined): readonly Term[] => {
    const items: Term[] = []
    for (let node = head; node !== undefined && node.value !== `${rdf}nil`; node = one(node, `${rdf}rest`)) {
      const item = one(node, `${rdf}first`)
      if (item !== undefined) items.push(item)
    }
    return items
  }
  const [manifest] = store.getSubjects(`${rdf}type`, `${mf}Manifest`, null)
  const included = listOf(manifest && one(manifest, `${mf}include`))
  const nested = included.flatMap(({ value }) => testsOf(folder, pathOf(value)))
  const own = listOf(manifest && one(manifest, `${mf}entries`)).map((test): W3cTest => {
    const action = one(test, `${mf}action`)
    const query = one(action, `${qt}query`)
    return {
      name: one(test, `${mf}name`)?.value ?? test.value,
      type: one(test, `${rdf}type`)?.value.replace(/^.*[#/]/, '') ?? '',
      action: (query ?? action)?.value ?? '',
      result: one(test, `${mf}result`)?.value,
      data: action === undefined ? [] : objects(action, `${qt}data`).map(({ value }) => value),
      graphData: action === undefined ? [] : objects(action, `${qt}graphData`).map(({ value }) => value),
    }
  })
  return [...nested, ...own]
}

export function pathOf(iri: string): string {
  return iri.slice(home.length).replace(/#.*$/, '')
}

export interface Verdict {
  readonly name: string
  readonly ours: boolean
  /** What n3 or Comunica do without us. */
  readonly plain: boolean
}

export interface SuiteResult {
  readonly suite: string
  readonly verdicts: readonly Verdict[]
}
