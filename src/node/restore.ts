// A home from a backup. Every part is checked before it is put, and a restore that was killed goes on with the part after the
// last one that was in its place for good. At the end the whole store is read and compared, and the journal begins anew: a
// node from a backup asks the others what it signed before it votes, and answers nothing before it has caught up.

import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { readLeaf } from '../audit/leaf.ts'
import { openLog } from '../audit/log.ts'
import { equal, fromUtf8, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { lockDirectory, writeFileAtomic } from '../base/files.ts'
import { sequenceOf, type Time } from '../base/ids.ts'
import { decode } from '../base/schema.ts'
import { openBlocks } from '../store/blocks.ts'
import { CopyWriter } from '../store/copy.ts'
import { openJournal } from '../store/journal.ts'
import { hasKeyRing, type KeyRing, openKeyRing } from '../store/key-ring.ts'
import { openStore } from '../store/store.ts'
import { unlock } from '../store/unlock.ts'
import { numberedSchema } from './backup.ts'
import { readManifest, requirePart } from './backup-folder.ts'
import type { Manifest, PartEntry } from './backup-form.ts'
import { readGenesis } from './ceremony.ts'
import { type Config, parseConfig, readConfig } from './config.ts'
import { readHeight } from './height.ts'
import { createFolders, type Home } from './home.ts'
import { noteOffline, putLocalLeaves } from './local-offline.ts'
import { endRestore, noteRepair, noteRestore, restoreProgress } from './unfinished.ts'

export interface RestoreOptions {
  readonly home: Home
  /** Folder of the backup. */
  readonly from: string
  /** A backup of the key bag; without it the items that have keys of their own are fetched from the other members. */
  readonly bag: Uint8Array | undefined
  /** What unlocks the keys on this machine, where that is not what node.yaml says. */
  readonly unlock: Config['unlock'] | undefined
  readonly now: Time
  readonly onProgress: (done: number, parts: number) => void
}

export interface Restored {
  readonly manifest: Manifest
  /** Keys of items that came from the bag's backup. */
  readonly itemKeys: number
  /** Some items have no key here: the store must be repaired before the node may start. */
  readonly lacksKeys: boolean
}

/** Parts after which it is noted how far it is. */
const partsPerNote = 64
const homeFiles =
  /^home\/(node\.yaml|node\.json|genesis\.json|keys\/(?:identity|unlock|ring)\.json|data\/(?:checkpoint|evidence\/[0-9a-f]{64})\.json)$/

/**
 * @throws LedgerError RESTORE_REFUSED (the home holds something, or the ledger agrees with Raft), BACKUP_DAMAGED, UNLOCK_FAILED,
 * KEY_CHECK_FAILED, BACKUP_EXPIRED, STORE_LOCKED, STORAGE_FAILED
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { home, from } = options
  const { content, manifest, mac } = await readManifest(from)
  const backup = toHex(mac)
  const before = await restoreProgress(home)
  if (before === undefined ? isTaken(home) : before.backup !== backup) {
    throw new LedgerError('RESTORE_REFUSED', { home: home.root, reason: 'the home holds something else' })
  }
  await createFolders(home)
  const lock = await lockDirectory(home.data)
  try {
    await noteRestore(home, { backup, done: before?.done ?? 0 })
    const files = content.parts.filter(({ path }) => path.startsWith('home/'))
    await putFiles(options, files)
    const keyRing = await authenticated(options, manifest, mac)
    try {
      const rest = content.parts.filter(({ path }) => !path.startsWith('home/'))
      await putParts(options, rest, { backup, done: before?.done ?? 0 })
      const itemKeys = options.bag === undefined ? 0 : await keyRing.takeBag(options.bag, options.now)
      const lacksKeys = await checked(home, keyRing, content)
      await (await openJournal(home.journal, keyRing)).close()
      if (lacksKeys) await noteRepair(home)
      const { height, created } = content
      await noteOffline(home, { type: 'restored', height, taken: created }, options.now)
      await endRestore(home)
      return { manifest: content, itemKeys, lacksKeys }
    } finally {
      await keyRing.close()
    }
  } finally {
    await lock.release()
  }
}

function isTaken(home: Home): boolean {
  const { config, node, genesis, identity, keys, store, blocks } = home
  const files = [join(keys, 'ring.json'), join(store, 'store.json'), join(blocks, 'blocks-00000000')]
  return [config, node, genesis, identity, ...files].some((path) => existsSync(path))
}

/** A Raft member that forgot what it acknowledged may undo what was committed; PBFT members ask before they vote. */
async function requireForgetting(home: Home): Promise<void> {
  const { genesis } = await readGenesis(home.genesis)
  if (!genesis.protocol.startsWith('pbft/')) {
    throw new LedgerError('RESTORE_REFUSED', { protocol: genesis.protocol, reason: 'its journal is in no backup' })
  }
}

async function putFiles({ home, from, unlock: chosen }: RestoreOptions, files: readonly PartEntry[]): Promise<void> {
  for (const entry of files) {
    if (!homeFiles.test(entry.path)) throw new LedgerError('BACKUP_DAMAGED', { part: entry.path })
    const path = join(home.root, entry.path.slice('home/'.length))
    // The ring opens what was put already, and may have been opened since.
    if (path === join(home.keys, 'ring.json') && (await hasKeyRing(home.keys))) continue
    const bytes = await requirePart(from, entry)
    await writeFileAtomic(path, path === home.config ? configFor(home, bytes, chosen) : bytes)
  }
  await requireForgetting(home)
}

/** node.yaml with this home in it, and with what unlocks the keys here. */
function configFor(home: Home, yaml: Uint8Array, chosen: Config['unlock'] | undefined): Uint8Array {
  const document = parseDocument(fromUtf8(yaml))
  if (document.has('home')) document.set('home', home.root)
  if (chosen !== undefined) document.set('unlock', document.createNode(chosen))
  const text = document.toString()
  parseConfig(text, home)
  return utf8(text)
}

/** The backup was made by the node whose keys are in it. */
async function authenticated({ home, from }: RestoreOptions, manifest: Uint8Array, mac: Uint8Array): Promise<KeyRing> {
  const { unlock: provider } = await readConfig(home)
  const keyRing = await openKeyRing(home.keys, await unlock(provider, home.keys))
  if (equal(keyRing.backupMac(manifest), mac)) return keyRing
  await keyRing.close()
  throw new LedgerError('BACKUP_DAMAGED', { part: 'manifest', folder: from })
}

async function putParts(
  { home, from, onProgress }: RestoreOptions,
  parts: readonly PartEntry[],
  { backup, done: before }: { readonly backup: string; readonly done: number },
): Promise<void> {
  if (before === 0) await rm(home.store, { recursive: true, force: true })
  const store = await CopyWriter.open(home.store)
  const blocks = await openBlocks(home.blocks)
  const log = await openLog(home.log)
  try {
    for (const [place, entry] of parts.entries()) {
      if (place < before) continue
      const bytes = await requirePart(from, entry)
      const [kind, rest] = [entry.path.split('/', 1)[0], entry.path.slice(entry.path.indexOf('/') + 1)]
      if (kind === 'store') await store.put({ path: rest, bytes })
      else {
        const numbered = decode(numberedSchema, bytes)
        if (kind === 'blocks') {
          await blocks.append(numbered.map((each) => ({ sequence: sequenceOf(each.sequence), bytes: each.bytes })))
        } else if (kind === 'results') {
          for (const result of numbered) await blocks.putResult(result.sequence, result.bytes)
        } else if (kind === 'leaves') {
          const fresh = numbered.filter(({ sequence }) => sequence >= log.size)
          log.append(fresh.map((leaf) => readLeaf(leaf.bytes).entry))
        } else if (kind === 'local') await putLocalLeaves(home, rest.split('/', 1)[0] ?? '', numbered)
        else throw new LedgerError('BACKUP_DAMAGED', { part: entry.path })
      }
      if ((place + 1) % partsPerNote === 0) {
        await Promise.all([blocks.sync(), log.sync()])
        await noteRestore(home, { backup, done: place + 1 })
      }
      onProgress(place + 1, parts.length)
    }
    await Promise.all([blocks.sync(), log.sync()])
  } finally {
    await store.close()
    await blocks.close()
    await log.close()
  }
}

/** Whether items lack their keys. @throws LedgerError BACKUP_DAMAGED for anything else that does not agree */
async function checked(home: Home, keyRing: KeyRing, { height }: Manifest): Promise<boolean> {
  const store = await openStore(home.store, { keyRing })
  const blocks = await openBlocks(home.blocks)
  const log = await openLog(home.log)
  try {
    const meta = store.meta()
    const applied = meta === undefined ? undefined : readHeight(meta).applied
    const [size, root] = [applied?.logSize ?? 0, applied?.logRoot]
    if (store.sequence !== height || blocks.height !== height || log.size !== size) {
      throw new LedgerError('BACKUP_DAMAGED', {
        height,
        store: store.sequence,
        blocks: blocks.height,
        leaves: log.size,
      })
    }
    if (root !== undefined && log.root() !== root) throw new LedgerError('BACKUP_DAMAGED', { part: 'leaves' })
    const { findings } = await store.verify()
    const other = findings.find(({ code }) => code !== 'KEY_MISSING')
    if (other !== undefined) throw new LedgerError('BACKUP_DAMAGED', { ...other.details, found: other.code })
    return findings.length > 0
  } finally {
    await store.close()
    await blocks.close()
    await log.close()
  }
}
