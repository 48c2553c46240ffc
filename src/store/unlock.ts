// Where the root key comes from. It wraps the key ring (key-ring.ts) and a node's identity (identity.ts) and stands nowhere
// in clear. At first what the provider gives is the root key itself; once the provider was changed, or where it is a
// passphrase, keys/unlock.json holds the root key wrapped under what the provider gives.

import { closeSync, readSync } from 'node:fs'
import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { platform } from 'node:os'
import { dirname, join } from 'node:path'
import { randomBytes } from '#crypto'
import { concat, fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory } from '../base/files.ts'
import { limits } from '../base/limits.ts'
import { keyedHash, open as openSealed, type SealingKey, seal } from '../base/seal.ts'
import { type Stretching, saltBytes, stretch } from '../base/stretch.ts'
import { stored } from './failure.ts'
import { field, readVersioned, writeVersioned } from './versioned.ts'

export type UnlockProvider =
  | {
      readonly provider: 'key-file'
      /** Its whole content: 64 hexadecimal digits and a line feed. Only its owner may read it. */
      readonly path: string
    }
  | {
      /** What a key file would hold, from a file descriptor that the process inherited. */
      readonly provider: 'fd'
      readonly fd: number
    }
  | {
      /** Stretched with Argon2id. Read from a file descriptor to its end; one line feed there does not count. */
      readonly provider: 'passphrase'
      readonly fd: number
    }
  | { readonly provider: 'passphrase'; readonly passphrase: string }

/** 32 secret bytes, the root of everything that a node seals. */
export type RootKey = Uint8Array

const kind = 'quadrille unlock'
const formatVersion = 1
const aad = utf8(`${kind}/${formatVersion}`)

/** Above RFC 9106's second recommendation: some tenths of a second, each time a node starts. */
const standard = { passes: 3, memoryKiB: 65_536 } as const

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

/**
 * The root key of the node whose keys lie in `directory`.
 * @throws LedgerError UNLOCK_FAILED when the provider gives nothing fit, KEY_CHECK_FAILED when it gives another key or
 * passphrase, KDF_PARAMETERS_REFUSED, RECORD_TAMPERED, FORMAT_UNSUPPORTED
 */
export async function unlock(provider: UnlockProvider, directory: string): Promise<RootKey> {
  const fields = await readVersioned(unlockFile(directory), kind, formatVersion)
  if (fields === undefined) {
    if (provider.provider !== 'passphrase') return secretOf(provider)
    throw new LedgerError('UNLOCK_FAILED', { reason: 'these keys were not sealed under a passphrase' })
  }
  const wrapping = await wrappingOf(provider, stretchingIn(fields))
  if (field(fields, 'check', kind) !== keyCheck(wrapping)) throw new LedgerError('KEY_CHECK_FAILED', { file: kind })
  return openSealed(sealingKey(wrapping, 'root'), aad, fromBase64(field(fields, 'sealed', kind)), { store: kind })
}

/** From now on `provider` unlocks the keys in `directory`, and no other; durable when this resolves. */
export async function setUnlock(provider: UnlockProvider, directory: string, root: RootKey): Promise<void> {
  const chosen: Stretching = { ...standard, salt: randomBytes(saltBytes) }
  const wrapping = await wrappingOf(provider, chosen)
  await stored(mkdir(directory, { recursive: true, mode: 0o700 }))
  const fields = {
    provider: provider.provider,
    passes: String(chosen.passes),
    memoryKiB: String(chosen.memoryKiB),
    salt: toHex(chosen.salt),
    check: keyCheck(wrapping),
    sealed: toBase64(seal(sealingKey(wrapping, 'root'), aad, root)),
  }
  await stored(writeVersioned(unlockFile(directory), kind, formatVersion, fields))
}

/** The root key for keys that are made now. A key file is made where there is none. */
export async function createUnlock(provider: UnlockProvider, directory: string): Promise<RootKey> {
  if (provider.provider !== 'passphrase') {
    if (provider.provider === 'key-file' && !(await exists(provider.path))) await createKeyFile(provider.path)
    return unlock(provider, directory)
  }
  const root = randomBytes(32)
  await setUnlock(provider, directory, root)
  return root
}

function unlockFile(directory: string): string {
  return join(directory, 'unlock.json')
}

/** 32 bytes that wrap the root key. */
async function wrappingOf(provider: UnlockProvider, stretching: Stretching): Promise<Uint8Array> {
  if (provider.provider !== 'passphrase') return secretOf(provider)
  const phrase = 'fd' in provider ? readToEnd(provider.fd).replace(/\r?\n$/, '') : provider.passphrase
  if (phrase === '') throw new LedgerError('UNLOCK_FAILED', { reason: 'the passphrase is empty' })
  return stretch(utf8(phrase.normalize('NFC')), stretching)
}

/** What a file asks for before any key is known is bounded: it may be an attacker's. */
function stretchingIn(fields: Readonly<Record<string, string>>): Stretching {
  const passes = Number(field(fields, 'passes', kind))
  const memoryKiB = Number(field(fields, 'memoryKiB', kind))
  const salt = fromHex(field(fields, 'salt', kind))
  const fits =
    Number.isInteger(passes) &&
    Number.isInteger(memoryKiB) &&
    passes >= 1 &&
    passes <= limits.kdfPassesMax &&
    memoryKiB >= 8 &&
    memoryKiB <= limits.kdfMemoryKiBMax &&
    salt.length === saltBytes
  if (!fits) throw new LedgerError('KDF_PARAMETERS_REFUSED', { passes, memoryKiB })
  return { passes, memoryKiB, salt }
}

async function secretOf(provider: Exclude<UnlockProvider, { provider: 'passphrase' }>): Promise<Uint8Array> {
  const text = provider.provider === 'fd' ? readToEnd(provider.fd) : await readKeyFile(provider.path)
  if (!/^[0-9a-f]{64}\n?$/.test(text)) {
    throw new LedgerError('UNLOCK_FAILED', { reason: 'what should be a key is not 64 hexadecimal digits' })
  }
  return fromHex(text.slice(0, 64))
}

async function readKeyFile(path: string): Promise<string> {
  try {
    const { mode } = await stat(path)
    if (platform() !== 'win32' && (mode & 0o077) !== 0) {
      throw new LedgerError('UNLOCK_FAILED', { reason: 'others than its owner may read the key file: chmod 600 it' })
    }
    return fromUtf8(await readFile(path))
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause
    throw new LedgerError('UNLOCK_FAILED', { reason: 'the key file cannot be read', errno: errno(cause) }, cause)
  }
}

/** Reads what whoever started the process put there, and closes it: nobody reads it twice. */
function readToEnd(fd: number): string {
  try {
    const parts: Uint8Array[] = []
    for (let total = 0; total <= limits.secretBytesMax; ) {
      const part = new Uint8Array(limits.secretBytesMax)
      const length = readSync(fd, part)
      if (length === 0) break
      parts.push(part.subarray(0, length))
      total += length
    }
    closeSync(fd)
    return fromUtf8(concat(...parts))
  } catch (cause) {
    const reason = `file descriptor ${fd} cannot be read`
    throw new LedgerError('UNLOCK_FAILED', { reason, errno: errno(cause) }, cause)
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errno(error) === 'ENOENT') return false
    throw new LedgerError('UNLOCK_FAILED', { reason: 'the key file cannot be read', errno: errno(error) }, error)
  }
}

/** The key under which one kind of secret is wrapped: each kind its own, so that none opens as another. */
export function wrappingKey(root: RootKey, kind: 'key-ring' | 'identity' | 'backup' | 'bag-backup'): SealingKey {
  return sealingKey(root, kind)
}

function sealingKey(secret: Uint8Array, purpose: string): SealingKey {
  return {
    id: keyedHash(secret, utf8(`quadrille/wrap-id/${purpose}/1`)).slice(0, 8),
    algorithm: 'xchacha20-poly1305',
    secret: keyedHash(secret, utf8(`quadrille/wrap/${purpose}/1`)),
  }
}

/** Tells a wrong root key from a damaged file: 16 bytes, hexadecimal. */
export function keyCheck(root: RootKey): string {
  return toHex(keyedHash(root, utf8('quadrille/key-check/1')).subarray(0, 16))
}

function errno(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? 'unknown'
}
