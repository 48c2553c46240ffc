// Writes an audit bundle (bundle.ts says what it holds) from a source, record by record in bounded memory. What the
// source may give away, and to whom, was decided before. Files are not fsynced one by one: an export can be made again,
// and whoever verifies it learns of a file that a power cut took.

import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { sha256 } from '#crypto'
import { concat, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory } from '../base/files.ts'
import { type Digest, digestOf, type LedgerId, type OrganisationId, type Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { encode } from '../base/schema.ts'
import {
  type BundleFile,
  bundleFormat,
  type Manifest,
  manifestBytes,
  manifestPath,
  type PayloadRecord,
  type PieceKind,
  payloadRecordSchema,
  piecePath,
  sequenced,
  sumsPath,
  sumsText,
} from './bundle.ts'
import { validatorKeys, verifierKeysText } from './note.ts'
import type { CheckpointKey } from './replay.ts'
import { TreeFiles } from './tree-files.ts'
import { verifyGuide } from './verify-guide.ts'

/** Where the pieces of a bundle come from: a node's own files, or another node over HTTP. */
export interface BundleSource {
  readonly ledger: LedgerId
  /** The organisation whose items the payloads are of; none: no payloads. */
  readonly reader: OrganisationId | undefined
  /** The final block that the bundle ends with, and the log after it. */
  readonly head: { readonly height: Sequence; readonly size: number; readonly root: Digest }
  /** genesis.json, byte for byte. */
  genesis(): Promise<Uint8Array>
  /** Signed note over the log at the head: the merged signatures of validators. */
  checkpoint(): Promise<string>
  /** Of the validators in force after the head. */
  checkpointKeys(): Promise<readonly CheckpointKey[]>
  /** Encoded block records, 1 to head. */
  blocks(): AsyncIterable<Uint8Array>
  /** Encoded result certificates up to the head and the head's among them, in ascending order of sequence. */
  results(): AsyncIterable<Uint8Array>
  /** Leaves 0 to size - 1. */
  leaves(): AsyncIterable<Uint8Array>
  /** In the order of the blocks. */
  payloads(): AsyncIterable<PayloadRecord>
}

export interface ExportProgress {
  readonly stage: PieceKind
  /** Records written in this stage. */
  readonly done: number
  /** Records of this stage when they are known beforehand. */
  readonly total: number | undefined
}

/**
 * Writes the bundle to `directory`, which must not exist: under `<directory>.partial` first, renamed when it is whole.
 * @throws LedgerError FILE_EXISTS; RECORD_TAMPERED when the source contradicts its own head. Then nothing is left behind.
 */
export async function exportBundle(
  directory: string,
  source: BundleSource,
  onProgress: (progress: ExportProgress) => void = () => {},
): Promise<Manifest> {
  const draft = `${directory}.partial`
  for (const path of [directory, draft]) if (await exists(path)) throw new LedgerError('FILE_EXISTS', { path })
  try {
    await mkdir(draft, { recursive: true })
    const manifest = await writeBundle(new BundleWriter(draft), source, onProgress)
    await rename(draft, directory)
    await syncDirectory(dirname(resolve(directory)))
    return manifest
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

async function writeBundle(
  writer: BundleWriter,
  source: BundleSource,
  onProgress: (progress: ExportProgress) => void,
): Promise<Manifest> {
  const { ledger, head, reader } = source
  await writer.write('genesis.json', await source.genesis())
  await writer.write('checkpoint', utf8(await source.checkpoint()))
  const keys = validatorKeys(ledger, await source.checkpointKeys())
  await writer.write('verifier-keys', utf8(verifierKeysText(keys)), keys.length)
  await writer.write('VERIFY.md', utf8(verifyGuide(ledger, head)))
  const tell = (stage: PieceKind, total?: number) => (done: number) => onProgress({ stage, done, total })
  const blocks = await writer.writePieces('blocks', source.blocks(), tell('blocks', head.height))
  if (blocks !== head.height) throw new LedgerError('RECORD_TAMPERED', { blocks, height: head.height })
  await writer.writePieces('results', source.results(), tell('results'))
  await writeTree(writer, source, tell('events', head.size))
  await writer.writePieces('payloads', encoded(source.payloads()), tell('payloads'))
  return writer.close({ format: bundleFormat, ledger, reader: reader === undefined ? [] : [reader], ...head })
}

async function writeTree(writer: BundleWriter, source: BundleSource, onLeaf: (done: number) => void): Promise<void> {
  const tree = new TreeFiles()
  for await (const leaf of source.leaves()) {
    for (const file of tree.add(leaf).files) await writer.write(file.path, file.bytes, file.records)
    onLeaf(tree.size)
  }
  for (const file of tree.finish()) await writer.write(file.path, file.bytes, file.records)
  const { size, root } = source.head
  if (tree.size !== size || tree.root() !== root) {
    throw new LedgerError('RECORD_TAMPERED', { leaves: tree.size, root: tree.root(), expected: root })
  }
}

async function* encoded(payloads: AsyncIterable<PayloadRecord>): AsyncGenerator<Uint8Array> {
  for await (const payload of payloads) yield encode(payloadRecordSchema, payload)
}

/** Writes files into the draft and remembers what the manifest says of each. */
class BundleWriter {
  readonly #directory: string
  readonly #files: BundleFile[] = []

  constructor(directory: string) {
    this.#directory = directory
  }

  async write(path: string, bytes: Uint8Array, records = 1): Promise<void> {
    await this.#put(path, bytes)
    this.#files.push({ path, bytes: bytes.length, records, sha256: digestOf(sha256(bytes)) })
  }

  /** How many records there were. */
  async writePieces(
    kind: PieceKind,
    records: AsyncIterable<Uint8Array>,
    onRecord: (done: number) => void,
  ): Promise<number> {
    let [piece, length, pieces, total]: [Uint8Array[], number, number, number] = [[], 0, 0, 0]
    const flush = async (): Promise<void> => {
      if (piece.length > 0) await this.write(piecePath(kind, pieces++), concat(...piece), piece.length)
      piece = []
      length = 0
    }
    for await (const record of records) {
      const framed = sequenced(record)
      if (length + framed.length > limits.bundleFileBytesTarget) await flush()
      piece.push(framed)
      length += framed.length
      onRecord(++total)
    }
    await flush()
    return total
  }

  async close(claims: Omit<Manifest, 'files'>): Promise<Manifest> {
    if (this.#files.length > limits.bundleFilesMax) throw new LedgerError('TOO_LARGE', { files: this.#files.length })
    const files = [...this.#files].sort((a, b) => (a.path < b.path ? -1 : 1))
    const manifest = { ...claims, files }
    const bytes = manifestBytes(manifest)
    await this.#put(manifestPath, bytes)
    await this.#put(sumsPath, utf8(sumsText(bytes, files)))
    return manifest
  }

  async #put(path: string, bytes: Uint8Array): Promise<void> {
    await mkdir(dirname(join(this.#directory, path)), { recursive: true })
    await writeFile(join(this.#directory, path), bytes, { flag: 'wx' })
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
