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
      { flags: '--witness <url...>', help: 'HTTP address of a further node that adds its signature to the checkpoint' },
      endpoint,
      genesis,
    ],
    example: 'quadrille audit export ./bundle',
    load: async () => (await import('../commands/audit.ts')).exportAudit,
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
    load: async () => (await import('../commands/audit.ts')).verifyAudit,
  },
]
