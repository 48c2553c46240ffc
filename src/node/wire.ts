// What nodes say to one another on the mesh: messages of the protocol with the payloads that travel beside them, and the
// questions and answers by which a node fetches payloads and blocks that it lacks.

import { type Digest, digestOf, type GraphId, graphIdOf, type Sequence, type Time } from '../base/ids.ts'
import { limits } from '../base/limits.ts'
import {
  bool,
  bytes,
  bytesUpTo,
  id,
  list,
  named,
  record,
  type Schema,
  text,
  timestamp,
  uint,
  variant,
} from '../base/schema.ts'
import type { RequestId } from '../consensus/batch.ts'
import { type ResultCertificate, resultCertificateSchema } from '../consensus/certificate.ts'

export interface CarriedPayload {
  /** Of the request whose payload this is. */
  readonly id: RequestId
  readonly payload: Uint8Array
}

/** A block as one node gives it to another. */
export interface ServedBlock {
  /** Encoded BlockRecord. */
  readonly block: Uint8Array
  readonly payloads: readonly CarriedPayload[]
  /** What is left of payloads of which items were erased: encoded KeptPayloads. */
  readonly kept: readonly CarriedPayload[]
}

export type Envelope =
  | { readonly type: 'protocol'; readonly message: Uint8Array; readonly payloads: readonly CarriedPayload[] }
  | { readonly type: 'payloads-wanted'; readonly ids: readonly RequestId[] }
  | { readonly type: 'payloads'; readonly payloads: readonly CarriedPayload[] }
  | { readonly type: 'blocks-wanted'; readonly from: Sequence; readonly count: number }
  /** Blocks from `from` on, without gaps; none when the sender does not have that block. */
  | { readonly type: 'blocks'; readonly from: Sequence; readonly blocks: readonly ServedBlock[] }
  /**
   * The last block that the sender executed, the newest proof that it has of a final one, what time it is there, and which
   * version of this software it runs.
   */
  | {
      readonly type: 'height'
      readonly height: Sequence
      readonly final: readonly ResultCertificate[]
      readonly time: Time
      readonly software: string
      /** Names the sender's journal: what it promised stands there and nowhere else. */
      readonly journal: Uint8Array
      /** In Raft: the receiver spoke before, under the key that it has now, and with another journal. */
      readonly forgot: boolean
    }
  /** Asks for the sender's own signature on the log of so many leaves. */
  | { readonly type: 'note-wanted'; readonly size: number }
  /** A C2SP signed note with that signature; none while that tree is not final at the sender. */
  | { readonly type: 'note'; readonly note: Uint8Array }
  /** Asks for a proof that the block of this height is final. */
  | { readonly type: 'result-wanted'; readonly height: Sequence }
  /** That proof; none comes from who has none of that height. */
  | { readonly type: 'result'; readonly certificate: ResultCertificate }
  /** What the sender's index gives of these graphs as of a checkpoint, after so many erasures. */
  | {
      readonly type: 'content'
      readonly sequence: Sequence
      readonly erased: number
      readonly graphs: readonly GraphSum[]
    }

/** What a node holds of one graph, summed up (quad-sum.ts). */
export interface GraphSum {
  readonly graph: GraphId
  readonly sum: Digest
}

const graphSumSchema: Schema<GraphSum> = named(
  'graph-sum',
  record<GraphSum>({ graph: id(16, graphIdOf), sum: id(32, digestOf) }),
)

const carriedPayloadSchema: Schema<CarriedPayload> = named(
  'carried-payload',
  record<CarriedPayload>({ id: id(32, digestOf), payload: bytesUpTo(limits.payloadBytesMax) }),
)

const payloadsSchema = list(carriedPayloadSchema, limits.batchTransactionsMax)

const carriedKeptSchema: Schema<CarriedPayload> = named(
  'carried-kept-payload',
  record<CarriedPayload>({ id: id(32, digestOf), payload: bytesUpTo(limits.keptPayloadBytesMax) }),
)

const servedBlockSchema: Schema<ServedBlock> = named(
  'served-block',
  record<ServedBlock>({
    block: bytesUpTo(2 * limits.batchBytesMax),
    payloads: payloadsSchema,
    kept: list(carriedKeptSchema, limits.batchTransactionsMax),
  }),
)

export const envelopeSchema: Schema<Envelope> = named(
  'envelope',
  variant<Envelope>({
    protocol: [1, { message: bytesUpTo(limits.frameBytesMax), payloads: payloadsSchema }],
    'payloads-wanted': [2, { ids: list(id<Digest>(32, digestOf), limits.batchTransactionsMax) }],
    payloads: [3, { payloads: payloadsSchema }],
    'blocks-wanted': [4, { from: uint<Sequence>(), count: uint(limits.blocksPerAnswerMax) }],
    blocks: [5, { from: uint<Sequence>(), blocks: list(servedBlockSchema, limits.blocksPerAnswerMax) }],
    height: [
      6,
      {
        height: uint<Sequence>(),
        final: list(resultCertificateSchema, 1),
        time: timestamp,
        software: text(limits.softwareBytesMax),
        journal: bytes(16),
        forgot: bool,
      },
    ],
    'note-wanted': [7, { size: uint() }],
    note: [8, { note: bytesUpTo(limits.noteBytesMax) }],
    'result-wanted': [9, { height: uint<Sequence>() }],
    result: [10, { certificate: resultCertificateSchema }],
    content: [
      11,
      { sequence: uint<Sequence>(), erased: uint(), graphs: list(graphSumSchema, limits.graphsPerMessageMax, 1) },
    ],
  }),
)
