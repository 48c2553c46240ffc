// What a backup is, as bytes: parts with a path each, in a list that the node's root key authenticates. A node sends it as
// frames; in a folder each part is a file named by its hash, so that a later backup writes only what is new.

import { sha256 } from '#crypto'
import { concat, toHex } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { type Digest, digestOf, type LedgerId, ledgerIdOf, type NodeId, nodeIdOf, type Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import {
  bytes,
  bytesUpTo,
  decode,
  encode,
  id,
  list,
  record,
  type Schema,
  text,
  timestamp,
  uint,
  variant,
  word,
} from '../base/schema.ts'

export interface PartEntry {
  readonly path: string
  /** SHA-256 of its bytes. */
  readonly hash: Digest
  readonly bytes: number
}

export interface Manifest {
  readonly kind: 'quadrille backup 1'
  readonly ledger: LedgerId
  readonly node: NodeId
  /** Of the last block in it. */
  readonly height: number
  readonly created: Time
  readonly parts: readonly PartEntry[]
}

/** The list as its node wrote it: encoded, with the code that only its root key gives. */
export interface SealedManifest {
  readonly manifest: Uint8Array
  readonly mac: Uint8Array
}

export type BackupFrame =
  /** `about`: how many bytes of files and blocks will come. */
  | { readonly type: 'begin'; readonly height: number; readonly about: number }
  | { readonly type: 'part'; readonly path: string; readonly bytes: Uint8Array }
  | ({ readonly type: 'end' } & SealedManifest)

const pathSchema = text(limits.nameBytesMax)

export const manifestSchema: Schema<Manifest> = record<Manifest>({
  kind: word('quadrille backup 1'),
  ledger: id(32, ledgerIdOf),
  node: id(16, nodeIdOf),
  height: uint(),
  created: timestamp,
  parts: list(
    record<PartEntry>({ path: pathSchema, hash: id<Digest>(32, digestOf), bytes: uint() }),
    limits.backupPartsMax,
  ),
})

export const sealedManifestSchema: Schema<SealedManifest> = record<SealedManifest>({
  manifest: bytesUpTo(limits.backupPartBytesMax),
  mac: bytes(32),
})

const frameSchema: Schema<BackupFrame> = variant<BackupFrame>({
  begin: [1, { height: uint(), about: uint() }],
  part: [2, { path: pathSchema, bytes: bytesUpTo(limits.backupPartBytesMax) }],
  end: [3, { manifest: bytesUpTo(limits.backupPartBytesMax), mac: bytes(32) }],
})

export function hashOf(part: Uint8Array): Digest {
  return digestOf(toHex(sha256(part)))
}

/** Four bytes of length, then the frame. */
export function framed(frame: BackupFrame): Uint8Array {
  const encoded = encode(frameSchema, frame)
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, encoded.length)
  return concat(length, encoded)
}

/** @throws LedgerError BACKUP_INTERRUPTED when the bytes end before the last frame, MALFORMED, TOO_LARGE */
export async function* framesIn(stream: AsyncIterable<Uint8Array>): AsyncGenerator<BackupFrame, void, undefined> {
  let pieces: Uint8Array[] = []
  let held = 0
  let wanted = 4
  for await (const piece of stream) {
    pieces.push(piece)
    held += piece.length
    if (held < wanted) continue
    let rest = concat(...pieces)
    for (wanted = 4; rest.length >= wanted; wanted = 4) {
      const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0)
      if (length > frameBytesMax) throw new LedgerError('TOO_LARGE', { bytes: length })
      wanted = 4 + length
      if (rest.length < wanted) break
      const frame = decode(frameSchema, rest.slice(4, wanted))
      yield frame
      if (frame.type === 'end') return
      rest = rest.subarray(wanted)
    }
    pieces = [rest]
    held = rest.length
  }
  throw new LedgerError('BACKUP_INTERRUPTED')
}

/** A part, its path, and head-room. */
const frameBytesMax = limits.backupPartBytesMax + 4_096
