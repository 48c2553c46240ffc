// Signed transactions made ahead of a measurement, as the bytes of the HTTP requests that carry them: EPCIS-like events, some
// quads each, whose terms are new for one half and seen before for the other.

import { randomBytes } from '#crypto'
import { concat, utf8 } from '../../src/base/bytes.ts'
import { encodeCbor } from '../../src/base/cbor.ts'
import { graphId } from '../../src/base/hash.ts'
import { timeOf } from '../../src/base/ids.ts'
import { buildData, type ItemInput, signerOf } from '../../src/ledger/build.ts'
import type { ItemTerm } from '../../src/ledger/payload.ts'
import { benchGraph, type Network } from './network.ts'

export interface Prepared {
  /** Whole HTTP requests. */
  readonly requests: readonly Uint8Array[]
  /** Of the last one: signed part, and payload. */
  readonly transactionBytes: number
  readonly payloadBytes: number
}

/** A term that is not a blank node. */
type NamedTerm = Exclude<ItemTerm, { readonly type: 'blank' }>

const epcis = 'https://ref.gs1.org/epcis/'
const quadsPerEvent = 6

/** For each node's application key the next numbers to use. */
export class Transactions {
  readonly #network: Network
  readonly #next: number[]
  readonly #run: string = Buffer.from(randomBytes(6)).toString('hex')

  constructor(network: Network) {
    this.#network = network
    this.#next = network.keys.map(() => 1)
  }

  /** `count` transactions of the key of the node at this place. The numbers of those that are never sent are given again. */
  async prepare(place: number, count: number, quads: number): Promise<Prepared> {
    const { ledger, policy, keys } = this.#network
    const key = keys[place]
    if (key === undefined) throw new RangeError('no such node')
    const [requests, sizes] = [[] as Uint8Array[], { transactionBytes: 0, payloadBytes: 0 }]
    for (let number = 0; number < count; number++) {
      const sequence = (this.#next[place] ?? 1) + number
      const item = itemOf(`${this.#run}:${place}:${sequence}`, sequence, quads)
      const { bytes, payload } = await buildData({
        ledger,
        key: signerOf(key),
        sequence,
        expires: timeOf(Date.now() + 3_600_000),
        base: [],
        randomBytes,
        items: [{ ...item, graph: graphId(benchGraph), policy }],
      })
      sizes.transactionBytes = bytes.length
      sizes.payloadBytes = payload.length
      requests.push(requestOf(encodeCbor([bytes, payload])))
    }
    return { requests, ...sizes }
  }

  /** So many of the prepared ones were sent. */
  sent(place: number, count: number): void {
    this.#next[place] = (this.#next[place] ?? 1) + count
  }
}

function requestOf(body: Uint8Array): Uint8Array {
  const head = `POST /transactions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/cbor\r\ncontent-length: ${body.length}\r\n\r\n`
  return concat(utf8(head), body)
}

function itemOf(name: string, number: number, quads: number): Omit<ItemInput, 'graph' | 'policy'> {
  const terms: ItemTerm[] = []
  const places = new Map<string, number>()
  const place = (term: NamedTerm): number => {
    const known = places.get(`${term.type} ${term.value}`) ?? terms.push(term) - 1
    places.set(`${term.type} ${term.value}`, known)
    return known
  }
  const iri = (value: string): number => place({ type: 'iri', value })
  const triples = Array.from({ length: quads }, (_, quad) => {
    const event = Math.floor(quad / quadsPerEvent)
    const aspect = quad % quadsPerEvent
    const subject = iri(`urn:event:${name}:${event}`)
    const object = place(objectOf(aspect, `${name}:${event}`, number + event))
    return { subject, predicate: iri(`${epcis}${aspects[aspect]}`), object }
  })
  return { subjects: [], terms, triples, retractions: [] }
}

const aspects = ['epcList', 'eventTime', 'bizStep', 'readPoint', 'quantity', 'recordedAs'] as const

function objectOf(aspect: number, name: string, number: number): NamedTerm {
  const typed = (value: string, type: string): NamedTerm => ({
    type: 'literal',
    value,
    datatype: `http://www.w3.org/2001/XMLSchema#${type}`,
  })
  switch (aspects[aspect]) {
    case 'epcList':
      return { type: 'iri', value: `urn:epc:id:sgtin:4012345.011122.${name}` }
    case 'eventTime':
      return typed(new Date(1_790_000_000_000 + number * 1_000).toISOString(), 'dateTime')
    case 'bizStep':
      return { type: 'iri', value: `https://ref.gs1.org/cbv/BizStep-${number % 30}` }
    case 'readPoint':
      return { type: 'iri', value: `urn:epc:id:sgln:4012345.${String(number % 5_000).padStart(5, '0')}.0` }
    case 'quantity':
      return typed(String(number % 1_000), 'integer')
    default:
      return typed(`event ${name}`, 'string')
  }
}
