// Commands of auditors.

import { type CommandSpec, endpoint, genesis, type OptionSpec } from './spec.ts'

const ordered: OptionSpec = { flags: '--ordered', help: 'where it stands is enough, whatever became of it' }

export const auditing: readonly CommandSpec[] = [
  {
    words: 'receipt',
    args: '<tx>',
    summary: 'print proof of what became of a transaction, for anybody who has the genesis',
    options: [ordered, endpoint],
    example: 'quadrille receipt TX > r.json',
    load: async () => (await import('../commands/receipt.ts')).receipt,
  },
  {
    words: 'verify',
    args: '<receipt>',
    summary: 'verify a receipt against a genesis that you trust; needs no node and no network',
    options: [ordered, genesis],
    example: 'quadrille verify r.json --genesis genesis.json',
    load: async () => (await import('../commands/receipt.ts')).verify,
  },
  {
    words: 'audit export',
    args: '<folder>',
    summary: 'write a bundle that anybody can verify offline',
    options: [
      { flags: '--reader <id>', help: "organisation that the payloads are for (default: the node's own)" },
      { flags: '--without-payloads', help: 'for anybody: who did what and when, without what was said' },
      { flags: '--local', help: "with the node's own local logs, checked against their anchors" },
      { flags: '--witness <url...>', help: 'HTTP address of a further node that adds its signature to the checkpoint' },
      { flags: '--from <time>', help: 'in the tables and the report: nothing earlier' },
      { flags: '--to <time>', help: 'in the tables and the report: nothing as late or later' },
      { flags: '--org <id>', help: 'in the tables and the report: this organisation alone' },
      { flags: '--type <act>', help: 'in the tables and the report: acts of this type alone' },
      { flags: '--graph <iri>', help: 'in the tables and the report: changes of this graph alone' },
      { flags: '--since <file>', help: 'checkpoint of an earlier export, to prove that this log begins with it' },
      { flags: '--seed <text>', help: 'what the sample of leaves is drawn by (default: the root of the log)' },
      endpoint,
      genesis,
    ],
    example: 'quadrille audit export ./bundle',
    load: async () => (await import('../commands/audit.ts')).exportAudit,
  },
  {
    words: 'audit watch',
    args: '<url...>',
    summary:
      'follow the checkpoints of several nodes and cry out when they cannot all be true (FORK_DETECTED, exit code 1)',
    options: [
      { flags: '--once', help: 'look at each once, and end: 0 when all fit, 1 when one does not, 5 when one is away' },
      { flags: '--every <seconds>', help: 'between two looks (default: 10)' },
      { flags: '--since <file>', help: 'a checkpoint that you kept: every log must begin with it' },
      { flags: '--proof <file>', help: 'where the proof of a fork goes (default: fork.json)' },
      genesis,
    ],
    example: 'quadrille audit watch http://127.0.0.1:4780 http://127.0.0.1:4781 --genesis genesis.json --once',
    load: async () => (await import('../commands/audit-watch.ts')).watchAudit,
  },
  {
    words: 'audit show',
    summary: 'show the newest entries of the log, or of the local log of a node',
    options: [
      { flags: '--local', help: "the node's own log: who asked it what, refusals, peers, keys, starts" },
      { flags: '--details', help: 'with what the node still has beside it: addresses, texts, keys' },
      { flags: '--last <n>', help: 'so many (default: 50)' },
      { flags: '--type <type>', help: 'entries of this type, or acts of this kind, alone' },
      endpoint,
    ],
    example: 'quadrille audit show --local --details',
    load: async () => (await import('../commands/audit-show.ts')).showAudit,
  },
  {
    words: 'audit verify',
    args: '<folder>',
    summary: 'verify a bundle against a genesis that you trust; needs no node and no network',
    options: [
      { flags: '--genesis <file>', help: 'the genesis that you trust' },
      { flags: '--checkpoint <file>', help: 'a checkpoint that you kept: the log must begin with it' },
      { flags: '--report <file>', help: 'an erasure report (JSON) that the chain must confirm' },
      {
        flags: '--signers <n>',
        help: 'validators that must have signed the checkpoint (default: 1; results always need a quorum)',
      },
    ],
    example: 'quadrille audit verify ./bundle --genesis genesis.json',
    load: async () => (await import('../commands/audit.ts')).verifyAudit,
  },
]
