// The pieces of an audit bundle from a node over its HTTP interface, whoever asks. What it gives is held against itself
// on the way (a bundle that contradicts its own head is not written); whether it is true, the verifier decides.

import type { PayloadRecord } from '../audit/bundle.ts'
import type { BundleSource, LocalSource } from '../audit/export.ts'
import { formatNote, type LogCheckpoint, mergeNotes, parseCheckpoint, parseNote } from '../audit/note.ts'
import type { CheckpointKey } from '../audit/replay.ts'
import { leavesOf, tilePath, tilesAt, tileWidth } from '../audit/tiles.ts'
import { Chain } from '../audit/verify-chain.ts'
import { fromUtf8 } from '../base/bytes.ts'
import { type CborValue, decodeCbor } from '../base/cbor.ts'
import { type ErrorCode, LedgerError } from '../base/errors.ts'
import { nodeIdOf, type OrganisationId, type Sequence, sequenceOf } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import { decode } from '../base/schema.ts'
import { blockRecordSchema } from '../consensus/block.ts'
import { resultCertificateSchema } from '../consensus/certificate.ts'
import { startReplay } from './replay.ts'

/** The body of GET `path`. @throws LedgerError what the node says, NODE_UNREACHABLE. */
export type Get = (path: string) => Promise<Uint8Array>

export interface RemoteOptions {
  /** The node that everything comes from. */
  readonly get: Get
  /** The answer to POST `path`. */
  readonly post: (path: string, body: Uint8Array) => Promise<Uint8Array>
  /** Further nodes that add their signature to the checkpoint, if they are at the same tree. */
  readonly witnesses: readonly Get[]
  /** Bytes of the genesis that the person trusts. */
  readonly genesis: Uint8Array
  /** The organisation that the payloads are for; none: no payloads. */
  readonly reader: OrganisationId | undefined
  /** Where an export that was broken off ends, instead of at the newest checkpoint. */
  readonly at?: LogCheckpointAt | undefined
  /** Whether the node's own local logs belong into the bundle. */
  readonly local?: boolean
}

type LogCheckpointAt = BundleSource['head'] & { readonly note: string }

/** Requests that are under way at once. */
const atOnce = 8

/** @throws LedgerError GENESIS_INVALID..., NOT_FINAL when nothing is final yet, ANSWER_UNEXPECTED */
export async function remoteBundle({
  get,
  post,
  witnesses,
  genesis,
  reader,
  local = false,
  at,
}: RemoteOptions): Promise<BundleSource> {
  const { ledger } = startReplay(genesis)
  const { note, height, size, root } = at ?? (await newest(get, witnesses))
  return {
    ledger,
    reader,
    head: { height, size, root },
    start: startReplay,
    genesis: async () => genesis,
    checkpoint: async () => note,
    checkpointKeys: () => keysAfter(get, genesis, height),
    blocks: (from) => blocks(get, height, from),
    results: (from) => results(get, height, from),
    leaves: (from) => leaves(get, size, from),
    sign: async (manifest) => fromUtf8(await post('/log/exports/manifest', manifest)),
    payloads: (from) => (reader === undefined ? none() : payloads(get, genesis, reader, height, from)),
    locals: () => (local ? locals(get) : none()),
  }
}

async function newest(get: Get, witnesses: readonly Get[]): Promise<LogCheckpointAt> {
  const note = await checkpointOf(get, witnesses)
  const { size, root } = parseCheckpoint(parseNote(note).text)
  return { note, height: await heightOf(get, { size, root }), size, root }
}

/** The node's own note, and on it the signatures of those witnesses that are at the same tree. */
async function checkpointOf(get: Get, witnesses: readonly Get[]): Promise<string> {
  const own = parseNote(fromUtf8(await get('/log/checkpoint')))
  const others = await Promise.all(witnesses.map(async (ask) => parseNote(fromUtf8(await ask('/log/checkpoint')))))
  return formatNote(mergeNotes([own, ...others.filter(({ text }) => text === own.text)]))
}

/** The block after which the log is this tree: every block has a leaf, so there is only one. It is among the newest. */
async function heightOf(get: Get, { size, root }: Pick<LogCheckpoint, 'size' | 'root'>): Promise<Sequence> {
  const { final } = JSON.parse(fromUtf8(await get('/status'))) as { readonly final?: unknown }
  for (let height = typeof final === 'number' ? final : 0; height > 0; height--) {
    const bytes = await found(get, `/results/${height}`)
    if (bytes === undefined) continue
    const { result } = decode(resultCertificateSchema, bytes)
    if (result.logSize === size && result.logRoot === root) return result.sequence
    if (result.logSize < size) break
  }
  throw new LedgerError('ANSWER_UNEXPECTED', { field: 'checkpoint' })
}

/**
 * Of the validators after block `height`, whose notes of the log count: from the genesis along blocks that a quorum agreed on,
 * whoever gives them.
 * @throws LedgerError BLOCK_INVALID for a block that does not follow
 */
export async function checkpointKeysAt(
  get: Get,
  genesis: Uint8Array,
  height: number,
): Promise<readonly CheckpointKey[]> {
  const { ledger, replay } = startReplay(genesis)
  const chain = new Chain(ledger, replay.faults, replay.created, replay.rosters()[0])
  for await (const bytes of blocks(get, sequenceOf(height))) {
    const record = decode(blockRecordSchema, bytes)
    const fault = chain.extend(record, replay.rosters())
    if (fault !== undefined) throw new LedgerError('BLOCK_INVALID', { height: record.header.sequence })
    replay.apply(record)
  }
  return replay.checkpointKeys()
}

/** The founders' in the first epoch; later, who they are shows only from the blocks. */
async function keysAfter(get: Get, genesis: Uint8Array, height: Sequence): Promise<readonly CheckpointKey[]> {
  const { replay } = startReplay(genesis)
  const { header } = decode(blockRecordSchema, await get(`/blocks/${height}`))
  if (header.epoch > 0) for await (const bytes of blocks(get, height)) replay.apply(decode(blockRecordSchema, bytes))
  return replay.checkpointKeys()
}

async function* blocks(get: Get, height: Sequence, first = 1): AsyncGenerator<Uint8Array> {
  for (let from = first; from <= height; ) {
    const count = Math.min(limits.blocksPerAnswerMax, height - from + 1)
    const read = byteStrings(decodeCbor(await get(`/blocks?from=${from}&count=${count}`)))
    if (read.length === 0) throw new LedgerError('ANSWER_UNEXPECTED', { field: 'blocks', from })
    yield* read
    from += read.length
  }
}

/** Of every height for which the node kept one. */
async function* results(get: Get, height: Sequence, first = 1): AsyncGenerator<Uint8Array> {
  for (let from = first; from <= height; from += atOnce) {
    const heights = Array.from({ length: Math.min(atOnce, height - from + 1) }, (_, place) => from + place)
    yield* inOrder(heights.map((each) => () => found(get, `/results/${each}`)))
  }
}

/** The node's local logs up to what it signs now, which is at least what it has anchored. */
async function* locals(get: Get): AsyncGenerator<LocalSource> {
  const { node } = JSON.parse(fromUtf8(await get('/status'))) as { readonly node?: unknown }
  const heads = JSON.parse(fromUtf8(await get('/log/local'))) as readonly { readonly log?: unknown }[]
  for (const { log } of heads) {
    if (typeof node !== 'string' || typeof log !== 'number')
      throw new LedgerError('ANSWER_UNEXPECTED', { field: 'log' })
    const checkpoint = fromUtf8(await get(`/log/local/${log}/checkpoint`))
    const { size } = parseCheckpoint(parseNote(checkpoint).text)
    yield { node: nodeIdOf(node), log, checkpoint, leaves: () => leaves(get, size, 0, `/log/local/${log}/`) }
  }
}

/** `first`: of a tile. */
async function* leaves(get: Get, size: number, first = 0, at = '/log/'): AsyncGenerator<Uint8Array> {
  for (const tile of tilesAt('entries', size)) {
    if (tile.index * tileWidth >= first) yield* leavesOf(await get(`${at}${tilePath(tile)}`))
  }
}

/** Of each item that the reader may see, in order; of an erased one its retractions, and one that the node does not have is left out, and will be missed. */
async function* payloads(
  get: Get,
  genesis: Uint8Array,
  reader: OrganisationId,
  height: Sequence,
  first = 1,
): AsyncGenerator<PayloadRecord> {
  const { replay } = startReplay(genesis)
  for await (const bytes of blocks(get, height)) {
    const { header, items } = replay.apply(decode(blockRecordSchema, bytes))
    if (header.sequence < first) continue
    const seen = items.filter(({ audience }) => audience.length === 0 || audience.includes(reader))
    yield* inOrder(
      seen.map(({ item }) => async (): Promise<PayloadRecord | undefined> => {
        const payload = await found(get, `/items/${item}/payload`)
        if (payload !== undefined) return { type: 'whole', height: header.sequence, item, payload }
        const retractions = await found(get, `/items/${item}/retractions`)
        return retractions && { type: 'kept', height: header.sequence, item, retractions }
      }),
    )
  }
}

/** What the asks give, in their order and without what is not there, some under way at once. */
async function* inOrder<T>(asks: readonly (() => Promise<T | undefined>)[]): AsyncGenerator<T> {
  for (let from = 0; from < asks.length; from += atOnce) {
    for (const answer of await Promise.all(asks.slice(from, from + atOnce).map((ask) => ask()))) {
      if (answer !== undefined) yield answer
    }
  }
}

const absent: readonly ErrorCode[] = ['ITEM_UNKNOWN', 'ITEM_ERASED', 'NOT_FOUND']

/** Undefined when the node does not have it. */
async function found(get: Get, path: string): Promise<Uint8Array | undefined> {
  try {
    return await get(path)
  } catch (error) {
    if (error instanceof LedgerError && absent.includes(error.code)) return undefined
    throw error
  }
}

async function* none(): AsyncGenerator<never> {}

function byteStrings(value: CborValue): readonly Uint8Array[] {
  if (Array.isArray(value) && value.every((each) => each instanceof Uint8Array)) return value as readonly Uint8Array[]
  throw new LedgerError('ANSWER_UNEXPECTED', { expected: 'an array of byte strings' })
}
