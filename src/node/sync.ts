// Catching up: asks peers for certified blocks, checks each, and executes them; and serves the same to others. A block is
// believed for its certificate, never for its sender, so any peer will do and a liar costs only time.

import { LedgerError } from '../base/errors.ts'
import { type NodeId, type Sequence, sequenceOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode } from '../base/schema.ts'
import { verify } from '../base/signature.ts'
import { requestId, summaryDigest, transactionsHash } from '../consensus/batch.ts'
import { type BlockRecord, blockRecordSchema } from '../consensus/block.ts'
import { commitCertificateFault } from '../consensus/certificate.ts'
import { itemPayloadSchema, payloadSchema } from '../ledger/payload.ts'
import { itemIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { Store } from '../store/store.ts'
import type { LedgerMachine } from './machine.ts'
import type { PayloadPool } from './payloads.ts'
import type { Verdicts } from './verdicts.ts'
import type { CarriedPayload, Envelope, ServedBlock } from './wire.ts'

const answerTimeoutMs = 5_000
const retryMs = 250
/** Rounds of all peers that gave nothing before a fetch gives up; the protocol asks again. */
const fruitlessMax = 8

type BlocksAnswer = Extract<Envelope, { readonly type: 'blocks' }>
type BlocksWanted = Extract<Envelope, { readonly type: 'blocks-wanted' }>

export interface SyncOptions {
  readonly machine: LedgerMachine
  readonly blocks: BlockArchive
  readonly store: Store
  readonly payloads: PayloadPool
  readonly verdicts: Verdicts
  readonly send: (to: NodeId, envelope: Envelope) => boolean
  readonly peers: () => readonly NodeId[]
  /** A peer gave a block that does not verify. */
  readonly refuse: (from: NodeId, error: LedgerError) => void
}

interface Question {
  readonly from: NodeId
  readonly at: Sequence
  readonly settle: (answer: BlocksAnswer | undefined) => void
}

export class Sync {
  readonly #options: SyncOptions
  #question: Question | undefined
  #stopped = false

  constructor(options: SyncOptions) {
    this.#options = options
  }

  /** Executes certified blocks up to and including `target`; false when no peer gave them. One call at a time. */
  async fetch(target: Sequence, preferred: readonly NodeId[]): Promise<boolean> {
    const { machine } = this.#options
    for (let fruitless = 0; machine.applied.sequence < target && fruitless < fruitlessMax && !this.#stopped; ) {
      const before = machine.applied.sequence
      for (const peer of this.#sources(preferred)) {
        while (machine.applied.sequence < target && !this.#stopped && (await this.#fetchFrom(peer, target)));
      }
      const progress = machine.applied.sequence > before
      fruitless = progress ? 0 : fruitless + 1
      if (!progress && !this.#stopped) await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
    return machine.applied.sequence >= target
  }

  /** An answer has come. */
  receive(from: NodeId, answer: BlocksAnswer): void {
    if (this.#question?.from === from && this.#question.at === answer.from) this.#question.settle(answer)
  }

  /** What this node can answer, as many blocks as fill one frame at most. */
  async serve({ from, count }: BlocksWanted): Promise<BlocksAnswer> {
    const { machine, blocks } = this.#options
    const served: ServedBlock[] = []
    let bytes = 0
    for (let height = Math.max(1, from); height < from + count && height <= machine.applied.sequence; height++) {
      const block = await blocks.read(height)
      const payloads = await this.#payloadsOf(block)
      bytes += block.length + payloads.reduce((sum, { payload }) => sum + payload.length, 0)
      if (served.length > 0 && bytes > limits.frameBytesMax / 2) break
      served.push({ block, payloads })
    }
    return { type: 'blocks', from, blocks: served }
  }

  stop(): void {
    this.#stopped = true
    this.#question?.settle(undefined)
  }

  #sources(preferred: readonly NodeId[]): readonly NodeId[] {
    const connected = this.#options.peers()
    return [
      ...preferred.filter((peer) => connected.includes(peer)),
      ...connected.filter((peer) => !preferred.includes(peer)),
    ]
  }

  /** Whether it brought this node at least one block further. */
  async #fetchFrom(peer: NodeId, target: Sequence): Promise<boolean> {
    const { machine, refuse } = this.#options
    const at = sequenceOf(machine.applied.sequence + 1)
    const answer = await this.#ask(peer, at, Math.min(limits.blocksPerAnswerMax, target - at + 1))
    try {
      for (const served of answer?.blocks ?? []) if (!this.#stopped) await this.#execute(peer, served)
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code === 'STORAGE_FAILED') throw error
      refuse(peer, error)
    }
    return machine.applied.sequence >= at
  }

  #ask(from: NodeId, at: Sequence, count: number): Promise<BlocksAnswer | undefined> {
    return new Promise((resolve) => {
      const settle = (answer: BlocksAnswer | undefined): void => {
        clearTimeout(timer)
        this.#question = undefined
        resolve(answer)
      }
      const timer = setTimeout(() => settle(undefined), answerTimeoutMs)
      this.#question = { from, at, settle }
      if (!this.#options.send(from, { type: 'blocks-wanted', from: at, count })) settle(undefined)
    })
  }

  /** @throws LedgerError when the block is not the certified next one. */
  async #execute(from: NodeId, { block, payloads: carried }: ServedBlock): Promise<void> {
    const { machine, payloads } = this.#options
    const record = decode(blockRecordSchema, block)
    checkRecord(record, machine)
    payloads.offer(from, carried)
    const { header, batchTime, tokens, transactions, certificate } = record
    await machine.execute({ sequence: header.sequence, batch: { time: batchTime, tokens, transactions }, certificate })
  }

  /** The payloads of a block's transactions, as far as this node keeps them. */
  async #payloadsOf(block: Uint8Array): Promise<readonly CarriedPayload[]> {
    const { store, verdicts } = this.#options
    const carried: CarriedPayload[] = []
    for (const bytes of decode(blockRecordSchema, block).transactions) {
      const verdict = verdicts.of(bytes)
      if (verdict.type === 'invalid' || verdict.transaction.act.type !== 'data') continue
      const { tx } = verdict
      const ids = verdict.transaction.act.items.map((_, index) => itemIdFor(tx, index))
      const parts = await Promise.all(ids.map((item) => store.itemPayload(item)))
      const items = parts.filter((part) => part !== undefined).map((part) => decode(itemPayloadSchema, part))
      if (items.length === parts.length)
        carried.push({ id: requestId(bytes), payload: encode(payloadSchema, { items }) })
    }
    return carried
  }
}

/** @throws LedgerError unless the record is agreed, certified and next. */
function checkRecord(record: BlockRecord, machine: LedgerMachine): void {
  const { header, certificate } = record
  const { agreement } = certificate
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
  const fault = commitCertificateFault(certificate, machine.ledger.roster(), verify)
  if (fault !== undefined) throw new LedgerError(fault, { height: header.sequence })
}
