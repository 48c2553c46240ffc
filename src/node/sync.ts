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
import { type ItemPayload, itemPayloadSchema, payloadSchema } from '../ledger/payload.ts'
import { hasPayload, itemIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { Store } from '../store/store.ts'
import type { LedgerMachine } from './machine.ts'
import type { PayloadPool } from './payloads.ts'
import type { Verdicts } from './verdicts.ts'
import type { CarriedPayload, Envelope, ServedBlock } from './wire.ts'

const answerTimeoutMs = 5_000
/** Rounds of all peers that gave nothing before a fetch gives up; the protocol asks again. */
const fruitlessMax = 8

type BlocksAnswer = Extract<Envelope, { readonly type: 'blocks' }>
type BlocksWanted = Extract<Envelope, { readonly type: 'blocks-wanted' }>

export interface Sync {
  /** Executes certified blocks up to and including `target`; false when no peer gave them. Call from one place at a time. */
  fetch(target: Sequence, preferred: readonly NodeId[]): Promise<boolean>
  /** An answer has come. */
  receive(from: NodeId, answer: BlocksAnswer): void
  /** What this node can answer, as many blocks as fill one frame at most. */
  serve(wanted: BlocksWanted): Promise<BlocksAnswer>
  stop(): void
}

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

export function createSync({ machine, blocks, store, payloads, verdicts, send, peers, refuse }: SyncOptions): Sync {
  let expected: { from: NodeId; at: Sequence; settle: (answer: BlocksAnswer | undefined) => void } | undefined
  let stopped = false

  function question(from: NodeId, at: Sequence, count: number): Promise<BlocksAnswer | undefined> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), answerTimeoutMs)
      const settle = (answer: BlocksAnswer | undefined): void => {
        clearTimeout(timer)
        expected = undefined
        resolve(answer)
      }
      expected = { from, at, settle }
      if (!send(from, { type: 'blocks-wanted', from: at, count })) settle(undefined)
    })
  }

  /** @throws LedgerError when the block is not the certified next one. */
  async function executeServed({ block, payloads: carried }: ServedBlock): Promise<void> {
    const record = decode(blockRecordSchema, block)
    checkRecord(record, machine)
    payloads.offer(carried)
    const { header, batchTime, tokens, transactions, certificate } = record
    await machine.execute({ sequence: header.sequence, batch: { time: batchTime, tokens, transactions }, certificate })
  }

  async function fetchFrom(peer: NodeId, target: Sequence): Promise<boolean> {
    const at = sequenceOf(machine.applied.sequence + 1)
    const answer = await question(peer, at, Math.min(limits.blocksPerAnswerMax, target - at + 1))
    try {
      for (const served of answer?.blocks ?? []) if (!stopped) await executeServed(served)
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code === 'STORAGE_FAILED') throw error
      refuse(peer, error)
    }
    return machine.applied.sequence >= at
  }

  return {
    async fetch(target, preferred) {
      for (let fruitless = 0; machine.applied.sequence < target && fruitless < fruitlessMax && !stopped; ) {
        const connected = peers()
        const sources = [
          ...preferred.filter((peer) => connected.includes(peer)),
          ...connected.filter((peer) => !preferred.includes(peer)),
        ]
        let progress = false
        for (const peer of sources) {
          while (machine.applied.sequence < target && !stopped && (await fetchFrom(peer, target))) progress = true
        }
        fruitless = progress ? 0 : fruitless + 1
        if (!progress && !stopped) await new Promise((resolve) => setTimeout(resolve, 250))
      }
      return machine.applied.sequence >= target
    },

    receive(from, answer) {
      if (expected !== undefined && expected.from === from && expected.at === answer.from) expected.settle(answer)
    },

    async serve({ from, count }) {
      const served: ServedBlock[] = []
      let bytes = 0
      for (let height = from; height < from + count && height <= machine.applied.sequence; height++) {
        const block = await blocks.read(sequenceOf(height))
        const carried = await payloadsOf(block, store, verdicts)
        bytes += block.length + carried.reduce((sum, { payload }) => sum + payload.length, 0)
        if (served.length > 0 && bytes > limits.frameBytesMax / 2) break
        served.push({ block, payloads: carried })
      }
      return { type: 'blocks', from, blocks: served }
    },

    stop() {
      stopped = true
      expected?.settle(undefined)
    },
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

/** The payloads of a block's transactions, as far as this node keeps them. */
async function payloadsOf(block: Uint8Array, store: Store, verdicts: Verdicts): Promise<readonly CarriedPayload[]> {
  const carried: CarriedPayload[] = []
  for (const bytes of decode(blockRecordSchema, block).transactions) {
    const verdict = verdicts.of(bytes)
    if (verdict.type === 'invalid' || !hasPayload(verdict.transaction) || verdict.transaction.act.type !== 'data')
      continue
    const parts = await Promise.all(
      verdict.transaction.act.items.map((_, index) => store.itemPayload(itemIdFor(verdict.tx, index))),
    )
    const items = parts.filter((part) => part !== undefined).map((part): ItemPayload => decode(itemPayloadSchema, part))
    if (items.length === parts.length) carried.push({ id: requestId(bytes), payload: encode(payloadSchema, { items }) })
  }
  return carried
}
