// Commands about persons: what is held, portability, holds, erasure.

import { type CommandSpec, endpoint, genesis, type OptionSpec } from './spec.ts'

const selection: readonly OptionSpec[] = [
  { flags: '--person <iri>', help: 'all items that name this person' },
  { flags: '--item <id...>', help: 'these items' },
  { flags: '--graph <iri>', help: 'all items of this graph' },
  { flags: '--due', help: "all items whose policy's period has ended" },
]
const eraser: OptionSpec = { flags: '--as <file>', help: 'private key of an application that may erase' }

export const dataSubjects: readonly CommandSpec[] = [
  {
    words: 'person find',
    args: '<iri>',
    summary: 'what this organisation holds about a person: items, holds, references, copies',
    options: [endpoint],
    example: 'quadrille person find urn:person:17',
    load: async () => (await import('../commands/person.ts')).find,
  },
  {
    words: 'person export',
    args: '<iri>',
    summary: 'what the items of a person say now, as N-Quads',
    options: [endpoint],
    example: 'quadrille person export urn:person:17 > person.nq',
    load: async () => (await import('../commands/person.ts')).exportPerson,
  },
  {
    words: 'hold place',
    summary: 'keep items from being erased until the hold is lifted',
    options: [...selection, { flags: '--case <name>', help: 'your case file' }, eraser, endpoint, genesis],
    example: 'quadrille hold place --person urn:person:17 --case 2026-7 --as clerk.key',
    load: async () => (await import('../commands/hold.ts')).place,
  },
  {
    words: 'hold lift',
    args: '<hold>',
    summary: 'lift a hold',
    options: [eraser, endpoint, genesis],
    example: 'quadrille hold lift HOLD --as clerk.key',
    load: async () => (await import('../commands/hold.ts')).lift,
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
    load: async () => (await import('../commands/erase.ts')).erase,
  },
  {
    words: 'erase approve',
    args: '<draft>',
    summary: 'approve a draft with the second key, and print the approval',
    options: [eraser],
    example: 'quadrille erase approve order.json --as officer.key > approval.json',
    load: async () => (await import('../commands/erase.ts')).approveDraft,
  },
  {
    words: 'erase send',
    args: '<draft>',
    summary: 'order what was drafted and approved',
    options: [{ flags: '--approval <file>', help: 'what `erase approve` printed' }, eraser, endpoint, genesis],
    example: 'quadrille erase send order.json --approval approval.json --as clerk.key',
    load: async () => (await import('../commands/erase.ts')).sendDraft,
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
    load: async () => (await import('../commands/erase.ts')).status,
  },
  {
    words: 'erase report',
    args: '<order>',
    summary: 'the report of an erasure as a page, or with --json for `audit verify --report`',
    options: [endpoint],
    example: 'quadrille erase report ORDER > report.html',
    load: async () => (await import('../commands/erase.ts')).report,
  },
]
