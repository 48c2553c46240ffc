// Verifies an audit bundle offline, trusting nothing in it: only the ledger's name that the caller has from elsewhere,
// and, if given, a checkpoint. Runs in a browser. Every block is checked and executed again, and everything else in the
// bundle must be what that leads to. The ledger's rules are injected (replay.ts).

import { InvariantError, LedgerError } from '../base/errors.ts'
import { digestOf, type LedgerId, type OrganisationId } from '../base/ids.ts'
import { emptyRoot } from '../base/merkle.ts'
import { decode } from '../base/schema.ts'
import { type BlockRecord, blockHash, blockRecordSchema } from '../consensus/block.ts'
import type { FaultModel } from '../consensus/quorum.ts'
import { type Manifest, manifestPath } from './bundle.ts'
import { BundleFiles, type BundleReader, type Located } from './bundle-reader.ts'
import { type Finding, Findings } from './findings.ts'
import type { TreeHead } from './log.ts'
import type { Replay, Replayed, StartReplay } from './replay.ts'
import { Chain } from './verify-chain.ts'
import { ItemCheck, type ItemCounts } from './verify-items.ts'
import { LocalCheck, type LocalVerdict } from './verify-local.ts'
import { checkManifestNote, checkNote, type NoteCount } from './verify-note.ts'
import { bytesOf, ResultCheck } from './verify-results.ts'
import { TreeCheck } from './verify-tree.ts'
import { ViewCheck } from './verify-views.ts'
import { viewEnd } from './views.ts'

/** What the verdict rests on; it must come from outside the bundle. */
export interface VerifyTrust {
  /** Hash of the genesis. */
  readonly ledger: LedgerId
  /** A log that was seen before or elsewhere: the bundle's must begin with it. */
  readonly checkpoint?: TreeHead
  /** Whose payloads the bundle must hold; without it, those of the reader that the bundle names. */
  readonly reader?: OrganisationId
  /** Validators that must have signed the checkpoint; without it, a quorum. The results of the blocks always need one. */
  readonly noteSigners?: number
}

export interface VerifyProgress {
  readonly stage: 'files' | 'blocks'
  readonly done: number
  readonly total: number
}

export interface VerifyReport {
  /** True only when there is no finding. */
  readonly holds: boolean
  readonly trusted: VerifyTrust
  /** The reader that the bundle names. */
  readonly reader: OrganisationId | undefined
  /** What its certificates prove: crash-fault ones rest on trust in every member's software. */
  readonly faults: FaultModel | undefined
  /** Blocks that hold, from the first. */
  readonly height: number
  /** The log that they lead to. */
  readonly log: TreeHead
  /** Result certificates that hold. */
  readonly results: number
  /** Name of the node that signed the manifest. */
  readonly exporter: string | undefined
  readonly note: NoteCount
  readonly items: ItemCounts
  /** Of each local log in the bundle. */
  readonly locals: readonly LocalVerdict[]
  /** At most limits.findingsMax; `findingsTotal` counts all. */
  readonly findings: readonly Finding[]
  readonly findingsTotal: number
}

export type OnProgress = (progress: VerifyProgress) => void

export async function verifyBundle(
  reader: BundleReader,
  trust: VerifyTrust,
  start: StartReplay,
  onProgress: OnProgress = () => {},
): Promise<VerifyReport> {
  const findings = new Findings()
  const files = await BundleFiles.open(reader, findings)
  const manifest = await files.check((done, total) => onProgress({ stage: 'files', done, total }))
  const replay = manifest === undefined ? undefined : await found(files, findings, trust, start)
  if (manifest === undefined || replay === undefined) return emptyReport(trust, findings)
  const { ledger } = trust
  const [reader_] = manifest.reader
  const views = new ViewCheck(files, findings, manifest, { ledger, reader: reader_, ...replay })
  const previous = await views.begin()
  return new Verification({ files, findings, trust, manifest, replay, views, previous }).run(onProgress)
}

/** A replay from the bundle's genesis, if that is the trusted one. */
async function found(
  files: BundleFiles,
  findings: Findings,
  trust: VerifyTrust,
  start: StartReplay,
): Promise<Replay | undefined> {
  const genesis = await files.need('genesis.json')
  if (genesis === undefined) return undefined
  try {
    const { ledger, replay } = start(genesis)
    if (ledger === trust.ledger) return replay
    findings.add('WRONG_LEDGER', 'genesis.json', '', `it founds ${ledger}`)
  } catch (error) {
    // Not text, not JSON, not a genesis: whatever reading it throws, it is the file that is wrong.
    if (!(error instanceof Error) || error instanceof InvariantError) throw error
    findings.add('GENESIS_INVALID', 'genesis.json', '', error.message)
  }
  return undefined
}

interface VerificationParts {
  readonly files: BundleFiles
  readonly findings: Findings
  readonly trust: VerifyTrust
  readonly manifest: Manifest
  readonly replay: Replay
  readonly views: ViewCheck
  readonly previous: TreeHead | undefined
}

class Verification {
  readonly #files: BundleFiles
  readonly #findings: Findings
  readonly #trust: VerifyTrust
  readonly #manifest: Manifest
  readonly #replay: Replay
  readonly #chain: Chain
  readonly #tree: TreeCheck
  readonly #views: ViewCheck
  readonly #results: ResultCheck
  readonly #items: ItemCheck
  readonly #locals: LocalCheck

  constructor({ files, findings, trust, manifest, replay, views, previous }: VerificationParts) {
    this.#files = files
    this.#findings = findings
    this.#trust = trust
    this.#manifest = manifest
    this.#replay = replay
    this.#chain = new Chain(trust.ledger, replay.faults, replay.created, replay.rosters()[0])
    this.#views = views
    this.#tree = new TreeCheck(files, findings, [
      ...(trust.checkpoint === undefined ? [] : [{ ...trust.checkpoint, file: 'checkpoint' }]),
      ...(previous === undefined ? [] : [{ ...previous, file: 'previous-checkpoint' }]),
    ])
    this.#results = new ResultCheck(trust.ledger, replay.faults, files.pieces('results'), findings)
    this.#locals = new LocalCheck(files, findings, trust.ledger)
    this.#items = new ItemCheck(trust.reader ?? manifest.reader[0], files.pieces('payloads'), findings)
  }

  async run(onProgress: OnProgress): Promise<VerifyReport> {
    const whole = await this.#checkBlocks(onProgress)
    let note: NoteCount = { signers: 0, quorum: 0 }
    let exporter: string | undefined
    let locals: readonly LocalVerdict[] = []
    // After a block that fails nothing that follows can be judged, and blaming it would only hide the cause.
    if (whole) {
      await this.#tree.finish()
      this.#results.finish(this.#chain.height)
      await this.#items.finish(this.#files.pieces('payloads'))
      const keys = this.#replay.checkpointKeys()
      note = await checkNote(
        this.#files,
        this.#findings,
        this.#trust.ledger,
        this.#tree.head(),
        keys,
        this.#replay.faults,
        this.#trust.noteSigners,
      )
      await this.#views.finish(this.#chain.height, viewEnd(this.#replay, this.#tree.head()))
      locals = await this.#locals.finish(this.#replay.nodeKeys())
      this.#checkManifest()
      exporter = await checkManifestNote(this.#files, this.#findings, this.#trust.ledger, this.#replay.nodeKeys())
      this.#files.checkListed(this.#manifest)
    }
    return {
      ...emptyReport(this.#trust, this.#findings),
      reader: this.#manifest.reader[0],
      faults: this.#replay.faults,
      height: this.#chain.height,
      log: this.#tree.head(),
      results: this.#results.valid,
      exporter,
      note,
      items: this.#items.counts,
      locals,
    }
  }

  /** False when a block fails. */
  async #checkBlocks(onProgress: OnProgress): Promise<boolean> {
    const blocks = this.#files.pieces('blocks')
    for (let place = await blocks(); place !== undefined; place = await blocks()) {
      if (!(await this.#checkBlock(place))) return false
      onProgress({ stage: 'blocks', done: this.#chain.height, total: this.#manifest.height })
    }
    return true
  }

  async #checkBlock(place: Located): Promise<boolean> {
    const at = `height ${this.#chain.height + 1}, ${bytesOf(place)}`
    const [roster] = this.#replay.rosters()
    const checkpointKeys = this.#replay.checkpointKeys()
    let record: BlockRecord
    let replayed: Replayed
    try {
      record = decode(blockRecordSchema, place.bytes)
      const fault = this.#chain.extend(record, this.#replay.rosters())
      if (fault !== undefined) {
        this.#findings.add(fault.code, place.file, at, fault.detail)
        return false
      }
      replayed = this.#replay.apply(record)
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error
      this.#findings.add('REPLAY_FAILED', place.file, at, error.message)
      return false
    }
    const { header, hash, entries, items, erased, anchors } = replayed
    if (hash !== this.#chain.hash || blockHash(header) !== hash) {
      this.#findings.add('REPLAY_FAILED', place.file, at, 'replaying gives another header')
      return false
    }
    await this.#tree.expect(entries)
    const checkpoint = () => this.#replay.checkpoint()
    await this.#results.at({ header, hash, log: this.#tree.head(), checkpoint }, this.#chain.roster)
    await this.#items.at(header.sequence, items, erased)
    this.#locals.at(anchors)
    await this.#views.at(replayed, { roster, checkpointKeys })
    return true
  }

  #checkManifest(): void {
    const { ledger, height, size, root, reader } = this.#manifest
    const log = this.#tree.head()
    const wrong = (what: string): void => this.#findings.add('MANIFEST_MISMATCH', manifestPath, '', what)
    if (ledger !== this.#trust.ledger) wrong('another ledger')
    if (height !== this.#chain.height) wrong(`height ${height}, the blocks reach ${this.#chain.height}`)
    if (size !== log.size) wrong(`${size} leaves, the blocks lead to ${log.size}`)
    if (root !== log.root) wrong('another root')
    if (this.#trust.reader !== undefined && reader[0] !== this.#trust.reader) wrong('it was made for another reader')
  }
}

/** `holds` and the findings are read when it is called: last. */
function emptyReport(trusted: VerifyTrust, findings: Findings): VerifyReport {
  return {
    holds: findings.total === 0,
    trusted,
    reader: undefined,
    faults: undefined,
    height: 0,
    log: { size: 0, root: digestOf(emptyRoot) },
    results: 0,
    exporter: undefined,
    note: { signers: 0, quorum: 0 },
    items: { opened: 0, erased: 0, withheld: 0, missing: 0 },
    locals: [],
    findings: findings.listed,
    findingsTotal: findings.total,
  }
}
