// A small chain with real signatures and a ledger of its own, exported as a bundle: transactions are lines of text, their
// rules a dozen lines. Validators 0 to 3 begin; `roster` replaces number 3 by number 4 and begins epoch 1.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '#crypto'
import {
  manifestBytes,
  manifestStatement,
  type PayloadRecord,
  parseManifest,
  sumsText,
} from '../../src/audit/bundle.ts'
import type { BundleReader } from '../../src/audit/bundle-reader.ts'
import { type BundleSource, type ExportOptions, exportBundle, type LocalSource } from '../../src/audit/export.ts'
import { folderReader } from '../../src/audit/folder.ts'
import { type Entry, leafBytes, leafId, noPrevious } from '../../src/audit/leaf.ts'
import {
  checkpointText,
  consortiumOrigin,
  formatNote,
  localOrigin,
  signerName,
  signNote,
} from '../../src/audit/note.ts'
import type {
  ActView,
  AnchorClaim,
  ItemClaim,
  Processing,
  Replay,
  Replayed,
  StartReplay,
} from '../../src/audit/replay.ts'
import { TreeFiles } from '../../src/audit/tree-files.ts'
import { fromUtf8, toHex, utf8 } from '../../src/base/bytes.ts'
import { LedgerError } from '../../src/base/errors.ts'
import { hash } from '../../src/base/hash.ts'
import {
  type Digest,
  digestOf,
  type Epoch,
  type ItemId,
  itemIdOf,
  type LedgerId,
  ledgerIdOf,
  nodeIdOf,
  organisationIdOf,
  type Round,
  type Sequence,
  type Time,
} from '../../src/base/ids.ts'
import { encode } from '../../src/base/schema.ts'
import { type SigningKey, sign, signingKeyOf } from '../../src/base/signature.ts'
import { requestId, summaryDigest, transactionsHash } from '../../src/consensus/batch.ts'
import { type BlockHeader, type BlockRecord, blockHash, blockRecordSchema } from '../../src/consensus/block.ts'
import { type NodeSignature, type ResultCertificate, resultCertificateSchema } from '../../src/consensus/certificate.ts'
import { type Roster, rosterHash } from '../../src/consensus/roster.ts'
import { type Agreement, agreementBytes, type Result, resultBytes } from '../../src/consensus/statements.ts'

export const nodes = [0, 1, 2, 3, 4].map((number) => ({
  node: nodeIdOf(`${number}`.repeat(32)),
  organisation: organisationIdOf(`org-${number}`),
  consensus: signingKeyOf(new Uint8Array(32).fill(10 + number)),
  checkpoint: signingKeyOf(new Uint8Array(32).fill(20 + number)),
}))
type FixtureNode = (typeof nodes)[number]

export function members(epoch: number): readonly FixtureNode[] {
  return nodes.filter((_, number) => (epoch === 0 ? number !== 4 : number !== 3))
}

function rosterOf(epoch: number): Roster {
  return {
    epoch: epoch as Epoch,
    validators: members(epoch).map(({ node, organisation, consensus }) => ({
      node,
      organisation,
      key: consensus.publicKey,
    })),
  }
}

export const genesis: Uint8Array = utf8('{"name":"fixture"}\n')
export const ledger: LedgerId = ledgerIdOf(hash('genesis', genesis))
export const reader: ReturnType<typeof organisationIdOf> = organisationIdOf('org-0')

/** `data <audience or *> <H(payload)> <H(retractions)>`, `erase <item>`, `roster`, `anchor <size> <root>` of node 0. */
class FixtureReplay implements Replay {
  readonly faults = 'byzantine' as const
  readonly created = 0 as Time
  #epoch = 0
  #height = 0
  #state: Digest = hash('bucket', genesis)

  roster(): Roster {
    return rosterOf(this.#epoch)
  }

  checkpoint(): { state: Digest; roster: Digest } {
    return { state: this.#state, roster: rosterHash(this.roster()) }
  }

  rosters(): [Roster] {
    return [this.roster()]
  }

  nodeKeys(): { node: FixtureNode['node']; publicKey: Uint8Array }[] {
    return nodes.map(({ node, checkpoint }) => ({ node, publicKey: checkpoint.publicKey }))
  }

  checkpointKeys(): { node: FixtureNode['node']; publicKey: Uint8Array }[] {
    return members(this.#epoch).map(({ node, checkpoint }) => ({ node, publicKey: checkpoint.publicKey }))
  }

  register(): readonly Processing[] {
    const shared = { controller: reader, legalBasis: 'contract', audience: [] }
    return [
      { ...shared, name: 'open', kind: 'open', purpose: '=HYPERLINK("http://evil.example")', retentionDays: 0 },
      { ...shared, name: 'people', kind: 'personal', purpose: '<script>alert(1)</script>', retentionDays: 1095 },
    ]
  }

  apply({ header, transactions }: BlockRecord): Replayed {
    this.#height += 1
    this.#state = hash('bucket', utf8(`${this.#state} ${blockHash(header)}`))
    const entries: Entry[] = [{ type: 'block', height: this.#height, hash: blockHash(header), time: header.time }]
    const items: ItemClaim[] = []
    const erased: ItemId[] = []
    const acts: ActView[] = []
    const anchors: AnchorClaim[] = []
    for (const transaction of transactions) {
      const words = fromUtf8(transaction).split(' ')
      if (words[0] === 'data') items.push(claimOf(transaction))
      else if (words[0] === 'erase') erased.push(itemIdOf(words[1] ?? ''))
      else if (words[0] === 'roster') this.#epoch += 1
      else if (words[0] === 'anchor')
        anchors.push({ ...localName, size: Number(words[1]), root: digestOf(words[2] ?? '') })
      else throw new LedgerError('MALFORMED')
      entries.push({
        type: 'transaction',
        height: this.#height,
        index: acts.length,
        tx: requestId(transaction),
        act: words[0],
        outcome: 'OK',
        organisation: `org-${acts.length % 4}`,
        key: toHex(sha256(utf8(`key ${acts.length % 4}`))),
      })
      const isData = words[0] === 'data'
      acts.push({
        graphs: isData ? [`urn:g:${words[1] === '*' ? 'open' : 'closed'}`] : [],
        items: isData ? 1 : 0,
        detail: isData ? undefined : { words },
      })
    }
    return { header, hash: blockHash(header), entries, acts, items, erased, anchors }
  }
}

export function itemOf(transaction: Uint8Array): ItemId {
  return itemIdOf(hash('item', transaction))
}

function claimOf(transaction: Uint8Array): ItemClaim {
  const [, audience = '', payload, retractions] = fromUtf8(transaction).split(' ')
  return {
    item: itemOf(transaction),
    audience: audience === '*' ? [] : [organisationIdOf(audience)],
    opens: (record) => {
      if (record.type === 'whole' && record.payload.length === 0) throw new LedgerError('MALFORMED')
      return record.type === 'whole'
        ? toHex(sha256(record.payload)) === payload
        : toHex(sha256(record.retractions)) === retractions
    },
  }
}

export const startReplay: StartReplay = (bytes) => {
  if (!fromUtf8(bytes).startsWith('{')) throw new LedgerError('GENESIS_INVALID')
  return { ledger: ledgerIdOf(hash('genesis', bytes)), replay: new FixtureReplay() }
}

export const payloadOf = (name: string): Uint8Array => utf8(`payload of ${name}`)
export const keptOf = (name: string): Uint8Array => utf8(`retractions of ${name}`)

export function dataTransaction(name: string, audience = '*'): Uint8Array {
  return utf8(`data ${audience} ${toHex(sha256(payloadOf(name)))} ${toHex(sha256(keptOf(name)))}`)
}

export function signaturesOf<T extends 'commit' | 'result'>(
  domain: T,
  message: Uint8Array,
  signers: readonly { node: FixtureNode['node']; consensus: SigningKey }[],
): NodeSignature[] {
  return signers.map(({ node, consensus }) => ({ node, signature: sign(domain, message, consensus.seed) }))
}

/** The next block of a chain, agreed by three of its four validators. */
export function makeBlock(
  previous: BlockHeader | undefined,
  epoch: number,
  transactions: readonly Uint8Array[],
): BlockRecord {
  const sequence = ((previous?.sequence ?? 0) + 1) as Sequence
  const tokens = digestOf(sha256(utf8(`tokens ${sequence}`)))
  const batchTime = (1_000 * sequence - (sequence % 3) * 1_500 + 5_000) as Time
  const batch = summaryDigest({ time: batchTime, tokens, transactions: transactionsHash(transactions) })
  const header: BlockHeader = {
    ledger,
    epoch: epoch as Epoch,
    sequence,
    previous: previous === undefined ? (ledger as unknown as Digest) : blockHash(previous),
    batch,
    time: Math.max(batchTime, previous?.time ?? 0) as Time,
  }
  const agreement: Agreement = { ledger, epoch: header.epoch, round: 0 as Round, sequence, digest: batch }
  const signatures = signaturesOf('commit', agreementBytes(agreement), members(epoch).slice(1))
  return { header, tokens, batchTime, transactions, certificate: { type: 'pbft', agreement, signatures } }
}

export function makeResult(
  result: Result,
  signers: readonly FixtureNode[] = members(result.epoch).slice(0, 3),
): ResultCertificate {
  return { result, signatures: signaturesOf('result', resultBytes(result), signers) }
}

export interface Fixture {
  readonly source: BundleSource
  readonly blocks: readonly BlockRecord[]
  readonly results: readonly ResultCertificate[]
  readonly payloads: readonly PayloadRecord[]
  readonly leaves: readonly Uint8Array[]
}

/** A local log of node 0. */
export const localName = { node: (nodes[0] as FixtureNode).node, log: 1_800_000_000_000 }

export function localLeaves(count: number): readonly Uint8Array[] {
  const leaves: Uint8Array[] = []
  for (let seq = 0; seq < count; seq++) {
    const last = leaves.at(-1)
    leaves.push(
      leafBytes(seq, last === undefined ? noPrevious : leafId(last), { type: 'stopped', time: seq, code: '' }),
    )
  }
  return leaves
}

export function rootOf(leaves: readonly Uint8Array[]): Digest {
  const tree = new TreeFiles()
  for (const leaf of leaves) tree.add(leaf)
  return tree.root()
}

/** `by`: signs it. */
export function localSource(leaves: readonly Uint8Array[], by: FixtureNode = nodes[0] as FixtureNode): LocalSource {
  const origin = localOrigin(ledger, localName.node, localName.log)
  const text = checkpointText({ origin, size: leaves.length, root: rootOf(leaves) })
  const checkpoint = formatNote({ text, signatures: [signNote(text, origin, by.checkpoint.seed)] })
  return { ...localName, checkpoint, leaves: () => each(leaves) }
}

const heights = 30
const perBlock = 10

/** `anchored`: what node 0 anchors at which height. Of block h, transaction 0 is for org-1 alone; block 20 erases the first item of block 5 and begins another epoch with block 21. */
export function makeFixture(anchored: ReadonlyMap<number, string> = new Map()): Fixture {
  const replay = new FixtureReplay()
  const tree = new TreeFiles()
  const [blocks, results, payloads, leaves]: [BlockRecord[], ResultCertificate[], PayloadRecord[], Uint8Array[]] = [
    [],
    [],
    [],
    [],
  ]
  const erased = itemOf(dataTransaction('5.1'))
  for (let height = 1; height <= heights; height++) {
    const names = Array.from({ length: perBlock }, (_, index) => `${height}.${index}`)
    const transactions = names.map((name, index) => dataTransaction(name, index === 0 ? 'org-1' : '*'))
    if (height === 20) transactions.push(utf8(`erase ${erased}`), utf8('roster 1'))
    const anchor = anchored.get(height)
    if (anchor !== undefined) transactions.push(utf8(`anchor ${anchor}`))
    const roster = replay.roster()
    const block = makeBlock(blocks.at(-1)?.header, roster.epoch, transactions)
    blocks.push(block)
    const { epoch, sequence } = block.header
    const { entries, hash: block_ } = replay.apply(block)
    for (const entry of entries) {
      const last = leaves.at(-1)
      leaves.push(leafBytes(leaves.length, last === undefined ? noPrevious : leafId(last), entry))
      tree.add(leaves.at(-1) as Uint8Array)
    }
    names.slice(1).forEach((name) => {
      const item = itemOf(dataTransaction(name))
      payloads.push(
        item === erased
          ? { type: 'kept', height: sequence, item, retractions: keptOf(name) }
          : { type: 'whole', height: sequence, item, payload: payloadOf(name) },
      )
    })
    if (height % 3 !== 0 && height !== heights) continue
    const checkpoint = height % 6 === 0 ? [replay.checkpoint()] : []
    results.push(
      makeResult({ ledger, epoch, sequence, block: block_, logSize: tree.size, logRoot: tree.root(), checkpoint }),
    )
  }
  const head = { height: heights as Sequence, size: tree.size, root: tree.root() }
  const source: BundleSource = {
    ledger,
    reader,
    head,
    start: startReplay,
    genesis: async () => genesis,
    checkpoint: async () => noteOf(head, members(1).slice(0, 3)),
    checkpointKeys: async () => replay.checkpointKeys(),
    blocks: (from = 1) => each(blocks.slice(from - 1).map((block) => encode(blockRecordSchema, block))),
    results: (from = 1) => {
      const rest = results.filter(({ result }) => result.sequence >= from)
      return each(rest.map((result) => encode(resultCertificateSchema, result)))
    },
    leaves: (from = 0) => each(leaves.slice(from)),
    sign: async (manifest) => manifestNoteOf(manifest),
    payloads: (from = 1) => each(payloads.filter(({ height }) => height >= from)),
    locals: () => each([]),
  }
  return { source, blocks, results, payloads, leaves }
}

export function noteOf(head: { size: number; root: Digest }, signers: readonly FixtureNode[]): string {
  const origin = consortiumOrigin(ledger)
  const text = checkpointText({ origin, ...head })
  return formatNote({
    text,
    signatures: signers.map(({ node, checkpoint }) => signNote(text, signerName(origin, node), checkpoint.seed)),
  })
}

export async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values
}

/** Files of a bundle in memory. */
export type Files = Map<string, Uint8Array>

export async function exported(source: BundleSource, options: ExportOptions = {}): Promise<Files> {
  const folder = mkdtempSync(join(tmpdir(), 'quadrille-bundle-'))
  try {
    await exportBundle(join(folder, 'bundle'), source, options)
    const bundle = folderReader(join(folder, 'bundle'))
    const files: Files = new Map()
    for (const path of await bundle.list()) files.set(path, await bundle.read(path))
    return files
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function readerOver(files: Files): BundleReader {
  return {
    list: async () => [...files.keys()],
    read: async (path) => files.get(path) as Uint8Array,
  }
}

/** Of the node that exports. */
export function manifestNoteOf(
  manifest: Uint8Array,
  { node, checkpoint }: FixtureNode = nodes[1] as FixtureNode,
): string {
  const statement = manifestStatement(ledger, manifest)
  const text = checkpointText(statement)
  return formatNote({ text, signatures: [signNote(text, signerName(statement.origin, node), checkpoint.seed)] })
}

/** What an exporter that lies does at the end: manifest, its signature and sums agree again with the files. */
export function reseal(files: Files): Files {
  const manifest = parseManifest(files.get('manifest.json') as Uint8Array)
  const listed = new Map(manifest.files.map((file) => [file.path, file]))
  const paths = [...files.keys()]
    .filter((path) => !['manifest.json', 'manifest.note', 'SHA256SUMS'].includes(path))
    .sort()
  const entries = paths.map((path) => {
    const bytes = files.get(path) as Uint8Array
    return { path, bytes: bytes.length, records: listed.get(path)?.records ?? 1, sha256: digestOf(sha256(bytes)) }
  })
  const sealed = manifestBytes({ ...manifest, files: entries })
  return new Map([
    ...files,
    ['manifest.json', sealed],
    ['manifest.note', utf8(manifestNoteOf(sealed))],
    ['SHA256SUMS', utf8(sumsText(sealed, entries))],
  ])
}
