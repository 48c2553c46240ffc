// An export that was broken off: what it is of stands in the draft beside its files, and what is in those is not asked of the source
// again. Nothing here is trusted: whatever a draft holds, the bundle that comes of it is verified like any other.

import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fromUtf8, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { writeFileAtomic } from '../base/files.ts'
import { digestOf, ledgerIdOf, organisationIdOf, type Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, id, list, record, type Schema, text, uint, word } from '../base/schema.ts'
import { resultCertificateSchema } from '../consensus/certificate.ts'
import { type Manifest, type PayloadRecord, payloadRecordSchema, piecePath, recordsOf } from './bundle.ts'
import type { BundleSource } from './export.ts'
import { filterFields, type ViewFilter } from './filter.ts'
import { canonicalJson, parseCanonicalJson } from './json.ts'
import { leavesOf, tilePath, tileWidth } from './tiles.ts'

/** Whatever must be the same for an export to go on. */
export interface Begun extends Omit<Manifest, 'files' | 'format'> {
  /** The signed note that it ends with. */
  readonly note: string
  readonly previous: readonly string[]
}

/** No file of a bundle has this name. */
export const progressPath = '.begun.json'

const noteCharsMax = limits.validatorsMax * limits.noteBytesMax

const begunSchema: Schema<Begun> = record<Begun>({
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
  note: text(noteCharsMax),
  previous: list(text(noteCharsMax), 1),
})

/** Undefined when there is no draft. @throws LedgerError for one that cannot be gone on with */
export async function readBegun(draft: string): Promise<Begun | undefined> {
  const bytes = await fileAt(join(draft, progressPath))
  return bytes && begunSchema.fromJson(parseCanonicalJson(bytes), '')
}

/** Makes a draft, unless there is one of this very export. @throws LedgerError FILE_EXISTS for one of another */
export async function begin(draft: string, begun: Begun): Promise<void> {
  const words = canonicalJson(begunSchema.toJson(begun))
  const known = await fileAt(join(draft, progressPath))
  if (known === undefined) {
    await mkdir(dirname(resolve(draft)), { recursive: true })
    try {
      await mkdir(draft)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') throw new LedgerError('FILE_EXISTS', { path: draft }, error)
      throw error
    }
    await writeFileAtomic(join(draft, progressPath), utf8(words), 0o644)
  } else if (fromUtf8(known) !== words) throw new LedgerError('FILE_EXISTS', { path: draft })
}

/** The same source, but for what whole files of the draft hold already. */
export function kept(draft: string, source: BundleSource): BundleSource {
  return {
    ...source,
    blocks: async function* () {
      let next = 1
      for await (const bytes of pieces(draft, 'blocks')) {
        yield bytes
        next++
      }
      yield* source.blocks(next)
    },
    results: async function* () {
      let next = 1
      for await (const bytes of pieces(draft, 'results')) {
        yield bytes
        next = decode(resultCertificateSchema, bytes).result.sequence + 1
      }
      yield* source.results(next)
    },
    leaves: async function* () {
      let next = 0
      for (; next + tileWidth <= source.head.size; next += tileWidth) {
        const path = tilePath({ level: 'entries', index: next / tileWidth, width: tileWidth })
        const bundle = await fileAt(join(draft, path))
        if (bundle === undefined) break
        yield* leavesOf(bundle)
      }
      yield* source.leaves(next)
    },
    payloads: async function* () {
      // Of the last block that a file reaches into, others may follow: it is asked for again.
      let block: PayloadRecord[] = []
      for await (const bytes of pieces(draft, 'payloads')) {
        const payload = decode(payloadRecordSchema, bytes)
        if (payload.height !== block[0]?.height) {
          yield* block
          block = []
        }
        block.push(payload)
      }
      yield* source.payloads(block[0]?.height)
    },
  }
}

/** The records of all files of one kind. */
async function* pieces(draft: string, kind: 'blocks' | 'results' | 'payloads'): AsyncGenerator<Uint8Array> {
  for (let index = 0; ; index++) {
    const file = await fileAt(join(draft, piecePath(kind, index)))
    if (file === undefined) return
    for (const { bytes } of recordsOf(file)) yield bytes
  }
}

async function fileAt(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
