// Work on a home that must come to its end before a node may run on it: a restore from a backup, a repair of its store. A
// small file says that it began and how far it is, so that it goes on after a kill.

import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory } from '../base/files.ts'
import { field, readVersioned, writeVersioned } from '../store/versioned.ts'
import type { Home } from './home.ts'

const restoreKind = 'quadrille restore'
const repairKind = 'quadrille repair'
const formatVersion = 1

export interface RestoreProgress {
  /** Which backup: the code that authenticates it, hexadecimal. */
  readonly backup: string
  /** Parts that are in their place for good. */
  readonly done: number
}

/** @throws LedgerError RESTORE_UNFINISHED, REPAIR_UNFINISHED */
export async function requireFinished(home: Home): Promise<void> {
  if ((await restoreProgress(home)) !== undefined) throw new LedgerError('RESTORE_UNFINISHED', { home: home.root })
  if (await isRepairDue(home)) throw new LedgerError('REPAIR_UNFINISHED', { home: home.root })
}

export async function restoreProgress(home: Home): Promise<RestoreProgress | undefined> {
  const fields = await readVersioned(home.restoring, restoreKind, formatVersion)
  if (fields === undefined) return undefined
  return { backup: field(fields, 'backup', restoreKind), done: Number(field(fields, 'done', restoreKind)) }
}

export function noteRestore(home: Home, { backup, done }: RestoreProgress): Promise<void> {
  return writeVersioned(home.restoring, restoreKind, formatVersion, { backup, done: String(done) })
}

export function endRestore(home: Home): Promise<void> {
  return remove(home.restoring)
}

export async function isRepairDue(home: Home): Promise<boolean> {
  return (await readVersioned(home.repairing, repairKind, formatVersion)) !== undefined
}

export function noteRepair(home: Home): Promise<void> {
  return writeVersioned(home.repairing, repairKind, formatVersion, {})
}

export function endRepair(home: Home): Promise<void> {
  return remove(home.repairing)
}

async function remove(path: string): Promise<void> {
  await rm(path, { force: true })
  await syncDirectory(dirname(path))
}
