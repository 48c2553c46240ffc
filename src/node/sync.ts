// Catching up: asks peers in turn for certified blocks, checks each, and executes them, while the next ones are on their way;
// serving them to others is the affair of serve.ts. A block is believed for its certificate, never for its sender, so any peer
// will do and a liar costs only time.

import { LedgerError } from '../base/errors.ts'
import { type LedgerId, type NodeId, type Sequence, sequenceOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode } from '../base/schema.ts'
import { verify } from '../base/signature.ts'
import { summaryDigest, transactionsHash } from '../consensus/batch.ts'
import { type BlockRecord, blockRecordSchema } from '../consensus/block.ts'
import { agreedOf, commitCertificateFault } from '../consensus/certificate.ts'
import type { Outcome } from '../consensus/contract.ts'
import { faultModelOf } from '../consensus/quorum.ts'
import { certifiersOf, type Succession } from '../consensus/succession.ts'
import type { BlockArchive } from '../store/blocks.ts'
import { Ahead, type Given, type Took } from './ahead.ts'
import type { AgreedBlock } from './machine.ts'
import { BlockServer, type BlocksAnswer, type BlocksWanted, type ServeOptions } from './serve.ts'
import { type Patience, Sources } from './sources.ts'
import type { Envelope } from './wire.ts'

export interface SyncTiming extends Patience {
  /** Between questions while no peer is worth asking. */
  readonly retryMs: number
  /** Without any block a fetch gives up after so long; the protocol asks again. */
  readonly fruitlessMsMax: number
}

const defaultTiming: SyncTiming = { answerMsMin: 1_500, answerMsMax: 5_000, retryMs: 250, fruitlessMsMax: 10_000 }

/** What of the ledger's machine catching up needs. */
export interface SyncMachine {
  readonly applied: Outcome
  readonly ledger: { readonly id: LedgerId; readonly genesis: { readonly protocol: string } }
  /** Who certifies the next block. */
  readonly succession: Succession
  execute(block: AgreedBlock): Promise<unknown>
}

export interface SyncOptions {
  readonly machine: SyncMachine
  readonly blocks: Pick<BlockArchive, 'read'>
  readonly item: ServeOptions['item']
  readonly send: (to: NodeId, envelope: Envelope) => boolean
  readonly peers: () => readonly NodeId[]
  /** A peer gave a block that does not verify. */
  readonly refuse: (from: NodeId, error: LedgerError) => void
  readonly timing?: Partial<SyncTiming>
  /** For how long executions have waited for payloads that were not here, ms. */
  readonly waitedMs: () => number
}

interface Answered {
  readonly by: NodeId
  readonly answer: BlocksAnswer
  readonly took: Took
}

interface Question {
  readonly at: Sequence
  readonly askedMs: number
  /** What `Ahead.idleMs` was then. */
  readonly idleMs: number
}

export class Sync {
  readonly #options: SyncOptions
  readonly #timing: SyncTiming
  readonly #sources: Sources
  readonly #server: BlockServer
  /** What each peer was asked last and has not answered: a late answer is still worth its blocks. */
  readonly #open: Map<NodeId, Question> = new Map()
  #settle: (answered: Answered | 'late' | undefined) => void = () => undefined
  #ahead: Ahead | undefined
  /** When the last block was executed, or a fetch began. */
  #progressMs = 0
  #stopped = false

  constructor(options: SyncOptions) {
    const { blocks, item, machine } = options
    this.#options = options
    this.#timing = { ...defaultTiming, ...options.timing }
    this.#sources = new Sources(this.#timing)
    this.#server = new BlockServer({ blocks, item, applied: () => machine.applied.sequence })
  }

  /**
   * Executes certified blocks up to and including `target`, or to the end of an epoch if that comes first; false when no peer
   * gave them. One call at a time. `isWanted`, asked while it goes on: false ends it, with what there is by then.
   * @throws what executing a block throws: that is this node's own fault, never a peer's.
   */
  async fetch(target: Sequence, preferred: readonly NodeId[], isWanted = (): boolean => true): Promise<boolean> {
    const { machine } = this.#options
    const [{ epoch }] = machine.succession.known
    const isDone = (): boolean =>
      machine.applied.sequence >= target || machine.succession.known[0].epoch > epoch || !isWanted()
    const ahead = new Ahead(sequenceOf(machine.applied.sequence + 1))
    this.#ahead = ahead
    if (this.#stopped) ahead.end()
    const asking = this.#ask(ahead, target, preferred, isDone).finally(() => ahead.end())
    try {
      await this.#execute(ahead, isDone)
    } finally {
      ahead.end()
      this.#settle(undefined)
      await asking
    }
    return isDone()
  }

  /** Who is asked here for what is missing of the block that is executed: asked by another too, it would give the same again. */
  get owing(): NodeId | undefined {
    return this.#ahead?.next === this.#options.machine.applied.sequence + 1 ? this.#ahead.owing : undefined
  }

  /** An answer has come; the payloads in it are the payload pool's affair. */
  receive(from: NodeId, answer: BlocksAnswer): void {
    const question = this.#open.get(from)
    if (question?.at !== answer.from) return
    this.#open.delete(from)
    if (answer.from !== this.#ahead?.next) return
    const took = { ms: performance.now() - question.askedMs, idleMs: this.#ahead.idleMs - question.idleMs }
    this.#settle({ by: from, answer, took })
  }

  /** What this node can answer; undefined while another answer to this peer is under way. @throws as BlockServer does. */
  serve(from: NodeId, wanted: BlocksWanted): Promise<BlocksAnswer | undefined> {
    return this.#server.serve(from, wanted)
  }

  /** Ends a fetch after the block that it executes; resolves when nothing is served any more. */
  stop(): Promise<void> {
    this.#stopped = true
    this.#ahead?.end()
    this.#settle(undefined)
    return this.#server.stop()
  }

  /** Asks for what comes next until nobody has given anything for too long. One question at a time. */
  async #ask(ahead: Ahead, target: Sequence, preferred: readonly NodeId[], isDone: () => boolean): Promise<void> {
    const { peers } = this.#options
    const { retryMs, fruitlessMsMax } = this.#timing
    let drops = 0
    this.#progressMs = performance.now()
    while (!ahead.ended && !isDone()) {
      if (!ahead.isBusy && performance.now() >= this.#progressMs + fruitlessMsMax) return
      if (ahead.isFull || ahead.next > target) {
        await ahead.changed()
        continue
      }
      if (ahead.drops > drops && !this.#sources.isReady(peers(), performance.now())) await ahead.pause(retryMs)
      drops = ahead.drops
      const connected = peers()
      const isOwing = ahead.owing !== undefined && connected.includes(ahead.owing)
      const peer = isOwing ? ahead.owing : this.#sources.next(connected, preferred, performance.now())
      if (peer !== undefined && (await this.#askOne(peer, ahead, target))) continue
      if (ahead.owing !== undefined) ahead.forgo()
      if (!this.#sources.isReady(peers(), performance.now())) await ahead.pause(retryMs)
    }
  }

  /** Whether it, or another that was asked before, gave something. */
  async #askOne(peer: NodeId, ahead: Ahead, target: Sequence): Promise<boolean> {
    const at = ahead.next
    // Never for one alone: that is what the payload pool asks for, and serve.ts tells the two apart by it.
    const count = Math.max(2, Math.min(limits.blocksPerAnswerMax, target - at + 1))
    this.#open.set(peer, { at, askedMs: performance.now(), idleMs: ahead.idleMs })
    if (!this.#options.send(peer, { type: 'blocks-wanted', from: at, count })) {
      this.#sources.lacked(peer, 0, performance.now())
      return false
    }
    const { drops } = ahead
    const patienceMs = this.#sources.patienceFor(peer)
    const answered = await this.#answerWithin(patienceMs)
    if (ahead.ended || ahead.drops !== drops) return true
    if (answered === undefined) {
      this.#sources.wasSilent(peer, patienceMs, performance.now())
      return false
    }
    const { by, answer, took } = answered
    if (answer.blocks.length > 0) ahead.add(by, answer, took)
    else this.#sources.lacked(by, took.ms, performance.now())
    return answer.blocks.length > 0
  }

  /**
   * The next answer, which may be a late one of another peer; undefined when none comes in time, or none is wanted any more. While
   * this node executes blocks it has no reason to be impatient, nor any way to tell who is slow.
   */
  async #answerWithin(ms: number): Promise<Answered | undefined> {
    const { machine } = this.#options
    for (;;) {
      const before = machine.applied.sequence
      const answered = await this.#answer(ms)
      if (answered !== 'late') return answered
      if (machine.applied.sequence === before) return undefined
    }
  }

  #answer(ms: number): Promise<Answered | 'late' | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle('late'), ms)
      this.#settle = (answered) => {
        clearTimeout(timer)
        this.#settle = () => undefined
        resolve(answered)
      }
    })
  }

  async #execute(ahead: Ahead, isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      const given = await ahead.take()
      if (given === undefined) return
      if (await this.#take(given, isDone)) continue
      ahead.drop(sequenceOf(this.#options.machine.applied.sequence + 1))
      this.#settle(undefined)
    }
  }

  /** False when it holds a block that does not verify, or blocks without payloads that others are to be asked for. */
  async #take({ by, blocks, took }: Given, isDone: () => boolean): Promise<boolean> {
    const { machine, refuse, waitedMs } = this.#options
    const before = waitedMs()
    let bytes = 0
    for (const [place, block] of blocks.entries()) {
      if (this.#stopped || isDone()) break
      const record = checkedRecord(block, machine)
      if (record instanceof LedgerError) {
        this.#sources.lied(by, performance.now())
        refuse(by, record)
        return false
      }
      const { header, batchTime, tokens, transactions, certificate } = record
      await machine.execute({
        sequence: header.sequence,
        batch: { time: batchTime, tokens, transactions },
        certificate,
      })
      bytes += block.length
      this.#progressMs = performance.now()
      // A block for whose payloads execution waits costs as much as one that comes late. Others may give them with it.
      const waited = waitedMs() - before
      if (waited < this.#timing.answerMsMin || place === blocks.length - 1) continue
      this.#sources.lacked(by, waited, performance.now())
      return false
    }
    const idleMs = took.idleMs + waitedMs() - before
    this.#sources.brought(by, bytes, { ms: took.ms, idleMs }, performance.now())
    return true
  }
}

/** The record that a peer gave, or what is wrong with it. */
function checkedRecord(block: Uint8Array, machine: SyncMachine): BlockRecord | LedgerError {
  try {
    const record = decode(blockRecordSchema, block)
    checkRecord(record, machine)
    return record
  } catch (error) {
    if (error instanceof LedgerError) return error
    throw error
  }
}

/** @throws LedgerError unless the record is agreed, certified and next. */
function checkRecord(record: BlockRecord, machine: SyncMachine): void {
  const { header, certificate } = record
  const agreement = agreedOf(certificate)
  const digest = summaryDigest({
    time: record.batchTime,
    tokens: record.tokens,
    transactions: transactionsHash(record.transactions),
  })
  const isNext = header.sequence === machine.applied.sequence + 1 && header.previous === machine.applied.block
  if (header.ledger !== machine.ledger.id || agreement.ledger !== machine.ledger.id)
    throw new LedgerError('WRONG_LEDGER')
  if (!isNext || header.batch !== digest || agreement.digest !== digest || agreement.sequence !== header.sequence) {
    throw new LedgerError('BLOCK_INVALID', { height: header.sequence })
  }
  const rosters = certifiersOf(certificate, machine.succession)
  if (rosters === undefined) throw new LedgerError('WRONG_EPOCH', { height: header.sequence })
  const [roster, ...next] = rosters
  const fault = commitCertificateFault(certificate, roster, verify, faultModelOf(machine.ledger.genesis.protocol), next)
  if (fault !== undefined) throw new LedgerError(fault, { height: header.sequence })
}
