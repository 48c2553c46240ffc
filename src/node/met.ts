// Which validators this node has heard speak, under which key, and with which journal: durable. A Raft server whose home was wiped
// has a new journal under an old key; what it promised in the old one nobody can tell, so nobody listens to it.

import { randomBytes } from '#crypto'
import { fromHex, toHex } from '../base/bytes.ts'
import { keyId } from '../base/hash.ts'
import type { NodeId } from '../base/ids.ts'
import { Queue } from '../store/failure.ts'
import { readVersioned, writeVersioned } from '../store/versioned.ts'

const fileKind = 'quadrille validators met'
const ownName = 'journal'

export class Met {
  readonly #path: string
  /** By node: id of its key, and of its journal; and this node's own journal. */
  readonly #fields: Map<string, string>
  /** One after another: of two at once the older might be the last to replace the file. */
  readonly #queue: Queue = new Queue()
  /** What stands in the file. */
  #kept: ReadonlyMap<string, string>

  private constructor(path: string, fields: Map<string, string>) {
    this.#path = path
    this.#fields = fields
    this.#kept = new Map(fields)
  }

  /** @throws LedgerError STORAGE_FAILED, MALFORMED */
  static async open(path: string): Promise<Met> {
    const found = await readVersioned(path, fileKind, 1)
    const met = new Met(path, new Map(Object.entries(found ?? { [ownName]: toHex(randomBytes(16)) })))
    if (found === undefined) await met.#write()
    return met
  }

  /** Names this node's journal: 16 random bytes that are lost with it. */
  get journal(): Uint8Array {
    return fromHex(this.#fields.get(ownName) ?? '')
  }

  /** Whether it spoke under this key before, with another journal. */
  hasForgotten(node: NodeId, key: Uint8Array, journal: Uint8Array): boolean {
    const [knownKey, knownJournal] = this.#fields.get(node)?.split(' ') ?? []
    return knownKey === keyId(key) && knownJournal !== toHex(journal)
  }

  /** Durable when it resolves. */
  async add(node: NodeId, key: Uint8Array, journal: Uint8Array): Promise<void> {
    const entry = `${keyId(key)} ${toHex(journal)}`
    this.#fields.set(node, entry)
    if (this.#kept.get(node) === entry) return
    await this.#queue.run(async () => {
      if (this.#kept.get(node) !== entry) await this.#write()
    })
  }

  async #write(): Promise<void> {
    const fields = new Map(this.#fields)
    await writeVersioned(this.#path, fileKind, 1, Object.fromEntries(fields))
    this.#kept = fields
  }
}
