// Commands of members who change who takes part and by which rules.

import { type CommandSpec, endpoint, genesis, key } from './spec.ts'

export const governing: readonly CommandSpec[] = [
  {
    words: 'proposal draft',
    summary: 'draft a change of members and nodes, of parameters, or of the rules; the members sign it with org sign',
    options: [
      { flags: '--card <file...>', help: 'card of a node that joins, or takes part under new keys or another role' },
      { flags: '--remove-node <node...>', help: 'name or id of a node that leaves' },
      { flags: '--remove-org <id...>', help: 'organisation that leaves, with its nodes' },
      {
        flags: '--roster-threshold <n>',
        help: 'organisations that must sign to change members and nodes from then on',
      },
      { flags: '--rules-threshold <n>', help: 'organisations that must sign to change rules from then on' },
      { flags: '--parameter <name=value...>', help: 'a parameter of the ledger: checkpointInterval=100' },
      { flags: '--rules-version <n>', help: 'version of the rules' },
      { flags: '--activate-after <blocks>', help: 'how far from now it comes into force (default: four windows)' },
      { flags: '--unseen', help: 'let a node vote although it is not known to have caught up' },
      { flags: '--open <hours>', help: 'for how long it may be carried out (default: 168)' },
      endpoint,
      genesis,
    ],
    example: 'quadrille proposal draft --card echo.card.json > p.json   # then: org sign p.json, proposal submit',
    load: async () => (await import('../commands/proposal.ts')).draft,
  },
  {
    words: 'proposal submit',
    args: '<draft> <ballots...>',
    summary: 'carry out a proposal that enough members signed',
    options: [key, endpoint, genesis],
    example: 'quadrille proposal submit p.json *.sig.json --key acme.org.key',
    load: async () => (await import('../commands/proposal.ts')).submit,
  },
]
