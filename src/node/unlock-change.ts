// Changing what unlocks a node, while it does not run: first the keys, then what node.yaml says.

import { readFile } from 'node:fs/promises'
import { parseDocument } from 'yaml'
import { utf8 } from '../base/bytes.ts'
import { lockDirectory, writeFileAtomic } from '../base/files.ts'
import { openKeyRing } from '../store/key-ring.ts'
import { createKeyFile, setUnlock, unlock } from '../store/unlock.ts'
import { type Config, readConfig } from './config.ts'
import type { Home } from './home.ts'
import { noteOffline } from './local-offline.ts'

/**
 * A key file is made where there is none. Interrupted between its two writes, the keys open with `next` and node.yaml
 * still names the old provider: write `next` there by hand.
 * @throws LedgerError STORE_LOCKED while the node runs, KEY_CHECK_FAILED, UNLOCK_FAILED, STORAGE_FAILED
 */
export async function changeUnlock(home: Home, next: Config['unlock']): Promise<void> {
  const config = await readConfig(home)
  const lock = await lockDirectory(home.data)
  try {
    const root = await unlock(config.unlock, home.keys)
    // It is the right root key only if it opens the ring.
    await (await openKeyRing(home.keys, root)).close()
    if (next.provider === 'key-file') await createKeyFile(next.path)
    await setUnlock(next, home.keys, root)
    const document = parseDocument(await readFile(home.config, 'utf8'))
    document.set('unlock', next)
    await writeFileAtomic(home.config, utf8(document.toString()), 0o644)
    await noteOffline(home, { type: 'unlock-changed', unlock: next.provider }, Date.now())
  } finally {
    await lock.release()
  }
}
