// Opens what a node keeps on disk, in the order in which one part vouches for the next, and closes it again whatever
// happens on the way.

import { CheckpointSigner } from '../audit/checkpoint-signer.ts'
import { type Log, openLog } from '../audit/log.ts'
import { consortiumOrigin, signerName } from '../audit/note.ts'
import { endAll } from '../base/ending.ts'
import { type DirectoryLock, lockDirectory } from '../base/files.ts'
import type { LedgerId, NodeId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import type { Journal } from '../consensus/ports.ts'
import { type BlockArchive, openBlocks } from '../store/blocks.ts'
import { diskError } from '../store/failure.ts'
import { adoptSuccessor, type Identity, loadIdentity, loadSuccessor } from '../store/identity.ts'
import { openJournal } from '../store/journal.ts'
import { type KeyRing, openKeyRing } from '../store/key-ring.ts'
import { openStore, type Store } from '../store/store.ts'
import { type UnlockProvider, unlock } from '../store/unlock.ts'
import type { KeptKeys } from './consensus-keys.ts'
import type { Home } from './home.ts'
import { requireFinished } from './unfinished.ts'

export interface Parts {
  readonly lock: DirectoryLock
  readonly identity: Identity
  readonly consensusKeys: KeptKeys
  readonly keyRing: KeyRing
  readonly store: Store
  readonly blocks: BlockArchive
  readonly log: Log
  readonly journal: Journal
  readonly checkpoints: CheckpointSigner
  /** Closes every part, also when one of them fails to; then throws what failed first. */
  close(): Promise<void>
}

export interface PartsOptions {
  readonly home: Home
  readonly ledger: LedgerId
  /** This node, which signs the log's checkpoints. */
  readonly self: NodeId
  readonly unlock: UnlockProvider
  /** False leaves the store readable on disk: only for the test that shows what sealing hides. */
  readonly seal: boolean
  /** Of decoded index blocks. */
  readonly cacheBytesMax?: number | undefined
}

/**
 * @throws LedgerError STORE_LOCKED, UNLOCK_FAILED, KEY_CHECK_FAILED, RECORD_TAMPERED, JOURNAL_MISSING, FORMAT_UNSUPPORTED,
 * STORAGE_FAILED, RESTORE_UNFINISHED, REPAIR_UNFINISHED
 */
export async function openParts(options: PartsOptions): Promise<Parts> {
  const { home, ledger, self, unlock: provider, seal, cacheBytesMax = limits.blockCacheBytesMax } = options
  const opened: (() => Promise<void>)[] = []
  const close = (): Promise<void> => endAll(...opened.splice(0).reverse())
  try {
    const lock = await lockDirectory(home.data)
    opened.push(() => lock.release())
    await requireFinished(home)
    const root = await unlock(provider, home.keys)
    const identity = await loadIdentity(home.identity, root)
    const consensusKeys: KeptKeys = {
      consensus: identity.consensus,
      successor: () => loadSuccessor(home.successor, root),
      adopt: () => adoptSuccessor(home, root),
    }
    const keyRing = await openKeyRing(home.keys, root)
    opened.push(() => keyRing.close())
    const store = await openStore(home.store, { keyRing, seal, cacheBytesMax })
    opened.push(() => store.close())
    const blocks = await openBlocks(home.blocks, { atLeast: store.sequence })
    opened.push(() => blocks.close())
    const log = await openLog(home.log)
    opened.push(() => log.close())
    const journal = await openJournal(home.journal, keyRing, { expected: store.sequence > 0 })
    opened.push(() => journal.close())
    const origin = consortiumOrigin(ledger)
    const checkpoints = await CheckpointSigner.open({
      path: home.checkpoint,
      origin,
      name: signerName(origin, self),
      seed: identity.checkpoint,
      rootAt: (size) => log.rootAt(size),
    })
    return { lock, identity, consensusKeys, keyRing, store, blocks, log, journal, checkpoints, close }
  } catch (error) {
    // What failed first says what is wrong; that something would not close after it says nothing more.
    await close().catch(() => undefined)
    throw diskError(error)
  }
}
