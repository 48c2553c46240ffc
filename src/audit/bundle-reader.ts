// Reads a bundle: checks that it has exactly the files of its manifest, unchanged, and hands out their records in order
// with the place of each. What the records say is checked elsewhere.

import { sha256 } from '#crypto'
import { equal, toHex, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import {
  type Manifest,
  manifestNotePath,
  manifestPath,
  type PieceKind,
  type PlacedRecord,
  parseManifest,
  piecePath,
  recordsOf,
  sumsPath,
  sumsText,
} from './bundle.ts'
import type { Findings } from './findings.ts'

/** Where a bundle lies: a folder (folder.ts), files that were dropped on a page, an archive. */
export interface BundleReader {
  /** Paths of all files, with `/`. */
  list(): Promise<readonly string[]>
  /** A whole file. @throws LedgerError TOO_LARGE for more than limits.bundleFileBytesMax, and for what is no plain file. */
  read(path: string): Promise<Uint8Array>
}

export interface Located extends PlacedRecord {
  readonly file: string
}

/** Undefined at the end. */
export type Source = () => Promise<Located | undefined>

export class BundleFiles {
  readonly #reader: BundleReader
  readonly #findings: Findings
  readonly #present: ReadonlySet<string>
  /** Files that were asked for after `check`, and how many records they turned out to hold. */
  readonly #used = new Map<string, number>()

  private constructor(reader: BundleReader, findings: Findings, present: ReadonlySet<string>) {
    this.#reader = reader
    this.#findings = findings
    this.#present = present
  }

  static async open(reader: BundleReader, findings: Findings): Promise<BundleFiles> {
    return new BundleFiles(reader, findings, new Set(await reader.list()))
  }

  /** Of all files that are there. */
  paths(): Iterable<string> {
    return this.#present
  }

  /** The bytes of a file that the bundle must have, and what it `holds` for people; undefined, and a finding, when it has not. */
  async need(path: string, holds = ''): Promise<Uint8Array | undefined> {
    if (!this.#used.has(path)) this.counted(path, 1)
    if (!this.#present.has(path)) {
      this.#findings.add('FILE_MISSING', path, holds)
      return undefined
    }
    try {
      const bytes = await this.#reader.read(path)
      if (bytes.length <= limits.bundleFileBytesMax) return bytes
      throw new LedgerError('TOO_LARGE', { bytes: bytes.length, bytesMax: limits.bundleFileBytesMax })
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      this.#findings.add('FILE_MALFORMED', path, holds, error.message)
      return undefined
    }
  }

  /** Manifest, sums and the hash of every file. Undefined when there is no manifest that can be read. */
  async check(onFile: (done: number, total: number) => void): Promise<Manifest | undefined> {
    const bytes = await this.need(manifestPath)
    const manifest = bytes === undefined ? undefined : this.#parse(manifestPath, () => parseManifest(bytes))
    if (bytes === undefined || manifest === undefined) return undefined
    const sums = await this.need(sumsPath)
    if (sums !== undefined && !equal(sums, utf8(sumsText(bytes, manifest.files)))) {
      this.#findings.add(
        'FILE_CHANGED',
        sumsPath,
        '',
        'it differs from what the manifest says, or the manifest was changed',
      )
    }
    const listed = new Set([manifestPath, manifestNotePath, sumsPath, ...manifest.files.map(({ path }) => path)])
    for (const path of this.#present) if (!listed.has(path)) this.#findings.add('FILE_UNLISTED', path)
    for (const [done, { path, bytes: size, sha256: expected }] of manifest.files.entries()) {
      const content = await this.need(path)
      if (content !== undefined && content.length !== size) {
        this.#findings.add('FILE_CHANGED', path, '', `${content.length} bytes instead of ${size}`)
      } else if (content !== undefined && toHex(sha256(content)) !== expected) {
        this.#findings.add('FILE_CHANGED', path, '', 'another SHA-256')
      }
      onFile(done + 1, manifest.files.length)
    }
    this.#used.clear()
    return manifest
  }

  /** Tells how many records a file turned out to hold, where that is not 1. */
  counted(path: string, records: number): void {
    this.#used.set(path, records)
  }

  /** Files that nothing asked for after `check`, which have no place in a bundle, and wrong counts of records. */
  checkListed(manifest: Manifest): void {
    for (const { path, records } of manifest.files) {
      const found = this.#used.get(path)
      if (found === undefined) this.#findings.add('FILE_UNLISTED', path)
      else if (found !== records) {
        this.#findings.add('MANIFEST_MISMATCH', manifestPath, path, `${records} records claimed, ${found} found`)
      }
    }
  }

  /** All records of one kind, file after file. */
  pieces(kind: 'blocks' | 'results' | 'payloads'): Source {
    const files = this.#piecePaths(kind)
    let file = ''
    let records: Iterator<PlacedRecord> = [][Symbol.iterator]()
    let count = 0
    return async () => {
      for (;;) {
        const next = this.#parse(file, () => records.next())
        if (next?.done === false) {
          count += 1
          return { ...next.value, file }
        }
        if (file !== '') this.counted(file, count)
        const path = files.next()
        if (path.done === true) return undefined
        file = path.value
        count = 0
        records = recordsOf((await this.need(file)) ?? new Uint8Array(0))
      }
    }
  }

  /** What `parse` gives; undefined, and a finding, when it throws a LedgerError. */
  #parse<T>(file: string, parse: () => T): T | undefined {
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      this.#findings.add('FILE_MALFORMED', file, '', error.message)
      return undefined
    }
  }

  *#piecePaths(kind: PieceKind): Generator<string> {
    for (let index = 0; this.#present.has(piecePath(kind, index)); index++) yield piecePath(kind, index)
  }
}
