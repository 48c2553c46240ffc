// Commands of whoever runs a node.

import { type CommandSpec, endpoint, genesis } from './spec.ts'

export const running: readonly CommandSpec[] = [
  {
    words: 'start',
    summary: 'run this node until it is told to stop',
    options: [
      { flags: '--genesis <file>', help: 'needed once: it is kept in the home' },
      {
        flags: '--recover',
        help: 'put the data of this node aside and fetch everything from the others: after a lost or an older disk',
      },
      {
        flags: '--join [card...]',
        help: 'once, for a node that the genesis does not name: cards of nodes to begin with, where those of the genesis are gone',
      },
    ],
    example: 'quadrille start --genesis genesis.json',
    load: async () => (await import('../commands/start.ts')).start,
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
    load: async () => (await import('../commands/status.ts')).status,
  },
  {
    words: 'doctor',
    summary: 'what is wrong with a node and what to do next; exit code 1 when something is',
    options: [endpoint],
    example: 'quadrille doctor',
    load: async () => (await import('../commands/doctor.ts')).doctor,
  },
  {
    words: 'explain',
    args: '<code>',
    summary: 'what an error code means and what to do',
    example: 'quadrille explain GRAPH_UNKNOWN',
    load: async () => (await import('../commands/explain.ts')).explain,
  },
]

export const keys: readonly CommandSpec[] = [
  {
    words: 'store verify',
    summary: 'read everything that this node keeps, and compare it, while the node does not run',
    example: 'quadrille store verify',
    load: async () => (await import('../commands/store.ts')).verify,
  },
  {
    words: 'store repair',
    summary: 'rebuild the store of a node that does not run, from its blocks and the payloads of the other members',
    example: 'quadrille store repair',
    load: async () => (await import('../commands/store.ts')).repair,
  },
  {
    words: 'backup',
    args: '<folder>',
    summary: 'back up a running node into a folder, at one height; again into the same one writes only what is new',
    options: [endpoint],
    example: 'quadrille backup /mnt/backup/acme-1',
    load: async () => (await import('../commands/backup.ts')).backup,
  },
  {
    words: 'restore',
    args: '<folder>',
    summary: 'make the home of a node from its backup',
    options: [
      { flags: '--bag <file>', help: 'the backup of the keys of its items, if there is one' },
      { flags: '--unlock <provider>', help: 'key-file:PATH, fd:N or passphrase-fd:N, where node.yaml names another' },
    ],
    example: 'quadrille restore /mnt/backup/acme-1 --home /var/lib/quadrille --bag acme-1.bag',
    load: async () => (await import('../commands/restore.ts')).restore,
  },
  {
    words: 'keys backup',
    args: '<file>',
    summary: "back up the keys of a node's items for as long as its backups are kept",
    options: [endpoint],
    example: 'quadrille keys backup acme-1.bag',
    load: async () => (await import('../commands/backup.ts')).keysBackup,
  },
  {
    words: 'keys status',
    summary: "show what seals this node's data, and how far a rotation is",
    options: [endpoint],
    example: 'quadrille keys status',
    load: async () => (await import('../commands/keys.ts')).status,
  },
  {
    words: 'keys rotate',
    summary: 'seal everything under new keys while the node works, and destroy the old ones',
    options: [endpoint, { flags: '--wait', help: 'until it is done' }],
    example: 'quadrille keys rotate --wait',
    load: async () => (await import('../commands/keys.ts')).rotate,
  },
  {
    words: 'keys unlock-change',
    summary: 'change what unlocks the keys of this node, while it does not run',
    options: [{ flags: '--to <provider>', help: 'key-file:PATH (made here), fd:N or passphrase-fd:N' }],
    example: 'quadrille keys unlock-change --to passphrase-fd:3 3< passphrase.txt',
    load: async () => (await import('../commands/keys.ts')).unlockChange,
  },
]

export const evidence: readonly CommandSpec[] = [
  {
    words: 'evidence list',
    summary: 'show which validators contradicted themselves, as this node saw it',
    options: [endpoint],
    example: 'quadrille evidence list',
    load: async () => (await import('../commands/evidence.ts')).list,
  },
  {
    words: 'evidence show',
    args: '<id>',
    summary: 'give a piece of evidence as a file for others',
    options: [endpoint],
    example: 'quadrille evidence show ID > evidence.json',
    load: async () => (await import('../commands/evidence.ts')).show,
  },
  {
    words: 'evidence author',
    args: '<transaction>',
    summary: 'give evidence against the author of a malformed payload, which it shows as it is',
    options: [endpoint],
    example: 'quadrille evidence author TX > evidence.json',
    load: async () => (await import('../commands/evidence.ts')).author,
  },
  {
    words: 'evidence verify',
    args: '<file>',
    summary: 'check a piece of evidence offline, against the genesis that you trust',
    options: [genesis],
    example: 'quadrille evidence verify evidence.json --genesis genesis.json',
    load: async () => (await import('../commands/evidence.ts')).verify,
  },
]
