// Writes an audit bundle (bundle.ts says what it holds) from a source, record by record in bounded memory. What the
// source may give away, and to whom, was decided before. Files are not fsynced one by one: an export can be made again,
// and whoever verifies it learns of a file that a power cut took. One that was broken off goes on when it is made again
// (draft.ts): it ends with the same bytes as if nothing had happened, and asks the source only for what is not there yet.

import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { sha256 } from '#crypto'
import { concat, equal, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { syncDirectory } from '../base/files.ts'
import { type Digest, digestOf, type LedgerId, type NodeId, type OrganisationId, type Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode } from '../base/schema.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import {
  type BundleFile,
  bundleFormat,
  localFolder,
  type Manifest,
  manifestBytes,
  manifestNotePath,
  manifestPath,
  type PayloadRecord,
  type PieceKind,
  payloadRecordSchema,
  piecePath,
  sequenced,
  sumsPath,
  sumsText,
} from './bundle.ts'
import { type Begun, begin, kept, progressPath, readBegun } from './draft.ts'
import type { ViewFilter } from './filter.ts'
import { consortiumOrigin, parseCheckpoint, parseNote, validatorKeys, verifierKeysText } from './note.ts'
import type { CheckpointKey, Replay, StartReplay } from './replay.ts'
import { consistencyFile, type ReadFile, sampleFiles } from './sample.ts'
import { type TreeFile, TreeFiles } from './tree-files.ts'
import { verifyGuide } from './verify-guide.ts'
import { Views, viewEnd } from './views.ts'

/** Where the pieces of a bundle come from: a node's own files, or another node over HTTP. */
export interface BundleSource {
  readonly ledger: LedgerId
  /** The organisation whose items the payloads are of; none: no payloads. */
  readonly reader: OrganisationId | undefined
  /** The final block that the bundle ends with, and the log after it. */
  readonly head: { readonly height: Sequence; readonly size: number; readonly root: Digest }
  /** The ledger's rules. */
  readonly start: StartReplay
  /** genesis.json, byte for byte. */
  genesis(): Promise<Uint8Array>
  /** Signed note over the log at the head: the merged signatures of validators. */
  checkpoint(): Promise<string>
  /** Of the validators in force after the head. */
  checkpointKeys(): Promise<readonly CheckpointKey[]>
  /** Encoded block records, `from` (1) to head. */
  blocks(from?: number): AsyncIterable<Uint8Array>
  /** Encoded result certificates of blocks from `from` up to the head and the head's among them, in ascending order of sequence. */
  results(from?: number): AsyncIterable<Uint8Array>
  /** Leaves `from` (0) to size - 1. */
  leaves(from?: number): AsyncIterable<Uint8Array>
  /** Of blocks from `from` on, in their order. */
  payloads(from?: number): AsyncIterable<PayloadRecord>
  /** The exporting node's signed note over a manifest. */
  sign(manifest: Uint8Array): Promise<string>
  /** Local logs, where they are asked for. */
  locals(): AsyncIterable<LocalSource>
}

/** A local log up to what its node signed. */
export interface LocalSource {
  readonly node: NodeId
  readonly log: number
  /** The node's own signed note. */
  readonly checkpoint: string
  /** All that the note is on. */
  leaves(): AsyncIterable<Uint8Array>
}

export interface ExportProgress {
  readonly stage: PieceKind
  /** Records written in this stage. */
  readonly done: number
  /** Records of this stage when they are known beforehand. */
  readonly total: number | undefined
}

export interface ExportOptions {
  /** What the views leave out. */
  readonly filter?: readonly ViewFilter[]
  /** What the sample of leaves is drawn by; the root of the log by default, which nobody chooses. */
  readonly seed?: string
  /** Signed note of an earlier export, for a proof that this log begins with that one. */
  readonly previous?: string
  readonly onProgress?: (progress: ExportProgress) => void
}

/**
 * Writes the bundle to `directory`, which must not exist: under `<directory>.partial` first, renamed when it is whole. A draft that
 * the same export left there is gone on with; `begunExport` says which head the source must have then.
 * @throws LedgerError FILE_EXISTS, also for a draft of another export; RECORD_TAMPERED when the source contradicts its own head,
 * and then nothing is left behind. A draft stays when the source was away.
 */
export async function exportBundle(
  directory: string,
  source: BundleSource,
  options: ExportOptions = {},
): Promise<Manifest> {
  const draft = draftOf(directory)
  if (await exists(directory)) throw new LedgerError('FILE_EXISTS', { path: directory })
  const { filter = [], seed = source.head.root, previous } = options
  const note = await source.checkpoint()
  const { ledger, head, reader } = source
  const claims = { ledger, reader: reader === undefined ? [] : [reader], ...head, filter, seed }
  await begin(draft, { ...claims, note, previous: previous === undefined ? [] : [previous] })
  try {
    const manifest = await writeBundle(new BundleWriter(draft), kept(draft, source), options, note)
    await rm(join(draft, progressPath))
    await rename(draft, directory)
    await syncDirectory(dirname(resolve(directory)))
    return manifest
  } catch (error) {
    // Who is away comes back, and a disk that is full is emptied: then it goes on. What is wrong stays wrong.
    if (error instanceof LedgerError && error.exitCode !== away) await rm(draft, { recursive: true, force: true })
    throw error
  }
}

/** What an export to `directory` that was broken off is of; undefined when there is none. @throws LedgerError for a file that is none */
export async function begunExport(directory: string): Promise<Begun | undefined> {
  return readBegun(draftOf(directory))
}

function draftOf(directory: string): string {
  return `${directory}.partial`
}

async function writeBundle(
  writer: BundleWriter,
  source: BundleSource,
  { filter = [], seed = source.head.root, previous, onProgress = () => {} }: ExportOptions,
  note: string,
): Promise<Manifest> {
  const { ledger, head, reader } = source
  const genesis = await source.genesis()
  await writer.write('genesis.json', genesis)
  await writer.write('checkpoint', utf8(note))
  const keys = validatorKeys(ledger, await source.checkpointKeys())
  await writer.write('verifier-keys', utf8(verifierKeysText(keys)), keys.length)
  await writer.write('VERIFY.md', utf8(verifyGuide(ledger, head)))
  const tell = (stage: PieceKind, total?: number) => (done: number) => onProgress({ stage, done, total })
  const { replay } = source.start(genesis)
  const views = new Views({ ledger, filter, reader, ...replay })
  const blocks = await writer.writePieces(
    'blocks',
    replayed(writer, source.blocks(), replay, views),
    tell('blocks', head.height),
  )
  if (blocks !== head.height) throw new LedgerError('RECORD_TAMPERED', { blocks, height: head.height })
  for (const file of views.finish(viewEnd(replay, head))) await writer.write(file.path, file.bytes, file.records)
  await writer.writePieces('results', source.results(), tell('results'))
  await writeTree(writer, source, tell('events', head.size))
  for await (const { path, bytes } of sampleFiles(writer.read, seed, head.size, note)) await writer.write(path, bytes)
  if (previous !== undefined) await writePrevious(writer, source, previous, note)
  for await (const local of source.locals()) await writeLocal(writer, local)
  await writer.writePieces('payloads', encoded(source.payloads()), tell('payloads'))
  const claims = { format: bundleFormat, ledger, reader: reader === undefined ? [] : [reader], ...head, filter, seed }
  return writer.close(claims, (manifest) => source.sign(manifest))
}

/** Hands blocks on and writes the views that they complete on the way. */
async function* replayed(
  writer: BundleWriter,
  blocks: AsyncIterable<Uint8Array>,
  replay: Replay,
  views: Views,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of blocks) {
    const inForce = { roster: replay.rosters()[0], checkpointKeys: replay.checkpointKeys() }
    const files = views.add(replay.apply(decode(blockRecordSchema, bytes)), inForce)
    for (const file of files) await writer.write(file.path, file.bytes, file.records)
    yield bytes
  }
}

async function writePrevious(
  writer: BundleWriter,
  { ledger, head }: BundleSource,
  previous: string,
  note: string,
): Promise<void> {
  const { origin, size } = parseCheckpoint(parseNote(previous).text)
  if (origin !== consortiumOrigin(ledger)) throw new LedgerError('WRONG_LEDGER')
  if (size > head.size) throw new LedgerError('STATE_BEHIND_CHECKPOINT', { leaves: head.size, signedLeaves: size })
  await writer.write('previous-checkpoint', utf8(previous))
  const { path, bytes } = await consistencyFile(writer.read, size, head.size, note)
  await writer.write(path, bytes)
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

async function writeLocal(writer: BundleWriter, { node, log, checkpoint, leaves }: LocalSource): Promise<void> {
  const folder = localFolder(node, log)
  const tree = new TreeFiles()
  const write = async (files: readonly TreeFile[]): Promise<void> => {
    for (const file of files) await writer.write(`${folder}${file.path}`, file.bytes, file.records)
  }
  await writer.write(`${folder}checkpoint`, utf8(checkpoint))
  for await (const leaf of leaves()) await write(tree.add(leaf).files)
  await write(tree.finish())
  const { size, root } = parseCheckpoint(parseNote(checkpoint).text)
  if (tree.size !== size || tree.root() !== root) throw new LedgerError('RECORD_TAMPERED', { local: node, log })
}

async function* encoded(payloads: AsyncIterable<PayloadRecord>): AsyncGenerator<Uint8Array> {
  for await (const payload of payloads) yield encode(payloadRecordSchema, payload)
}

/** The exit code of errors that pass by themselves. */
const away = 5

/** Writes files into the draft, but for those that are there, and remembers what the manifest says of each. */
class BundleWriter {
  readonly #directory: string
  readonly #files: BundleFile[] = []
  /** What was written. */
  readonly read: ReadFile = async (path) => new Uint8Array(await readFile(join(this.#directory, path)))

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

  async close(claims: Omit<Manifest, 'files'>, sign: (manifest: Uint8Array) => Promise<string>): Promise<Manifest> {
    if (this.#files.length > limits.bundleFilesMax) throw new LedgerError('TOO_LARGE', { files: this.#files.length })
    const files = [...this.#files].sort((a, b) => (a.path < b.path ? -1 : 1))
    const manifest = { ...claims, files }
    const bytes = manifestBytes(manifest)
    await this.#put(manifestPath, bytes)
    await this.#put(manifestNotePath, utf8(await sign(bytes)))
    await this.#put(sumsPath, utf8(sumsText(bytes, files)))
    return manifest
  }

  async #put(path: string, bytes: Uint8Array): Promise<void> {
    const target = join(this.#directory, path)
    if (await holds(target, bytes)) return
    await mkdir(dirname(target), { recursive: true })
    // Under its name there is a whole file or none.
    const writing = join(this.#directory, writingPath)
    await writeFile(writing, bytes)
    await rename(writing, target)
  }
}

const writingPath = '.writing'

async function holds(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return equal(new Uint8Array(await readFile(path)), bytes)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
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
