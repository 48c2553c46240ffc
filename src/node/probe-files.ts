// What must be gone from the disk, noted before a purge: a sealed file for each order, so that a node that is killed in the
// middle still knows what to look for. The probes are pieces of sealed records: they open nothing, and being sealed
// themselves they are not found by the search that looks for them.

import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '../base/bytes.ts'
import { syncDirectory, writeFileAtomic } from '../base/files.ts'
import type { TxId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytesUpTo, decode, encode, list } from '../base/schema.ts'
import { open, seal, sealedKeyId } from '../base/seal.ts'
import type { KeyRing } from '../store/key-ring.ts'

const schema = list(bytesUpTo(64), limits.probesPerOrderMax)
const aadOf = (order: TxId): Uint8Array => utf8(`quadrille/probes/1/${order}`)

export class ProbeFiles {
  readonly #folder: string
  readonly #keys: KeyRing

  constructor(folder: string, keys: KeyRing) {
    this.#folder = folder
    this.#keys = keys
  }

  /** Undefined when none were noted. @throws LedgerError RECORD_TAMPERED, KEY_MISSING */
  async read(order: TxId): Promise<readonly Uint8Array[] | undefined> {
    let sealed: Uint8Array
    try {
      sealed = new Uint8Array(await readFile(this.#path(order)))
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
    const key = this.#keys.find(sealedKeyId(sealed))
    return decode(schema, open(key, aadOf(order), sealed, { store: 'probes' }))
  }

  /** Durable when it resolves. */
  async write(order: TxId, probes: readonly Uint8Array[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const plain = encode(schema, probes.slice(0, limits.probesPerOrderMax))
    await writeFileAtomic(this.#path(order), seal(this.#keys.active('state'), aadOf(order), plain))
  }

  async remove(order: TxId): Promise<void> {
    await rm(this.#path(order), { force: true })
    await syncDirectory(this.#folder)
  }

  #path(order: TxId): string {
    return join(this.#folder, order)
  }
}
