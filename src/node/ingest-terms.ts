// What terms the ledger takes, whatever syntax they came in: those of RDF 1.1, with IRIs and language tags that survive a
// round trip and cannot break out of a line of N-Quads. What RDF 1.2 adds, triple terms and base directions, is refused
// here and nowhere else: the format of items has no place for it, and leaving it out would change what was said.

import type { Quad, Term } from 'n3'
import { utf8 } from '../base/bytes.ts'
import type { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { isAbsoluteIri } from '../ledger/terms.ts'
import type { Position, Trail } from './ingest-place.ts'

export function quadFault(
  { subject, predicate, object, graph }: Quad,
  at: Position,
  trail: Trail,
): LedgerError | undefined {
  if (predicate.termType !== 'NamedNode') return trail.refused(at, 'a predicate that is no IRI')
  return (
    termFault(subject, at, trail) ??
    termFault(predicate, at, trail) ??
    termFault(object, at, trail) ??
    termFault(graph, at, trail)
  )
}

function termFault(term: Term, at: Position, trail: Trail): LedgerError | undefined {
  switch (term.termType) {
    case 'NamedNode':
      return iriFault(term.value, at, trail)
    case 'Literal':
      if (utf8(term.value).length > limits.ingestLiteralBytesMax) return trail.tooLarge(at, 'a literal')
      if (/\p{Surrogate}/u.test(term.value)) return trail.refused(at, 'a lone surrogate in a literal')
      if ((term as { readonly direction?: string }).direction) {
        return trail.refused(at, 'a base direction, which RDF 1.1 does not have')
      }
      if (term.language !== '' && !/^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$/.test(term.language)) {
        return trail.refused(at, 'a language tag that is none')
      }
      return iriFault(term.datatype.value, at, trail)
    case 'BlankNode':
    case 'DefaultGraph':
      return undefined
    default:
      return trail.refused(at, 'a triple as a term, which RDF 1.1 does not have')
  }
}

function iriFault(value: string, at: Position, trail: Trail): LedgerError | undefined {
  // A character of UTF-16 makes three bytes at most.
  if (3 * value.length > limits.iriBytesMax && utf8(value).length > limits.iriBytesMax)
    return trail.tooLarge(at, 'an IRI')
  if (isAbsoluteIri(value)) return undefined
  return trail.refused(at, 'an IRI that is not absolute, or has a character that no IRI has')
}
