// Verifies a node's store while the node does not run.

import { lockDirectory } from '../base/files.ts'
import { openKeyRing } from '../store/key-ring.ts'
import { openStore } from '../store/store.ts'
import { unlock } from '../store/unlock.ts'
import type { Verification } from '../store/verification.ts'
import { readConfig } from './config.ts'
import type { Home } from './home.ts'

/** @throws LedgerError STORE_LOCKED while the node runs; what opening its keys and its store meets */
export async function verifyNodeStore(home: Home): Promise<Verification & { readonly height: number }> {
  const config = await readConfig(home)
  const lock = await lockDirectory(home.data)
  try {
    const keyRing = await openKeyRing(home.keys, await unlock(config.unlock, home.keys))
    try {
      const store = await openStore(home.store, { keyRing })
      try {
        return { height: store.sequence, ...(await store.verify()) }
      } finally {
        await store.close()
      }
    } finally {
      await keyRing.close()
    }
  } finally {
    await lock.release()
  }
}
