// Finds in a query which values the objects of a pattern may have at all: `FILTER(?t >= low && ?t < high)` above it. The
// pattern's predicate then carries the bounds, so that a source with an order of values reads only what lies between them.
// The filter stays: bounds may be taken wide, or not at all.

import type { Literal, NamedNode, Term } from '@rdfjs/types'
import type { Bounds } from './source.ts'

/** A predicate of a pattern whose objects matter only between bounds. To everybody else it is its IRI. */
export class BoundedPredicate implements NamedNode {
  readonly termType = 'NamedNode'
  readonly value: string
  readonly bounds: Bounds

  constructor(value: string, bounds: Bounds) {
    this.value = value
    this.bounds = bounds
  }

  equals(other: Term | null | undefined): boolean {
    return other?.termType === 'NamedNode' && other.value === this.value
  }
}

export function boundsOf(predicate: Term | null | undefined): Bounds | undefined {
  return predicate instanceof BoundedPredicate ? predicate.bounds : undefined
}

/** What every solution must fulfil, by the name of a variable. */
type Known = ReadonlyMap<string, Bounds>

interface Node {
  readonly type: string
  readonly [part: string]: unknown
}

const nothing: Known = new Map()

/** The same query, with bounds where its filters give them. */
export function withBounds<Query extends object>(query: Query): Query {
  return bounded(query as unknown as Node, nothing) as unknown as Query
}

function bounded(node: Node, known: Known): Node {
  switch (node.type) {
    case 'filter': {
      const within = conjunction(node['expression'], known)
      return { ...node, input: bounded(node['input'] as Node, within) }
    }
    case 'pattern':
      return pattern(node, known)
    case 'bgp':
      return { ...node, patterns: all(node['patterns'], known) }
    // A solution of these is one of a part, or several joined: what rules out the one rules out the other.
    case 'join':
    case 'union':
    case 'graph':
    case 'extend':
    case 'orderby':
    case 'distinct':
    case 'reduced':
      return parts(node, known)
    case 'leftjoin':
    case 'minus': {
      const [first, second] = node['input'] as readonly [Node, Node]
      // What does not join by its own expression is left out of the second part anyway.
      const own = node.type === 'leftjoin' ? conjunction(node['expression'], nothing) : nothing
      return { ...node, input: [bounded(first, known), bounded(second, own)] }
    }
    // What comes out of these is not what goes in: a group, a cut, names of an outer query.
    default:
      return parts(node, nothing)
  }
}

function parts(node: Node, known: Known): Node {
  const { input } = node
  if (Array.isArray(input)) return { ...node, input: all(input, known) }
  return isNode(input) ? { ...node, input: bounded(input, known) } : node
}

function all(nodes: unknown, known: Known): readonly Node[] {
  return (nodes as readonly Node[]).map((node) => bounded(node, known))
}

function pattern(node: Node, known: Known): Node {
  const [subject, predicate, object] = [node['subject'] as Term, node['predicate'] as Term, node['object'] as Term]
  const bounds = object.termType === 'Variable' ? known.get(object.value) : undefined
  if (bounds === undefined || predicate.termType !== 'NamedNode' || subject.termType !== 'Variable') return node
  return { ...node, predicate: new BoundedPredicate(predicate.value, bounds) }
}

/** `known`, and what the parts of a conjunction say of variables beside literals. */
function conjunction(expression: unknown, known: Known): Known {
  if (!isNode(expression) || expression['subType'] !== 'operator') return known
  const [first, second] = expression['args'] as readonly unknown[]
  const operator = expression['operator'] as string
  if (operator === '&&') return conjunction(second, conjunction(first, known))
  const [left, right] = [termOf(first), termOf(second)]
  if (left?.termType === 'Variable' && right?.termType === 'Literal')
    return narrowed(known, left.value, operator, right)
  const turned = { '<': '>', '<=': '>=', '>': '<', '>=': '<=', '=': '=' }[operator]
  if (turned === undefined || left?.termType !== 'Literal' || right?.termType !== 'Variable') return known
  return narrowed(known, right.value, turned, left)
}

/** The first bound on a side stays: another one would narrow it more, and the filter does that. */
function narrowed(known: Known, variable: string, operator: string, literal: Literal): Known {
  const { from, to } = known.get(variable) ?? {}
  const lower = operator === '>' || operator === '>=' || operator === '='
  const upper = operator === '<' || operator === '<=' || operator === '='
  if (!lower && !upper) return known
  return new Map([
    ...known,
    [variable, { from: from ?? (lower ? literal : undefined), to: to ?? (upper ? literal : undefined) }],
  ])
}

function termOf(expression: unknown): Term | undefined {
  return isNode(expression) && expression['subType'] === 'term' ? (expression['term'] as Term) : undefined
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value
}
