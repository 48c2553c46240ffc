// The backup of a running node, as a stream of frames: at one height, while blocks are executed. In it are what the node
// needs to begin again elsewhere: its configuration, its sealed identity and data keys, the store as it is sealed, blocks
// with their certificates, the log. Not in it are the key bag (keys of items that may be erased), which has a backup of its
// own, and the journal: a node from a backup must not believe that it knows what it signed.

import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { type LedgerId, type NodeId, timeOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytesUpTo, encode, list, record, type Schema, uint } from '../base/schema.ts'
import type { Clock } from '../consensus/ports.ts'
import { type SignedGenesis, signedGenesisSchema } from '../ledger/genesis.ts'
import type { CopyPart } from '../store/copy.ts'
import { stored } from '../store/failure.ts'
import { type BackupFrame, framed, hashOf, type Manifest, manifestSchema, type PartEntry } from './backup-form.ts'
import { readHeight } from './height.ts'
import type { Home } from './home.ts'
import type { LocalAudit } from './local-audit.ts'
import type { Parts } from './parts.ts'

/** Somebody began to take one. */
export interface BackupEvent {
  readonly type: 'backup'
  readonly of: 'data' | 'item keys'
}

export interface BackedUp {
  readonly home: Home
  readonly genesis: SignedGenesis
  readonly self: NodeId
  /** For how long backups are kept, as erasure reports say; 0: there are none. */
  readonly backupsKeptDays?: number
  readonly onEvent?: (event: BackupEvent) => void
}

/** The node as it runs. */
export interface Running {
  readonly ledger: LedgerId
  readonly parts: Pick<Parts, 'store' | 'keyRing' | 'blocks' | 'log'>
  readonly local: Pick<LocalAudit, 'heads' | 'leaves'>
  readonly clock: Clock
}

export interface Backups {
  /** Frames (backup-form.ts). @throws LedgerError BACKUP_INTERRUPTED, STORAGE_FAILED, RECORD_TAMPERED, TOO_LARGE */
  data(): AsyncIterable<Uint8Array>
  /** The keys of items in one sealed file, which ends when backups do. */
  itemKeys(): Promise<Uint8Array>
}

const dayMs = 86_400_000

/** @throws LedgerError BACKUPS_UNDECLARED */
export function backupsOf(node: BackedUp, running: Running): Backups {
  const { backupsKeptDays = 0, onEvent } = node
  if (backupsKeptDays === 0) throw new LedgerError('BACKUPS_UNDECLARED')
  return {
    data() {
      onEvent?.({ type: 'backup', of: 'data' })
      return backupOf(node, running)
    },
    itemKeys() {
      onEvent?.({ type: 'backup', of: 'item keys' })
      return running.parts.keyRing.sealedBag(timeOf(running.clock.now() + backupsKeptDays * dayMs))
    },
  }
}

export interface NumberedBytes {
  readonly sequence: number
  readonly bytes: Uint8Array
}

/** Blocks or results by their sequence, leaves by their place. */
export const numberedSchema: Schema<readonly NumberedBytes[]> = list(
  record<NumberedBytes>({ sequence: uint(), bytes: bytesUpTo(limits.fileRecordBytesMax) }),
  limits.copyRecordsPerPart,
)

async function* backupOf(options: BackedUp, running: Running): AsyncGenerator<Uint8Array, void, undefined> {
  const { ledger, parts, local, clock } = running
  const { self: node } = options
  const created = clock.now()
  // What was signed last is of no later height than the copy.
  const early = await filesOf(options.home, earlyFiles)
  const copy = await parts.store.copy()
  try {
    const height = copy.sequence
    yield framed({ type: 'begin', height, about: copy.fileBytes })
    const entries: PartEntry[] = []
    const all = partsOf(options, { ...parts, local }, early, copy)
    for await (const { path, bytes } of all) {
      entries.push({ path, hash: hashOf(bytes), bytes: bytes.length })
      yield framed({ type: 'part', path, bytes })
    }
    const kind = 'quadrille backup 1'
    const manifest = encode(manifestSchema, { kind, ledger, node, height, created, parts: entries } satisfies Manifest)
    const end: BackupFrame = { type: 'end', manifest, mac: parts.keyRing.backupMac(manifest) }
    yield framed(end)
  } finally {
    await copy.close()
  }
}

async function* partsOf(
  { home, genesis }: BackedUp,
  { keyRing, blocks, log, local }: Running['parts'] & Pick<Running, 'local'>,
  early: readonly CopyPart[],
  copy: Awaited<ReturnType<Parts['store']['copy']>>,
): AsyncGenerator<CopyPart, void, undefined> {
  yield* early
  const founded = `${JSON.stringify(signedGenesisSchema.toJson(genesis), undefined, 2)}\n`
  yield { path: 'home/genesis.json', bytes: utf8(founded) }
  yield { path: 'home/keys/ring.json', bytes: keyRing.withoutBag() }
  yield* await filesOf(home, evidenceFiles)
  for await (const { path, bytes } of copy.parts()) yield { path: `store/${path}`, bytes }
  const height = copy.sequence
  yield* packed('blocks', range(1, height + 1), (sequence) => blocks.read(sequence))
  yield* packed('results', range(1, height + 1), (sequence) => blocks.result(sequence))
  const leaves = copy.sequence === 0 ? 0 : readHeight(copy.meta).applied.logSize
  yield* packed('leaves', range(0, leaves), async (place) => log.leaf(place))
  for (const { log: began, size } of local.heads()) {
    yield* packed(
      `local/${began}`,
      range(0, size),
      async (place) => [...(local.leaves(began, place, place + 1) ?? [])][0],
    )
  }
}

function* range(from: number, to: number): Generator<number> {
  for (let number = from; number < to; number++) yield number
}

/** As many to a part as fit, from the first: later backups make the same parts of what was there before. */
async function* packed(
  name: string,
  numbers: Iterable<number>,
  read: (number: number) => Promise<Uint8Array | undefined>,
): AsyncGenerator<CopyPart, void, undefined> {
  let held: NumberedBytes[] = []
  let size = 0
  const part = (): CopyPart => {
    const first = String(held[0]?.sequence ?? 0).padStart(12, '0')
    return { path: `${name}/${first}`, bytes: encode(numberedSchema, held) }
  }
  for (const sequence of numbers) {
    const bytes = await read(sequence)
    if (bytes === undefined) continue
    held.push({ sequence, bytes })
    size += bytes.length
    if (size < limits.copyPartBytes && held.length < limits.copyRecordsPerPart) continue
    yield part()
    held = []
    size = 0
  }
  if (held.length > 0) yield part()
}

/** Files of a home that a backup holds whole, the ring apart. */
function earlyFiles(home: Home): readonly string[] {
  return [home.config, home.node, home.identity, join(home.keys, 'unlock.json'), home.checkpoint]
}

async function evidenceFiles(home: Home): Promise<readonly string[]> {
  return (await stored(readdir(home.evidence))).map((name) => join(home.evidence, name))
}

async function filesOf(
  home: Home,
  names: (home: Home) => readonly string[] | Promise<readonly string[]>,
): Promise<readonly CopyPart[]> {
  const found: CopyPart[] = []
  for (const path of await names(home)) {
    const bytes = await stored(readIfThere(path))
    if (bytes !== undefined) found.push({ path: `home/${relative(home.root, path)}`, bytes })
  }
  return found
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
