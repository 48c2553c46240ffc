// Follows the checkpoints that several nodes show of one log, and finds out when they cannot all be true: two roots for one size,
// or a later log that does not begin with an earlier one. What it cries out with is a proof that anybody can check (fork.ts).

import { fromHex } from '../base/bytes.ts'
import { verifyConsistency } from '../base/merkle.ts'
import { type ForkProof, type ForkVerdict, judgeFork } from './fork.ts'
import { type LogCheckpoint, type NoteKey, parseCheckpoint, parseNote, verifyNote } from './note.ts'
import { consistencyHashes, type ReadFile } from './sample.ts'

/** A node, as whoever watches sees it. */
export interface Watched {
  readonly name: string
  /** Its newest signed note; with a size, the one that it signs itself over so many leaves; undefined when it has none. */
  note(size?: number): Promise<string | undefined>
  /** A file of its log, by its C2SP tlog-tiles path. */
  readonly tile: ReadFile
}

export type Sighting =
  /** What it shows fits to all that was seen before. */
  | {
      readonly type: 'holds'
      readonly name: string
      readonly size: number
      readonly root: string
      readonly signers: readonly string[]
    }
  /** Nothing is final there yet. */
  | { readonly type: 'empty'; readonly name: string }
  /** No validator's signature that counts, one that is false, or another log. */
  | { readonly type: 'unsigned'; readonly name: string }
  /** Its tiles do not lead from an earlier checkpoint to its own, and it shows no other note: no proof of a fork, but cause for one. */
  | { readonly type: 'unproven'; readonly name: string; readonly from: number; readonly size: number }
  | { readonly type: 'fork'; readonly name: string; readonly proof: ForkProof; readonly verdict: ForkVerdict }

interface Seen extends LogCheckpoint {
  readonly note: string
  readonly signers: readonly string[]
  readonly watched: Pick<Watched, 'note' | 'tile'>
}

export class Watch {
  readonly #origin: string
  readonly #keys: () => Promise<readonly NoteKey[]>
  /** The largest tree that was seen and proven to continue the others. */
  #latest: Seen | undefined

  /** `keys`: of the validators, asked again when no known one signed. */
  constructor(origin: string, keys: () => Promise<readonly NoteKey[]>) {
    this.#origin = origin
    this.#keys = keys
  }

  /** What one node shows now, held against what was seen before. @throws LedgerError when it cannot be asked, MALFORMED */
  async look(watched: Watched): Promise<Sighting> {
    const { name } = watched
    const note = await watched.note()
    if (note === undefined) return { type: 'empty', name }
    return this.#judge(name, note, watched)
  }

  /** A checkpoint that somebody kept: the log must begin with it. */
  async remember(note: string): Promise<Sighting> {
    const nobody = { note: async () => undefined, tile: async () => new Uint8Array() }
    return this.#judge('the checkpoint that was kept', note, nobody)
  }

  async #judge(name: string, note: string, watched: Pick<Watched, 'note' | 'tile'>): Promise<Sighting> {
    const keys = await this.#keys()
    const seen = this.#checked(note, keys, watched)
    if (seen === undefined) return { type: 'unsigned', name }
    const latest = this.#latest ?? seen
    const [old, later] = seen.size < latest.size ? [seen, latest] : [latest, seen]
    if (!(await continues(old, later))) {
      const contrary = old.size === later.size ? later.note : await later.watched.note(old.size)
      const proof: ForkProof = { kind: 'quadrille fork 1', first: old.note, second: contrary ?? later.note }
      const verdict = judgeFork(proof, keys)
      if (verdict !== undefined) return { type: 'fork', name, proof, verdict }
      return { type: 'unproven', name, from: old.size, size: later.size }
    }
    this.#latest = later
    const { size, root, signers } = seen
    return { type: 'holds', name, size, root, signers }
  }

  #checked(note: string, keys: readonly NoteKey[], watched: Pick<Watched, 'note' | 'tile'>): Seen | undefined {
    const parsed = parseNote(note)
    const checkpoint = parseCheckpoint(parsed.text)
    const { valid, invalid } = verifyNote(parsed, keys)
    if (checkpoint.origin !== this.#origin || valid.length === 0 || invalid.length > 0) return undefined
    return { ...checkpoint, note, signers: valid, watched }
  }
}

/** Whether the later tree begins with the old one, as the tiles of who shows it say. */
async function continues(old: Seen, later: Seen): Promise<boolean> {
  if (old.size === later.size) return old.root === later.root
  const hashes = await consistencyHashes(later.watched.tile, old.size, later.size)
  return hashes !== undefined && verifyConsistency(old.size, later.size, hashes, fromHex(old.root), fromHex(later.root))
}
