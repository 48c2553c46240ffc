// Which key signs in which epoch: the one that the roster of the epoch has for this node. A successor is made by
// `node rotate-key`, registered by an act, signs from its epoch on, and takes the place of the old key for good once a
// checkpoint of that epoch is stable: then nothing can ask for the old one any more, and it is destroyed.

import { equal, toHex } from '../base/bytes.ts'
import type { SignatureDomain } from '../base/domains.ts'
import { invariant } from '../base/errors.ts'
import type { Epoch, NodeId } from '../base/ids.ts'
import { type SigningKey, sign, signingKeyOf } from '../base/signature.ts'
import { type Roster, validatorOf } from '../consensus/roster.ts'

/** Where the keys lie. */
export interface KeptKeys {
  readonly consensus: Uint8Array
  /** The seed that is to follow, if one was made; looked up each time. */
  successor(): Promise<Uint8Array | undefined>
  /** Makes the successor the one key, durably. */
  adopt(): Promise<void>
}

export class ConsensusKeys {
  readonly #self: NodeId
  readonly #kept: KeptKeys
  readonly #keys: Map<string, SigningKey> = new Map()
  /** By epoch, of those in which this node votes. */
  readonly #signing: Map<Epoch, SigningKey> = new Map()
  #current: SigningKey

  constructor(self: NodeId, kept: KeptKeys) {
    this.#self = self
    this.#kept = kept
    this.#current = signingKeyOf(kept.consensus)
    this.#keys.set(toHex(this.#current.publicKey), this.#current)
  }

  /** Of the newest epoch in force. */
  get current(): SigningKey {
    return this.#current
  }

  /** Before anything is signed in one of their epochs. `rosters`: in force or planned; the first is that of the next block. */
  async follow(rosters: readonly Roster[]): Promise<void> {
    for (const [place, roster] of rosters.entries()) {
      const registered = validatorOf(roster, this.#self)?.key
      if (registered === undefined) continue
      const key = this.#keys.get(toHex(registered)) ?? (await this.#successor(registered))
      if (key === undefined) continue
      this.#signing.set(roster.epoch, key)
      if (place === 0) this.#current = key
    }
  }

  /** Deterministic. Nothing but evidence of amnesia asks for a signature in an epoch in which this node has no key. */
  sign(domain: SignatureDomain, bytes: Uint8Array, epoch: Epoch): Uint8Array {
    const { seed } = this.#signing.get(epoch) ?? this.#current
    return sign(domain, bytes, seed)
  }

  /** A checkpoint of `epoch` is stable. */
  async settle(epoch: Epoch): Promise<void> {
    const key = this.#signing.get(epoch)
    if (key === undefined || equal(key.seed, this.#kept.consensus) || this.#adopted) return
    const successor = await this.#kept.successor()
    invariant(successor !== undefined && equal(successor, key.seed), 'a key signs that is not kept')
    await this.#kept.adopt()
    this.#adopted = true
    for (const [name, { publicKey }] of this.#keys) if (!equal(publicKey, key.publicKey)) this.#keys.delete(name)
    for (const [of, { publicKey }] of this.#signing) if (!equal(publicKey, key.publicKey)) this.#signing.delete(of)
  }

  #adopted = false

  async #successor(registered: Uint8Array): Promise<SigningKey | undefined> {
    const seed = await this.#kept.successor()
    if (seed === undefined) return undefined
    const key = signingKeyOf(seed)
    if (!equal(key.publicKey, registered)) return undefined
    this.#keys.set(toHex(registered), key)
    return key
  }
}
