// The local log while its node does not run: what a command did to the home, and leaves that come back from a backup.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readLeaf } from '../audit/leaf.ts'
import { type Log, openLog } from '../audit/log.ts'
import { LedgerError } from '../base/errors.ts'
import type { Home } from './home.ts'
import type { LocalEvent } from './local-events.ts'
import { leafOf, logsIn } from './local-log.ts'

/** Within the home's lock. A node that never ran has no log yet, and its first entry says so. */
export async function noteOffline(home: Pick<Home, 'local'>, event: LocalEvent, now: number): Promise<void> {
  const newest = existsSync(home.local) ? (await logsIn(home.local)).at(-1) : undefined
  if (newest === undefined) return
  await withLog(home, newest, (log) => log.append([leafOf(event, now)]))
}

/** `name`: of the log; leaves that are there already are passed over. @throws LedgerError BACKUP_DAMAGED */
export async function putLocalLeaves(
  home: Pick<Home, 'local'>,
  name: string,
  leaves: readonly { readonly sequence: number; readonly bytes: Uint8Array }[],
): Promise<void> {
  if (!/^[1-9]\d{0,14}$/.test(name)) throw new LedgerError('BACKUP_DAMAGED', { part: 'local' })
  await withLog(home, Number(name), (log) => {
    log.append(leaves.filter(({ sequence }) => sequence >= log.size).map(({ bytes }) => readLeaf(bytes).entry))
  })
}

async function withLog(home: Pick<Home, 'local'>, log: number, work: (log: Log) => unknown): Promise<void> {
  const files = await openLog(join(home.local, String(log)))
  try {
    work(files)
    await files.sync()
  } finally {
    await files.close()
  }
}
