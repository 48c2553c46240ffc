// From the terms of an opened item to RDF/JS terms, row by row. Blank nodes come out as Skolem IRIs.

import { DataFactory } from 'n3'
import type { Assertions, ItemTerm } from '../ledger/payload.ts'
import { skolemIri } from '../ledger/terms.ts'
import type { StoredRow } from '../store/change.ts'

/** Row i is triple i of the item. */
export function rowsOf({ skolem, terms, triples }: Assertions): readonly StoredRow[] {
  const made = terms.map((term) => termOf(term, skolem))
  return triples.map(({ subject, predicate, object }) => ({
    subject: made[subject],
    predicate: made[predicate],
    object: made[object],
  })) as unknown as readonly StoredRow[]
}

function termOf(
  term: ItemTerm,
  skolem: Uint8Array,
): ReturnType<typeof DataFactory.namedNode> | ReturnType<typeof DataFactory.literal> {
  switch (term.type) {
    case 'iri':
      return DataFactory.namedNode(term.value)
    case 'blank':
      return DataFactory.namedNode(skolemIri(skolem, term.number))
    case 'literal':
      return DataFactory.literal(term.value, DataFactory.namedNode(term.datatype))
    case 'language':
      return DataFactory.literal(term.value, term.language)
  }
}
