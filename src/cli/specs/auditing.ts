// Commands of auditors.

import { type CommandSpec, endpoint, genesis } from './spec.ts'

export const auditing: readonly CommandSpec[] = [
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
