// A node that lost its disk, or finds there less than what it signed: whatever is left of its data is put aside, and it fetches
// everything from the others again. Its keys stay. In PBFT it asks them what it signed before it votes, and does not vote before
// the next epoch where they show a vote that it forgot; in Raft nobody could tell, so that it may not come back in this way.

import { existsSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { LedgerError } from '../base/errors.ts'
import { lockDirectory, syncDirectory } from '../base/files.ts'
import { faultModelOf } from '../consensus/quorum.ts'
import { createFolders, type Home } from './home.ts'

/**
 * Gives the folder where the data now lie; undefined when there were none. Evidence against others, and proofs that the ledger
 * forked, stay in their place. @throws LedgerError RECOVERY_UNSAFE in Raft, STORE_LOCKED while the node runs, STORAGE_FAILED
 */
export async function putAside(home: Home, protocol: string, now: number): Promise<string | undefined> {
  if (faultModelOf(protocol) === 'crash-fault') throw new LedgerError('RECOVERY_UNSAFE', { protocol })
  if (!existsSync(home.data)) return undefined
  const lock = await lockDirectory(home.data)
  await lock.release()
  const aside = join(dirname(home.data), `${basename(home.data)}.lost-${now}`)
  try {
    await rename(home.data, aside)
    await mkdir(home.data, { mode: 0o700 })
    for (const kept of [home.evidence, home.fork, home.forkedResults]) {
      const left = join(aside, basename(kept))
      if (existsSync(left)) await rename(left, kept)
    }
    await createFolders(home)
    await syncDirectory(dirname(home.data))
  } catch (error) {
    throw new LedgerError('STORAGE_FAILED', { folder: home.data }, error)
  }
  return aside
}
