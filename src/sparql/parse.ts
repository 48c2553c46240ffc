// Reads a query before anything is evaluated: it must be a query (no update), reach out to nobody (no SERVICE), and name
// its dataset within the ledger. FROM and FROM NAMED are taken out here and become the view that the query sees.

import { toAlgebra } from '@traqula/algebra-sparql-1-2'
import { Parser } from '@traqula/parser-sparql-1-2'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { plainWords } from '../base/plain-words.ts'

/** Graph IRIs (SPARQL 1.1 Query, section 13.2). */
export interface Dataset {
  /** Their merge is the default graph. */
  readonly defaultGraphs: readonly string[]
  readonly namedGraphs: readonly string[]
}

export type Algebra = ReturnType<typeof toAlgebra>

export interface ParsedQuery {
  readonly algebra: Algebra
  /** Of BASE, for IRI(). */
  readonly baseIri: string | undefined
  /** Undefined when the query names none: then it sees the whole ledger. */
  readonly dataset: Dataset | undefined
}

/** Building a parser takes long; it keeps no state between queries. */
const parser: Parser = new Parser({ lexerConfig: { positionTracking: 'full' } })

export type Tree = ReturnType<Parser['parse']>

/** @throws LedgerError PARSE_ERROR with line and column, QUERY_FORBIDDEN, TOO_LARGE. */
export function parseQuery(text: string): ParsedQuery {
  const { tree, baseIri } = parseText(text)
  if (tree.type === 'update') throw new LedgerError('QUERY_FORBIDDEN', { found: 'an update' })
  const whole = algebraOf(text, tree)
  if (!isFrom(whole)) return { algebra: whole, baseIri, dataset: undefined }
  return { algebra: whole.input, baseIri, dataset: datasetOf(whole) }
}

/** A query or an update that reaches out to nobody. */
export function parseText(text: string): { readonly tree: Tree; readonly baseIri: string | undefined } {
  if (text.length > limits.queryBytesMax) throw new LedgerError('TOO_LARGE', { bytesMax: limits.queryBytesMax })
  const tree = positioned(text, () => parser.parse(text))
  if (holdsService(tree)) throw new LedgerError('QUERY_FORBIDDEN', { found: 'SERVICE' })
  const context = tree.type === 'update' ? tree.updates.flatMap((each) => each.context) : tree.context
  return { tree, baseIri: context.findLast((each) => each.subType === 'base')?.value.value }
}

export function algebraOf(text: string, tree: Tree): Algebra {
  return positioned(text, () => toAlgebra(tree, { quads: true, blankToVariable: true }))
}

/** @throws LedgerError TOO_LARGE */
export function datasetOf(clause: From): Dataset {
  const [defaultGraphs, namedGraphs] = [
    clause.default.map(({ value }) => value),
    clause.named.map(({ value }) => value),
  ]
  if (defaultGraphs.length + namedGraphs.length > limits.queryGraphsMax) {
    throw new LedgerError('TOO_LARGE', { graphsMax: limits.queryGraphsMax })
  }
  return { defaultGraphs, namedGraphs }
}

export interface From {
  readonly type: 'from'
  readonly input: Algebra
  readonly default: readonly { readonly value: string }[]
  readonly named: readonly { readonly value: string }[]
}

/** A dataset clause stands around the whole query. */
export function isFrom(algebra: object): algebra is From {
  return 'type' in algebra && algebra.type === 'from'
}

/** SERVICE, wherever it stands. */
function holdsService(node: unknown): boolean {
  if (node === null || typeof node !== 'object') return false
  if ('subType' in node && node.subType === 'service') return true
  return Object.entries(node).some(([name, part]) => name !== 'loc' && holdsService(part))
}

function positioned<T>(text: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw parseError(text, error instanceof Error ? error.message : String(error))
  }
}

/** The parser says where in words only; these are its four ways. What it quotes is not told: it may be anything that was asked for. */
function parseError(text: string, message: string): LedgerError {
  const found = /but found(?::| -->) '([^']*)'/.exec(message)?.[1]
  const reason =
    found === undefined
      ? plainWords(message.split('\n')[0] ?? '')
      : found === ''
        ? 'the query ends too early'
        : `unexpected ${kindOf(found)}`
  const offset = offsetIn(text, message)
  if (offset === undefined) return new LedgerError('PARSE_ERROR', { reason })
  const before = text.slice(0, offset).split('\n')
  return new LedgerError('PARSE_ERROR', { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, reason })
}

/** Of a token: what it is, and itself only when it is punctuation. */
function kindOf(token: string): string {
  if (/^[?$]\w/.test(token)) return 'variable'
  if (/^<\S/.test(token)) return 'IRI'
  if (/^["']/.test(token)) return 'literal'
  if (/^[+-]?\.?\d/.test(token)) return 'number'
  return /^[^\p{L}\p{N}]{1,3}$/u.test(token) ? token : 'word'
}

function offsetIn(text: string, message: string): number | undefined {
  const character = /at offset: (\d+)/.exec(message)
  if (character !== null) return Number(character[1])
  const token = /^Parse error on line (\d+)\n[^\n]*\n(-*)\^/.exec(message)
  if (token !== null) {
    const lines = text.split('\n').slice(0, Number(token[1]) - 1)
    return lines.reduce((sum, line) => sum + line.length + 1, 0) + (token[2]?.length ?? 0)
  }
  const prefix = /^Unknown prefix: (\S*)/.exec(message)
  if (prefix !== null) return Math.max(0, beginOf(`${prefix[1]}:`, text))
  return message.startsWith('Parse error') ? text.length : undefined
}

/** Where a prefixed name with this prefix begins. */
function beginOf(prefix: string, text: string): number {
  for (let at = text.indexOf(prefix); at >= 0; at = text.indexOf(prefix, at + 1)) {
    if (!/[\p{L}\p{N}_.-]/u.test(text[at - 1] ?? '')) return at
  }
  return -1
}
