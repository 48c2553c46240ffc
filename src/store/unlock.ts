// Where the root key comes from. It wraps the key ring (key-ring.ts) and a node's identity (identity.ts) and stands
// nowhere else on disk. Providers that follow (file descriptor, passphrase) give the same 32 bytes.

import { open, readFile, stat } from 'node:fs/promises'
import { platform } from 'node:os'
import { dirname } from 'node:path'
import { randomBytes } from '#crypto'
import { fromHex, fromUtf8, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory } from '../base/files.ts'
import { keyedHash, type SealingKey } from '../base/seal.ts'

export type UnlockProvider = {
  readonly provider: 'key-file'
  /** Its whole content: 64 hexadecimal digits and a line feed. Only its owner may read it. */
  readonly path: string
}

/** 32 secret bytes, the root of everything that a node seals. */
export type RootKey = Uint8Array

/** Makes a key file that only its owner can read. @throws LedgerError UNLOCK_FAILED when there is a file already. */
export async function createKeyFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(utf8(`${toHex(randomBytes(32))}\n`))
      await file.sync()
    } finally {
      await file.close()
    }
    await syncDirectory(dirname(path))
  } catch (cause) {
    throw new LedgerError('UNLOCK_FAILED', { reason: 'the key file cannot be created', errno: errno(cause) }, cause)
  }
}

/** @throws LedgerError UNLOCK_FAILED when the key file is absent, no key file, or open to others than its owner. */
export async function unlock(provider: UnlockProvider): Promise<RootKey> {
  let content: Uint8Array
  try {
    const { mode } = await stat(provider.path)
    if (platform() !== 'win32' && (mode & 0o077) !== 0) {
      throw new LedgerError('UNLOCK_FAILED', { reason: 'others than its owner may read the key file: chmod 600 it' })
    }
    content = await readFile(provider.path)
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause
    throw new LedgerError('UNLOCK_FAILED', { reason: 'the key file cannot be read', errno: errno(cause) }, cause)
  }
  try {
    const text = fromUtf8(content)
    if (!/^[0-9a-f]{64}\n?$/.test(text)) throw new RangeError('64 hexadecimal digits')
    return fromHex(text.slice(0, 64))
  } catch {
    throw new LedgerError('UNLOCK_FAILED', { reason: 'the key file does not hold 64 hexadecimal digits' })
  }
}

/** The key under which one kind of secret is wrapped: each kind its own, so that none opens as another. */
export function wrappingKey(root: RootKey, kind: 'key-ring' | 'identity'): SealingKey {
  return {
    id: keyedHash(root, utf8(`quadrille/wrap-id/${kind}/1`)).slice(0, 8),
    algorithm: 'xchacha20-poly1305',
    secret: keyedHash(root, utf8(`quadrille/wrap/${kind}/1`)),
  }
}

/** Tells a wrong root key from a damaged file: 16 bytes, hexadecimal. */
export function keyCheck(root: RootKey): string {
  return toHex(keyedHash(root, utf8('quadrille/key-check/1')).subarray(0, 16))
}

function errno(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? 'unknown'
}
