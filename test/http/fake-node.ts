// A node that stands in for a real one behind the HTTP server: quads in an n3 store, fixed blocks and tiles, and a submit
// that tests steer.

import type { Quad } from '@rdfjs/types'
import { DataFactory } from 'n3'
import { type ErrorCode, LedgerError } from '../../src/base/errors.ts'
import { Histogram } from '../../src/base/histogram.ts'
import { type Digest, digestOf, itemIdOf, type KeyId, ledgerIdOf, type TxId, txIdOf } from '../../src/base/ids.ts'
import type {
  HttpChange,
  HttpEvidence,
  HttpHeldRows,
  HttpItem,
  HttpKeys,
  HttpLocal,
  HttpNode,
  HttpPersonQuad,
  HttpSelection,
  HttpSubmission,
} from '../../src/http/node-port.ts'
import type { SignedGenesis } from '../../src/ledger/genesis.ts'
import type { NodeHealth } from '../../src/node/health.ts'
import type { About } from '../../src/node/local-details.ts'
import type { LocalEvent, LocalHead } from '../../src/node/local-events.ts'
import type { Asker } from '../../src/node/local-log.ts'
import type { QuadSource } from '../../src/sparql/engine.ts'
import { storeOf, trig, WatchedSource } from '../sparql/fixture.ts'

export const tx: TxId = txIdOf('ab'.repeat(32))

/** Remembers what it was told. */
export class FakeLocal implements HttpLocal {
  readonly noted: LocalEvent[] = []
  readonly about: About[] = []

  note(event: LocalEvent, asker?: Asker): void {
    this.noted.push(event)
    if (asker !== undefined) this.about.push(asker.about())
  }

  signManifest(manifest: Uint8Array): string {
    return `${manifest.length} bytes\n`
  }

  heads(): readonly LocalHead[] {
    return [{ log: 1_800_000_000_000, size: 1, root: digestOf('00'.repeat(32)) }]
  }

  leaves(log: number, from: number, to: number): Iterable<Uint8Array> | undefined {
    if (log !== 1_800_000_000_000) return undefined
    if (to > 1) throw new RangeError('no such size of this log')
    return from === 0 ? [new TextEncoder().encode('{"seq":0}')] : []
  }

  tile(log: number, path: string): Uint8Array | undefined {
    return log === 1_800_000_000_000 && path === 'tile/0/000.p/1' ? new Uint8Array(32) : undefined
  }

  async checkpoint(log: number): Promise<string | undefined> {
    return log === 1_800_000_000_000 ? 'a note\n' : undefined
  }

  async detail(reference: string): Promise<readonly About[] | undefined> {
    return reference === 'ab'.repeat(16) ? this.about : undefined
  }
}

export class FakeNode implements HttpNode {
  readonly local = new FakeLocal()
  readonly selected: HttpSelection[] = []
  readonly height = 7
  readonly time = Date.now() - 5_000
  confirming: (signal: AbortSignal) => Promise<number> = async () => 7
  readonly genesis: SignedGenesis = {
    genesis: {
      name: 'Food Trace',
      protocol: 'pbft/1',
      created: 1_800_000_000_000 as never,
      rulesVersion: 1,
      organisations: [],
      nodes: [],
      thresholds: { roster: 1, rules: 1 },
      parameters: {
        checkpointInterval: 8,
        window: 16,
        batchTransactionsMax: 10,
        batchBytesMax: 1000,
        idleBatchMs: 1000,
        suspectMs: 1000,
      },
      policies: [],
      graphs: [],
    },
    signatures: [],
  }
  source_: QuadSource = new WatchedSource(storeOf(trig))
  readonly heightsAsked: number[] = []
  readonly submitted: { readonly transaction: Uint8Array; readonly payload: Uint8Array }[] = []
  submitting: (signal: AbortSignal) => Promise<HttpSubmission> = async () => ({ tx, sequence: 7, index: 0, code: 'OK' })
  quorumConnected = true
  serves = true
  readonly blocksKept: readonly Uint8Array[] = Array.from({ length: 7 }, (_, n) => Uint8Array.of(n + 1, 1, 2, 3))

  confirmed(signal: AbortSignal): Promise<number> {
    return this.confirming(signal)
  }

  members(): object {
    return { proposal: 1 }
  }

  async status() {
    return {
      height: this.height,
      final: 7,
      logSize: 20,
      quads: 9,
      epoch: 0,
      round: 0,
      state: 'normal',
      note: '',
      validators: 4,
      quorum: 3,
      connected: ['b', 'c'],
      quorumConnected: this.quorumConnected,
      waiting: 0,
      serves: this.serves,
      evidence: 0,
      convicted: [],
      diverged: [],
    }
  }

  counters() {
    return {
      peersConnected: 2,
      framesSent: 1,
      framesReceived: 2,
      messagesSent: 6,
      messagesReceived: 7,
      bytesSent: 3,
      bytesReceived: 4,
      messagesDropped: 5,
      refused: new Map<ErrorCode, number>([['FRAME_TOO_LARGE', 1]]),
      queuedBytes: { consensus: 0, sync: 10 },
    }
  }

  async health(): Promise<NodeHealth> {
    const { commits, syncs } = { commits: new Histogram(), syncs: new Histogram() }
    commits.observe(0.02)
    return {
      software: '0.1.0',
      runtime: 'v20.0.0',
      upSeconds: 5,
      peers: [
        {
          name: 'a "quoted" \\ name',
          organisation: 'beta',
          validator: true,
          connected: true,
          height: 4,
          software: '0.1.0',
          clockAheadMs: 3,
          refusal: null,
        },
      ],
      clock: { aheadMs: -1500, skewed: false },
      rounds: { changes: { started: 1, 'leader silent': 2 }, last: [] },
      refused: { SIGNATURE_INVALID: 3 },
      dropped: { STALE_MESSAGE: 4 },
      evidence: 1,
      mismatches: 0,
      fenced: null,
      commits: commits.figures(),
      disk: {
        freeBytes: 1_000,
        low: false,
        secondsLeft: null,
        bytes: { journal: 1, blocks: 2, log: 3, store: 4 },
        syncs: syncs.figures(),
      },
      store: { segments: 2, backlogBytes: 9, cache: { hits: 8, misses: 1 } },
      local: { leaves: 12, anchored: 9, ageSeconds: 61, everySeconds: 600, failure: null },
      erasures: { open: [{ order: tx, seconds: 60, missing: ['c'] }], count: 1, purgeFailure: null },
    }
  }

  rotations = 0

  submit(transaction: Uint8Array, payload: Uint8Array, signal: AbortSignal): Promise<HttpSubmission> {
    this.submitted.push({ transaction, payload })
    return this.submitting(signal)
  }

  source(height: number): QuadSource {
    this.heightsAsked.push(height)
    return this.source_
  }

  nextSequence(key: KeyId): number {
    return key.startsWith('aa') ? 12 : 1
  }

  async blocks(from: number, count: number): Promise<readonly Uint8Array[]> {
    return this.blocksKept.slice(from - 1, from - 1 + count)
  }

  async result(height: number): Promise<Uint8Array | undefined> {
    return height === 7 ? Uint8Array.of(9) : undefined
  }

  readonly ledger = ledgerIdOf('1e'.repeat(32))
  /** What the block of each height changed. */
  changing: (height: number) => AsyncIterable<HttpChange> = async function* (height) {
    yield { type: 'block', height, time: 1_800_000_000_000 + height }
  }
  arriving: (height: number, signal: AbortSignal) => Promise<boolean> = async (height, signal) => {
    if (height <= this.height) return true
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(false)))
  }

  reached(height: number, signal: AbortSignal): Promise<boolean> {
    return this.arriving(height, signal)
  }

  changes(height: number): AsyncIterable<HttpChange> {
    return this.changing(height)
  }

  graphs(): readonly string[] {
    return ['urn:x:g1', 'urn:x:g2', 'urn:x:g3']
  }

  async heldRows(quads: readonly Quad[]): Promise<readonly HttpHeldRows[]> {
    return quads.map(({ graph }, row) => ({ graph: graph.value, item: itemIdOf('cc'.repeat(32)), rows: [row] }))
  }

  async receipt(of: string, type: 'ordered' | 'final'): Promise<object> {
    if (of !== tx) throw new LedgerError('RECEIPT_UNKNOWN', { tx: of })
    return { tx: of, type }
  }

  async checkpoint(): Promise<string | undefined> {
    return 'quadrille\n20\nroot\n\n— signed\n'
  }

  async leafProof(index: number, size = 20): Promise<string | undefined> {
    return index < size ? `c2sp.org/tlog-proof@v1\nindex ${index}\n` : undefined
  }

  tile(path: string): Uint8Array | undefined {
    return path === 'tile/0/000.p/20' ? new Uint8Array(640).fill(1) : undefined
  }

  leaves(from: number, to: number): Iterable<Uint8Array> {
    if (to > 20) throw new RangeError('the log has 20 leaves')
    return Array.from({ length: to - from }, (_, n) => new TextEncoder().encode(`{"seq":${from + n}}`))
  }

  keys(): HttpKeys {
    const key = { purpose: 'payload', state: 'active', ageSeconds: 86_400 }
    const others = [
      { ...key, state: 'decrypt-only', ageSeconds: 900_000 },
      { ...key, purpose: 'lookup' },
      { ...key, purpose: 'journal' },
    ]
    return { keys: [key, ...others], rotation: this.rotations === 0 ? null : { done: 5, left: 7 } }
  }

  rotateKeys(): HttpKeys {
    this.rotations += 1
    return this.keys()
  }

  backups(): never {
    throw new LedgerError('BACKUPS_UNDECLARED')
  }

  async erasure(order: string): Promise<object | undefined> {
    return order === tx ? { order } : undefined
  }

  evidence(): readonly HttpEvidence[] {
    return [{ id: digestOf('ab'.repeat(32)), culprit: 'dune-1', sentence: 'It signed two.' }]
  }

  async evidenceDocument(id: Digest): Promise<object | undefined> {
    return id === 'ab'.repeat(32) ? { kind: 'x' } : undefined
  }

  async payloadEvidence(): Promise<readonly object[]> {
    return []
  }

  async overview(selection: HttpSelection): Promise<object> {
    this.selected.push(selection)
    return { items: selection.type === 'person' && selection.person === 'urn:p:nobody' ? [] : [1] }
  }

  async *personQuads(person: string): AsyncGenerator<HttpPersonQuad> {
    const subject = DataFactory.namedNode(person)
    const predicate = DataFactory.namedNode('urn:v:name')
    yield { subject, predicate, object: DataFactory.literal('Ada "\n"'), graph: 'urn:g:people' }
  }

  async item(item: string): Promise<HttpItem | undefined> {
    if (item.startsWith('ee')) return { type: 'erased', order: tx, height: 5, retractions: undefined }
    return item.startsWith('cc') ? { type: 'whole', payload: Uint8Array.of(7, 7) } : undefined
  }
}

/** A submission that waits for `signal`, as a real one does. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new LedgerError('NOT_FINAL', { tx })))
  })
}
