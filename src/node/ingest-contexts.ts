// The contexts of JSON-LD that come with the program, under names of its own: nothing is ever fetched, and nobody else's
// document can change what a file says. Our own words, after the vocabularies' own documentation; to use a context as its
// publisher has it, an operator saves it and names the file (`submit --context IRI=FILE`).

import type { JsonValue } from '../base/schema.ts'

const prefixes = {
  rdf: 'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
  rdfs: 'http://www.w3.org/2000/01/rdf-schema#',
  xsd: 'http://www.w3.org/2001/XMLSchema#',
  owl: 'http://www.w3.org/2002/07/owl#',
  skos: 'http://www.w3.org/2004/02/skos/core#',
  dcterms: 'http://purl.org/dc/terms/',
  foaf: 'http://xmlns.com/foaf/0.1/',
  prov: 'http://www.w3.org/ns/prov#',
  schema: 'https://schema.org/',
  epcis: 'https://ref.gs1.org/epcis/',
  cbv: 'https://ref.gs1.org/cbv/',
  gs1: 'https://gs1.org/voc/',
} as const

const iri = (term: string): JsonValue => ({ '@id': `epcis:${term}`, '@type': '@id' })
const vocabulary = (term: string, prefix: string): JsonValue => ({
  '@id': `epcis:${term}`,
  '@type': '@vocab',
  '@context': { '@vocab': `${prefixes.cbv}${prefix}` },
})
const iriOnly = { id: '@id' } as const
const instant = (term: string): JsonValue => ({ '@id': `epcis:${term}`, '@type': 'xsd:dateTimeStamp' })
const plain = (term: string): JsonValue => ({ '@id': `epcis:${term}` })
const quantities = (term: string): JsonValue => ({
  '@id': `epcis:${term}`,
  '@context': {
    epcClass: iri('epcClass'),
    quantity: { '@id': 'epcis:quantity', '@type': 'xsd:double' },
    uom: plain('uom'),
  },
})
const ends = (term: string, name: string): JsonValue => ({
  '@id': `epcis:${term}`,
  '@context': { [name]: iri('sourceOrDestination'), type: vocabulary('sourceOrDestinationType', 'SDT-') },
})

/** Events of EPCIS 2.0 in the JSON of that standard, to its ontology. */
const epcisContext: JsonValue = {
  '@version': 1.1,
  ...prefixes,
  id: '@id',
  type: '@type',
  eventID: '@id',
  ...Object.fromEntries(
    [
      'EPCISDocument',
      'ObjectEvent',
      'AggregationEvent',
      'TransactionEvent',
      'TransformationEvent',
      'AssociationEvent',
    ].map((name) => [name, `epcis:${name}`]),
  ),
  schemaVersion: 'owl:versionInfo',
  creationDate: { '@id': 'dcterms:created', '@type': 'xsd:dateTime' },
  epcisBody: plain('epcisBody'),
  eventList: plain('eventList'),
  eventTime: instant('eventTime'),
  recordTime: instant('recordTime'),
  eventTimeZoneOffset: plain('eventTimeZoneOffset'),
  action: plain('action'),
  bizStep: vocabulary('bizStep', 'BizStep-'),
  disposition: vocabulary('disposition', 'Disp-'),
  readPoint: { '@id': 'epcis:readPoint', '@context': iriOnly },
  bizLocation: { '@id': 'epcis:bizLocation', '@context': iriOnly },
  parentID: iri('parentID'),
  transformationID: iri('transformationID'),
  epcList: iri('epcList'),
  childEPCs: iri('childEPCs'),
  inputEPCList: iri('inputEPCList'),
  outputEPCList: iri('outputEPCList'),
  quantityList: quantities('quantityList'),
  childQuantityList: quantities('childQuantityList'),
  inputQuantityList: quantities('inputQuantityList'),
  outputQuantityList: quantities('outputQuantityList'),
  bizTransactionList: {
    '@id': 'epcis:bizTransactionList',
    '@context': { bizTransaction: '@id', type: vocabulary('bizTransactionType', 'BTT-') },
  },
  sourceList: ends('sourceList', 'source'),
  destinationList: ends('destinationList', 'destination'),
}

/** Each by the IRI that a file names. */
export const bundledContexts: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['urn:quadrille:context:prefixes', { '@context': { '@version': 1.1, ...prefixes } }],
  [
    'urn:quadrille:context:schema',
    { '@context': { '@version': 1.1, ...prefixes, '@vocab': prefixes.schema, id: '@id', type: '@type' } },
  ],
  ['urn:quadrille:context:epcis', { '@context': epcisContext }],
])
