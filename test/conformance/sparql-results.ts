// Results of SPARQL queries in the forms in which the W3C's suites hold them, as quads: two results are the same when these
// are isomorphic, which takes care of blank nodes and of the order of rows.

import { readFileSync } from 'node:fs'
import { DataFactory, Parser, type Quad, Store, type Term } from 'n3'

export type Row = Readonly<Record<string, Term>>

export type Outcome =
  | { readonly type: 'rows'; readonly rows: readonly Row[] }
  | { readonly type: 'graph'; readonly quads: readonly Quad[] }

interface JsonTerm {
  readonly type: string
  readonly value: string
  readonly datatype?: string
  readonly 'xml:lang'?: string
}

export interface JsonResults {
  readonly boolean?: boolean
  readonly results?: { readonly bindings: readonly Readonly<Record<string, JsonTerm>>[] }
}

/** ASK is one row. */
export function jsonRows({ boolean, results }: JsonResults): readonly Row[] {
  if (boolean !== undefined) return [{ answer: DataFactory.literal(`${boolean}`) }]
  return (results?.bindings ?? []).map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, term]) => [name, termOf(term)])),
  )
}

function termOf({ type, value, datatype, 'xml:lang': language }: JsonTerm): Term {
  if (type === 'uri') return DataFactory.namedNode(value)
  if (type === 'bnode') return DataFactory.blankNode(value)
  return literalOf(value, language ?? (datatype === undefined ? undefined : DataFactory.namedNode(datatype)))
}

const numeric = /#(integer|decimal|double|float|int|long|short|byte|nonNegativeInteger|positiveInteger)$/

/** Numbers by their value: a processor may write 2.0 for 2. */
function literalOf(value: string, kind: Parameters<typeof DataFactory.literal>[1]): Term {
  const isNumber = typeof kind === 'object' && 'value' in kind && numeric.test(kind.value)
  return DataFactory.literal(isNumber && !Number.isNaN(Number(value)) ? `${Number(value)}` : value, kind)
}

/** Each row a blank node with a property for each variable. */
export function rowQuads(rows: readonly Row[]): readonly Quad[] {
  return rows.flatMap((row, number) => {
    const self = DataFactory.blankNode(`row${number}`)
    const whole = DataFactory.quad(self, DataFactory.namedNode('urn:row'), DataFactory.literal('')) as Quad
    const values = Object.entries(row).map(
      ([name, term]) => DataFactory.quad(self, DataFactory.namedNode(`urn:variable:${name}`), term as never) as Quad,
    )
    return [whole, ...values]
  })
}

export function expectedRows(file: string, iri: string): readonly Row[] {
  const text = readFileSync(file, 'utf8')
  if (file.endsWith('.srx')) return xmlRows(text)
  if (file.endsWith('.srj')) return jsonRows(JSON.parse(text) as JsonResults)
  if (file.endsWith('.csv')) return csvRows(text)
  if (file.endsWith('.tsv')) return tsvRows(text)
  return turtleRows(text, iri)
}

/** RFC 4180 as SPARQL 1.1 uses it: texts without their kinds, and an unbound variable cannot be told from an empty text. */
export function csvRows(text: string): readonly Row[] {
  const fields: string[][] = [[]]
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r?\n|$)/g)) {
    fields.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain)
    if (end !== ',') fields.push([])
  }
  const blank = /^_:(.+)$/
  return namedRows(fields, (value) =>
    DataFactory[blank.test(value) ? 'blankNode' : 'literal'](value.replace(blank, '$1')),
  )
}

/** Terms as Turtle writes them, of which tabs are none. */
export function tsvRows(text: string): readonly Row[] {
  const fields = text.split(/\r?\n/).map((line) => line.split('\t').map((value) => value.replace(/^\?/, '')))
  return namedRows(fields, (value) => {
    const label = /^_:(.+)$/.exec(value)?.[1]
    if (label !== undefined) return DataFactory.blankNode(label)
    const [parsed] = new Parser().parse(`<urn:s> <urn:p> ${value} .`)
    const term = parsed?.object as Term
    return term.termType === 'Literal' ? literalOf(term.value, term.language || term.datatype) : term
  })
}

function namedRows(
  [names = [], ...rows]: readonly (readonly string[])[],
  termIn: (value: string) => Term,
): readonly Row[] {
  return rows
    .filter((row) => row.some((value) => value !== ''))
    .map((row) =>
      Object.fromEntries(row.flatMap((value, place) => (value === '' ? [] : [[names[place] ?? '', termIn(value)]]))),
    )
}

/** Enough of XML for the suites' own files. */
function xmlRows(text: string): readonly Row[] {
  const plain = text.replace(/<!--[\s\S]*?-->/g, '')
  const boolean = /<boolean>\s*(true|false)\s*<\/boolean>/.exec(plain)?.[1]
  if (boolean !== undefined) return jsonRows({ boolean: boolean === 'true' })
  return [...plain.matchAll(/<result>([\s\S]*?)<\/result>|<result\s*\/>/g)].map(([, row = '']) =>
    Object.fromEntries(
      [...row.matchAll(/<binding name=["']([^"']+)["']\s*>([\s\S]*?)<\/binding>/g)].map(([, name = '', value = '']) => [
        name,
        xmlTerm(value.trim()),
      ]),
    ),
  )
}

function xmlTerm(text: string): Term {
  const [, tag = '', attributes = '', content = ''] = /^<(\w+)([^>]*?)(?:\/>|>([\s\S]*)<\/\w+>)$/.exec(text) ?? []
  const value = content
    .replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, '$1')
    .replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'" })[name] ?? '&')
  if (tag === 'uri') return DataFactory.namedNode(value)
  if (tag === 'bnode') return DataFactory.blankNode(value)
  const language = /xml:lang=["']([^"']+)["']/.exec(attributes)?.[1]
  const datatype = /datatype=["']([^"']+)["']/.exec(attributes)?.[1]
  return literalOf(value, language ?? (datatype === undefined ? undefined : DataFactory.namedNode(datatype)))
}

const rs = 'http://www.w3.org/2001/sw/DataAccess/tests/result-set#'

function turtleRows(text: string, iri: string): readonly Row[] {
  const store = new Store(new Parser({ baseIRI: iri }).parse(text))
  const [boolean] = store.getObjects(null, `${rs}boolean`, null)
  if (boolean !== undefined) return jsonRows({ boolean: boolean.value === 'true' })
  return store.getObjects(null, `${rs}solution`, null).map((solution) =>
    Object.fromEntries(
      store.getObjects(solution, `${rs}binding`, null).map((binding) => {
        const [variable] = store.getObjects(binding, `${rs}variable`, null)
        const [value] = store.getObjects(binding, `${rs}value`, null)
        const term = value?.termType === 'Literal' ? literalOf(value.value, value.language || value.datatype) : value
        return [variable?.value ?? '', term as Term]
      }),
    ),
  )
}
