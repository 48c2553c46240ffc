// The demo's own data, from a seed: pallets of olive oil on their way from a grove to a shop as EPCIS 2.0 events (GS1), and
// the persons who signed for them. The same seed gives the same bytes.

export interface DemoData {
  /** Turtle for the open graph: products, places and events. */
  readonly events: string
  /** Turtle for the personal graph: who signed. */
  readonly persons: string
  /** The first consignment alone, and the one that arrives later. */
  readonly late: string
}

const prefixes = `@prefix epcis: <https://ref.gs1.org/epcis/> .
@prefix cbv: <https://ref.gs1.org/cbv/> .
@prefix schema: <https://schema.org/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix : <https://olive.example/> .
`

const steps = ['commissioning', 'packing', 'shipping', 'receiving', 'storing', 'retail_selling'] as const
const places = ['grove', 'press', 'depot', 'harbour', 'warehouse', 'shop'] as const
const givenNames = [
  'Ada',
  'Bela',
  'Chiara',
  'Dmitri',
  'Elif',
  'Farid',
  'Greta',
  'Hugo',
  'Ines',
  'Jonas',
  'Kaia',
  'Luan',
]
const familyNames = [
  'Okafor',
  'Petrova',
  'Quist',
  'Rossi',
  'Sato',
  'Torres',
  'Umarov',
  'Vidal',
  'Weiss',
  'Xu',
  'Yilmaz',
  'Zeller',
]

/** Mulberry32: small, seeded, good enough to choose names and times. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function demoData(options: { readonly seed: number; readonly consignments: number }): DemoData {
  const random = seeded(options.seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const people = givenNames.map((given, number) => {
    const family = familyNames[number % familyNames.length] as string
    const mail = `${given}.${family}@olive.example`.toLowerCase()
    return `:person-${number} a schema:Person ; schema:givenName "${given}" ; schema:familyName "${family}" ; schema:email "${mail}" ; schema:telephone "+44 20 ${7_000_000 + Math.floor(random() * 999_999)}" .`
  })
  const consignment = (number: number): string => {
    const start = Date.UTC(2026, 8, 1) + number * 3_600_000
    const pallet = `:pallet-${number}`
    const lines = [
      `${pallet} a schema:Product ; rdfs:label "Olive oil, pallet ${number}"@en ; schema:weight "${(400 + random() * 80).toFixed(1)}"^^xsd:decimal .`,
    ]
    steps.forEach((step, place) => {
      const time = new Date(start + place * 7_200_000 + Math.floor(random() * 3_600_000)).toISOString()
      const sensor =
        random() < 0.3
          ? ` ; epcis:sensorElementList [ epcis:sensorReport [ epcis:type "Temperature" ; epcis:value ${(12 + random() * 9).toFixed(1)} ; epcis:uom "CEL" ] ]`
          : ''
      lines.push(
        `:event-${number}-${place} a epcis:ObjectEvent ; epcis:eventTime "${time}"^^xsd:dateTime ; epcis:epcList ${pallet} ; epcis:action cbv:${place === 0 ? 'ADD' : 'OBSERVE'} ; epcis:bizStep cbv:BizStep-${step} ; epcis:readPoint :${places[place]} ; epcis:quantity ${40 + Math.floor(random() * 60)}${sensor} .`,
      )
    })
    return lines.join('\n')
  }
  const signatures = Array.from({ length: options.consignments }, (_, number) => {
    const person = Math.floor(random() * people.length)
    return `:person-${person} :signedFor :pallet-${number} .`
  })
  const consignments = Array.from({ length: options.consignments }, (_, number) => consignment(number))
  const site = places.map(
    (place) =>
      `:${place} a schema:Place ; schema:name "${place}" ; schema:geo "${pick(['37.9', '38.4', '41.1'])},${pick(['23.7', '21.7', '16.8'])}" .`,
  )
  return {
    events: `${prefixes}${site.join('\n')}\n${consignments.join('\n')}\n`,
    persons: `${prefixes}${people.join('\n')}\n${signatures.join('\n')}\n`,
    late: `${prefixes}${consignment(options.consignments)}\n`,
  }
}
