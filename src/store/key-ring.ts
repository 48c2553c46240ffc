// A node's own keys at rest: data keys for each purpose, wrapped in one file under the root key, and the bag of item keys
// beside it (key-bag.ts). The ring is small and rewritten whole; the bag is long and appended to. What the keys seal, and
// when a key turns, is the affair of others.

import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBase64, toBase64, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory } from '../base/files.ts'
import { type Time, timeOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode, list, record, type Schema, timestamp, uint, word } from '../base/schema.ts'
import { generateSealingKey, keyedHash, open, type SealingKey, seal } from '../base/seal.ts'
import { openBag, sealBag } from './bag-backup.ts'
import { Queue, stored } from './failure.ts'
import { type BagGeneration, KeyBag, sealingKeySchema } from './key-bag.ts'
import { keyCheck, type RootKey, wrappingKey } from './unlock.ts'
import { type Fields, field, readAnyVersion, readVersioned, versionedBytes, writeVersioned } from './versioned.ts'

/** What a data key is for. `lookup` hashes dictionary terms and record keys: it never seals. */
export type KeyPurpose = 'index' | 'dictionary' | 'payload' | 'state' | 'journal' | 'details' | 'lookup'

/** An active key seals, a decrypt-only one opens what it sealed before. A destroyed one is no longer here. */
type KeyState = 'active' | 'decrypt-only'

export interface KeyEntry {
  readonly purpose: KeyPurpose
  /** From 1, for each purpose by itself. */
  readonly version: number
  readonly state: KeyState
  /** When it was made. */
  readonly since: Time
  readonly key: SealingKey
}

interface RingContent {
  readonly keys: readonly KeyEntry[]
  readonly bag: { readonly generation: number; readonly key: SealingKey }
}

const kind = 'quadrille key ring'
const formatVersion = 2
const ringFile = 'ring.json'
const aadOf = (version: number): Uint8Array => utf8(`${kind}/${version}`)
/** Each has an active key from the start; `journal` gets a new one whenever a journal is opened. */
const purposes = ['index', 'dictionary', 'payload', 'state', 'details', 'lookup'] as const

const entryFields = {
  purpose: word('index', 'dictionary', 'payload', 'state', 'journal', 'details', 'lookup'),
  version: uint(),
  state: word('active', 'decrypt-only'),
  key: sealingKeySchema,
} as const
const bagSchema = record<RingContent['bag']>({ generation: uint(), key: sealingKeySchema })

const ringSchema: Schema<RingContent> = record<RingContent>({
  keys: list(record<KeyEntry>({ ...entryFields, since: timestamp }), limits.dataKeysMax),
  bag: bagSchema,
})

/** Version 1 did not know when keys were made. */
const firstRingSchema = record<{ readonly keys: readonly Omit<KeyEntry, 'since'>[]; readonly bag: RingContent['bag'] }>(
  {
    keys: list(record<Omit<KeyEntry, 'since'>>(entryFields), limits.dataKeysMax),
    bag: bagSchema,
  },
)

/** Whether keys were made in `directory`. */
export async function hasKeyRing(directory: string): Promise<boolean> {
  return (await readVersioned(join(directory, ringFile), kind, formatVersion)) !== undefined
}

/** Makes a ring and an empty bag of generation 1 in `directory`. @throws LedgerError FILE_EXISTS */
export async function createKeyRing(directory: string, root: RootKey): Promise<KeyRing> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, ringFile)
  if ((await readVersioned(path, kind, formatVersion)) !== undefined) {
    throw new LedgerError('FILE_EXISTS', { file: 'keys/ring.json' })
  }
  const since = timeOf(Date.now())
  const keys = purposes.map(
    (purpose): KeyEntry => ({ purpose, version: 1, state: 'active', since, key: generateSealingKey() }),
  )
  const content: RingContent = { keys, bag: { generation: 1, key: generateSealingKey() } }
  await writeRing(path, root, content)
  return openKeyRing(directory, root)
}

/**
 * @throws LedgerError KEY_CHECK_FAILED (another root key), RECORD_TAMPERED, FORMAT_UNSUPPORTED,
 * KEY_MISSING (there is no ring here).
 */
export async function openKeyRing(directory: string, root: RootKey): Promise<KeyRing> {
  const path = join(directory, ringFile)
  const read = await readAnyVersion(path, kind, formatVersion)
  if (read === undefined) throw new LedgerError('KEY_MISSING', { file: 'keys/ring.json' })
  const { version, fields } = read
  if (field(fields, 'check', kind) !== keyCheck(root)) throw new LedgerError('KEY_CHECK_FAILED', { file: kind })
  const sealed = fromBase64(field(fields, 'sealed', kind))
  const content = contentOf(version, open(wrappingKey(root, 'key-ring'), aadOf(version), sealed, { store: kind }))
  const generation = bagGeneration(directory, content.bag)
  const bag = await KeyBag.open(generation)
  try {
    await stored(removeOtherBags(directory, generation))
    return new KeyRing(directory, root, content, bag)
  } catch (error) {
    await bag.close()
    throw error
  }
}

/** Keys whose making nobody noted count from now on, which is written down with the next change. */
function contentOf(version: number, plain: Uint8Array): RingContent {
  if (version === formatVersion) return decode(ringSchema, plain)
  const { keys, bag } = decode(firstRingSchema, plain)
  const since = timeOf(Date.now())
  return { keys: keys.map((entry) => ({ ...entry, since })), bag }
}

function bagGeneration(directory: string, { generation, key }: RingContent['bag']): BagGeneration {
  return { number: generation, path: join(directory, `bag-${generation}`), wrapping: key }
}

/** What a turn of the bag left behind when it was interrupted. */
async function removeOtherBags(directory: string, { path }: BagGeneration): Promise<void> {
  const others = (await readdir(directory)).filter((name) => /^bag-\d+$/.test(name) && join(directory, name) !== path)
  for (const name of others) await rm(join(directory, name))
  if (others.length > 0) await syncDirectory(directory)
}

async function writeRing(path: string, root: RootKey, content: RingContent): Promise<void> {
  await writeVersioned(path, kind, formatVersion, ringFields(root, content))
}

function ringFields(root: RootKey, content: RingContent): Fields {
  const sealed = seal(wrappingKey(root, 'key-ring'), aadOf(formatVersion), encode(ringSchema, content))
  return { check: keyCheck(root), sealed: toBase64(sealed) }
}

export class KeyRing {
  /** Keys of personal and confidential items, and of staged payloads. */
  readonly bag: KeyBag
  readonly #directory: string
  readonly #root: RootKey
  #content: RingContent
  #byId: ReadonlyMap<string, SealingKey> = new Map()
  readonly #writes: Queue = new Queue()

  constructor(directory: string, root: RootKey, content: RingContent, bag: KeyBag) {
    this.#directory = directory
    this.#root = root
    this.#content = content
    this.bag = bag
    this.#index()
  }

  /** The key that seals new records of this purpose. @throws LedgerError KEY_MISSING */
  active(purpose: KeyPurpose): SealingKey {
    const found = this.#content.keys.find((entry) => entry.purpose === purpose && entry.state === 'active')
    if (found === undefined) throw new LedgerError('KEY_MISSING', { purpose })
    return found.key
  }

  /** The key with this 8-byte id, of ring or bag. @throws LedgerError KEY_MISSING */
  find(id: Uint8Array): SealingKey {
    const hex = toHex(id)
    const key = this.#byId.get(hex) ?? this.bag.find(hex)
    if (key === undefined) throw new LedgerError('KEY_MISSING', { key: hex })
    return key
  }

  /** All data keys, for `keys status`. */
  entries(): readonly KeyEntry[] {
    return this.#content.keys
  }

  /** A new active key for `purpose`, durable when this resolves; the one before it only opens from now on. */
  async renew(purpose: Exclude<KeyPurpose, 'lookup'>): Promise<SealingKey> {
    const key = generateSealingKey()
    await this.#change((keys) => {
      const version = 1 + Math.max(0, ...keys.filter((each) => each.purpose === purpose).map((each) => each.version))
      const older = keys.map((each) => (each.purpose === purpose ? { ...each, state: 'decrypt-only' as const } : each))
      return [...older, { purpose, version, state: 'active', since: timeOf(Date.now()), key }]
    })
    return key
  }

  /** Forgets decrypt-only keys. Only when nothing is left under them. */
  async destroy(ids: readonly Uint8Array[]): Promise<void> {
    const gone = new Set(ids.map(toHex))
    if (gone.size === 0) return
    await this.#change((keys) => keys.filter((each) => each.state === 'active' || !gone.has(toHex(each.key.id))))
  }

  /**
   * Begins the next generation of the bag, without the keys that were dropped and under a new wrapping key. The old
   * wrapping key leaves the ring in the same write that makes the new generation the valid one.
   */
  turnBag(): Promise<void> {
    return this.#writes.run(async () => {
      const bag = { generation: this.bag.generation + 1, key: generateSealingKey() }
      await this.bag.turn(bagGeneration(this.#directory, bag), () => this.#replace({ ...this.#content, bag }))
    })
  }

  /**
   * The ring as a backup holds it, for a file of its own: without the journal's keys, and with a bag that begins anew above
   * this one. What wraps the keys of items never leaves this folder.
   */
  withoutBag(): Uint8Array {
    const keys = this.#content.keys.filter(({ purpose }) => purpose !== 'journal')
    const bag = { generation: this.bag.generation + 1, key: generateSealingKey() }
    return versionedBytes(kind, formatVersion, ringFields(this.#root, { keys, bag }))
  }

  /** Shows that a backup was made by whoever has the root key. */
  backupMac(manifest: Uint8Array): Uint8Array {
    return keyedHash(wrappingKey(this.#root, 'backup').secret, manifest)
  }

  /** The keys of all items, for a short-lived backup of their own (bag-backup.ts). */
  async sealedBag(ends: Time): Promise<Uint8Array> {
    return sealBag(this.#root, { ends, notes: this.bag.notes() })
  }

  /**
   * Takes the keys of a bag's backup that are not here; durable when it resolves. How many they were.
   * @throws LedgerError RECORD_TAMPERED, KEY_CHECK_FAILED, BACKUP_EXPIRED
   */
  takeBag(sealed: Uint8Array, now: Time): Promise<number> {
    return this.bag.take(openBag(this.#root, sealed, now))
  }

  async close(): Promise<void> {
    await this.#writes.run(() => this.bag.close())
  }

  #change(change: (keys: readonly KeyEntry[]) => readonly KeyEntry[]): Promise<void> {
    return this.#writes.run(() => this.#replace({ ...this.#content, keys: change(this.#content.keys) }))
  }

  async #replace(content: RingContent): Promise<void> {
    await stored(writeRing(join(this.#directory, ringFile), this.#root, content))
    this.#content = content
    this.#index()
  }

  #index(): void {
    this.#byId = new Map(this.#content.keys.map(({ key }) => [toHex(key.id), key]))
  }
}
