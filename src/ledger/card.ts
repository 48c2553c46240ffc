// Node cards: how a node's public keys reach the founders, or the members that let it join. The node proves that it holds
// each signing key, over the whole record, so that no key can be lifted into another card; its organisation signs that
// the node is its own.

import { equal } from '../base/bytes.ts'
import type { ErrorCode } from '../base/errors.ts'
import { bytes, encode, named, record, type Schema, word } from '../base/schema.ts'
import { type SigningKey, sign, verify } from '../base/signature.ts'
import { areStrongNodeKeys, mayEnrol } from './keys.ts'
import { type Node, nodeSchema, type Organisation, organisationSchema } from './records.ts'
import { isName } from './terms.ts'

/** Signatures by a node's keys over its record: 64 bytes each. The X25519 key signs nothing. */
export interface PossessionProofs {
  readonly consensus: Uint8Array
  readonly transport: Uint8Array
  readonly checkpoint: Uint8Array
}

/** What a node hands to its organisation. */
export interface CardRequest {
  readonly node: Node
  readonly proofs: PossessionProofs
}

/** What an organisation hands to the others. */
export interface NodeCard {
  readonly node: Node
  readonly proofs: PossessionProofs
  readonly organisation: Organisation
  /** By the organisation's key over node and organisation. */
  readonly signature: Uint8Array
}

export type NodeSigningKeys = { readonly [Use in keyof PossessionProofs]: SigningKey }

const proofsSchema: Schema<PossessionProofs> = named(
  'possession-proofs',
  record<PossessionProofs>({ consensus: bytes(64), transport: bytes(64), checkpoint: bytes(64) }),
)

export const cardRequestSchema: Schema<CardRequest> = named(
  'card-request',
  record<CardRequest>({ node: nodeSchema, proofs: proofsSchema }),
)

export const nodeCardSchema: Schema<NodeCard> = named(
  'node-card',
  record<NodeCard>({ node: nodeSchema, proofs: proofsSchema, organisation: organisationSchema, signature: bytes(64) }),
)

type KeyUse = keyof PossessionProofs
const uses: readonly KeyUse[] = ['consensus', 'transport', 'checkpoint']

/** What one key of a node signs, in domain proof-of-possession. */
export const possessionSchema: Schema<{ readonly use: KeyUse; readonly node: Node }> = named(
  'possession',
  record<{ readonly use: KeyUse; readonly node: Node }>({
    use: word('consensus', 'transport', 'checkpoint'),
    node: nodeSchema,
  }),
)

/** What the organisation signs, in domain node-card. */
export const endorsementSchema: Schema<Pick<NodeCard, 'node' | 'organisation'>> = named(
  'endorsement',
  record<Pick<NodeCard, 'node' | 'organisation'>>({ node: nodeSchema, organisation: organisationSchema }),
)

/** @throws RangeError unless the keys are those of `node`. */
export function requestCard(node: Node, keys: NodeSigningKeys): CardRequest {
  const prove = (use: KeyUse): Uint8Array => {
    if (!equal(keys[use].publicKey, node.keys[use])) throw new RangeError(`the ${use} key is not this node's`)
    return sign('proof-of-possession', encode(possessionSchema, { use, node }), keys[use].seed)
  }
  return {
    node,
    proofs: { consensus: prove('consensus'), transport: prove('transport'), checkpoint: prove('checkpoint') },
  }
}

/** @throws RangeError unless the node is this organisation's and the key too. */
export function signCard({ node, proofs }: CardRequest, organisation: Organisation, key: SigningKey): NodeCard {
  if (node.organisation !== organisation.id) throw new RangeError('the node names another organisation')
  if (!equal(key.publicKey, organisation.key)) throw new RangeError('the key is not the one of this organisation')
  const signature = sign('node-card', encode(endorsementSchema, { node, organisation }), key.seed)
  return { node, proofs, organisation, signature }
}

export type CardFault = Extract<ErrorCode, 'KEY_WEAK' | 'CARD_INVALID' | 'SIGNATURE_INVALID'>

/** What an organisation checks before it signs; undefined when nothing is wrong. */
export function cardRequestFault({ node, proofs }: CardRequest): CardFault | undefined {
  if (!areStrongNodeKeys(node.keys)) return 'KEY_WEAK'
  const distinct = uses.every((use, place) =>
    uses.slice(place + 1).every((other) => !equal(node.keys[use], node.keys[other])),
  )
  if (!distinct || !isName(node.name)) return 'CARD_INVALID'
  const proven = uses.every((use) =>
    verify('proof-of-possession', encode(possessionSchema, { use, node }), proofs[use], node.keys[use]),
  )
  return proven ? undefined : 'SIGNATURE_INVALID'
}

/** What the others check; undefined when nothing is wrong. */
export function cardFault(card: NodeCard): CardFault | undefined {
  const { node, organisation, signature } = card
  if (!mayEnrol(organisation.key)) return 'KEY_WEAK'
  const fault = cardRequestFault(card)
  if (fault !== undefined) return fault
  if (node.organisation !== organisation.id || !isName(organisation.name)) return 'CARD_INVALID'
  const endorsed = encode(endorsementSchema, { node, organisation })
  return verify('node-card', endorsed, signature, organisation.key) ? undefined : 'SIGNATURE_INVALID'
}
