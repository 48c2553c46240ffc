// Prints docs/wire.cddl from the schemas: chapters, a sentence above each rule, one field or variant a line.

import { InvariantError } from '../../src/base/errors.ts'
import { type Chapter, chapters } from './all-schemas.ts'
import { sentences } from './sentences.ts'

const preamble = `; What Quadrille's bytes look like, in CDDL (RFC 8610). Printed from the schemas by \`npm run docs\`; do not edit.
;
; Everything is deterministic CBOR (RFC 8949, section 4.2.1): one encoding for each value, no maps, no tags, no floats.
; A record is an array of its fields in the order given here; their names are for reading and are not sent. A record
; with variants begins with the variant's number. Nothing is optional: what may be absent is a list of at most one.
; Text is well-formed UTF-8 and its size is in bytes. Times are milliseconds since 1970-01-01T00:00:00Z.
`

/** The names of all rules that the chapters need, with the CDDL text of each. @throws InvariantError when two differ. */
export function rulesOf(all: readonly Chapter[]): ReadonlyMap<string, string> {
  const rules = new Map<string, string>()
  for (const [name, text] of all.flatMap(({ schemas }) => schemas.flatMap(({ rules }) => [...rules]))) {
    if ((rules.get(name) ?? text) !== text) throw new InvariantError(`two schemas share the name ${name}`)
    rules.set(name, text)
  }
  return rules
}

export function printWire(): string {
  const printed = new Set<string>()
  const sections = chapters.map((chapter) => {
    const rules = [...rulesOf([chapter])].filter(([name]) => !printed.has(name))
    for (const [name] of rules) printed.add(name)
    return [`; --- ${chapter.title} ---`, ...rules.map(([name, text]) => printRule(name, text))].join('\n\n')
  })
  return `${[preamble.trimEnd(), ...sections].join('\n\n')}\n`
}

function printRule(name: string, text: string): string {
  const sentence = sentences[name]
  const comment = sentence === undefined ? '' : `; ${sentence}\n`
  const variants = split(text, '/')
  if (variants.length > 1) return `${comment}${name} =\n    ${variants.map(printVariant).join('\n  / ')}`
  const [only = ''] = variants
  if (!only.startsWith('[')) return `${comment}${name} = ${only}`
  const fields = split(only.slice(1, -1), ',')
  return `${comment}${name} = [\n${fields.map((field) => `  ${field},`).join('\n')}\n]`
}

function printVariant(variant: string): string {
  if (variant.length < 100) return variant
  return `[\n${split(variant.slice(1, -1), ',')
    .map((field) => `      ${field},`)
    .join('\n')}\n    ]`
}

/** The parts of `text` between separators that stand in no bracket. */
function split(text: string, separator: string): readonly string[] {
  const parts = ['']
  let depth = 0
  for (const letter of text) {
    if ('[('.includes(letter)) depth += 1
    if ('])'.includes(letter)) depth -= 1
    if (letter === separator && depth === 0) parts.push('')
    else parts.push(`${parts.pop() ?? ''}${letter}`)
  }
  return parts.map((part) => part.trim())
}
