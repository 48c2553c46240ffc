// Serves certified blocks to peers that catch up: for each peer one answer at a time, each of a bounded size. Payloads that
// do not fit beside their block go with the answer to the same question asked again.

import type { ItemId, NodeId, Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode } from '../base/schema.ts'
import { requestId } from '../consensus/batch.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import { type KeptItemPayload, keptPayloadSchema } from '../ledger/kept-payload.ts'
import { itemPayloadSchema, payloadSchema } from '../ledger/payload.ts'
import { itemIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { KeptItem } from './machine.ts'
import type { Verdicts } from './verdicts.ts'
import type { CarriedPayload, Envelope, ServedBlock } from './wire.ts'

export type BlocksAnswer = Extract<Envelope, { readonly type: 'blocks' }>
export type BlocksWanted = Extract<Envelope, { readonly type: 'blocks-wanted' }>

export interface ServeOptions {
  readonly blocks: Pick<BlockArchive, 'read'>
  readonly item: (item: ItemId) => Promise<KeptItem | undefined>
  readonly verdicts: Verdicts
  /** Height of the last block that this node executed. */
  readonly applied: () => Sequence
}

/** Transactions of a block from `place` on. */
interface Rest {
  readonly height: number
  readonly place: number
}

interface Part {
  readonly payloads: readonly CarriedPayload[]
  readonly kept: readonly CarriedPayload[]
  readonly bytes: number
  /** Where the next part begins; undefined after the last. */
  readonly next: number | undefined
}

/** Of one transaction: an encoded Payload, or a KeptPayload when some of its items are erased. */
interface Found {
  readonly type: 'whole' | 'kept'
  readonly bytes: Uint8Array
}

export class BlockServer {
  readonly #options: ServeOptions
  readonly #underWay: Map<NodeId, Promise<BlocksAnswer>> = new Map()
  /** What did not fit the last answer to a peer. */
  readonly #rests: Map<NodeId, Rest> = new Map()
  #open = true

  constructor(options: ServeOptions) {
    this.#options = options
  }

  /**
   * At most 4 MiB of payloads and blocks beside the first block, so that the answer fits a frame. Undefined while another
   * answer to this peer is under way. @throws LedgerError what is wrong with this node's own files.
   */
  async serve(peer: NodeId, wanted: BlocksWanted): Promise<BlocksAnswer | undefined> {
    if (!this.#open || this.#underWay.has(peer)) return undefined
    const answer = this.#answer(peer, wanted).finally(() => this.#underWay.delete(peer))
    this.#underWay.set(peer, answer)
    return answer
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#open = false
    await Promise.allSettled(this.#underWay.values())
  }

  async #answer(peer: NodeId, { from, count }: BlocksWanted): Promise<BlocksAnswer> {
    const { blocks, applied } = this.#options
    const rest = this.#rests.get(peer)
    this.#rests.delete(peer)
    const served: ServedBlock[] = []
    let room: number = limits.carriedBytesMax
    const end = Math.min(from + Math.min(count, limits.blocksPerAnswerMax) - 1, applied())
    for (let height = Math.max(1, from); height <= end && this.#open; height++) {
      const block = await blocks.read(height)
      const isFirst = served.length === 0
      if (!isFirst) room -= block.length
      if (room < 0) break
      const part = await this.#partOf(block, isFirst && rest?.height === height ? rest.place : 0, room)
      if (!isFirst && part.next !== undefined) break
      served.push({ block, payloads: part.payloads, kept: part.kept })
      room -= part.bytes
      if (part.next === undefined) continue
      this.#rests.set(peer, { height, place: part.next })
      break
    }
    return { type: 'blocks', from, blocks: served }
  }

  /** Payloads of a block's transactions from `place` on, as far as this node keeps them and they fit `room` bytes. */
  async #partOf(block: Uint8Array, place: number, room: number): Promise<Part> {
    const { transactions } = decode(blockRecordSchema, block)
    const payloads: CarriedPayload[] = []
    const kept: CarriedPayload[] = []
    let bytes = 0
    for (const [at, transaction] of transactions.entries()) {
      if (at < place) continue
      const found = await payloadOf(this.#options, transaction)
      if (found === undefined) continue
      if (bytes + found.bytes.length > room) return { payloads, kept, bytes, next: at }
      bytes += found.bytes.length
      const list = found.type === 'whole' ? payloads : kept
      list.push({ id: requestId(transaction), payload: found.bytes })
    }
    return { payloads, kept, bytes, next: undefined }
  }
}

/** What this node keeps of the payload of a transaction; undefined when not all of it. */
export async function payloadOf(
  { item: itemOf, verdicts }: Pick<ServeOptions, 'item' | 'verdicts'>,
  bytes: Uint8Array,
): Promise<Found | undefined> {
  const verdict = verdicts.of(bytes)
  if (verdict.type === 'invalid' || verdict.transaction.act.type !== 'data') return undefined
  const { tx } = verdict
  const found = await Promise.all(verdict.transaction.act.items.map((_, index) => itemOf(itemIdFor(tx, index))))
  const items = found.flatMap((each): readonly KeptItemPayload[] => {
    if (each?.type === 'whole') return [{ type: 'whole', ...decode(itemPayloadSchema, each.payload) }]
    return each?.retractions === undefined ? [] : [{ type: 'erased', retractions: each.retractions }]
  })
  if (items.length < found.length) return undefined
  const whole = items.filter((item) => item.type === 'whole')
  return whole.length === items.length
    ? { type: 'whole', bytes: encode(payloadSchema, { items: whole }) }
    : { type: 'kept', bytes: encode(keptPayloadSchema, { items }) }
}
