// What somebody finds on the disks of running nodes: with no key, by searching the files for bytes; and with every key that a
// node still has, by opening all that these keys open. Nodes lock their folders, so what is opened is a copy.

import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LedgerError } from '../src/base/errors.ts'
import type { ItemId } from '../src/base/ids.ts'
import { homeAt } from '../src/node/home.ts'
import { openKeyRing } from '../src/store/key-ring.ts'
import { scanFiles } from '../src/store/raw-scan.ts'
import { openStore, type Store } from '../src/store/store.ts'
import { unlock } from '../src/store/unlock.ts'
import { eventually } from './processes.ts'

/** One node's folder and the key file that unlocks it. */
export interface Disk {
  readonly home: string
  readonly unlock: string
}

/** A copy of a node's keys and store, taken while it runs. */
export class DiskCopy {
  readonly folder: string
  readonly #unlock: string

  private constructor(folder: string, unlockFile: string) {
    this.folder = folder
    this.#unlock = unlockFile
  }

  static async take(disk: Disk): Promise<DiskCopy> {
    // A file may go while it is copied, and what was copied may be torn: then it is copied again.
    return eventually('a copy of a disk opens', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'quadrille-disk-'))
      const copy = new DiskCopy(folder, disk.unlock)
      try {
        const { keys, store } = homeAt(disk.home)
        await cp(keys, join(folder, 'keys'), { recursive: true })
        await cp(store, join(folder, 'store'), { recursive: true })
        await copy.#with(copy, async () => undefined)
        return copy
      } catch (error) {
        await copy.remove()
        throw error
      }
    })
  }

  /** Pieces of bytes that must be gone once these items are erased. */
  probes(items: readonly ItemId[]): Promise<readonly Uint8Array[]> {
    return this.#with(this, (store) => store.probes(items))
  }

  /** How many of `values` stand in what the keys of `keysOf` open of this copy; none when they do not even open its root. */
  async openedHits(values: readonly string[], keysOf: DiskCopy = this): Promise<number> {
    try {
      return await this.#hits(values, keysOf)
    } catch (error) {
      if (keysOf !== this && error instanceof LedgerError && error.code === 'KEY_MISSING') return 0
      throw error
    }
  }

  #hits(values: readonly string[], keysOf: DiskCopy): Promise<number> {
    return this.#with(keysOf, async (store) => {
      const wanted = new Set(values)
      for await (const plain of store.opened()) {
        const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
        for (const value of wanted) if (bytes.includes(value)) wanted.delete(value)
      }
      return values.length - wanted.size
    })
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }

  /** Opens a copy of the copy, so that opening changes nothing. */
  async #with<T>(keysOf: DiskCopy, use: (store: Store) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'quadrille-disk-'))
    try {
      await cp(join(keysOf.folder, 'keys'), join(folder, 'keys'), { recursive: true })
      await cp(join(this.folder, 'store'), join(folder, 'store'), { recursive: true })
      const root = await unlock({ provider: 'key-file', path: this.#unlock }, join(folder, 'keys'))
      const keyRing = await openKeyRing(join(folder, 'keys'), root)
      try {
        const store = await openStore(join(folder, 'store'), { keyRing })
        try {
          return await use(store)
        } finally {
          await store.close()
        }
      } finally {
        await keyRing.close()
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** How many of these bytes stand in the files of a node's folder. */
export async function rawHits({ home }: Disk, probes: readonly Uint8Array[]): Promise<number> {
  return (await scanFiles([home], probes)).hits
}
