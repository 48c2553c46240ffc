// Who may talk: the ledger's member table, as PeerIds, and the words in which a node tells a peer whether it was let in.
// A PeerId is that of the member's transport key, so Noise has proved the key before anything here is asked.

import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { toHex } from '../base/bytes.ts'
import type { LedgerId, NodeId } from '../base/ids.ts'
import { named, type Schema, variant, word } from '../base/schema.ts'
import type { Priority } from '../consensus/ports.ts'

export interface Member {
  readonly node: NodeId
  /** Ed25519 public key of its libp2p identity: 32 bytes. */
  readonly transportKey: Uint8Array
  /** Multiaddresses, with or without /p2p/. */
  readonly addresses: readonly string[]
  readonly suspended: boolean
}

export type Refusal = 'PEER_NOT_ADMITTED' | 'NODE_SUSPENDED' | 'STREAM_LIMIT'

/** First thing that the receiving side of a stream says; a refusal may also come later, then the stream ends. */
export type Admission = { readonly type: 'welcome' } | { readonly type: 'refused'; readonly code: Refusal }

export const admissionSchema: Schema<Admission> = named(
  'mesh-admission',
  variant<Admission>({
    welcome: [1, {}],
    refused: [2, { code: word('PEER_NOT_ADMITTED', 'NODE_SUSPENDED', 'STREAM_LIMIT') }],
  }),
)

/** Bound on an encoded Admission. */
export const admissionBytesMax = 64

/** Text form of the PeerId that belongs to an Ed25519 transport key. */
function peerIdOf(transportKey: Uint8Array): string {
  return publicKeyFromRaw(transportKey).toString()
}

export const priorities: readonly Priority[] = ['consensus', 'sync']

export function protocolOf(ledger: LedgerId, priority: Priority): string {
  return `/quadrille/${ledger}/mesh/${priority}/1`
}

export type Standing =
  | { readonly type: 'admitted'; readonly member: Member }
  | {
      readonly type: 'refused'
      readonly code: Extract<Refusal, 'PEER_NOT_ADMITTED' | 'NODE_SUSPENDED'>
      readonly node: NodeId | undefined
    }

/** The member table read as PeerIds. Asks for the table each time: it is the ledger's and changes under us. */
export class MemberTable {
  readonly #members: () => readonly Member[]
  /** PeerIds by transport key, because the text form costs a base58 encoding. */
  readonly #peerIds = new Map<string, string>()

  constructor(members: () => readonly Member[]) {
    this.#members = members
  }

  all(): readonly Member[] {
    return this.#members()
  }

  peerId(member: Member): string {
    const key = toHex(member.transportKey)
    const known = this.#peerIds.get(key)
    if (known !== undefined) return known
    const peerId = peerIdOf(member.transportKey)
    this.#peerIds.set(key, peerId)
    return peerId
  }

  standing(peerId: string): Standing {
    const member = this.#members().find((each) => this.peerId(each) === peerId)
    if (member === undefined) return { type: 'refused', code: 'PEER_NOT_ADMITTED', node: undefined }
    if (member.suspended) return { type: 'refused', code: 'NODE_SUSPENDED', node: member.node }
    return { type: 'admitted', member }
  }
}
