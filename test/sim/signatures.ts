// Signatures of the simulator: a fast keyed hash in the shape of Ed25519 (64 bytes, deterministic). Nothing here resists a
// cryptanalyst; what matters is that only the holder of a key is ever handed the means to use it, and that two different
// statements never get the same bytes by chance (128 bits of state).

import { equal } from '../../src/base/bytes.ts'
import type { SignatureDomain } from '../../src/base/domains.ts'

/** 64 bytes over `message` in its domain. The simulator's public keys are their own private keys. */
export function toySign(key: Uint8Array, domain: SignatureDomain, message: Uint8Array): Uint8Array {
  const state = new State()
  state.absorb(key)
  for (let i = 0; i < domain.length; i++) state.mix(domain.charCodeAt(i))
  state.absorb(message)
  const words = new Uint32Array(16)
  for (let i = 0; i < 16; i++) {
    state.mix(0x200 + i)
    words[i] = state.word
  }
  return new Uint8Array(words.buffer)
}

/** In the shape of `verify` of base/signature.ts. */
export function toyVerify(
  domain: SignatureDomain,
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return equal(toySign(publicKey, domain, message), signature)
}

/** Four words, mixed as in cyrb128. */
class State {
  #a = 0x6a09e667
  #b = 0xbb67ae85
  #c = 0x3c6ef372
  #d = 0xa54ff53a

  absorb(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) this.mix(bytes[i] as number)
    this.mix(0x100 + bytes.length)
  }

  mix(word: number): void {
    const a = this.#a
    const x = Math.imul(a ^ word, 597399067)
    this.#a = this.#b ^ x ^ (x >>> 15)
    this.#b = this.#c ^ Math.imul(this.#b ^ word, 2869860233)
    this.#c = this.#d ^ Math.imul(this.#c ^ (x >>> 7), 951274213)
    this.#d = a ^ Math.imul(this.#d ^ word, 2716044179)
  }

  get word(): number {
    return (this.#a ^ this.#c) >>> 0
  }
}
