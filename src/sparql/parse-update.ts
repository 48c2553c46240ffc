// Reads an update before anything is evaluated: it must be one, reach out to nobody (no SERVICE, no LOAD), and change quads
// only: graphs are registered on the ledger by acts of their own.

import { LedgerError } from '../base/errors.ts'
import { type Algebra, algebraOf, type Dataset, datasetOf, isFrom, parseText } from './parse.ts'

export type UpdateOperation =
  /** `algebra`: a deleteinsert. `dataset`: of USING. */
  | {
      readonly type: 'change'
      readonly algebra: Algebra
      readonly dataset: Dataset | undefined
      readonly baseIri: string | undefined
    }
  /** All quads of a graph, or of all (null). */
  | { readonly type: 'clear'; readonly graph: Named | null }

interface Named {
  readonly termType: 'NamedNode'
  readonly value: string
  equals(other: object | null | undefined): boolean
}

/** What the algebra has of each kind of update. */
interface Operation {
  readonly type: string
  readonly source?: Named | string
  readonly destination?: Named | string
  readonly where?: Algebra
  readonly updates?: readonly Operation[]
}

/** @throws LedgerError PARSE_ERROR with line and column, QUERY_FORBIDDEN, GRAPH_MISSING, TOO_LARGE. */
export function parseUpdate(text: string): readonly UpdateOperation[] {
  const { tree, baseIri } = parseText(text)
  if (tree.type !== 'update')
    throw new LedgerError('QUERY_FORBIDDEN', { found: 'a query where an update was expected' })
  const whole = algebraOf(text, tree) as unknown as Operation
  const all = whole.type === 'compositeupdate' ? (whole.updates ?? []) : [whole]
  return all.flatMap((each) => operationsOf(each, baseIri))
}

function operationsOf(operation: Operation, baseIri: string | undefined): readonly UpdateOperation[] {
  switch (operation.type) {
    case 'nop':
      return []
    case 'deleteinsert': {
      const { where } = operation
      if (where === undefined || !isFrom(where)) {
        return [{ type: 'change', algebra: operation as unknown as Algebra, dataset: undefined, baseIri }]
      }
      const algebra = { ...operation, where: where.input } as unknown as Algebra
      return [{ type: 'change', algebra, dataset: datasetOf(where), baseIri }]
    }
    case 'clear':
    case 'drop': {
      const { source } = operation
      if (typeof source === 'object') return [{ type: 'clear', graph: source }]
      // The default graph is a view of the others, and holds nothing of its own.
      return /default/i.test(source ?? '') ? [] : [{ type: 'clear', graph: null }]
    }
    case 'add':
    case 'copy':
    case 'move':
      return transfer(operation)
    default:
      throw new LedgerError('QUERY_FORBIDDEN', { found: operation.type.toUpperCase() })
  }
}

/** SPARQL 1.1 Update, sections 3.2.3 to 3.2.5, in terms of the others. */
function transfer({ type, source, destination }: Operation): readonly UpdateOperation[] {
  if (typeof source !== 'object' || typeof destination !== 'object') throw new LedgerError('GRAPH_MISSING')
  if (source.value === destination.value) return []
  const insert = `INSERT { GRAPH <${destination.value}> { ?s ?p ?o } } WHERE { GRAPH <${source.value}> { ?s ?p ?o } }`
  return [
    ...(type === 'add' ? [] : [{ type: 'clear' as const, graph: destination }]),
    ...parseUpdate(insert),
    ...(type === 'move' ? [{ type: 'clear' as const, graph: source }] : []),
  ]
}
