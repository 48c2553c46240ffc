// Every command with its words, its help and an example, and where its code is: one table, so that --help loads nothing else.

import type { Handler } from './context.ts'

interface OptionSpec {
  /** As commander has it: `--name <value>`, or `--name <value...>` for one that may be repeated. */
  readonly flags: string
  readonly help: string
}

export interface CommandSpec {
  /** Its words: `org init`. */
  readonly words: string
  /** As commander has it: `<file>`, `<files...>`, `[word]`. */
  readonly args?: string
  readonly summary: string
  readonly options?: readonly OptionSpec[]
  readonly example: string
  readonly load: () => Promise<Handler>
}

const endpoint: OptionSpec = {
  flags: '--endpoint <url>',
  help: "HTTP address of a node (default: this home's own)",
}
const genesis: OptionSpec = { flags: '--genesis <file>', help: "genesis of the ledger (default: this home's own)" }
const key: OptionSpec = { flags: '--key <file>', help: "the organisation's private key" }

const founding: readonly CommandSpec[] = [
  {
    words: 'org init',
    args: '<name>',
    summary: 'make the key of an organisation and show its fingerprint in words',
    options: [
      { flags: '--out <file>', help: 'where the private key goes' },
      { flags: '--id <id>', help: 'short name (default: what --out begins with, up to the first dot)' },
    ],
    example: 'quadrille org init "Acme Foods" --out acme.org.key',
    load: async () => (await import('./commands/org.ts')).init,
  },
  {
    words: 'org sign',
    args: '<file>',
    summary: 'sign a node request (giving a card) or the draft of a genesis (giving a signature)',
    options: [key],
    example: 'quadrille org sign acme.node.json --key acme.org.key > acme.card.json',
    load: async () => (await import('./commands/org.ts')).sign,
  },
  {
    words: 'node init',
    summary: 'make the home of a node with fresh keys that never leave it',
    options: [
      { flags: '--org <id>', help: 'organisation that runs it' },
      { flags: '--listen <multiaddr...>', help: 'where the other nodes reach it' },
      {
        flags: '--unlock <provider>',
        help: 'key-file:PATH (made when there is none; keep it outside of the home), fd:N or passphrase-fd:N',
      },
      { flags: '--http <port>', help: 'port of its HTTP interface on 127.0.0.1 (default: 4780)' },
      { flags: '--name <name>', help: 'as people know it (default: the organisation and -1)' },
      { flags: '--role <role>', help: 'validator (default) or learner' },
    ],
    example:
      'quadrille node init --org acme --listen /dns4/node.acme.example/tcp/4701 --unlock key-file:/etc/quadrille/node.key',
    load: async () => (await import('./commands/node.ts')).init,
  },
  {
    words: 'node request',
    summary: "print this node's public keys, with proofs that it holds the private ones",
    example: 'quadrille node request > acme.node.json',
    load: async () => (await import('./commands/node.ts')).request,
  },
  {
    words: 'genesis draft',
    summary: 'draft a ledger from the cards of its nodes',
    options: [
      { flags: '--name <name>', help: 'name of the ledger' },
      { flags: '--consensus <protocol>', help: 'pbft: members may lie; raft: members may only crash' },
      { flags: '--card <file...>', help: 'card of a node' },
      { flags: '--rules <file>', help: 'rules.yaml with policies, graphs, parameters, thresholds' },
    ],
    example:
      'quadrille genesis draft --name "Food Trace" --consensus pbft --card *.card.json --rules rules.yaml > draft.json',
    load: async () => (await import('./commands/genesis.ts')).draft,
  },
  {
    words: 'genesis check',
    args: '<file>',
    summary: 'say in plain words what a draft or a genesis means, and what is wrong with it',
    example: 'quadrille genesis check draft.json',
    load: async () => (await import('./commands/genesis.ts')).check,
  },
  {
    words: 'genesis assemble',
    args: '<draft> <signatures...>',
    summary: 'join a draft and the signatures of all its organisations to a genesis',
    example: 'quadrille genesis assemble draft.json *.sig.json > genesis.json',
    load: async () => (await import('./commands/genesis.ts')).assembleDraft,
  },
]

const keys: readonly CommandSpec[] = [
  {
    words: 'store verify',
    summary: 'read everything that this node keeps, and compare it, while the node does not run',
    example: 'quadrille store verify',
    load: async () => (await import('./commands/store.ts')).verify,
  },
  {
    words: 'keys status',
    summary: "show what seals this node's data, and how far a rotation is",
    options: [endpoint],
    example: 'quadrille keys status',
    load: async () => (await import('./commands/keys.ts')).status,
  },
  {
    words: 'keys rotate',
    summary: 'seal everything under new keys while the node works, and destroy the old ones',
    options: [endpoint, { flags: '--wait', help: 'until it is done' }],
    example: 'quadrille keys rotate --wait',
    load: async () => (await import('./commands/keys.ts')).rotate,
  },
  {
    words: 'keys unlock-change',
    summary: 'change what unlocks the keys of this node, while it does not run',
    options: [{ flags: '--to <provider>', help: 'key-file:PATH (made here), fd:N or passphrase-fd:N' }],
    example: 'quadrille keys unlock-change --to passphrase-fd:3 3< passphrase.txt',
    load: async () => (await import('./commands/keys.ts')).unlockChange,
  },
]

const running: readonly CommandSpec[] = [
  {
    words: 'start',
    summary: 'run this node until it is told to stop',
    options: [{ flags: '--genesis <file>', help: 'needed once: it is kept in the home' }],
    example: 'quadrille start --genesis genesis.json',
    load: async () => (await import('./commands/start.ts')).start,
  },
  {
    words: 'status',
    summary: 'how a node is: height, leader, who is missing',
    options: [
      endpoint,
      { flags: '--wait <what>', help: 'quorum: return once a quorum is connected' },
      { flags: '--timeout <seconds>', help: 'how long to wait (default: 60)' },
    ],
    example: 'quadrille status --wait quorum',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    words: 'explain',
    args: '<code>',
    summary: 'what an error code means and what to do',
    example: 'quadrille explain GRAPH_UNKNOWN',
    load: async () => (await import('./commands/explain.ts')).explain,
  },
]

const daily: readonly CommandSpec[] = [
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
    load: async () => (await import('./commands/client.ts')).create,
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
    load: async () => (await import('./commands/client.ts')).add,
  },
  {
    words: 'submit',
    args: '<files...>',
    summary: 'put RDF on the ledger: Turtle, TriG, N-Triples or N-Quads; - is standard input',
    options: [
      { flags: '--graph <iri>', help: 'where statements go that name no graph' },
      { flags: '--as <file>', help: "the application's private key" },
      { flags: '--format <format>', help: 'turtle, trig, ntriples or nquads (default: by the extension)' },
      { flags: '--base <iri>', help: 'against which relative IRIs are resolved' },
      { flags: '--batch <quads>', help: 'quads in one transaction (default: 250)' },
      { flags: '--dry-run', help: 'show the transactions and send nothing' },
      endpoint,
      genesis,
    ],
    example: 'quadrille submit events.ttl --graph urn:g:events --as wms.key',
    load: async () => (await import('./commands/submit.ts')).submit,
  },
  {
    words: 'query',
    args: '<sparql>',
    summary: 'ask a SPARQL query; @FILE reads it from a file',
    options: [
      { flags: '--at <height>', help: 'as of this height' },
      { flags: '--format <format>', help: 'json, csv, tsv or xml; for graphs ntriples or turtle' },
      endpoint,
    ],
    example: "quadrille query 'SELECT * WHERE { GRAPH ?g { ?s ?p ?o } } LIMIT 10' --format csv",
    load: async () => (await import('./commands/query.ts')).query,
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
    load: async () => (await import('./commands/dump.ts')).dump,
  },
  {
    words: 'audit export',
    args: '<folder>',
    summary: 'write a bundle that anybody can verify offline',
    options: [
      { flags: '--reader <id>', help: "organisation that the payloads are for (default: the node's own)" },
      { flags: '--without-payloads', help: 'for anybody: who did what and when, without what was said' },
      { flags: '--witness <url...>', help: 'HTTP address of a further node that adds its signature to the checkpoint' },
      endpoint,
      genesis,
    ],
    example: 'quadrille audit export ./bundle',
    load: async () => (await import('./commands/audit.ts')).exportAudit,
  },
  {
    words: 'audit verify',
    args: '<folder>',
    summary: 'verify a bundle against a genesis that you trust; needs no node and no network',
    options: [
      { flags: '--genesis <file>', help: 'the genesis that you trust' },
      { flags: '--report <file>', help: 'an erasure report (JSON) that the chain must confirm' },
      {
        flags: '--signers <n>',
        help: 'validators that must have signed the checkpoint (default: 1; results always need a quorum)',
      },
    ],
    example: 'quadrille audit verify ./bundle --genesis genesis.json',
    load: async () => (await import('./commands/audit.ts')).verifyAudit,
  },
]

const selection: readonly OptionSpec[] = [
  { flags: '--person <iri>', help: 'all items that name this person' },
  { flags: '--item <id...>', help: 'these items' },
  { flags: '--graph <iri>', help: 'all items of this graph' },
  { flags: '--due', help: "all items whose policy's period has ended" },
]
const eraser: OptionSpec = { flags: '--as <file>', help: 'private key of an application that may erase' }

const dataSubjects: readonly CommandSpec[] = [
  {
    words: 'person find',
    args: '<iri>',
    summary: 'what this organisation holds about a person: items, holds, references, copies',
    options: [endpoint],
    example: 'quadrille person find urn:person:17',
    load: async () => (await import('./commands/person.ts')).find,
  },
  {
    words: 'person export',
    args: '<iri>',
    summary: 'what the items of a person say now, as N-Quads',
    options: [endpoint],
    example: 'quadrille person export urn:person:17 > person.nq',
    load: async () => (await import('./commands/person.ts')).exportPerson,
  },
  {
    words: 'hold place',
    summary: 'keep items from being erased until the hold is lifted',
    options: [...selection, { flags: '--case <name>', help: 'your case file' }, eraser, endpoint, genesis],
    example: 'quadrille hold place --person urn:person:17 --case 2026-7 --as clerk.key',
    load: async () => (await import('./commands/hold.ts')).place,
  },
  {
    words: 'hold lift',
    args: '<hold>',
    summary: 'lift a hold',
    options: [eraser, endpoint, genesis],
    example: 'quadrille hold lift HOLD --as clerk.key',
    load: async () => (await import('./commands/hold.ts')).lift,
  },
  {
    words: 'erase',
    summary: 'order the erasure of items that this organisation controls',
    options: [
      ...selection,
      { flags: '--reason <code>', help: 'art17-1-a to art17-1-f, retention, rectification or other' },
      { flags: '--case <name>', help: 'your case file; the ledger gets a random reference instead' },
      { flags: '--preview', help: 'show what it would take, and order nothing' },
      eraser,
      { flags: '--approve-as <file>', help: 'another such key: the second pair of eyes' },
      { flags: '--draft <file>', help: 'instead: write a draft, to be approved on another machine' },
      endpoint,
      genesis,
    ],
    example: 'quadrille erase --person urn:person:17 --reason art17-1-b --case 2026-114 --preview',
    load: async () => (await import('./commands/erase.ts')).erase,
  },
  {
    words: 'erase approve',
    args: '<draft>',
    summary: 'approve a draft with the second key, and print the approval',
    options: [eraser],
    example: 'quadrille erase approve order.json --as officer.key > approval.json',
    load: async () => (await import('./commands/erase.ts')).approveDraft,
  },
  {
    words: 'erase send',
    args: '<draft>',
    summary: 'order what was drafted and approved',
    options: [{ flags: '--approval <file>', help: 'what `erase approve` printed' }, eraser, endpoint, genesis],
    example: 'quadrille erase send order.json --approval approval.json --as clerk.key',
    load: async () => (await import('./commands/erase.ts')).sendDraft,
  },
  {
    words: 'erase status',
    args: '<order>',
    summary: 'whether every node purged its disk and attested it',
    options: [
      { flags: '--wait', help: 'return once the last one attested' },
      { flags: '--timeout <seconds>', help: 'how long to wait (default: 60)' },
      endpoint,
    ],
    example: 'quadrille erase status ORDER --wait',
    load: async () => (await import('./commands/erase.ts')).status,
  },
  {
    words: 'erase report',
    args: '<order>',
    summary: 'the report of an erasure as a page, or with --json for `audit verify --report`',
    options: [endpoint],
    example: 'quadrille erase report ORDER > report.html',
    load: async () => (await import('./commands/erase.ts')).report,
  },
]

export const commandSpecs: readonly CommandSpec[] = [...founding, ...running, ...daily, ...dataSubjects, ...keys]

/** What stands before the second word. */
export const groupSummaries: Readonly<Record<string, string>> = {
  org: 'the key of an organisation, kept offline',
  node: 'a node before it runs',
  genesis: 'the founding of a ledger',
  client: 'keys of applications',
  audit: 'what an auditor takes away',
  store: 'what a node keeps at rest',
  keys: "what seals a node's data at rest",
  person: 'what is held about a person',
  hold: 'what must not be erased for now',
}
