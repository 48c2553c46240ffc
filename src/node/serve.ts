// Serves certified blocks to peers that catch up: for each peer one answer at a time, each of a bounded size. Payloads that
// do not fit beside their block go with the answer to the same question asked again.

import { LedgerError } from '../base/errors.ts'
import type { ItemId, NodeId, Sequence } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode, encode } from '../base/schema.ts'
import { requestId } from '../consensus/batch.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import { type KeptItemPayload, keptPayloadSchema } from '../ledger/kept-payload.ts'
import { itemPayloadSchema, payloadSchema } from '../ledger/payload.ts'
import { decodeTransaction } from '../ledger/static.ts'
import { itemIdFor, type Transaction, txIdFor } from '../ledger/transaction.ts'
import type { BlockArchive } from '../store/blocks.ts'
import type { KeptItem } from './machine.ts'
import type { CarriedPayload, Envelope, ServedBlock } from './wire.ts'

export type BlocksAnswer = Extract<Envelope, { readonly type: 'blocks' }>
export type BlocksWanted = Extract<Envelope, { readonly type: 'blocks-wanted' }>

export interface ServeOptions {
  readonly blocks: Pick<BlockArchive, 'read'>
  readonly item: (item: ItemId) => Promise<KeptItem | undefined>
  /** Height of the last block that this node executed. */
  readonly applied: () => Sequence
}

/** Transactions whose payloads are read side by side: some are read in vain where an answer ends. */
const readsAtOnce = 8

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

/**
 * What is told apart of a peer: who catches up asks for many blocks, and meanwhile, when the payloads of the block that it executes
 * are missing, for that one alone. Neither question may take the place of the other, nor the rest of its answer.
 */
type Asker = `${NodeId} ${'one' | 'many'}`

export class BlockServer {
  readonly #options: ServeOptions
  readonly #underWay: Map<Asker, Promise<BlocksAnswer | undefined>> = new Map()
  /** The newest question while another is answered. */
  readonly #further: Map<Asker, BlocksWanted> = new Map()
  /** What did not fit the last answer. */
  readonly #rests: Map<Asker, Rest> = new Map()
  #open = true

  constructor(options: ServeOptions) {
    this.#options = options
  }

  /**
   * Some 4 MiB of payloads and blocks at most beside the first block, so that the answer fits a frame. While another answer to this
   * peer is under way, to a question of the same kind, the newest further question waits for it; undefined for those that a newer
   * one replaced.
   * @throws LedgerError what is wrong with this node's own files.
   */
  serve(peer: NodeId, wanted: BlocksWanted): Promise<BlocksAnswer | undefined> {
    return this.#serve(`${peer} ${wanted.count === 1 ? 'one' : 'many'}`, wanted)
  }

  async #serve(asker: Asker, wanted: BlocksWanted): Promise<BlocksAnswer | undefined> {
    if (!this.#open) return undefined
    const before = this.#underWay.get(asker)
    if (before !== undefined) {
      this.#further.set(asker, wanted)
      await before.catch(() => undefined)
      if (this.#further.get(asker) !== wanted) return undefined
      this.#further.delete(asker)
      return this.#serve(asker, wanted)
    }
    const answer = this.#answer(asker, wanted).finally(() => this.#underWay.delete(asker))
    this.#underWay.set(asker, answer)
    return answer
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#open = false
    this.#further.clear()
    await Promise.allSettled(this.#underWay.values())
  }

  async #answer(asker: Asker, { from, count }: BlocksWanted): Promise<BlocksAnswer> {
    const { blocks, applied } = this.#options
    const rest = this.#rests.get(asker)
    this.#rests.delete(asker)
    const served: ServedBlock[] = []
    // What is left of a payload may be a little larger than any payload.
    let room: number = limits.keptPayloadBytesMax
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
      this.#rests.set(asker, { height, place: part.next })
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
    for (let from = place; from < transactions.length; from += readsAtOnce) {
      const some = transactions.slice(from, from + readsAtOnce)
      const read = await Promise.all(some.map((transaction) => payloadOf(this.#options, transaction)))
      for (const [number, found] of read.entries()) {
        if (found === undefined) continue
        if (bytes + found.bytes.length > room) return { payloads, kept, bytes, next: from + number }
        bytes += found.bytes.length
        const list = found.type === 'whole' ? payloads : kept
        list.push({ id: requestId(some[number] as Uint8Array), payload: found.bytes })
      }
    }
    return { payloads, kept, bytes, next: undefined }
  }
}

/**
 * What this node keeps of the payload of a transaction; undefined when not all of it. It stands in a block that was executed, so
 * that its signature is not checked again: what was refused then left no items.
 */
export async function payloadOf(
  { item: itemOf }: Pick<ServeOptions, 'item'>,
  bytes: Uint8Array,
): Promise<Found | undefined> {
  const transaction = decodedOrNone(bytes)
  if (transaction?.act.type !== 'data') return undefined
  const tx = txIdFor(transaction)
  const found = await Promise.all(transaction.act.items.map((_, index) => itemOf(itemIdFor(tx, index))))
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

/** Undefined for bytes that no correct validator voted for. */
function decodedOrNone(bytes: Uint8Array): Transaction | undefined {
  try {
    return decodeTransaction(bytes)
  } catch (error) {
    if (error instanceof LedgerError) return undefined
    throw error
  }
}
