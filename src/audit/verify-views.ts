// Whether the views, the report, the sample and the proof of consistency in a bundle are what the blocks and the manifest give:
// each is made again and compared byte for byte.

import { equal, fromUtf8, utf8 } from '../base/bytes.ts'
import { LedgerError } from '../base/errors.ts'
import type { LedgerId, Sequence } from '../base/ids.ts'
import type { Manifest } from './bundle.ts'
import type { BundleFiles } from './bundle-reader.ts'
import type { Findings } from './findings.ts'
import type { TreeHead } from './log.ts'
import { consortiumOrigin, formatNote, parseCheckpoint, parseNote, validatorKeys, verifyNote } from './note.ts'
import type { CheckpointKey, Replayed } from './replay.ts'
import { consistencyFile, type ReadFile, sampleFiles } from './sample.ts'
import type { DerivedFile } from './text-pieces.ts'
import { verifyGuide } from './verify-guide.ts'
import { type InForce, type ViewEnd, type ViewOptions, Views } from './views.ts'

const previousPath = 'previous-checkpoint'

export class ViewCheck {
  readonly #files: BundleFiles
  readonly #findings: Findings
  readonly #manifest: Manifest
  readonly #ledger: LedgerId
  readonly #views: Views
  /** Checkpoint keys of all epochs so far. */
  readonly #keys = new Map<string, CheckpointKey>()
  /** What the bundle claims to continue, and the root that the log had then. */
  #previous: { readonly note: string; readonly head: TreeHead } | undefined

  constructor(files: BundleFiles, findings: Findings, manifest: Manifest, options: Omit<ViewOptions, 'filter'>) {
    this.#files = files
    this.#findings = findings
    this.#manifest = manifest
    this.#ledger = options.ledger
    this.#views = new Views({ ...options, filter: manifest.filter })
  }

  /** The head that the bundle claims to continue; undefined when it claims none. Call first. */
  async begin(): Promise<TreeHead | undefined> {
    if (!this.#manifest.files.some(({ path }) => path === previousPath)) return undefined
    const bytes = await this.#files.need(previousPath)
    if (bytes === undefined) return undefined
    try {
      const note = fromUtf8(bytes)
      const { origin, size, root } = parseCheckpoint(parseNote(note).text)
      if (origin !== consortiumOrigin(this.#ledger) || formatNote(parseNote(note)) !== note) {
        throw new LedgerError('MALFORMED', { expected: 'a checkpoint of this log' })
      }
      this.#previous = { note, head: { size, root } }
      return this.#previous.head
    } catch (error) {
      if (!(error instanceof LedgerError || error instanceof TypeError)) throw error
      this.#findings.add('FILE_MALFORMED', previousPath, '', error.message)
      return undefined
    }
  }

  async at(replayed: Replayed, inForce: InForce): Promise<void> {
    this.#remember(inForce.checkpointKeys)
    for (const file of this.#views.add(replayed, inForce)) await this.#compare(file)
  }

  /** `height`: of the last block. */
  async finish(height: Sequence, end: ViewEnd): Promise<void> {
    this.#remember(end.checkpointKeys)
    for (const file of this.#views.finish(end)) await this.#compare(file)
    const guide = utf8(verifyGuide(this.#ledger, { height, size: end.head.size }))
    await this.#compare({ path: 'VERIFY.md', bytes: guide, records: 1 })
    const note = await this.#files.need('checkpoint')
    if (note === undefined) return
    try {
      const text = fromUtf8(note)
      const { size } = end.head
      for await (const file of sampleFiles(this.#read, this.#manifest.seed, size, text)) await this.#compare(file)
      await this.#checkPrevious(size, text)
    } catch (error) {
      // Tiles that are no tiles are named where tiles are checked.
      if (!(error instanceof LedgerError || error instanceof TypeError)) throw error
      this.#findings.add('PROOF_MISMATCH', 'sample', '', error.message)
    }
  }

  async #checkPrevious(size: number, note: string): Promise<void> {
    if (this.#previous === undefined || this.#previous.head.size > size) return
    await this.#compare(await consistencyFile(this.#read, this.#previous.head.size, size, note))
    const verdict = verifyNote(parseNote(this.#previous.note), validatorKeys(this.#ledger, [...this.#keys.values()]))
    for (const name of [...verdict.invalid, ...verdict.unknown]) {
      this.#findings.add('SIGNATURE_INVALID', previousPath, `signature of ${name}`)
    }
  }

  readonly #read: ReadFile = async (path) => {
    const bytes = await this.#files.need(path)
    if (bytes === undefined) throw new LedgerError('MALFORMED', { missing: path })
    return bytes
  }

  async #compare({ path, bytes, records }: DerivedFile): Promise<void> {
    const actual = await this.#files.need(path)
    this.#files.counted(path, records)
    if (actual === undefined || equal(bytes, actual)) return
    const byte = bytes.findIndex((value, place) => value !== actual[place])
    const place = byte < 0 ? bytes.length : byte
    const line = bytes.subarray(0, place).reduce((lines, value) => (value === 0x0a ? lines + 1 : lines), 1)
    this.#findings.add('VIEW_MISMATCH', path, `line ${line}`, `from byte ${place} on`)
  }

  #remember(keys: readonly CheckpointKey[]): void {
    for (const key of keys) this.#keys.set(`${key.node} ${key.publicKey.join()}`, key)
  }
}
