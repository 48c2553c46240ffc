// Quads to drafts of transactions: terms and triples of items, as many as fit the bounds of one transaction. Pure, and the
// same in a browser. Blank nodes get numbers of the transaction in which they first appear; a later transaction names them
// by their Skolem IRIs, so that one blank node of the input stays one.

import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import type { ItemTerm, ItemTriple } from '../ledger/payload.ts'
import type { RdfQuad, RdfTerm } from '../ledger/profile.ts'
import type { Policy } from '../ledger/records.ts'
import { skolemIri, termKey } from '../ledger/terms.ts'

/** Where quads go: the graph, its policy, and whom they concern. */
interface Destination {
  readonly graph: string
  readonly policy: Policy
  /** Undefined: whatever blank node is the quad's subject, which then is its own subject. */
  readonly subjects: readonly string[] | undefined
}

interface DraftItem {
  readonly graph: string
  readonly policy: Policy
  readonly subjects: readonly string[]
  readonly terms: readonly ItemTerm[]
  readonly triples: readonly ItemTriple[]
}

/** What becomes one transaction. */
export interface Draft {
  /** 16 random bytes: the blank nodes of all its items are named by them. */
  readonly skolem: Uint8Array
  readonly items: readonly DraftItem[]
  readonly quads: number
  /** About as many as its payload has before padding. */
  readonly bytes: number
}

export interface Packer {
  /** The draft that was full before this quad, if it was. */
  add(destination: Destination, quad: RdfQuad): Draft | undefined
  /** What is left, if anything. */
  end(): Draft | undefined
}

export interface PackerOptions {
  /** Quads of one transaction, 1 to `limits.termsPerItemMax`. */
  readonly quadsMax: number
  readonly randomBytes: (length: number) => Uint8Array
}

/** Room that the subjects and the frame of one item take at most. */
const itemFrameBytesMax = limits.subjectsPerItemMax * (limits.iriBytesMax + 16) + 64

/** Of all items of one draft: padding to powers of two at most doubles them, and the smallest item has two parts of 256. */
const draftBytesMax = limits.payloadBytesMax / 2 - limits.itemsPerTransactionMax * 512 - itemFrameBytesMax

const itemBytesMax = limits.itemBytesMax - itemFrameBytesMax

export function openPacker({ quadsMax, randomBytes }: PackerOptions): Packer {
  const names = new Map<string, { readonly skolem: Uint8Array; readonly number: number }>()
  let skolem = randomBytes(16)
  let items = new Map<string, ItemBuilder>()
  let size = { quads: 0, bytes: 0, blanks: 0 }

  const blank = (label: string): ItemTerm => {
    let name = names.get(label)
    if (name === undefined) {
      if (names.size >= limits.ingestBlankNodesMax) {
        throw new LedgerError('INPUT_TOO_LARGE', { part: 'blank nodes', most: limits.ingestBlankNodesMax })
      }
      name = { skolem, number: size.blanks++ }
      names.set(label, name)
    }
    return name.skolem === skolem
      ? { type: 'blank', number: name.number }
      : { type: 'iri', value: skolemIri(name.skolem, name.number) }
  }

  const take = (): Draft | undefined => {
    if (size.quads === 0) return undefined
    const draft = { skolem, items: [...items.values()].map((item) => item.draft), quads: size.quads, bytes: size.bytes }
    skolem = randomBytes(16)
    items = new Map()
    size = { quads: 0, bytes: 0, blanks: 0 }
    return draft
  }

  return {
    add(destination, quad) {
      const bytes = 3 * 16 + termBytes(quad.subject) + termBytes(quad.predicate) + termBytes(quad.object)
      const full =
        size.quads >= quadsMax || size.bytes + bytes > draftBytesMax || items.size >= limits.itemsPerTransactionMax
      const done = full ? take() : undefined
      const subjects = destination.subjects ?? [iriOf(blank(quad.subject.value), skolem)]
      const place = `${destination.graph} ${subjects.join(' ')}`
      let item = items.get(place)
      if (item === undefined || item.bytes + bytes > itemBytesMax) {
        // A full item stays in the draft under another place.
        if (item !== undefined) items.set(`${place} ${items.size}`, item)
        item = openItem({ graph: destination.graph, policy: destination.policy, subjects }, skolem)
        items.set(place, item)
        size.bytes += subjects.reduce((sum, subject) => sum + utf8(subject).length + 16, 0)
      }
      size.bytes += bytes
      if (item.add(quad, blank, bytes)) size.quads++
      return done
    },
    end: take,
  }
}

interface ItemBuilder {
  readonly draft: DraftItem
  /** About as many as its encoding takes, never fewer. */
  readonly bytes: number
  /** Whether the triple was new. */
  add(quad: RdfQuad, blank: (label: string) => ItemTerm, bytes: number): boolean
}

function openItem(to: Pick<DraftItem, 'graph' | 'policy' | 'subjects'>, skolem: Uint8Array): ItemBuilder {
  const terms: ItemTerm[] = []
  const triples: ItemTriple[] = []
  const places = new Map<string, number>()
  const rows = new Set<string>()
  let size = 0
  const placeOf = (term: ItemTerm): number => {
    const key = termKey(term, skolem)
    let place = places.get(key)
    if (place === undefined) {
      place = terms.push(term) - 1
      places.set(key, place)
    }
    return place
  }
  return {
    draft: { ...to, terms, triples },
    get bytes() {
      return size
    },
    add(quad, blank, bytes) {
      const [subject, predicate, object] = [quad.subject, quad.predicate, quad.object].map((term) =>
        placeOf(itemTerm(term, blank)),
      ) as [number, number, number]
      const row = `${subject} ${predicate} ${object}`
      if (rows.has(row)) return false
      rows.add(row)
      triples.push({ subject, predicate, object })
      size += bytes
      return true
    },
  }
}

function itemTerm(term: RdfTerm, blank: (label: string) => ItemTerm): ItemTerm {
  switch (term.termType) {
    case 'NamedNode':
      return { type: 'iri', value: term.value }
    case 'BlankNode':
      return blank(term.value)
    case 'Literal':
      // Lower case is the value space of language tags (RDF 1.1 Concepts, section 3.3).
      return term.language
        ? { type: 'language', value: term.value, language: term.language.toLowerCase() }
        : { type: 'literal', value: term.value, datatype: term.datatype?.value ?? xsdString }
    default:
      throw new TypeError(`a ${term.termType} cannot stand in an item`)
  }
}

const xsdString = 'http://www.w3.org/2001/XMLSchema#string'

function iriOf(term: ItemTerm, skolem: Uint8Array): string {
  return term.type === 'blank' ? skolemIri(skolem, term.number) : term.type === 'iri' ? term.value : ''
}

function termBytes({ value, datatype, language }: RdfTerm): number {
  return utf8(value).length + (datatype?.value.length ?? 0) + (language?.length ?? 0) + 16
}
