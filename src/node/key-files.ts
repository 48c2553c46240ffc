// Private keys of organisations and of applications, each in one file of its own that only its owner may read. They never
// go into a node's home and never into anything that is passed on.

import { open, stat } from 'node:fs/promises'
import { platform } from 'node:os'
import { dirname } from 'node:path'
import { equal, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory } from '../base/files.ts'
import { limits } from '../base/limits.ts'
import { bytes, record, type Schema, text, word } from '../base/schema.ts'
import { generateSigningKey, type SigningKey, signingKeyOf } from '../base/signature.ts'
import { type Organisation, organisationSchema } from '../ledger/records.ts'
import { readJson, reasonOf } from './home.ts'

export interface OrganisationKey {
  readonly organisation: Organisation
  readonly signing: SigningKey
}

export interface ApplicationKeyFile {
  /** As people know the application. */
  readonly name: string
  readonly signing: SigningKey
}

type OrganisationForm = { kind: 'quadrille organisation key 1'; organisation: Organisation; seed: Uint8Array }
type ApplicationForm = { kind: 'quadrille application key 1'; name: string; key: Uint8Array; seed: Uint8Array }

const organisationForm: Schema<OrganisationForm> = record<OrganisationForm>({
  kind: word('quadrille organisation key 1'),
  organisation: organisationSchema,
  seed: bytes(32),
})

const applicationForm: Schema<ApplicationForm> = record<ApplicationForm>({
  kind: word('quadrille application key 1'),
  name: text(limits.nameBytesMax),
  key: bytes(32),
  seed: bytes(32),
})

/** A new key for an organisation, in a new file. @throws LedgerError FILE_EXISTS, STORAGE_FAILED */
export async function createOrganisationKey(
  path: string,
  organisation: Omit<Organisation, 'key'>,
): Promise<OrganisationKey> {
  const signing = generateSigningKey()
  const whole: Organisation = { ...organisation, key: signing.publicKey }
  const kind = 'quadrille organisation key 1'
  await writeSecret(path, organisationForm, { kind, organisation: whole, seed: signing.seed })
  return { organisation: whole, signing }
}

/** @throws LedgerError FILE_UNREADABLE, MALFORMED, KEY_FILE_OPEN */
export async function readOrganisationKey(path: string): Promise<OrganisationKey> {
  const { organisation, seed } = await readSecret(path, organisationForm)
  return { organisation, signing: matching(path, seed, organisation.key) }
}

/** A new key for an application, in a new file. @throws LedgerError FILE_EXISTS, STORAGE_FAILED */
export async function createApplicationKey(path: string, name: string): Promise<ApplicationKeyFile> {
  const signing = generateSigningKey()
  const kind = 'quadrille application key 1'
  await writeSecret(path, applicationForm, { kind, name, key: signing.publicKey, seed: signing.seed })
  return { name, signing }
}

/** @throws LedgerError FILE_UNREADABLE, MALFORMED, KEY_FILE_OPEN */
export async function readApplicationKey(path: string): Promise<ApplicationKeyFile> {
  const { name, key, seed } = await readSecret(path, applicationForm)
  return { name, signing: matching(path, seed, key) }
}

function matching(path: string, seed: Uint8Array, publicKey: Uint8Array): SigningKey {
  const signing = signingKeyOf(seed)
  if (!equal(signing.publicKey, publicKey)) {
    throw new LedgerError('MALFORMED', { file: path, reason: 'its public key is not the one of its seed' })
  }
  return signing
}

async function writeSecret<T>(path: string, schema: Schema<T>, value: T): Promise<void> {
  await writeNew(path, `${JSON.stringify(schema.toJson(value), undefined, 2)}\n`, 0o600)
}

/** A file that was not there before, durable when this resolves. @throws LedgerError FILE_EXISTS, STORAGE_FAILED */
export async function writeNew(path: string, content: string, mode: number): Promise<void> {
  try {
    const file = await open(path, 'wx', mode)
    try {
      await file.writeFile(utf8(content))
      await file.sync()
    } finally {
      await file.close()
    }
    await syncDirectory(dirname(path))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw new LedgerError('FILE_EXISTS', { file: path }, cause)
    throw new LedgerError('STORAGE_FAILED', { file: path, reason: reasonOf(cause) }, cause)
  }
}

async function readSecret<T>(path: string, schema: Schema<T>): Promise<T> {
  const value = await readJson(path, schema)
  const { mode } = await stat(path)
  if (platform() !== 'win32' && (mode & 0o077) !== 0) throw new LedgerError('KEY_FILE_OPEN', { file: path })
  return value
}
