// A node's private keys, sealed in one file under the root key. They are read once at start; who uses which is decided
// where they are handed out. A consensus key that is to follow lies in a file of its own until it takes the place of the old one.

import { rm } from 'node:fs/promises'
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

const successorKind = 'quadrille successor key'
const successorAad = utf8(`${successorKind}/${formatVersion}`)
const successorSchema: Schema<Pick<Identity, 'consensus'>> = record({ consensus: bytes(32) })

/** Durable when this resolves. @throws LedgerError FILE_EXISTS: an identity is never overwritten. */
export async function createIdentity(path: string, root: RootKey, identity: Identity): Promise<void> {
  if ((await readVersioned(path, kind, formatVersion)) !== undefined)
    throw new LedgerError('FILE_EXISTS', { file: kind })
  await writeIdentity(path, root, identity)
}

async function writeIdentity(path: string, root: RootKey, identity: Identity): Promise<void> {
  const sealed = seal(wrappingKey(root, 'identity'), aad, encode(identitySchema, identity))
  await stored(writeVersioned(path, kind, formatVersion, { check: keyCheck(root), sealed: toBase64(sealed) }))
}

/** @throws LedgerError KEY_MISSING (no such file), KEY_CHECK_FAILED (another root key), RECORD_TAMPERED, FORMAT_UNSUPPORTED */
export async function loadIdentity(path: string, root: RootKey): Promise<Identity> {
  const opened = await openSealed(path, root, kind, aad)
  if (opened === undefined) throw new LedgerError('KEY_MISSING', { file: kind })
  return decode(identitySchema, opened)
}

/** Seed of the consensus key that is to follow. Durable when this resolves. @throws LedgerError FILE_EXISTS */
export async function createSuccessor(path: string, root: RootKey, consensus: Uint8Array): Promise<void> {
  if ((await readVersioned(path, successorKind, formatVersion)) !== undefined)
    throw new LedgerError('FILE_EXISTS', { file: successorKind })
  const sealed = seal(wrappingKey(root, 'identity'), successorAad, encode(successorSchema, { consensus }))
  await stored(writeVersioned(path, successorKind, formatVersion, { check: keyCheck(root), sealed: toBase64(sealed) }))
}

/** Undefined when none was made. @throws LedgerError as loadIdentity does */
export async function loadSuccessor(path: string, root: RootKey): Promise<Uint8Array | undefined> {
  const opened = await openSealed(path, root, successorKind, successorAad)
  return opened && decode(successorSchema, opened).consensus
}

/**
 * The successor becomes the consensus key, and the old one is gone from the disk as far as a file system lets it go. A crash
 * between the two writes leaves a successor that is the key already.
 */
export async function adoptSuccessor(
  paths: { readonly identity: string; readonly successor: string },
  root: RootKey,
): Promise<void> {
  const consensus = await loadSuccessor(paths.successor, root)
  if (consensus === undefined) throw new LedgerError('KEY_MISSING', { file: successorKind })
  await writeIdentity(paths.identity, root, { ...(await loadIdentity(paths.identity, root)), consensus })
  await stored(rm(paths.successor))
}

async function openSealed(
  path: string,
  root: RootKey,
  of: string,
  context: Uint8Array,
): Promise<Uint8Array | undefined> {
  const fields = await readVersioned(path, of, formatVersion)
  if (fields === undefined) return undefined
  if (field(fields, 'check', of) !== keyCheck(root)) throw new LedgerError('KEY_CHECK_FAILED', { file: of })
  return open(wrappingKey(root, 'identity'), context, fromBase64(field(fields, 'sealed', of)), { store: of })
}
