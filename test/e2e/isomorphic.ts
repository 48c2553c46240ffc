// Whether two sets of quads say the same but for the names of their blank nodes. Colour refinement: a blank node's colour is
// what stands around it, again and again, until colours tell no more nodes apart. Where blank nodes hang together like trees,
// as Turtle's brackets and lists do, equal colours are isomorphism; other shapes are refused rather than guessed.

import { createHash } from 'node:crypto'
import type { Quad, Term } from 'n3'

/** Blank nodes are objects, everything else a text. */
type Part = string | { readonly blank: string }
type Line = readonly Part[]

/**
 * Both sets as sorted lines in which blank nodes have colours for names: equal exactly when the sets are isomorphic.
 * @throws Error when blank nodes form a circle, unless `circles`: then equal lines are very likely isomorphic, not surely.
 */
export function coloured(
  one: readonly Quad[],
  other: readonly Quad[],
  circles: 'refuse' | 'cycles too' = 'refuse',
): readonly [readonly string[], readonly string[]] {
  const [left, right] = [linesOf(one, 'left'), linesOf(other, 'right')]
  if (circles === 'refuse') {
    requireTrees(left)
    requireTrees(right)
  }
  const all = [...left, ...right]
  let colours: ReadonlyMap<string, string> = new Map()
  for (let classes = -1; new Set(colours.values()).size !== classes; ) {
    classes = new Set(colours.values()).size
    colours = refined(all, colours)
  }
  const painted = (lines: readonly Line[]): string[] => lines.map((line) => paint(line, colours)).sort()
  return [painted(left), painted(right)]
}

function linesOf(quads: readonly Quad[], side: string): readonly Line[] {
  const part = (term: Term): Part => (term.termType === 'BlankNode' ? { blank: `${side} ${term.value}` } : textOf(term))
  const lines = quads.map(({ subject, predicate, object, graph }) => [subject, predicate, object, graph].map(part))
  return [...new Map(lines.map((line) => [JSON.stringify(line), line])).values()]
}

function textOf(term: Term): string {
  if (term.termType !== 'Literal') return `<${term.value}>`
  // Lower case is the value space of language tags (RDF 1.1 Concepts, section 3.3).
  return `${JSON.stringify(term.value)}@${term.language.toLowerCase()}^^${term.datatype.value}`
}

function paint(line: Line, colours: ReadonlyMap<string, string>, self?: string): string {
  const name = (blank: string): string => (blank === self ? 'this' : (colours.get(blank) ?? ''))
  return JSON.stringify(line.map((part) => (typeof part === 'string' ? part : [name(part.blank)])))
}

function blanksOf(line: Line): readonly string[] {
  return [...new Set(line.flatMap((part) => (typeof part === 'string' ? [] : [part.blank])))]
}

function refined(lines: readonly Line[], colours: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const around = new Map<string, string[]>()
  for (const line of lines) {
    for (const blank of blanksOf(line)) {
      const told = paint(line, colours, blank)
      const known = around.get(blank)
      if (known === undefined) around.set(blank, [colours.get(blank) ?? '', told])
      else known.push(told)
    }
  }
  const digest = ([own, ...told]: readonly string[]): string =>
    createHash('sha256')
      .update(JSON.stringify([own, ...told.sort()]))
      .digest('hex')
  return new Map([...around].map(([blank, told]) => [blank, digest(told)]))
}

/** Joins the two blank nodes of each pair once; a pair that was joined already closes a circle. */
function requireTrees(lines: readonly Line[]): void {
  const parent = new Map<string, string>()
  const rootOf = (blank: string): string => {
    let root = blank
    for (let up = parent.get(root); up !== undefined; up = parent.get(root)) root = up
    return root
  }
  const pairs = new Set(lines.map((line) => blanksOf(line).toSorted().join('\n')).filter((pair) => pair.includes('\n')))
  for (const pair of pairs) {
    const [one = '', other = ''] = pair.split('\n')
    const [a, b] = [rootOf(one), rootOf(other)]
    if (a === b) throw new Error(`blank nodes form a circle: ${one}, ${other}`)
    parent.set(a, b)
  }
}
