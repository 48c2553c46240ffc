// The form of an audit bundle: a folder that a compliance officer takes home. Export writes it, verify reads it, both
// through this file. No file is larger than limits.bundleFileBytesMax, so a bundle of any size is made and checked in
// bounded memory.
//
//   manifest.json            canonical JSON: what the bundle claims, and every other file with its size, records and hash
//   manifest.note            C2SP signed note of the exporting node over the manifest's length and hash
//   SHA256SUMS               the same hashes as `sha256sum -c` reads them, the manifest's included
//   VERIFY.md                how to check it all by hand
//   genesis.json             the founding document with its signatures, byte for byte
//   checkpoint               C2SP signed note of the validators over (size, root) of the log
//   verifier-keys            their checkpoint keys, one a line, as Go's sumdb/note reads them
//   blocks/NNNNNN.cborseq    CBOR sequence (RFC 8742) of byte strings, each an encoded block-record (wire.cddl), from 1
//   results/NNNNNN.cborseq   likewise result-certificates, in ascending order of sequence, the head's among them
//   payloads/NNNNNN.cborseq  likewise payload-records of items that the reader may see, in the order of the blocks
//   events/NNNNNN.jsonl      the leaves as text, one a line, 2048 in a file
//   policy                   the same keys and how many make a quorum, as C2SP tlog-policy
//   validators.jsonl         one line for each epoch: who validated from which block on, with which keys
//   acts/NNNNNN.jsonl        every act other than a change of data, whole
//   csv/NNNNNN.csv           the transactions that pass the filter, as a table
//   provenance/NNNNNN.nq     the same as PROV-O
//   register.csv             the register of processing, from the policies
//   report.html              for people
//   sample/NNNNNNNNN.tlog-proof  leaves drawn by the seed, each with its proof (C2SP tlog-proof; `extra` is the leaf)
//   consistency, previous-checkpoint  only with an earlier export: that the log begins with that one (body of tlog-witness)
//   tile/...                 C2SP tlog-tiles: hashes and entry bundles
//   local/NODE/LOG/...       only when asked for: a local log of a node, with checkpoint, events/ and tile/ of its own

import { sha256 } from '#crypto'
import { toHex, utf8 } from '../base/bytes.ts'
import { encodeCbor } from '../base/cbor.ts'
import { LedgerError } from '../base/errors.ts'
import {
  type Digest,
  digestOf,
  type ItemId,
  itemIdOf,
  type LedgerId,
  ledgerIdOf,
  type NodeId,
  type OrganisationId,
  organisationIdOf,
  type Sequence,
} from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { bytesUpTo, id, list, named, record, type Schema, text, uint, variant, word } from '../base/schema.ts'
import { filterFields, type ViewFilter } from './filter.ts'
import { canonicalJson, parseCanonicalJson } from './json.ts'
import { consortiumOrigin, type LogCheckpoint } from './note.ts'

export interface BundleFile {
  readonly path: string
  readonly bytes: number
  /** Blocks, leaves, hashes, lines: what the file is a list of; 1 for a single document. */
  readonly records: number
  readonly sha256: Digest
}

export interface Manifest {
  /** With its version: quadrille-bundle/1. */
  readonly format: string
  readonly ledger: LedgerId
  /** The organisation whose items the payloads are of; none listed: a bundle without payloads, for anybody. */
  readonly reader: readonly OrganisationId[]
  readonly height: Sequence
  /** Leaves of the log at that height, and their root. */
  readonly size: number
  readonly root: Digest
  /** What the views leave out; the log is whole. */
  readonly filter: readonly ViewFilter[]
  /** What the sample of leaves is drawn by. */
  readonly seed: string
  /** In ascending order of path; all but manifest.json and SHA256SUMS. */
  readonly files: readonly BundleFile[]
}

/** What a bundle holds of one item. */
export type PayloadRecord =
  /** Assertions and retractions: an encoded item-payload. `height`: of the item's block. */
  | { readonly type: 'whole'; readonly height: Sequence; readonly item: ItemId; readonly payload: Uint8Array }
  /** Of an erased item only the retractions are left: an encoded part. */
  | { readonly type: 'kept'; readonly height: Sequence; readonly item: ItemId; readonly retractions: Uint8Array }

export const bundleFormat = 'quadrille-bundle/1'
export const manifestPath = 'manifest.json'
export const manifestNotePath = 'manifest.note'
export const sumsPath = 'SHA256SUMS'
/** Folders of pieces, and how their files end. */
export const pieceKinds = {
  blocks: 'cborseq',
  results: 'cborseq',
  payloads: 'cborseq',
  events: 'jsonl',
  acts: 'jsonl',
  csv: 'csv',
  provenance: 'nq',
} as const
export type PieceKind = keyof typeof pieceKinds

const manifestSchema: Schema<Manifest> = record<Manifest>({
  format: text(32),
  ledger: id(32, ledgerIdOf),
  reader: list(text(32, organisationIdOf), 1),
  height: uint<Sequence>(),
  size: uint(),
  root: id(32, digestOf),
  filter: list(
    record<ViewFilter>({ field: word(...filterFields), value: text(limits.iriBytesMax) }),
    filterFields.length,
  ),
  seed: text(64),
  files: list(
    record<BundleFile>({
      path: text(128, requirePath),
      bytes: uint(limits.bundleFileBytesMax),
      records: uint(),
      sha256: id(32, digestOf),
    }),
    limits.bundleFilesMax,
  ),
})

export const payloadRecordSchema: Schema<PayloadRecord> = named(
  'payload-record',
  variant<PayloadRecord>({
    whole: [1, { height: uint<Sequence>(), item: id(32, itemIdOf), payload: bytesUpTo(limits.payloadBytesMax) }],
    kept: [2, { height: uint<Sequence>(), item: id(32, itemIdOf), retractions: bytesUpTo(limits.payloadBytesMax) }],
  }),
)

export function manifestBytes(manifest: Manifest): Uint8Array {
  return utf8(canonicalJson(manifestSchema.toJson(manifest)))
}

/** @throws LedgerError MALFORMED, NON_CANONICAL, FORMAT_UNSUPPORTED. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const manifest = manifestSchema.fromJson(parseCanonicalJson(bytes), '')
  if (manifest.format !== bundleFormat) throw new LedgerError('FORMAT_UNSUPPORTED', { file: manifestPath })
  const disordered = manifest.files.find(({ path }, place) => path <= (manifest.files[place - 1]?.path ?? ''))
  if (disordered !== undefined) throw new LedgerError('NON_CANONICAL', { at: `files, ${disordered.path}` })
  return manifest
}

/**
 * What the exporting node signs, with its key for checkpoints: no log has this origin. It says whose node made the bundle; what is
 * in it is proven by what is in it.
 */
export function manifestStatement(ledger: LedgerId, manifest: Uint8Array): LogCheckpoint {
  return { origin: manifestOrigin(ledger), size: manifest.length, root: digestOf(sha256(manifest)) }
}

export function manifestOrigin(ledger: LedgerId): string {
  return `${consortiumOrigin(ledger)}/manifest`
}

/** What SHA256SUMS says. */
export function sumsText(manifest: Uint8Array, files: readonly BundleFile[]): string {
  const own = { path: manifestPath, sha256: toHex(sha256(manifest)) }
  return [own, ...files].map(({ path, sha256 }) => `${sha256}  ${path}\n`).join('')
}

/** Name of the piece number `index`, from 0, of one kind of records. */
export function piecePath(kind: PieceKind, index: number): string {
  return `${kind}/${String(index).padStart(6, '0')}.${pieceKinds[kind]}`
}

/** Where a local log lies; `log`: when it began. */
export function localFolder(node: NodeId, log: number): string {
  return `local/${node}/${log}/`
}

/** One record of a CBOR sequence: its bytes as a CBOR byte string. */
export function sequenced(bytes: Uint8Array): Uint8Array {
  return encodeCbor(bytes)
}

/** A record and the bytes of its file, `from` to `to` - 1, that it takes. */
export interface PlacedRecord {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
}

/** The records of a CBOR sequence. @throws LedgerError MALFORMED, naming the byte. */
export function* recordsOf(file: Uint8Array): Generator<PlacedRecord> {
  for (let from = 0; from < file.length; ) {
    const head = byteStringHead(file, from)
    if (head === undefined || head.to > file.length) throw new LedgerError('MALFORMED', { byte: from })
    yield { bytes: file.subarray(head.from, head.to), from, to: head.to }
    from = head.to
  }
}

/** Where the content of the shortest-form byte string at `at` begins and ends (RFC 8949, sections 3.1 and 4.2.1). */
function byteStringHead(file: Uint8Array, at: number): { from: number; to: number } | undefined {
  const first = file[at] as number
  const short = first - 0x40
  if (short < 0 || short > 26) return undefined
  if (short < 24) return { from: at + 1, to: at + 1 + short }
  const width = 2 ** (short - 24)
  const head = file.subarray(at + 1, at + 1 + width)
  const length = head.reduce((value, byte) => value * 256 + byte, 0)
  const least = width === 1 ? 24 : 256 ** (width / 2)
  if (head.length < width || length < least) return undefined
  const from = at + 1 + width
  return { from, to: from + length }
}

/** Plain relative paths only: a bundle cannot make its reader look elsewhere. */
function requirePath(path: string): string {
  if (!/^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)*$/.test(path)) throw new RangeError('not a path of a bundle')
  return path
}
