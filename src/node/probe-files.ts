// What must be gone from the disk, noted before a purge: a file for each order, so that a node that is killed in the middle
// still knows what to look for. The probes are pieces of sealed records and open nothing, so they need no key, which a
// rotation could take away; they are masked only so that the search for them does not find the notes.

import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes, sha256 } from '#crypto'
import { concat, equal } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory, writeFileAtomic } from '../base/files.ts'
import type { TxId } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytesUpTo, decode, encode, list } from '../base/schema.ts'

const schema = list(bytesUpTo(64), limits.probesPerOrderMax)
/** Of the mask, and of the digest that follows it. */
const headBytes = 32

export class ProbeFiles {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Undefined when none were noted. @throws LedgerError RECORD_TAMPERED for a damaged file, STORAGE_FAILED */
  async read(order: TxId): Promise<readonly Uint8Array[] | undefined> {
    let file: Uint8Array
    try {
      file = new Uint8Array(await readFile(this.#path(order)))
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw new LedgerError('STORAGE_FAILED', { store: 'probes' }, error)
    }
    const plain = masked(file.subarray(2 * headBytes), file.subarray(0, headBytes))
    if (!equal(sha256(plain), file.subarray(headBytes, 2 * headBytes))) {
      throw new LedgerError('RECORD_TAMPERED', { store: 'probes', order })
    }
    return decode(schema, plain)
  }

  /** Durable when it resolves. */
  async write(order: TxId, probes: readonly Uint8Array[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const plain = encode(schema, probes.slice(0, limits.probesPerOrderMax))
    const mask = randomBytes(headBytes)
    await writeFileAtomic(this.#path(order), concat(mask, sha256(plain), masked(plain, mask)))
  }

  async remove(order: TxId): Promise<void> {
    await rm(this.#path(order), { force: true })
    await syncDirectory(this.#folder)
  }

  #path(order: TxId): string {
    return join(this.#folder, order)
  }
}

function masked(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  return bytes.map((byte, place) => byte ^ (mask[place % headBytes] as number))
}
