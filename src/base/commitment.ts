// Commitments to one part of an item (ARCHITECTURE, section 5). `sha256` hides computationally behind its opening;
// `pedersen` is C = mB + rH in the prime-order subgroup of edwards25519 (Pedersen, CRYPTO 1991), which hides perfectly
// once the opening is gone: for every content there is an r that gives the same C. Both bind the content to its ledger,
// item, part, graph, policy and size, so that a commitment copied elsewhere does not open there.

import { doubleMultiply, reduceScalar } from '#crypto'
import { equal, fromHex } from './bytes.ts'
import { encodeCbor } from './cbor.ts'
import { hashBytes, hashWide } from './hash.ts'
import { type GraphId, type ItemId, idBytes, type LedgerId, type PolicyId } from './ids.ts'

export type CommitmentAlgorithm = 'sha256' | 'pedersen'

/** What a commitment is bound to beside the content. */
export interface CommitmentContext {
  readonly ledger: LedgerId
  readonly item: ItemId
  readonly part: 'assertions' | 'retractions'
  readonly graph: GraphId
  readonly policy: PolicyId
  /** log2 of the bytes that the padded assertions take. */
  readonly sizeClass: number
}

/** Bytes of an opening: random, used for one commitment only. */
export const openingBytes = 64

/**
 * H, of which nobody knows the logarithm: 8 times the first point among the SHA-256 hashes ('pedersen-h', one counter
 * byte from 0) that are canonical encodings. test/base/commitment.test.ts derives it again.
 */
export const pedersenH: Uint8Array = fromHex('e9fd274870d74ce09a8341e2070af1179ef8e803c84e460ebf27730e240335d5')

/** 32 bytes. @throws RangeError unless the opening has 64 bytes. */
export function commit(
  algorithm: CommitmentAlgorithm,
  context: CommitmentContext,
  opening: Uint8Array,
  padded: Uint8Array,
): Uint8Array {
  if (opening.length !== openingBytes) throw new RangeError(`an opening has ${openingBytes} bytes`)
  const bound = contextBytes(context, padded.length)
  switch (algorithm) {
    case 'sha256':
      return hashBytes('commitment', opening, bound, padded)
    case 'pedersen':
      return doubleMultiply(reduceScalar(hashWide('pedersen-m', bound, padded)), reduceScalar(opening), pedersenH)
  }
}

/** Whether `opening` and `padded` are what `commitment` was made of in this context. */
export function opens(
  algorithm: CommitmentAlgorithm,
  context: CommitmentContext,
  opening: Uint8Array,
  padded: Uint8Array,
  commitment: Uint8Array,
): boolean {
  return opening.length === openingBytes && equal(commit(algorithm, context, opening, padded), commitment)
}

/** One CBOR array, so it is clear where it ends and the content begins. */
function contextBytes(context: CommitmentContext, length: number): Uint8Array {
  return encodeCbor([
    idBytes(context.ledger),
    idBytes(context.item),
    context.part === 'assertions' ? 0 : 1,
    idBytes(context.graph),
    idBytes(context.policy),
    context.sizeClass,
    length,
  ])
}
