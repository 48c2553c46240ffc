// A node's home folder: where everything that one node keeps lies, and nothing else. This is the only place that knows
// the names.
//
//   node.yaml         configuration, for people to edit (config.ts)
//   node.json         who this node is: its random id, name, role and organisation; no secret
//   genesis.json      the ledger that it belongs to, with the founders' signatures; put there by the first start
//   keys/             private keys (identity.json, and successor.json while a key turns) and key bags, sealed under the root key that the unlock provider gives
//   data/journal/     what this node signed and what was agreed, before it is applied
//   data/blocks/      blocks and their certificates, append-only
//   data/log/         the consortium log, append-only
//   data/local/       the local logs of this node, append-only
//   data/checkpoint.json  the last tree head that this node signed, so that it never contradicts itself
//   data/evidence/    what proves that a validator contradicted itself; portable, no secret
//   data/checkpoint.note  the last checkpoint that a quorum of validators signed
//   data/fork.json    only after a fork: two checkpoints that contradict each other; this node has stopped
//   data/forked-results.json  the same, as results of two quorums
//   data/diverged.json  graphs of which this node holds something else than the others; gone when the store is rebuilt
//   data/met.json     a name for this node's journal; in Raft also of those that it has heard, under which key
//   data/purges/      what an erasure under way must not leave, masked; empty when none is
//   data/restoring.json   how far a restore from a backup is; gone when it is whole
//   data/repairing.json   that the store is to be rebuilt; gone when it is
//   data/rebuilt/     the store that a repair builds, until it takes the place of the other
//   data/store/       quads and payloads: the only erasable root
//
// The unlock key itself should lie elsewhere: who copies a home must not thereby hold what opens it.

import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fromUtf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import type { JsonValue, Schema } from '../base/schema.ts'

/** Absolute paths. */
export interface Home {
  readonly root: string
  readonly config: string
  readonly node: string
  readonly identity: string
  /** The consensus key that is to follow, while there is one. */
  readonly successor: string
  readonly genesis: string
  readonly keys: string
  readonly data: string
  readonly journal: string
  readonly blocks: string
  readonly log: string
  readonly local: string
  readonly checkpoint: string
  readonly cosigned: string
  readonly fork: string
  readonly evidence: string
  readonly forkedResults: string
  /** Cards of the nodes that a joining node begins with. */
  readonly bootstrap: string
  readonly diverged: string
  readonly met: string
  readonly purges: string
  readonly store: string
  readonly restoring: string
  readonly repairing: string
  readonly rebuilt: string
}

/** The home at `given`, else at QUADRILLE_HOME, else in the user's own folder. Nothing is read or created. */
export function homeAt(given?: string, environment: NodeJS.ProcessEnv = process.env): Home {
  const fromEnvironment = environment['QUADRILLE_HOME']
  const root = resolve(given ?? (fromEnvironment || join(homedir(), '.quadrille')))
  const data = join(root, 'data')
  return {
    root,
    config: join(root, 'node.yaml'),
    node: join(root, 'node.json'),
    genesis: join(root, 'genesis.json'),
    keys: join(root, 'keys'),
    identity: join(root, 'keys', 'identity.json'),
    successor: join(root, 'keys', 'successor.json'),
    data,
    journal: join(data, 'journal'),
    blocks: join(data, 'blocks'),
    log: join(data, 'log'),
    local: join(data, 'local'),
    checkpoint: join(data, 'checkpoint.json'),
    cosigned: join(data, 'checkpoint.note'),
    fork: join(data, 'fork.json'),
    evidence: join(data, 'evidence'),
    forkedResults: join(data, 'forked-results.json'),
    bootstrap: join(root, 'bootstrap.json'),
    diverged: join(data, 'diverged.json'),
    met: join(data, 'met.json'),
    purges: join(data, 'purges'),
    store: join(data, 'store'),
    restoring: join(data, 'restoring.json'),
    repairing: join(data, 'repairing.json'),
    rebuilt: join(data, 'rebuilt'),
  }
}

/** Creates the folders of a home, for its owner only. What is there already stays. */
export async function createFolders(home: Home): Promise<void> {
  for (const folder of [
    home.root,
    home.keys,
    home.data,
    home.journal,
    home.blocks,
    home.log,
    home.local,
    home.evidence,
    home.purges,
    home.store,
  ]) {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  }
}

/** The text of a file that somebody named. @throws LedgerError FILE_UNREADABLE */
export async function readText(path: string): Promise<string> {
  const bytes = await readBytes(path)
  try {
    return fromUtf8(bytes)
  } catch {
    throw new LedgerError('FILE_UNREADABLE', { file: path, reason: 'it is not UTF-8 text' })
  }
}

/** @throws LedgerError FILE_UNREADABLE */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    throw new LedgerError('FILE_UNREADABLE', { file: path, reason: reasonOf(cause) }, cause)
  }
}

/** A JSON file of the form that `schema` says. @throws LedgerError FILE_UNREADABLE, MALFORMED (with file and path in it) */
export async function readJson<T>(path: string, schema: Schema<T>): Promise<T> {
  const text = await readText(path)
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch (cause) {
    throw new LedgerError('MALFORMED', { file: path, reason: 'it is not JSON' }, cause)
  }
  try {
    return schema.fromJson(value, '')
  } catch (error) {
    if (error instanceof LedgerError) throw new LedgerError(error.code, { file: path, ...error.details }, error)
    throw error
  }
}

/** What the operating system said, in words. */
export function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  switch (code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
    case 'EPERM':
      return 'this user may not'
    case 'EISDIR':
      return 'it is a folder'
    case 'EEXIST':
      return 'it exists already'
    default:
      return cause instanceof Error ? cause.message : String(cause)
  }
}
