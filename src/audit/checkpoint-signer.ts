// Signs checkpoints of one log and never contradicts itself: what is signed is durable before the signature leaves, a
// size is never signed with two roots, nor a tree that does not begin with the one signed before. Which trees are final
// and thus worth signing is the caller's to know.

import { readFile } from 'node:fs/promises'
import { utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { writeFileAtomic } from '../base/files.ts'
import { type Digest, digestOf } from '../base/ids.ts'
import { canonicalJson, isObject, parseCanonicalJson } from './json.ts'
import type { TreeHead } from './log.ts'
import { checkpointText, formatNote, signNote } from './note.ts'

export interface CheckpointSignerOptions {
  /** Where the last signed head is kept: {origin, root, size}. */
  readonly path: string
  readonly origin: string
  /** Key name in the note. */
  readonly name: string
  /** Private key, 32 bytes, for checkpoints alone. */
  readonly seed: Uint8Array
  /** Root of the first `size` leaves of the log as it stands. */
  readonly rootAt: (size: number) => Digest
}

export class CheckpointSigner {
  readonly #options: CheckpointSignerOptions
  #last: TreeHead | undefined
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(options: CheckpointSignerOptions, last: TreeHead | undefined) {
    this.#options = options
    this.#last = last
  }

  /** @throws LedgerError RECORD_TAMPERED when the kept head is not one of this log. */
  static async open(options: CheckpointSignerOptions): Promise<CheckpointSigner> {
    return new CheckpointSigner(options, await readLast(options))
  }

  /** The last head that was signed. */
  get last(): TreeHead | undefined {
    return this.#last
  }

  /**
   * The signed note of `head`, which must be of the log as it stands. A tree that the last one signed begins with needs no
   * record of its own: that one determines it.
   * @throws LedgerError FORK_DETECTED when it contradicts the log or what was signed; then nothing is signed.
   */
  sign(head: TreeHead): Promise<string> {
    const signed = this.#queue.then(() => this.#sign(head))
    this.#queue = signed.catch(() => undefined)
    return signed
  }

  async #sign(head: TreeHead): Promise<string> {
    const { origin, name, seed, rootAt, path } = this.#options
    const last = this.#last ?? head
    if (rootAt(head.size) !== head.root || rootAt(last.size) !== last.root) {
      throw new LedgerError('FORK_DETECTED', { signed: last.size, asked: head.size })
    }
    if (this.#last === undefined || this.#last.size < head.size) {
      await writeFileAtomic(path, utf8(`${canonicalJson({ origin, size: head.size, root: head.root })}`))
      this.#last = { size: head.size, root: head.root }
    }
    const text = checkpointText({ origin, ...head })
    return formatNote({ text, signatures: [signNote(text, name, seed)] })
  }
}

async function readLast({ path, origin }: CheckpointSignerOptions): Promise<TreeHead | undefined> {
  let bytes: Uint8Array
  try {
    bytes = new Uint8Array(await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const value = parseCanonicalJson(bytes)
  const { size, root } = isObject(value) && value['origin'] === origin ? value : {}
  if (typeof size !== 'number' || typeof root !== 'string') throw new LedgerError('RECORD_TAMPERED', { file: path })
  return { size, root: digestOf(root) }
}
