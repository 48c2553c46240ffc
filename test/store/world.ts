// A node's folders on the real disk, made for one test and removed after it.

import { createHash } from 'node:crypto'
import { cpSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '../../src/base/bytes.ts'
import { type Digest, digestOf, type ItemId, itemIdOf, type Sequence, sequenceOf } from '../../src/base/ids.ts'
import { createKeyRing, type KeyRing, openKeyRing } from '../../src/store/key-ring.ts'
import {
  type BlockChange,
  openStore,
  type Store,
  type StoredItem,
  type StoredRetraction,
  type StoredRow,
} from '../../src/store/store.ts'
import { literal, namedNode, type StoredQuad } from '../../src/store/terms.ts'
import { createKeyFile, type RootKey, unlock } from '../../src/store/unlock.ts'

const xsd = 'http://www.w3.org/2001/XMLSchema#'

export const iri: typeof namedNode = namedNode
export const text = (value: string): StoredRow['object'] => literal(value, namedNode(`${xsd}string`))
export const typed = (value: string, type: string): StoredRow['object'] => literal(value, namedNode(`${xsd}${type}`))
export const tagged = (value: string, language: string): StoredRow['object'] =>
  literal(value, namedNode('http://www.w3.org/1999/02/22-rdf-syntax-ns#langString'), language)

export const row = (subject: string, predicate: string, object: StoredRow['object']): StoredRow => ({
  subject: iri(subject),
  predicate: iri(predicate),
  object,
})

const digest = (name: string): string => createHash('sha256').update(name).digest('hex')
export const itemNamed = (name: string): ItemId => itemIdOf(digest(`item ${name}`))
export const requestNamed = (name: string): Digest => digestOf(digest(`request ${name}`))

export function item(name: string, rows: readonly StoredRow[], more: Partial<StoredItem> = {}): StoredItem {
  return { item: itemNamed(name), graph: 'urn:g:1', class: 'open', payload: utf8(`payload ${name}`), rows, ...more }
}

/** `graph`: the one that the retraction is made for. */
export const retraction = (name: string, rows: readonly number[], graph = 'urn:g:1'): StoredRetraction => ({
  item: itemNamed(name),
  graph,
  rows,
})

export function block(sequence: number, more: Partial<BlockChange> = {}): BlockChange {
  const none: BlockChange = {
    sequence: sequenceOf(sequence) as Sequence,
    meta: utf8(`meta ${sequence}`),
    records: [],
    items: [],
    retractions: [],
    erasures: [],
    unstage: [],
  }
  return { ...none, ...more }
}

/** N-Quads-like lines, sorted: what two stores that hold the same quads have in common. */
export async function dump(source: AsyncIterable<StoredQuad>): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const quad of source) lines.push(line(quad))
  return lines.sort()
}

export function line({ subject, predicate, object, graph }: StoredQuad): string {
  const last =
    object.termType === 'Literal' ? `"${object.value}"@${object.language}^^${object.datatype.value}` : object.value
  return `${subject.value} ${predicate.value} ${last} ${graph.value}`
}

export class World {
  readonly directory: string
  readonly root: RootKey
  keyRing: KeyRing

  private constructor(directory: string, root: RootKey, keyRing: KeyRing) {
    this.directory = directory
    this.root = root
    this.keyRing = keyRing
  }

  static async create(): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), 'quadrille-store-'))
    const path = join(directory, 'unlock.key')
    await createKeyFile(path)
    const root = await unlock({ provider: 'key-file', path }, join(directory, 'keys'))
    return new World(directory, root, await createKeyRing(join(directory, 'keys'), root))
  }

  path(...parts: readonly string[]): string {
    return join(this.directory, ...parts)
  }

  /** `memoryBytesMax`: 0 makes a segment of every block. */
  store(seal = true, memoryBytesMax?: number, cacheBytesMax?: number): Promise<Store> {
    const memory = memoryBytesMax === undefined ? {} : { memoryBytesMax }
    const cache = cacheBytesMax === undefined ? {} : { cacheBytesMax }
    return openStore(this.path('store'), { keyRing: this.keyRing, seal, ...memory, ...cache })
  }

  /** The ring as another process would find it. */
  async reopenKeys(): Promise<KeyRing> {
    await this.keyRing.close()
    this.keyRing = await openKeyRing(this.path('keys'), this.root)
    return this.keyRing
  }

  /** Keys and store as a kill at this moment would leave them: nothing here goes on while they are copied. */
  image(): void {
    for (const folder of ['keys', 'store']) cpSync(this.path(folder), this.path('image', folder), { recursive: true })
  }

  /** What `image` took stands in the place of keys and store, which must be closed. */
  async kill(): Promise<void> {
    await this.keyRing.close()
    for (const folder of ['keys', 'store']) {
      await rm(this.path(folder), { recursive: true })
      await rename(this.path('image', folder), this.path(folder))
    }
    this.keyRing = await openKeyRing(this.path('keys'), this.root)
  }

  /** The bytes of every file under `folder`. */
  async bytes(folder = ''): Promise<Buffer> {
    const entries = await readdir(this.path(folder), { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    return Buffer.concat(await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name)))))
  }

  async remove(): Promise<void> {
    await this.keyRing.close()
    await rm(this.directory, { recursive: true, force: true })
  }
}
