// Whether the log in a bundle is the one that its blocks lead to: every leaf, hash tile and line of events is computed
// again from the replayed entries and compared byte for byte.

import { type Digest, digestOf } from '../base/ids.ts'
import type { BundleFiles } from './bundle-reader.ts'
import type { FindingCode, Findings } from './findings.ts'
import { type Entry, leafBytes, noPrevious } from './leaf.ts'
import type { TreeHead } from './log.ts'
import { type Difference, difference, type TreeFile, TreeFiles } from './tree-files.ts'

/** A head that the log must run through, and the file that a failure is told of. */
export interface PinnedHead extends TreeHead {
  readonly file: string
}

export class TreeCheck {
  readonly #files: BundleFiles
  readonly #findings: Findings
  readonly #pinned: readonly PinnedHead[]
  readonly #tree = new TreeFiles()
  #prev: Digest = noPrevious

  constructor(files: BundleFiles, findings: Findings, pinned: readonly PinnedHead[]) {
    this.#files = files
    this.#findings = findings
    this.#pinned = pinned
    this.#checkPinned()
  }

  /** The log after the entries so far. */
  head(): TreeHead {
    return { size: this.#tree.size, root: this.#tree.root() }
  }

  /** Appends what a block leads to, and compares the files that are complete now. */
  async expect(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) {
      const { hash, files } = this.#tree.add(leafBytes(this.#tree.size, this.#prev, entry))
      this.#prev = digestOf(hash)
      this.#checkPinned()
      for (const file of files) await compareFile(this.#files, this.#findings, file)
    }
  }

  /** Compares the files that stay partial. */
  async finish(): Promise<void> {
    for (const file of this.#tree.finish()) await compareFile(this.#files, this.#findings, file)
    for (const { size, file } of this.#pinned) {
      if (size <= this.#tree.size) continue
      this.#findings.add('TRUNCATED', file, `leaf ${this.#tree.size}`, `trusted are ${size} leaves`)
    }
  }

  #checkPinned(): void {
    for (const { size, root, file } of this.#pinned) {
      if (size !== this.#tree.size || root === this.#tree.root()) continue
      this.#findings.add('FORK_DETECTED', file, `leaf ${Math.max(0, size - 1)}`, `trusted is root ${root}`)
    }
  }
}

/** Compares a file that the leaves lead to with the one in the bundle, under `folder`. */
export async function compareFile(
  files: BundleFiles,
  findings: Findings,
  expected: TreeFile,
  folder = '',
): Promise<void> {
  const { type, firstLeaf, records, span } = expected
  const path = `${folder}${expected.path}`
  const actual = await files.need(path, `leaves ${firstLeaf} to ${firstLeaf + records * span - 1}`)
  files.counted(path, records)
  const found = actual === undefined ? undefined : difference(expected, actual)
  if (found === undefined) return
  const end = found.byte + 1 > (actual?.length ?? 0) ? 'the end' : `byte ${found.byte}`
  findings.add(codes[type][found.type], path, `leaf ${found.leaf}`, `from ${end} on`)
}

const codes: Readonly<Record<TreeFile['type'], Readonly<Record<Difference['type'], FindingCode>>>> = {
  entries: { changed: 'LEAF_MISMATCH', lacking: 'LEAF_MISSING', surplus: 'LEAF_SURPLUS' },
  hashes: { changed: 'TILE_MISMATCH', lacking: 'TILE_MISMATCH', surplus: 'TILE_MISMATCH' },
  events: { changed: 'EVENT_MISMATCH', lacking: 'EVENT_MISMATCH', surplus: 'EVENT_MISMATCH' },
}
