// JSON-LD 1.1 to quads. Contexts are those that come with the program or that its operator gave; nothing is fetched. The
// text is looked at before the parser sees it: how long its strings are, how deep it is, and no key that JavaScript reads
// as something else. A base direction is kept as a datatype of https://www.w3.org/ns/i18n#, as JSON-LD 1.1 has it.

import { JsonLdParser } from 'jsonld-streaming-parser'
import type { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { JsonValue } from '../base/schema.ts'
import { bundledContexts } from './ingest-contexts.ts'
import type { Feed } from './ingest-n3.ts'
import type { Position, Trail } from './ingest-place.ts'
import { openFactory, openTransform } from './ingest-transform.ts'

/** What relative IRIs come out under when there is no base; JSON-LD would leave such statements out in silence. */
const noBase = 'relative://no.base/'

/** @param contexts JSON texts by their IRIs */
export function openJsonLd(base: string | undefined, contexts: ReadonlyMap<string, string>, trail: Trail): Feed {
  let near: Position = { line: 1, column: 1 }
  let refusal: LedgerError | undefined
  const load = async (name: string): Promise<JsonValue> => {
    const given = contexts.get(name)
    if (given !== undefined) return JSON.parse(given) as JsonValue
    const bundled = bundledContexts.get(name)
    if (bundled !== undefined) return bundled
    // The parser gives errors of its own for those of a loader.
    refusal ??= trail.refusedContext(near)
    throw refusal
  }
  const parser = new JsonLdParser({
    dataFactory: openFactory() as never,
    documentLoader: { load } as never,
    baseIRI: base ?? noBase,
    rdfDirection: 'i18n-datatype',
    processingMode: '1.1',
    // What names nothing, JSON-LD would leave out in silence.
    strictValues: true,
    produceGeneralizedRdf: true,
  })
  const checkText = openJsonCheck(trail)
  return openTransform({
    parser: parser as never,
    trail,
    check(piece, at) {
      near = at
      return checkText(piece, at)
    },
    fault(quad, at) {
      const relative = [quad.subject, quad.object, quad.graph].some(({ value }) => value.startsWith(noBase))
      return relative && base === undefined
        ? trail.refused(at, 'a relative IRI, and --base does not say to what')
        : undefined
    },
    failureOf(error, at) {
      if (refusal !== undefined) return refusal
      const place = /at position (\d+) in state/.exec(error.message)
      const position = place === null ? at : { line: at.line, column: (at.column ?? 1) + Number(place[1]) }
      return trail.refusedBy(position, error.message.replace(/ (at position \d+ )?in state \w+$/, ''))
    },
  })
}

/** Follows the tokens of JSON, and no more of its grammar than it needs. */
function openJsonCheck(trail: Trail): (piece: string, at: Position) => LedgerError | undefined {
  let [inString, escaped, depth, length, begun] = [false, false, 0, 0, '']
  const check = (character: string): string | undefined => {
    if (inString) {
      if (++length > limits.ingestLiteralBytesMax) return 'a string'
      if (!escaped && character === '"') inString = false
      else if (begun.length < 64) begun += character
      escaped = !escaped && character === '\\'
    } else if (character === '"') [inString, length, begun] = [true, 0, '']
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    return depth > limits.jsonDepthMax ? 'a nesting' : undefined
  }
  return (piece, { line, column = 1 }) => {
    for (let place = 0; place < piece.length; place++) {
      const character = piece[place] as string
      const large = check(character)
      if (large !== undefined) return trail.tooLarge({ line, column: column + place }, large)
      if (character === ':' && !inString && unescaped(begun) === '__proto__') {
        return trail.refused({ line, column: column + place }, 'a key __proto__, which names nothing')
      }
    }
    return undefined
  }
}

function unescaped(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}
