// Commands of every day: applications, quads, questions.

import { type CommandSpec, endpoint, genesis, key } from './spec.ts'

export const daily: readonly CommandSpec[] = [
  {
    words: 'client new',
    summary: 'make the key of an application; its public half goes to FILE.pub',
    options: [
      { flags: '--out <file>', help: 'where the private key goes, for example wms.key' },
      { flags: '--org <id>', help: "organisation that will enrol it (default: this home's own)" },
      { flags: '--name <name>', help: 'as people know the application (default: what --out begins with)' },
      genesis,
    ],
    example: 'quadrille client new --out wms.key',
    load: async () => (await import('../commands/client.ts')).create,
  },
  {
    words: 'client add',
    args: '<public-key-file>',
    summary: 'enrol an application key of your organisation, with its rights',
    options: [
      { flags: '--graph <graph:right...>', help: 'IRI of a graph, then :read, :write or :erase' },
      key,
      endpoint,
      genesis,
    ],
    example: 'quadrille client add wms.pub --graph urn:g:events:write --key acme.org.key',
    load: async () => (await import('../commands/client.ts')).add,
  },
  {
    words: 'submit',
    args: '<files...>',
    summary: 'put RDF on the ledger, in any of six formats, packed with gzip or not; - is standard input',
    options: [
      { flags: '--graph <iri>', help: 'where statements go that name no graph' },
      { flags: '--as <file>', help: "the application's private key" },
      {
        flags: '--format <format>',
        help: 'turtle, trig, ntriples, nquads, jsonld or rdfxml (default: by the extension)',
      },
      { flags: '--base <iri>', help: 'against which relative IRIs are resolved' },
      { flags: '--batch <quads>', help: 'quads in one transaction (default: 250)' },
      { flags: '--context <iri=file...>', help: 'a context that JSON-LD names, saved in a file' },
      { flags: '--dry-run', help: 'show transactions, items, sizes and classes, and send nothing' },
      { flags: '--explain', help: 'show whom each item concerns and why, and send nothing' },
      endpoint,
      genesis,
    ],
    example: 'quadrille submit events.ttl --graph urn:g:events --as wms.key',
    load: async () => (await import('../commands/submit.ts')).submit,
  },
  {
    words: 'query',
    args: '<sparql>',
    summary: 'ask a SPARQL query; @FILE reads it from a file',
    options: [
      { flags: '--at <height>', help: 'as of this height' },
      {
        flags: '--consistency <kind>',
        help: 'linearizable: with everything acknowledged before; local (default): what the node has now',
      },
      {
        flags: '--format <format>',
        help: 'json, csv, tsv or xml; for graphs ntriples, turtle, nquads, trig or jsonld',
      },
      endpoint,
    ],
    example: "quadrille query 'SELECT * WHERE { GRAPH ?g { ?s ?p ?o } } LIMIT 10' --format csv",
    load: async () => (await import('../commands/query.ts')).query,
  },
  {
    words: 'update',
    args: '<sparql>',
    summary:
      'change quads by a SPARQL Update: the node computes what it comes to, and this signs it; @FILE reads it from a file',
    options: [
      { flags: '--as <file>', help: "the application's private key" },
      { flags: '--subject <iri...>', help: 'whom quads of personal graphs concern (default: by their classes)' },
      { flags: '--dry-run', help: 'show what it comes to and send nothing' },
      endpoint,
      genesis,
    ],
    example: "quadrille update 'DELETE WHERE { GRAPH <urn:g:events> { <urn:event:7> ?p ?o } }' --as wms.key",
    load: async () => (await import('../commands/update.ts')).update,
  },
  {
    words: 'tail',
    summary: 'follow what changes, as an RDF Patch',
    options: [
      { flags: '--since <height>', help: 'from the block after this one (default: from now)' },
      { flags: '--until <height>', help: 'stop after this one' },
      endpoint,
    ],
    example: 'quadrille tail --since 8100',
    load: async () => (await import('../commands/tail.ts')).tail,
  },
  {
    words: 'dump',
    summary: 'write all quads',
    options: [
      { flags: '--graph <iri>', help: 'only of this graph' },
      { flags: '--at <height>', help: 'as of this height' },
      { flags: '--format <format>', help: 'nquads (default) or trig' },
      endpoint,
    ],
    example: 'quadrille dump --graph urn:g:events > events.nq',
    load: async () => (await import('../commands/dump.ts')).dump,
  },
]
