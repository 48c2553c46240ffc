// A node's private keys, sealed in one file under the root key. They are read once at start; who uses which is decided
// where they are handed out.

import { fromBase64, toBase64, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { bytes, decode, encode, record, type Schema } from '../base/schema.ts'
import { open, seal } from '../base/seal.ts'
import { stored } from './failure.ts'
import { keyCheck, type RootKey, wrappingKey } from './unlock.ts'
import { field, readVersioned, writeVersioned } from './versioned.ts'

/** Private keys, 32 bytes each. */
export interface Identity {
  /** Ed25519 seed: signs votes and results. */
  readonly consensus: Uint8Array
  /** Ed25519 seed: its libp2p identity. */
  readonly transport: Uint8Array
  /** X25519 private key: opens payloads addressed to this node. */
  readonly payload: Uint8Array
  /** Ed25519 seed: signs log checkpoints and nothing else. */
  readonly checkpoint: Uint8Array
}

const kind = 'quadrille identity'
const formatVersion = 1
const aad = utf8(`${kind}/${formatVersion}`)
const identitySchema: Schema<Identity> = record<Identity>({
  consensus: bytes(32),
  transport: bytes(32),
  payload: bytes(32),
  checkpoint: bytes(32),
})

/** Durable when this resolves. @throws LedgerError FILE_EXISTS: an identity is never overwritten. */
export async function createIdentity(path: string, root: RootKey, identity: Identity): Promise<void> {
  if ((await readVersioned(path, kind, formatVersion)) !== undefined)
    throw new LedgerError('FILE_EXISTS', { file: kind })
  const sealed = seal(wrappingKey(root, 'identity'), aad, encode(identitySchema, identity))
  await stored(writeVersioned(path, kind, formatVersion, { check: keyCheck(root), sealed: toBase64(sealed) }))
}

/** @throws LedgerError KEY_MISSING (no such file), KEY_CHECK_FAILED (another root key), RECORD_TAMPERED, FORMAT_UNSUPPORTED */
export async function loadIdentity(path: string, root: RootKey): Promise<Identity> {
  const fields = await readVersioned(path, kind, formatVersion)
  if (fields === undefined) throw new LedgerError('KEY_MISSING', { file: kind })
  if (field(fields, 'check', kind) !== keyCheck(root)) throw new LedgerError('KEY_CHECK_FAILED', { file: kind })
  const sealed = fromBase64(field(fields, 'sealed', kind))
  return decode(identitySchema, open(wrappingKey(root, 'identity'), aad, sealed, { store: kind }))
}
