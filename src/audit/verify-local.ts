// Whether the local logs in a bundle are what their nodes anchored in the consortium log: each leaf follows the one before, the
// tiles and lines are those of its leaves, the node signed its head, and every anchor that the blocks hold is of this very log.

import { fromUtf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { type Digest, type LedgerId, type NodeId, nodeIdOf } from '../base/ids.ts'
import type { BundleFiles } from './bundle-reader.ts'
import type { Findings } from './findings.ts'
import { leafId, noPrevious, readLeaf } from './leaf.ts'
import type { TreeHead } from './log.ts'
import { localOrigin, parseCheckpoint, parseNote, verifyNote } from './note.ts'
import type { AnchorClaim, CheckpointKey } from './replay.ts'
import { leavesOf, tilePath, tilesAt } from './tiles.ts'
import { TreeFiles } from './tree-files.ts'
import { compareFile } from './verify-tree.ts'

/** What a verification says of one local log. */
export interface LocalVerdict {
  readonly node: NodeId
  /** When it began, ms: its name. */
  readonly log: number
  readonly size: number
  /** Leaves that an anchor covers: what the node can no longer change. The rest rests on its word. */
  readonly anchored: number
  /** How many anchors of it the blocks hold. */
  readonly anchors: number
  /** Other logs of this node that it anchored and that are not in the bundle. */
  readonly absent: readonly number[]
}

interface Folder {
  readonly path: string
  readonly node: NodeId
  readonly log: number
}

const folderPattern = /^local\/([0-9a-f]{32})\/([1-9]\d{0,14})\//

export class LocalCheck {
  readonly #files: BundleFiles
  readonly #findings: Findings
  readonly #ledger: LedgerId
  readonly #folders: readonly Folder[]
  /** Of the nodes whose logs are here. */
  readonly #anchors = new Map<NodeId, AnchorClaim[]>()

  constructor(files: BundleFiles, findings: Findings, ledger: LedgerId) {
    this.#files = files
    this.#findings = findings
    this.#ledger = ledger
    const folders = new Map<string, Folder>()
    for (const path of files.paths()) {
      const [folder = '', node = '', log = ''] = folderPattern.exec(path) ?? []
      if (folder !== '') folders.set(folder, { path: folder, node: nodeIdOf(node), log: Number(log) })
    }
    this.#folders = [...folders.values()].sort((a, b) => (a.node < b.node ? -1 : a.node > b.node ? 1 : a.log - b.log))
    for (const { node } of this.#folders) this.#anchors.set(node, [])
  }

  /** Takes the anchors of a block. */
  at(anchors: readonly AnchorClaim[]): void {
    for (const anchor of anchors) this.#anchors.get(anchor.node)?.push(anchor)
  }

  /** `keys`: under which each node signs checkpoints. */
  async finish(keys: readonly CheckpointKey[]): Promise<readonly LocalVerdict[]> {
    const verdicts: LocalVerdict[] = []
    for (const folder of this.#folders) verdicts.push(await this.#check(folder, keys))
    return verdicts
  }

  async #check(folder: Folder, keys: readonly CheckpointKey[]): Promise<LocalVerdict> {
    const { node, log } = folder
    const all = this.#anchors.get(node) ?? []
    const own = all.filter((anchor) => anchor.log === log)
    const here = new Set(this.#folders.filter((each) => each.node === node).map((each) => each.log))
    const absent = [...new Set(all.map((anchor) => anchor.log))].filter((each) => !here.has(each))
    const head = await this.#head(folder, keys)
    const anchored = head === undefined ? 0 : await this.#leaves(folder, head, own)
    return { node, log, size: head?.size ?? 0, anchored, anchors: own.length, absent }
  }

  /** What the node signed. */
  async #head({ path, node, log }: Folder, keys: readonly CheckpointKey[]): Promise<TreeHead | undefined> {
    const file = `${path}checkpoint`
    const bytes = await this.#files.need(file)
    if (bytes === undefined) return undefined
    try {
      const note = parseNote(fromUtf8(bytes))
      const { origin, ...head } = parseCheckpoint(note.text)
      const name = localOrigin(this.#ledger, node, log)
      if (origin !== name) this.#findings.add('NOTE_MISMATCH', file, '', 'another origin')
      const signers = keys.filter((key) => key.node === node).map(({ publicKey }) => ({ name, publicKey }))
      const { valid } = verifyNote(note, signers)
      if (valid.length === 0) this.#findings.add('SIGNATURE_INVALID', file, '', 'the node did not sign it')
      return head
    } catch (error) {
      if (!(error instanceof LedgerError || error instanceof TypeError)) throw error
      this.#findings.add('FILE_MALFORMED', file, '', error.message)
      return undefined
    }
  }

  /** How many leaves an anchor covers. */
  async #leaves({ path }: Folder, head: TreeHead, anchors: readonly AnchorClaim[]): Promise<number> {
    const tree = new TreeFiles()
    const roots = new Map(anchors.map(({ size, root }) => [size, root]))
    let prev = noPrevious
    let anchored = 0
    for (const tile of tilesAt('entries', head.size)) {
      const file = `${path}${tilePath(tile)}`
      const leaves = await this.#bundle(file)
      if (leaves === undefined) return anchored
      for (const leaf of leaves) {
        const next = this.#follows(leaf, tree.size, prev, file)
        if (next === undefined) return anchored
        prev = next
        for (const done of tree.add(leaf).files) await compareFile(this.#files, this.#findings, done, path)
        const expected = roots.get(tree.size)
        if (expected === undefined) continue
        if (expected === tree.root()) anchored = tree.size
        else this.#findings.add('ANCHOR_MISMATCH', file, `leaf ${tree.size - 1}`, `anchored is root ${expected}`)
      }
    }
    for (const done of tree.finish()) await compareFile(this.#files, this.#findings, done, path)
    const at = `leaf ${Math.max(0, tree.size - 1)}`
    if (tree.size !== head.size || tree.root() !== head.root) {
      this.#findings.add('NOTE_MISMATCH', `${path}checkpoint`, at, 'the leaves have another size or root')
    }
    const most = Math.max(0, ...roots.keys())
    if (most > tree.size) this.#findings.add('ANCHOR_MISMATCH', `${path}checkpoint`, at, `anchored are ${most} leaves`)
    return anchored
  }

  async #bundle(file: string): Promise<readonly Uint8Array[] | undefined> {
    const bytes = await this.#files.need(file)
    if (bytes === undefined) return undefined
    try {
      return leavesOf(bytes)
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      this.#findings.add('FILE_MALFORMED', file, '', error.message)
      return undefined
    }
  }

  /** The id of a leaf that comes next; undefined, and a finding, for any other. */
  #follows(bytes: Uint8Array, seq: number, prev: Digest, file: string): Digest | undefined {
    try {
      const leaf = readLeaf(bytes)
      if (leaf.seq === seq && leaf.prev === prev) return leafId(bytes)
      this.#findings.add('LOCAL_BROKEN', file, `leaf ${seq}`, 'it names another place or another leaf before it')
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      this.#findings.add('LOCAL_BROKEN', file, `leaf ${seq}`, error.message)
    }
    return undefined
  }
}
