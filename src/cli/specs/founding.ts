// Commands of founding: before there is a ledger.

import { type CommandSpec, key } from './spec.ts'

export const founding: readonly CommandSpec[] = [
  {
    words: 'org init',
    args: '<name>',
    summary: 'make the key of an organisation and show its fingerprint in words',
    options: [
      { flags: '--out <file>', help: 'where the private key goes' },
      { flags: '--id <id>', help: 'short name (default: what --out begins with, up to the first dot)' },
    ],
    example: 'quadrille org init "Acme Foods" --out acme.org.key',
    load: async () => (await import('../commands/org.ts')).init,
  },
  {
    words: 'org sign',
    args: '<file>',
    summary: 'sign a node request (giving a card), or the draft of a genesis or a proposal (giving a signature)',
    options: [key],
    example: 'quadrille org sign acme.node.json --key acme.org.key > acme.card.json',
    load: async () => (await import('../commands/org.ts')).sign,
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
    load: async () => (await import('../commands/node.ts')).init,
  },
  {
    words: 'node request',
    summary: "print this node's public keys, with proofs that it holds the private ones",
    options: [{ flags: '--role <role>', help: 'validator or learner (default: as it was made)' }],
    example: 'quadrille node request > acme.node.json',
    load: async () => (await import('../commands/node.ts')).request,
  },
  {
    words: 'node rotate-key',
    summary:
      'make the consensus key that is to follow, and print the request for it; it signs once an act registers it',
    options: [{ flags: '--role <role>', help: 'validator or learner (default: as it was made)' }],
    example: 'quadrille node rotate-key > acme.node.json   # then: org sign, proposal draft --card',
    load: async () => (await import('../commands/node.ts')).rotateKey,
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
    load: async () => (await import('../commands/genesis.ts')).draft,
  },
  {
    words: 'genesis check',
    args: '<file>',
    summary: 'say in plain words what a draft or a genesis means, and what is wrong with it',
    example: 'quadrille genesis check draft.json',
    load: async () => (await import('../commands/genesis.ts')).check,
  },
  {
    words: 'genesis assemble',
    args: '<draft> <signatures...>',
    summary: 'join a draft and the signatures of all its organisations to a genesis',
    example: 'quadrille genesis assemble draft.json *.sig.json > genesis.json',
    load: async () => (await import('../commands/genesis.ts')).assembleDraft,
  },
]
